//! Which names inside a capture are allowed. The same rule holds for entries of a zip, for
//! names of hosts and kinds, and for files that an index names.

/// Why a name inside a capture is refused; `None` for a good one.
///
/// A good name is relative, written with `/`, and stays inside the capture.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    if name.starts_with('/') {
        return Some("it begins at the root");
    }
    if name.contains('\\') {
        return Some("it has a backslash");
    }
    if name.chars().any(char::is_control) {
        return Some("it has a control character");
    }
    if name.as_bytes().get(1) == Some(&b':') {
        return Some("it names a drive");
    }
    let stripped = name.strip_suffix('/').unwrap_or(name);
    if stripped.split('/').any(|part| part == "..") {
        return Some("it leaves the capture");
    }
    if stripped.split('/').any(|part| part.is_empty() || part == ".") {
        return Some("it has an empty part");
    }
    None
}

/// Whether a text can be one part of a path: a host's name, a kind, a namespace.
pub(crate) fn is_part(text: &str) -> bool {
    !text.contains('/') && fault(text).is_none()
}

/// Whether a name ends in a dot and this.
pub(crate) fn ends_in(name: &str, end: &str) -> bool {
    name.strip_suffix(end).is_some_and(|stem| stem.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_leave_the_capture_are_refused() {
        for bad in [
            "",
            "/",
            "..",
            "../x",
            "a/../b",
            "a/..",
            "/etc/passwd",
            "a//b",
            "./a",
            "a\\b",
            "C:/x",
            "a\0b",
            "a\nb",
            "..\\x",
        ] {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
        for good in ["capture.json", "objects/cilium.io/v2/CiliumNode.json", "a..b", "hosts/"] {
            assert_eq!(fault(good), None, "{good:?}");
        }
    }

    #[test]
    fn a_part_has_no_slash() {
        assert!(is_part("k8s-w0"));
        assert!(!is_part("a/b"));
        assert!(!is_part(".."));
    }
}
