//! Compiled plugins between runs: whatever is wrong with the folder, the run is right.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lab_tests::{Lab, Scratch};

/// A run with a cache of its own.
fn run(cache: &Path) -> String {
    Lab::line("routes --demo -o csv").env("XDG_CACHE_HOME", cache).run().exits(1).out
}

/// The artifacts below a cache.
fn artifacts(cache: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![cache.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in
            fs::read_dir(folder).expect("it can be read").flatten().map(|entry| entry.path())
        {
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn artifacts_are_private_and_used_again() {
    let scratch = Scratch::new();
    let expected = run(scratch.root());
    let [kept] = &artifacts(scratch.root())[..] else { panic!("one plugin, one artifact") };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(kept), 0o600);
    assert_eq!(mode(kept.parent().unwrap()), 0o700);
    let modified = fs::metadata(kept).unwrap().modified().unwrap();
    assert_eq!(run(scratch.root()), expected);
    assert_eq!(fs::metadata(kept).unwrap().modified().unwrap(), modified, "it is not made again");
}

#[test]
fn a_poisoned_artifact_is_not_run() {
    let scratch = Scratch::new();
    let expected = run(scratch.root());
    let artifact = artifacts(scratch.root()).pop().unwrap();
    let good = fs::read(&artifact).unwrap();
    let middle = good.len() / 2;
    let mut flipped = good.clone();
    flipped[middle] ^= 0xff;
    for poison in [flipped, good[..middle].to_vec(), b"\x7fELF".to_vec(), Vec::new()] {
        fs::write(&artifact, poison).unwrap();
        assert_eq!(run(scratch.root()), expected);
        assert_eq!(fs::read(&artifact).unwrap(), good, "and it is repaired");
    }
    // Right in every byte, but others can write it: they may have made both hash and content.
    fs::set_permissions(&artifact, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(run(scratch.root()), expected);
    let mode = fs::metadata(&artifact).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "it was made anew");
}

#[test]
fn a_cache_that_cannot_be_written_is_tolerated() {
    let scratch = Scratch::new();
    let expected = run(scratch.root());
    let read_only = scratch.path("read-only");
    fs::create_dir(&read_only).unwrap();
    fs::set_permissions(&read_only, fs::Permissions::from_mode(0o500)).unwrap();
    assert_eq!(run(&read_only), expected, "a folder that is read-only, unless root runs this");
    assert_eq!(run(&scratch.put("file", "")), expected, "a file in its place");
    assert_eq!(run(Path::new("/proc/nowhere")), expected, "where nobody can write");
}
