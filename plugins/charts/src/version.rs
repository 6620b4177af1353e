//! Versions of Cilium, Kubernetes and kernels, as they stand in tags and in what machines say.
//!
//! Apart because everything compares them. It must not know which versions there are.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A version: `1.18.0`, `v1.18.0-rc.1`, `1.18`, `6.8.0-53-generic`.
///
/// - Shape: `v` in front is left out, a missing patch is `None`, what follows the numbers is kept
///   as it is.
/// - Order: a version without a patch stands before all of its patches; a pre-release stands
///   before its release; the suffix of a distributor makes no difference.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// 1 of 1.18.0.
    pub major: u32,
    /// 18 of 1.18.0.
    pub minor: u32,
    /// 0 of 1.18.0, where it is said.
    pub patch: Option<u32>,
    /// What follows the numbers, with its first sign: `-rc.1`, `-53-generic`; mostly empty.
    pub suffix: String,
}

/// Words at the front of a suffix that stand for a version before the release.
const BEFORE_RELEASE: [&str; 6] = ["alpha", "beta", "rc", "pre", "snapshot", "dev"];

impl Version {
    /// A minor without a patch.
    pub const fn minor(major: u32, minor: u32) -> Self {
        Self { major, minor, patch: None, suffix: String::new() }
    }

    /// A release.
    pub const fn release(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch: Some(patch), suffix: String::new() }
    }

    /// Reads the tag of an image: `quay.io/cilium/cilium:v1.18.0@sha256:…`.
    ///
    /// `None` where there is no tag, or one that is no version, such as `latest` or a commit.
    pub fn of_image(image: &str) -> Option<Self> {
        let name = image.split('@').next().unwrap_or_default();
        let last = name.rsplit('/').next().unwrap_or_default();
        last.split_once(':')?.1.parse().ok()
    }

    /// Major and minor alone.
    pub const fn line(&self) -> (u32, u32) {
        (self.major, self.minor)
    }

    /// The minor of it, as `1.18`.
    pub fn minor_text(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// Whether it stands before its release: `-rc.1`, `-pre.0`, `-dev`.
    pub fn is_before_release(&self) -> bool {
        let suffix = self.suffix.trim_start_matches(['-', '.', '+', '~']).to_ascii_lowercase();
        BEFORE_RELEASE.iter().any(|word| suffix.starts_with(word))
    }

    fn rank(&self) -> (u32, u32, Option<u32>, bool) {
        (self.major, self.minor, self.patch, !self.is_before_release())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Texts come last, so that equal ranks are only equal where the versions are.
        self.rank().cmp(&other.rank()).then_with(|| self.suffix.cmp(&other.suffix))
    }
}

impl Version {
    /// Whether it is older than another one, a distributor's suffix left aside.
    pub fn is_below(&self, other: &Self) -> bool {
        self.rank() < other.rank()
    }
}

/// What is no version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoVersion(String);

impl fmt::Display for NoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no version: give one such as 1.18 or 1.18.0", self.0)
    }
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        read(text.trim()).ok_or_else(|| NoVersion(text.trim().chars().take(40).collect()))
    }
}

fn read(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (major, rest) = number(text)?;
    let (minor, rest) = number(rest.strip_prefix('.')?)?;
    let (patch, rest) = match rest.strip_prefix('.').and_then(number) {
        Some((patch, rest)) => (Some(patch), rest),
        None => (None, rest),
    };
    // `1.18x` is a word; a suffix begins with a sign.
    if rest.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    Some(Version { major, minor, patch, suffix: rest.to_owned() })
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if let Some(patch) = self.patch {
            write!(f, ".{patch}")?;
        }
        f.write_str(&self.suffix)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().expect("a version")
    }

    #[test]
    fn tags_are_read_and_what_is_none_is_not() {
        let of = |image: &str| Version::of_image(image).map(|version| version.to_string());
        let tagged = "quay.io/cilium/cilium:v1.18.0@sha256:dfea023972d06ec183cfa3c9e7809716f85";
        assert_eq!(of(tagged).as_deref(), Some("1.18.0"));
        assert_eq!(of("registry:5000/cilium:v1.17.6-cee.1").as_deref(), Some("1.17.6-cee.1"));
        assert_eq!(of("cilium:1.18.0-dev").as_deref(), Some("1.18.0-dev"));
        for none in
            ["quay.io/cilium/cilium@sha256:dfea", "registry:5000/cilium", "cilium:latest", "", ":"]
        {
            assert_eq!(of(none), None, "{none}");
        }
        for none in ["", "1", "1.", "one", "1.18x", "99999999999.1", "v", "-1.2"] {
            assert!(none.parse::<Version>().is_err(), "{none}");
        }
    }

    #[test]
    fn pre_releases_come_first_and_suffixes_make_no_difference() {
        assert!(version("1.18.0-rc.1").is_below(&version("1.18.0")));
        assert!(version("1.18.0-pre.3").is_before_release());
        assert!(!version("1.18.0-cee.1").is_below(&version("1.18.0")));
        assert!(!version("1.18.0").is_below(&version("1.18.0-cee.1")));
        assert!(version("1.9.9").is_below(&version("1.10")));
        assert!(version("5.10").is_below(&version("5.10.0-28-amd64")));
        assert!(!version("5.10.0").is_below(&version("5.10")));
        assert!(version("6.18.44-fc-v595") > version("6.8"));
    }
}
