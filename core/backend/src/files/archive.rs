//! A zip that many tasks read at once, without a lock and without trusting what it says of
//! itself.

use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::limits::Limits;
use super::path;

/// An opened zip: its directory is read, no file of it is.
#[derive(Debug)]
pub(crate) struct Archive {
    zip: ZipArchive<Window>,
    /// Bytes of the zip itself.
    len: u64,
    /// Bytes of all files together, as they are declared.
    total: u64,
    /// A symbolic link in it, if there is one.
    link: Option<String>,
    limits: Limits,
}

impl Archive {
    /// Opens a zip on disk.
    pub(crate) fn open(path: &Path, limits: Limits) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| describe(&error))?;
        let len = file.metadata().map_err(|error| describe(&error))?.len();
        Self::new(Window::new(Source::File(Arc::new(file)), len), limits)
    }

    /// Opens a zip inside the program.
    pub(crate) fn from_bytes(bytes: &'static [u8], limits: Limits) -> Result<Self, String> {
        Self::new(Window::new(Source::Bytes(bytes), bytes.len() as u64), limits)
    }

    fn new(window: Window, limits: Limits) -> Result<Self, String> {
        let len = window.len;
        let zip = ZipArchive::new(window).map_err(|error| reason(&error))?;
        let (total, link) = check(&zip)?;
        Ok(Self { zip, len, total, link, limits })
    }

    /// Refuses what no capture has: symbolic links, and more than a capture may hold.
    pub(crate) fn strict(&self) -> Result<(), String> {
        if let Some(name) = &self.link {
            return Err(format!("{name:?} in it is a symbolic link"));
        }
        if self.total > self.limits.total_bytes {
            let limit = self.limits.total_bytes >> 20;
            let total = self.total;
            return Err(format!(
                "its files would be {total} bytes, more than the limit of {limit} MiB"
            ));
        }
        Ok(())
    }

    /// Every file that is no symbolic link.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        (0..self.zip.len()).filter_map(|position| {
            let entry = self.zip.by_index_data(position).ok()?;
            let name = std::str::from_utf8(entry.name_raw()).ok()?;
            (!entry.is_symlink() && !name.ends_with('/')).then(|| name.to_owned())
        })
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.zip.index_for_name_raw(name.as_bytes())
    }

    /// Whether there is such a file.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Bytes of a file after inflating, as it declares them.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        Some(self.zip.by_index_data(self.position(name)?).ok()?.size())
    }

    /// Inflates one file; `None` when there is none of that name.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let most = self.limits.file_bytes;
        self.inflate(name, most, |reader, likely| {
            let mut bytes = Vec::with_capacity(likely);
            // A fault is remembered by the reader.
            let _ = reader.read_to_end(&mut bytes);
            Ok(bytes)
        })
    }

    /// Hands one file to a reader while it is inflated; `None` when there is none of that name.
    /// What the reader leaves is inflated and checked all the same.
    pub(crate) fn stream<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        self.inflate(name, self.limits.stream_bytes, |reader, _| read(reader))
    }

    fn inflate<T>(
        &self,
        name: &str,
        limit: u64,
        read: impl FnOnce(&mut dyn Read, usize) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let Some(position) = self.position(name) else { return Ok(None) };
        // The directory is shared; the copy has its own place in the file and its own buffer.
        let mut zip = self.zip.clone();
        let file = zip.by_index(position).map_err(|error| reason(&error))?;
        if file.is_symlink() {
            return Err("it is a symbolic link".into());
        }
        let (packed, declared) = (file.compressed_size(), file.size());
        let most = packed.min(self.len).saturating_mul(self.limits.ratio);
        let most = most.max(self.limits.ratio_from_bytes).min(limit);
        if declared > most {
            return Err(too_large(declared, packed, limit, self.limits));
        }
        // Deflate packs at most 1032 to 1: a larger claim gets no memory before it is shown.
        let likely = declared.min(packed.min(self.len).saturating_mul(1032));
        let inner = file.take(declared.saturating_add(1));
        let mut counted = Counted { inner, count: 0, fault: None };
        let answer = read(&mut counted, usize::try_from(likely).unwrap_or(0));
        // The checksum stands at the end: what was read counts only once it has been passed.
        if counted.fault.is_none() {
            let _ = io::copy(&mut counted, &mut io::sink());
        }
        if let Some(fault) = counted.fault {
            return Err(format!("damaged: {fault}"));
        }
        match counted.count {
            count if count == declared => answer.map(Some),
            count if count < declared => Err(format!("cut off: {count} of {declared} bytes")),
            _ => Err(format!("longer than the {declared} bytes it declares")),
        }
    }
}

/// A reader that knows how much it gave, and how it failed.
struct Counted<R> {
    inner: R,
    count: u64,
    fault: Option<String>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let answer = self.inner.read(into);
        match &answer {
            Ok(n) => self.count = self.count.saturating_add(*n as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.fault = Some(describe(error)),
        }
        answer
    }
}

fn too_large(declared: u64, packed: u64, limit: u64, limits: Limits) -> String {
    if declared > limit {
        format!("{declared} bytes are more than the limit of {} MiB", limit >> 20)
    } else {
        format!(
            "{packed} bytes claim to become {declared}, more than {} times as many",
            limits.ratio
        )
    }
}

/// Refuses a zip whose directory alone shows that nobody made it to be read. Hands out the
/// bytes that it declares, and the name of a symbolic link in it.
fn check(zip: &ZipArchive<Window>) -> Result<(u64, Option<String>), String> {
    if zip.has_duplicate_names() {
        return Err("two files in it have the same name".into());
    }
    let (mut total, mut link) = (0_u64, None);
    for position in 0..zip.len() {
        let entry = zip.by_index_data(position).map_err(|error| reason(&error))?;
        let Ok(name) = std::str::from_utf8(entry.name_raw()) else {
            let name = String::from_utf8_lossy(entry.name_raw());
            return Err(format!("the name of {name:?} in it is not UTF-8"));
        };
        if let Some(fault) = path::fault(name) {
            return Err(format!("it has a file named {name:?}: {fault}"));
        }
        if entry.encrypted() {
            return Err(format!("{name:?} in it is encrypted"));
        }
        if entry.is_symlink() && link.is_none() {
            link = Some(name.to_owned());
        }
        total = total.saturating_add(entry.size());
    }
    Ok((total, link))
}

fn reason(error: &ZipError) -> String {
    match error {
        ZipError::Io(error) => describe(error),
        ZipError::InvalidArchive(text) => format!("not a whole zip: {}", lower(text)),
        ZipError::UnsupportedArchive(text) => {
            format!("a zip of a kind that is not read: {}", lower(text))
        }
        ZipError::CompressionMethodNotSupported(method) => {
            format!("packed with method {method}; only stored and deflated files are read")
        }
        other => lower(&other.to_string()),
    }
}

pub(crate) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => lower(&error.to_string()),
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        Some(first) if !chars.as_str().starts_with(char::is_uppercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

/// Where the bytes of a zip are.
#[derive(Clone, Debug)]
enum Source {
    /// In the program.
    Bytes(&'static [u8]),
    /// On disk; read at positions, so that readers do not share a cursor.
    File(Arc<File>),
}

/// A reader with its own position over shared bytes. Its buffer makes the many small reads of
/// a zip's directory cheap; a copy begins with an empty one.
#[derive(Debug)]
struct Window {
    source: Source,
    len: u64,
    at: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
}

impl Window {
    const BUFFER: usize = 32 << 10;

    fn new(source: Source, len: u64) -> Self {
        Self { source, len, at: 0, buffer: Vec::new(), buffer_at: 0 }
    }

    /// What the buffer holds from the present position on.
    fn buffered(&self) -> &[u8] {
        let offset = self.at.checked_sub(self.buffer_at).and_then(|gap| usize::try_from(gap).ok());
        offset.and_then(|offset| self.buffer.get(offset..)).unwrap_or_default()
    }
}

impl Clone for Window {
    fn clone(&self) -> Self {
        Self::new(self.source.clone(), self.len)
    }
}

impl Read for Window {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = match &self.source {
            Source::Bytes(bytes) => {
                let start = usize::try_from(self.at).unwrap_or(usize::MAX).min(bytes.len());
                (&bytes[start..]).read(into)?
            }
            Source::File(file) if into.len() >= Self::BUFFER && self.buffered().is_empty() => {
                read_at(file, into, self.at)?
            }
            Source::File(file) => {
                if self.buffered().is_empty() {
                    let mut buffer = std::mem::take(&mut self.buffer);
                    buffer.resize(Self::BUFFER, 0);
                    let n = read_at(file, &mut buffer, self.at)?;
                    buffer.truncate(n);
                    self.buffer = buffer;
                    self.buffer_at = self.at;
                }
                self.buffered().read(into)?
            }
        };
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}
