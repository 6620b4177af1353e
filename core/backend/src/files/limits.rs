//! Every cap on what a capture or a sysdump may make us read, in one place, because captures come from
//! other people.

/// How much a capture may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file after inflating. The largest file of a real lab is a log of 0.8 MB; a
    /// list of 20,000 pods is about 150 MB.
    pub file_bytes: u64,
    /// Bytes of one file that is read piece by piece: the lists of a sysdump. 200,000 pods are
    /// about 2 GB of YAML.
    pub stream_bytes: u64,
    /// Bytes of one object of such a list, the part of it that is held at once. The API server
    /// refuses objects above 1.5 MiB.
    pub object_bytes: u64,
    /// Bytes of all files of a zip together, as it declares them. A file that turns out longer
    /// than declared is refused while it is inflated, so the sum holds for the real sizes too.
    pub total_bytes: u64,
    /// How many times smaller a file may have become by packing; judged above
    /// [`Limits::ratio_from_bytes`]. Outputs of a real lab shrink 5 to 20 times.
    pub ratio: u64,
    /// Files up to this size may shrink as they like.
    pub ratio_from_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 256 << 20,
            stream_bytes: 8 << 30,
            object_bytes: 32 << 20,
            total_bytes: 4 << 30,
            ratio: 500,
            ratio_from_bytes: 16 << 20,
        }
    }
}
