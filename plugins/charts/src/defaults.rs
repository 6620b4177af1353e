//! What each chart writes into `cilium-config` where no value is given.
//!
//! Read off the charts by `data/make`; nothing here was written by hand.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::version::Version;

/// A setting that a chart writes, or stops to write where it is `None`.
pub(crate) type Changes = BTreeMap<String, Option<String>>;

/// What the charts of one minor write by themselves.
#[derive(Debug, Deserialize)]
pub struct Defaults {
    /// Releases that were read, oldest first; never empty.
    pub releases: Vec<Version>,
    /// What the first of them writes.
    config: BTreeMap<String, String>,
    /// What a later one writes otherwise.
    changes: BTreeMap<String, Changes>,
}

/// Minors of Cilium 1 whose charts were read: the oldest and the newest.
pub const MINORS: (u32, u32) = (14, 20);

const FILES: [&str; 7] = [
    include_str!("../data/defaults/1.14.json"),
    include_str!("../data/defaults/1.15.json"),
    include_str!("../data/defaults/1.16.json"),
    include_str!("../data/defaults/1.17.json"),
    include_str!("../data/defaults/1.18.json"),
    include_str!("../data/defaults/1.19.json"),
    include_str!("../data/defaults/1.20.json"),
];

/// The place of a version's minor in such a list; `None` where its charts were not read.
pub(crate) fn place(version: &Version) -> Option<usize> {
    let at = usize::try_from(version.minor.checked_sub(MINORS.0)?).ok()?;
    (version.major == 1 && at < FILES.len()).then_some(at)
}

impl Defaults {
    /// Those of a version's minor; `None` where its charts were not read.
    pub fn of(version: &Version) -> Option<&'static Self> {
        static READ: [OnceLock<Option<Defaults>>; FILES.len()] = [const { OnceLock::new() }; 7];
        let at = place(version)?;
        READ[at].get_or_init(|| serde_json::from_str(FILES[at]).ok()).as_ref()
    }

    /// The release that stands for a version: itself where it was read, else the newest one before
    /// it. A minor alone stands for its newest release; what comes before the first release stands
    /// for that one.
    pub fn release(&self, version: &Version) -> Option<&Version> {
        let is_reached = |release: &&Version| version.patch.is_none() || !version.is_below(release);
        self.releases.iter().rev().find(is_reached).or_else(|| self.releases.first())
    }

    /// What a version writes; a patch that was not read writes what the one before it does.
    pub fn written(&self, version: &Version) -> BTreeMap<String, String> {
        let mut written = self.config.clone();
        let mut changes: Vec<(Version, &Changes)> = self
            .changes
            .iter()
            .filter_map(|(release, changes)| Some((release.parse().ok()?, changes)))
            .collect();
        changes.sort_by(|one, other| one.0.cmp(&other.0));
        for (release, changes) in changes {
            if !version.is_below(&release) {
                apply(&mut written, changes);
            }
        }
        written
    }

    /// Whether the first release writes a key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.config.contains_key(key)
    }
}

/// Makes one table of another.
pub(crate) fn apply(written: &mut BTreeMap<String, String>, changes: &Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => written.insert(key.clone(), value.clone()),
            None => written.remove(key),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seven minors.
    fn minors() -> impl Iterator<Item = Version> {
        (MINORS.0..=MINORS.1).map(|minor| Version::minor(1, minor))
    }

    #[test]
    fn every_minor_can_be_read_and_no_other_one_is_known() {
        assert_eq!(minors().count(), FILES.len());
        for minor in minors() {
            let defaults = Defaults::of(&minor).expect("its charts were read");
            assert!(defaults.config.len() > 100, "{minor}");
            assert!(defaults.releases.iter().all(|release| release.line() == minor.line()));
            assert!(defaults.releases.is_sorted(), "{minor}");
            // A release that changes something is one that was read.
            for release in defaults.changes.keys() {
                let release = release.parse().expect("a version");
                assert!(defaults.releases.contains(&release), "{release}");
            }
        }
        for none in [Version::minor(1, 13), Version::minor(1, 21), Version::minor(2, 15)] {
            assert!(Defaults::of(&none).is_none(), "{none}");
        }
    }

    #[test]
    fn each_patch_writes_its_own() {
        let defaults = Defaults::of(&Version::minor(1, 18)).expect("its charts were read");
        let of = |patch| defaults.written(&Version::release(1, 18, patch));
        assert!(!of(0).contains_key("http-stream-idle-timeout"));
        assert_eq!(of(5)["http-stream-idle-timeout"], "300");
    }

    #[test]
    fn a_release_stands_for_each_version() {
        let stands = |text: &str| {
            let version: Version = text.parse().expect("a version");
            let defaults = Defaults::of(&version).expect("its charts were read");
            defaults.release(&version).map(ToString::to_string).unwrap_or_default()
        };
        assert_eq!(stands("1.18.4"), "1.18.4");
        assert_eq!(stands("1.18.4-cee.1"), "1.18.4");
        assert_eq!(stands("1.18.99"), "1.18.12");
        assert_eq!(stands("1.18"), "1.18.12");
        assert_eq!(stands("1.19.0-rc.1"), "1.19.0");
    }
}
