//! A zip that many tasks read at once, without a lock and without trusting what it says of
//! itself.

use std::collections::BTreeSet;
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
pub(super) struct Archive {
    zip: ZipArchive<Window>,
    /// The one folder that holds everything, with its slash, when the folder was zipped whole.
    root: String,
    /// Bytes of the zip itself.
    len: u64,
    limits: Limits,
}

impl Archive {
    /// Opens a zip on disk.
    pub(super) fn open(path: &Path, limits: Limits) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| describe(&error))?;
        let len = file.metadata().map_err(|error| describe(&error))?.len();
        Self::new(Window::new(Source::File(Arc::new(file)), len), limits)
    }

    /// Opens a zip inside the program.
    pub(super) fn from_bytes(bytes: &'static [u8], limits: Limits) -> Result<Self, String> {
        Self::new(Window::new(Source::Bytes(bytes), bytes.len() as u64), limits)
    }

    fn new(window: Window, limits: Limits) -> Result<Self, String> {
        let len = window.len;
        let zip = ZipArchive::new(window).map_err(|error| reason(&error))?;
        check(&zip, limits)?;
        let root = root(&zip);
        Ok(Self { zip, root, len, limits })
    }

    /// Every file, sorted.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.zip
            .file_names_raw()
            .filter_map(|name| std::str::from_utf8(name).ok()?.strip_prefix(&self.root))
            .filter(|name| !name.is_empty() && !name.ends_with('/'))
            .map(str::to_owned)
            .collect()
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.root.is_empty() {
            self.zip.index_for_name_raw(name.as_bytes())
        } else {
            self.zip.index_for_name_raw(format!("{}{name}", self.root).as_bytes())
        }
    }

    /// Inflates one file; `None` when there is none of that name.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let Some(position) = self.position(name) else { return Ok(None) };
        // The directory is shared; the copy has its own place in the file and its own buffer.
        let mut zip = self.zip.clone();
        let file = zip.by_index(position).map_err(|error| reason(&error))?;
        let (packed, declared) = (file.compressed_size(), file.size());
        let most = packed.min(self.len).saturating_mul(self.limits.ratio);
        let most = most.max(self.limits.ratio_from_bytes).min(self.limits.file_bytes);
        if declared > most {
            return Err(too_large(declared, packed, self.limits));
        }
        // Deflate packs at most 1032 to 1: a larger claim gets no memory before it is shown.
        let likely = declared.min(packed.min(self.len).saturating_mul(1032));
        let mut bytes = Vec::with_capacity(usize::try_from(likely).unwrap_or(0));
        file.take(declared.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| format!("damaged: {}", describe(&error)))?;
        match u64::try_from(bytes.len()) {
            Ok(real) if real == declared => Ok(Some(bytes)),
            Ok(real) if real < declared => Err(format!("cut off: {real} of {declared} bytes")),
            _ => Err(format!("longer than the {declared} bytes it declares")),
        }
    }
}

fn too_large(declared: u64, packed: u64, limits: Limits) -> String {
    if declared > limits.file_bytes {
        let limit = limits.file_bytes >> 20;
        format!("{declared} bytes are more than the limit of {limit} MiB")
    } else {
        format!(
            "{packed} bytes claim to become {declared}, more than {} times as many",
            limits.ratio
        )
    }
}

/// Refuses a zip whose directory alone shows that it is no capture of ours.
fn check(zip: &ZipArchive<Window>, limits: Limits) -> Result<(), String> {
    if zip.has_duplicate_names() {
        return Err("two files in it have the same name".into());
    }
    let mut total = 0_u64;
    for position in 0..zip.len() {
        let entry = zip.by_index_data(position).map_err(|error| reason(&error))?;
        let Ok(name) = std::str::from_utf8(entry.name_raw()) else {
            let name = String::from_utf8_lossy(entry.name_raw());
            return Err(format!("the name of {name:?} in it is not UTF-8"));
        };
        if let Some(fault) = path::fault(name) {
            return Err(format!("it has a file named {name:?}: {fault}"));
        }
        if entry.is_symlink() {
            return Err(format!("{name:?} in it is a symbolic link"));
        }
        if entry.encrypted() {
            return Err(format!("{name:?} in it is encrypted"));
        }
        total = total.saturating_add(entry.size());
    }
    if total > limits.total_bytes {
        let limit = limits.total_bytes >> 20;
        return Err(format!(
            "its files would be {total} bytes, more than the limit of {limit} MiB"
        ));
    }
    Ok(())
}

/// The folder around a capture that was zipped together with its folder.
fn root(zip: &ZipArchive<Window>) -> String {
    if zip.index_for_name_raw(b"capture.json").is_some() {
        return String::new();
    }
    let mut heads = zip
        .file_names_raw()
        .filter_map(|name| std::str::from_utf8(name).ok())
        .filter_map(|name| name.strip_suffix("capture.json"))
        .filter(|root| root.matches('/').count() == 1 && root.ends_with('/'));
    match (heads.next(), heads.next()) {
        (Some(root), None) => root.to_owned(),
        _ => String::new(),
    }
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

pub(super) fn describe(error: &io::Error) -> String {
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
