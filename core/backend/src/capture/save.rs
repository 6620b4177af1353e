//! Puts the files of a capture on disk, all or nothing: beside the target first, then renamed.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use lab_types::Failure;
use zip::CompressionMethod;
use zip::DateTime;
use zip::System;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::Answer;
use crate::files::describe;

type Files = BTreeMap<String, Vec<u8>>;

/// Whether it could be written there, as far as can be known without doing it.
pub(super) fn check(path: &Path) -> Answer<()> {
    let refuse = |cause: &str| {
        Err(Failure::invalid(format!("cannot write {}: {cause}", path.display()))
            .hint("name a new folder, or a file ending in .zip"))
    };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent.unwrap_or(Path::new(".")).metadata() {
        Ok(parent) if !parent.is_dir() => return refuse("what is above it is no folder"),
        Err(error) => return refuse(&describe(&error)),
        Ok(_) => {}
    }
    if is_zip(path) && path.is_dir() {
        return refuse("it is a folder");
    }
    if !is_zip(path) && occupied(path) {
        return refuse("it already exists");
    }
    Ok(())
}

fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("zip"))
}

/// Writes a zip or a folder, by the ending of the path.
pub(super) fn save(path: &Path, files: &Files, created: Option<&str>) -> Answer<()> {
    check(path)?;
    let written = if is_zip(path) {
        save_zip(path, files, created)
    } else {
        Part::beside(path).and_then(|part| {
            write_folder(&part.path, files)?;
            part.take_place(path)
        })
    };
    written.map_err(|error| failed(path, &error))
}

/// Writes a zip or a folder in place of one that is there. Of a folder both exist for a moment,
/// the old one under a name of its own, and it is gone only when the new one stands.
pub(super) fn replace(path: &Path, files: &Files, created: Option<&str>) -> Answer<()> {
    if !path.is_dir() {
        return save_zip(path, files, created).map_err(|error| failed(path, &error));
    }
    let replaced = || {
        let part = Part::beside(path)?;
        write_folder(&part.path, files)?;
        let old = part.path.with_extension(format!("old-{}", std::process::id()));
        fs::rename(path, &old)?;
        if let Err(error) = part.take_place(path) {
            fs::rename(&old, path)?;
            return Err(error);
        }
        fs::remove_dir_all(&old)
    };
    replaced().map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::invalid(format!("cannot write {}: {}", path.display(), describe(error)))
}

fn save_zip(path: &Path, files: &Files, created: Option<&str>) -> io::Result<()> {
    let part = Part::beside(path)?;
    write_zip(&part.path, files, created)?;
    part.take_place(path)
}

fn occupied(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// What is being written, under a name of its own; removed again unless it took its place.
struct Part {
    path: PathBuf,
    done: bool,
}

impl Part {
    fn beside(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or_else(|| io::Error::other("it has no name"))?;
        let name = format!(".{}.part-{}", name.to_string_lossy(), std::process::id());
        Ok(Self { path: path.with_file_name(name), done: false })
    }

    fn take_place(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.done = true;
        // The new name survives a loss of power only with its folder. Not every system can
        // open one, and the capture is complete without.
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Ok(folder) = File::open(parent.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.path).or_else(|_| fs::remove_dir_all(&self.path));
        }
    }
}

fn write_zip(path: &Path, files: &Files, created: Option<&str>) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(stamp(created))
        .unix_permissions(0o644)
        .system(System::Unix);
    let mut zip = ZipWriter::new(BufWriter::new(File::create_new(path)?));
    for (name, bytes) in files {
        let large = u32::try_from(bytes.len()).is_err();
        zip.start_file(name.as_str(), options.large_file(large))?;
        zip.write_all(bytes)?;
    }
    let file = zip.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}

/// Writes the files below a new folder. Only `capture.json`, without which a folder is no
/// capture, is waited for: waiting for each of ten thousand files takes minutes.
fn write_folder(path: &Path, files: &Files) -> io::Result<()> {
    fs::create_dir(path)?;
    for (name, bytes) in files {
        let file = path.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, bytes)?;
    }
    File::open(path.join("capture.json"))?.sync_all()
}

/// The time of every file in a zip: when the capture was made, as far as a zip can say it.
fn stamp(created: Option<&str>) -> DateTime {
    let read = |text: &str| {
        let number = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
        let byte = |from: usize| number(from, from + 2).and_then(|n| u8::try_from(n).ok());
        DateTime::from_date_and_time(
            number(0, 4)?,
            byte(5)?,
            byte(8)?,
            byte(11)?,
            byte(14)?,
            byte(17)?,
        )
        .ok()
    };
    created.and_then(read).unwrap_or(DateTime::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_read_from_rfc_3339() {
        let time = stamp(Some("2026-11-23T03:10:20+00:00"));
        assert_eq!((time.year(), time.month(), time.day()), (2026, 11, 23));
        assert_eq!((time.hour(), time.minute(), time.second()), (3, 10, 20));
        for odd in
            [None, Some(""), Some("yesterday"), Some("1970-01-01T00:00:00Z"), Some("ää-ää-ää")]
        {
            assert_eq!(stamp(odd), DateTime::DEFAULT, "{odd:?}");
        }
    }
}
