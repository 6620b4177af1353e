//! Captures to run the program on: recorded ones, and small ones made for a case.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Names of the recorded captures.
pub const RECORDED: [&str; 5] = [
    "cilium-1.17.6-native",
    "cilium-1.18.0-native",
    "cilium-1.18.0-native-fixed",
    "cilium-1.18.0-native-seed",
    "cilium-1.18.0-tunnel",
];

/// The file of a recorded capture.
pub fn recorded(name: &str) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures");
    fixtures.join(format!("{name}.zip"))
}

/// A zip of these files.
pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).expect("names are valid");
        writer.write_all(bytes).expect("memory is writable");
    }
    writer.finish().expect("memory is writable").into_inner()
}

/// The head of a capture with these hosts, given as JSON.
pub fn head(hosts: &str) -> String {
    format!(r#"{{"format":"lab-capture/1","created":"2026-11-23T03:10:20Z","hosts":[{hosts}]}}"#)
}

/// Every file of a recorded capture, for tests that change one.
pub fn files(name: &str) -> Vec<(String, Vec<u8>)> {
    files_in(recorded(name))
}

/// Every file of a zip.
pub fn files_in(path: impl AsRef<Path>) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(path).expect("the capture is there");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("it is a zip");
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).expect("it is in the zip");
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).expect("it is whole");
            (file.name().expect("its name is UTF-8").to_string(), bytes)
        })
        .collect()
}

/// Zips files of [`files`].
pub fn zip_files(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    zip(&files)
}
