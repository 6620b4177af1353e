//! Versions: of Kubernetes' components, of an agent's image, of a running agent.

use std::fmt;

/// A version as its numbers, with the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major, minor and patch.
    pub numbers: (u32, u32, u32),
    /// As printed, such as `v1.33.2` or `v1.30.4-gke.100`.
    pub text: String,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Version {
    /// Reads `v1.33.2`, `1.18.0`, `v1.30.4-gke.100+abc`; a missing patch counts as 0.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let plain = text.strip_prefix('v').unwrap_or(text);
        let end = plain.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(plain.len());
        let mut parts = plain[..end].trim_end_matches('.').split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let patch = parts.next().map_or(Some(0), |patch| patch.parse().ok())?;
        Some(Self { numbers: (major, minor, patch), text: text.to_owned() })
    }

    /// Major and minor alone.
    pub fn minor(&self) -> (u32, u32) {
        (self.numbers.0, self.numbers.1)
    }
}

/// The tag of an image as a version: `1.18.0` of `quay.io/cilium/cilium:v1.18.0@sha256:…`.
pub fn image_version(image: &str) -> Option<String> {
    let named = image.split_once('@').map_or(image, |(named, _)| named);
    let (_, tag) = named.rsplit_once(':')?;
    let version = tag.strip_prefix('v').unwrap_or(tag);
    let is_tag = version.starts_with(|first: char| first.is_ascii_digit()) && !tag.contains('/');
    is_tag.then(|| version.to_owned())
}

/// The running agent's version out of `cilium-dbg version`, or of `cilium-dbg status`.
///
/// - Shape: `Client: 1.18.0 274205f0 2025-…` and `Daemon: 1.18.0 …`; an agent that does not
///   answer leaves the second line out. The status has `Cilium:  Ok  1.18.0 (v1.18.0-…)`.
/// - Source: Cilium 1.17 and 1.18.
pub fn daemon_version(text: &str) -> Option<String> {
    let line = |key: &str| text.lines().find_map(|line| line.trim().strip_prefix(key));
    let word = match line("Daemon:") {
        Some(line) => line.split_whitespace().next()?,
        None => line("Cilium:")?.split_whitespace().nth(1)?,
    };
    word.starts_with(|first: char| first.is_ascii_digit()).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let numbers = |text: &str| Version::parse(text).map(|version| version.numbers);
        assert_eq!(numbers("v1.33.13"), Some((1, 33, 13)));
        assert_eq!(numbers("v1.30.4-gke.100"), Some((1, 30, 4)));
        assert_eq!(numbers("1.18"), Some((1, 18, 0)));
        assert_eq!(numbers("v1.9.0+k3s1"), Some((1, 9, 0)));
        assert!(numbers("v1.9.0") < numbers("v1.33.0"));
        for text in ["", "v", "1", "latest", "v1.x.2", "v99999999999.1.1"] {
            assert_eq!(numbers(text), None, "{text}");
        }
    }

    #[test]
    fn an_image_has_a_version_only_by_its_tag() {
        let of = |image: &str| image_version(image);
        assert_eq!(of("quay.io/cilium/cilium:v1.18.0@sha256:ab"), Some("1.18.0".to_owned()));
        assert_eq!(of("registry:5000/cilium:1.17.6"), Some("1.17.6".to_owned()));
        assert_eq!(of("registry:5000/cilium@sha256:ab"), None);
        assert_eq!(of("quay.io/cilium/cilium:latest"), None);
        assert_eq!(of("sha256:a791f3013bcf"), None);
    }

    #[test]
    fn only_the_daemons_line_says_what_runs() {
        let text = "Client: 1.18.0 274205f0 2025-07-29T12:48:35Z go version go1.26.8 linux/amd64\n\
            Daemon: 1.17.6 274205f0 2025-07-29T12:48:35Z go version go1.26.8 linux/amd64\n";
        assert_eq!(daemon_version(text), Some("1.17.6".to_owned()));
        assert_eq!(daemon_version("Client: 1.18.0 274205f0\n"), None);
        assert_eq!(daemon_version("Daemon: \n"), None);
        let status = "KVStore:  Disabled\nCilium:                 Ok   1.18.0 (v1.18.0-274205f0)\n";
        assert_eq!(daemon_version(status), Some("1.18.0".to_owned()));
        assert_eq!(daemon_version("Cilium:   Failure   not ready\n"), None);
    }
}
