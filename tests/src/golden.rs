//! Reviewed output.

use std::fs;
use std::path::Path;

/// Compares with `tests/golden/<name>`. With `LAB_BLESS=1` it rewrites the file instead, so that
/// the difference is reviewed like code.
#[track_caller]
pub fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::var_os("LAB_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("it is below a folder")).expect("writable");
        fs::write(&path, actual).expect("writable");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if actual == expected {
        return;
    }
    let mut lines = expected.lines().zip(actual.lines());
    let at = lines.position(|(expected, actual)| expected != actual);
    let at = at.unwrap_or_else(|| expected.lines().count().min(actual.lines().count()));
    panic!(
        "{} differs from line {} on; `cargo bless` rewrites it\n expected: {:?}\n   actual: {:?}\n\nall of it:\n{actual}",
        path.display(),
        at + 1,
        expected.lines().nth(at),
        actual.lines().nth(at),
    );
}
