//! Whether a node's kernel counts as older than a version.
//!
//! Apart because the number alone is not the answer: an enterprise distribution carries newer
//! features in an old number. It must not know which version is needed.

use crate::facts::NodeFact;
use crate::version::Version;

/// The build of the kernel of RHEL 8.6, which has what Cilium needs of newer ones.
const RHEL_8_6: u32 = 372;

/// The build of the kernel of RHEL 8.10.
const RHEL_8_10: u32 = 553;

/// Whether a kernel is of RHEL 8, or of its kin, and older than that of 8.10.
pub fn is_old_rhel(kernel: &str) -> bool {
    let kernel = kernel.parse::<Version>().ok();
    kernel.as_ref().and_then(rhel_build).is_some_and(|build| build < RHEL_8_10)
}

/// Whether a kernel is older than a limit; `None` when its text is no version.
///
/// A `4.18.0-372.el8` or later of RHEL and its kin counts as new enough for every minimum that
/// Cilium has had so far, all of which are at most 5.10; for 4.19 any `.el8` does.
///
/// - Source: `Documentation/operations/system_requirements.rst`, which wants RHEL 8 at 1.14.19 and
///   1.15.19, 8.6 at 1.17.6 and 1.18.0, and 8.10 at 1.16.19, 1.17.17, 1.18.11, 1.19.6 and 1.20.2. The
///   notes of 1.19 say that only the kernel of the tests became another one.
pub fn is_below(node: &NodeFact, limit: &Version) -> Option<bool> {
    let kernel = node.version.as_ref()?;
    let oldest_build = if limit.line() <= (4, 19) { 0 } else { RHEL_8_6 };
    if limit.line() <= (5, 10) && rhel_build(kernel).is_some_and(|build| build >= oldest_build) {
        return Some(false);
    }
    Some(kernel.line() < limit.line())
}

fn rhel_build(kernel: &Version) -> Option<u32> {
    if kernel.line() != (4, 18) || !kernel.suffix.contains(".el8") {
        return None;
    }
    let build = kernel.suffix.trim_start_matches('-');
    let end = build.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(build.len());
    build[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rhel_counts_from_8_6_on() {
        let below = |kernel: &str| {
            let node = NodeFact::new("n", kernel, "");
            is_below(&node, &Version::minor(5, 10))
        };
        assert_eq!(below("5.4.0-216-generic"), Some(true));
        assert_eq!(below("5.10.0-28-amd64"), Some(false));
        assert_eq!(below("6.18.44-fc-v595"), Some(false));
        assert_eq!(below("4.18.0-553.16.1.el8_10.x86_64"), Some(false));
        assert_eq!(below("4.18.0-372.9.1.el8.x86_64"), Some(false));
        assert_eq!(below("4.18.0-348.el8.x86_64"), Some(true));
        assert_eq!(below("4.18.0-553-generic"), Some(true));
        assert_eq!(below("unknown"), None);
        let first = NodeFact::new("n", "4.18.0-80.el8.x86_64", "");
        assert_eq!(is_below(&first, &Version::minor(4, 19)), Some(false));
        assert_eq!(is_below(&first, &Version::minor(5, 4)), Some(true));
    }

    #[test]
    fn rhel_is_old_before_8_10() {
        assert!(is_old_rhel("4.18.0-372.9.1.el8.x86_64"));
        assert!(is_old_rhel("4.18.0-552.el8.x86_64"));
        for kernel in ["4.18.0-553.16.1.el8_10.x86_64", "4.18.0-372-generic", "5.14.0-427.el9", ""]
        {
            assert!(!is_old_rhel(kernel), "{kernel}");
        }
    }
}
