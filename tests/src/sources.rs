//! The workspace's own sources, for tests that read them.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of Rust source.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path from the workspace's root, with `/`.
    pub path: String,
    /// Its code: comments are blanked, and so is everything from the unit tests on. Lines stay
    /// where they are.
    pub code: String,
}

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every source below a folder of the workspace, by path. Tests in files of their own are left
/// out.
pub fn below(folder: &str) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !matches!(name, "tests" | "target" | "benches" | "examples") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|end| end == "rs") && name != "tests.rs" {
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                let path = path.strip_prefix(&root).expect("it is below").to_string_lossy();
                found.push(Source { path: path.replace('\\', "/"), code: code(&text) });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The code of a file: without comments and without its unit tests, which stand at the end.
pub fn code(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().map(|line| line.trim()).unwrap_or_default();
        let tests = line.trim().starts_with("#[cfg(") && line.contains("test");
        if tests && (next.starts_with("mod ") || next.starts_with("pub(crate) mod ")) {
            if next.ends_with(';') {
                lines.next();
                continue;
            }
            break;
        }
        let comment = line.trim_start().starts_with("//");
        let end = line.find(" // ").unwrap_or(line.len());
        code.push_str(if comment { "" } else { &line[..end] });
        code.push('\n');
    }
    code
}

/// Whether a name stands in the code as a word of its own, not as a part of another.
pub fn names(code: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        let before = part(code[..at].chars().next_back()) && part(word.chars().next());
        let after = code[at + word.len()..].chars().next();
        let after = part(after) && part(word.chars().next_back());
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_unit_tests_are_not_code() {
        let text = "//! kube\nuse kube::Client; // kube\n/// kube\nfn f() {}\n#[cfg(test)]\nmod tests {\n    use kube;\n}\n";
        assert_eq!(code(text), "\nuse kube::Client;\n\nfn f() {}\n");
    }

    #[test]
    fn a_word_is_not_a_part_of_another() {
        assert!(names("use kube::Client;", "kube"));
        assert!(!names("kubeconfig, my_kube", "kube"));
        assert!(names("kube::Client", "kube::") && !names("mykube::Client", "kube::"));
    }
}
