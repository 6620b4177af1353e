//! What a chart can do beyond its defaults: switches, keys it can write at all, its images, and
//! the values it has.
//!
//! Read off the charts by `data/make`; nothing here was written by hand but the list of switches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::defaults::{Changes, Defaults, apply, place};
use crate::version::Version;

/// One minor's chart.
#[derive(Debug)]
pub struct Chart {
    /// Releases that were read, oldest first.
    pub releases: &'static [Version],
    /// Images of the newest, as `repository:tag@digest`.
    pub images: Vec<String>,
    defaults: &'static Defaults,
    /// What a switch changes.
    toggles: BTreeMap<String, Changes>,
    /// Keys that the newest can write, whatever its values are.
    writes: BTreeSet<String>,
}

/// One file of `data/more`.
#[derive(Deserialize)]
struct More {
    toggles: BTreeMap<String, Changes>,
    writes: BTreeSet<String>,
    images: Vec<String>,
}

/// A switch of the chart, and how `cilium-config` shows that it is on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Toggle {
    name: String,
    key: String,
    /// The value that shows it; `*` for any.
    is: String,
    /// Whether it also shows by the key not being there.
    #[serde(default)]
    or_absent: bool,
}

impl Toggle {
    fn is_on(&self, config: &BTreeMap<String, String>) -> bool {
        match config.get(&self.key) {
            Some(value) => self.is == "*" || *value == self.is,
            None => self.or_absent,
        }
    }
}

const FILES: [&str; 7] = [
    include_str!("../data/more/1.14.json"),
    include_str!("../data/more/1.15.json"),
    include_str!("../data/more/1.16.json"),
    include_str!("../data/more/1.17.json"),
    include_str!("../data/more/1.18.json"),
    include_str!("../data/more/1.19.json"),
    include_str!("../data/more/1.20.json"),
];

fn toggles() -> &'static [Toggle] {
    static TOGGLES: OnceLock<Vec<Toggle>> = OnceLock::new();
    TOGGLES.get_or_init(|| {
        serde_json::from_str(include_str!("../data/toggles.json")).unwrap_or_default()
    })
}

/// Minors and the values that not all charts have.
fn values() -> &'static BTreeMap<String, String> {
    static VALUES: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    VALUES.get_or_init(|| {
        serde_json::from_str(include_str!("../data/values.json")).unwrap_or_default()
    })
}

impl Chart {
    /// The chart of a version's minor; `None` where it is not known.
    pub fn of(version: &Version) -> Option<&'static Self> {
        static CHARTS: [OnceLock<Option<Chart>>; FILES.len()] = [const { OnceLock::new() }; 7];
        let at = place(version)?;
        let read = || {
            let defaults = Defaults::of(version)?;
            let More { toggles, writes, images } = serde_json::from_str(FILES[at]).ok()?;
            Some(Self { releases: &defaults.releases, images, defaults, toggles, writes })
        };
        CHARTS[at].get_or_init(read).as_ref()
    }

    /// What a release writes with its defaults, but for the switches that a cluster's own settings
    /// show to be on.
    ///
    /// A patch that was not read writes what the one before it does.
    pub fn written(
        &self,
        version: &Version,
        current: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        self.switched(self.defaults.written(version), |toggle| toggle.is_on(current))
    }

    /// The same for the chart that a cluster is to get, whose defaults count where those of the
    /// present one did: a switch that stands as the present chart puts it was set by nobody.
    pub fn written_next(
        &self,
        version: &Version,
        current: &BTreeMap<String, String>,
        present: (&Self, &Version),
    ) -> BTreeMap<String, String> {
        let before = present.0.defaults.written(present.1);
        let is_set = |toggle: &Toggle| toggle.is_on(current) && !toggle.is_on(&before);
        self.switched(self.defaults.written(version), is_set)
    }

    fn switched(
        &self,
        mut written: BTreeMap<String, String>,
        is_on: impl Fn(&Toggle) -> bool,
    ) -> BTreeMap<String, String> {
        for toggle in toggles().iter().filter(|toggle| is_on(toggle)) {
            if let Some(changes) = self.toggles.get(&toggle.name) {
                apply(&mut written, changes);
            }
        }
        written
    }

    /// Whether the chart can write a key at all.
    pub fn can_write(&self, key: &str) -> bool {
        self.writes.contains(key) || self.defaults.has(key)
    }

    /// Keys that a switch of it makes it write.
    pub fn switched_keys(&self) -> impl Iterator<Item = &str> {
        let changes = self.toggles.values().flatten();
        changes.filter(|(_, value)| value.is_some()).map(|(key, _)| key.as_str())
    }
}

/// Whether a value is one that the chart of one version has and that of another has not.
pub fn is_value_gone(path: &str, from: &Version, to: &Version) -> bool {
    let Some(minors) = values().get(path) else { return false };
    let has = |version: &Version| minors.split(' ').any(|minor| minor == version.minor_text());
    // A map that became a single value or the other way round is there under another path.
    let is_kept = || {
        values().iter().any(|(other, minors)| {
            let related = other.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
                || path.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('.'));
            related && minors.split(' ').any(|minor| minor == to.minor_text())
        })
    };
    has(from) && !has(to) && !is_kept()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::defaults::MINORS;

    #[test]
    fn every_minor_has_a_chart_that_can_be_read() {
        for minor in MINORS.0..=MINORS.1 {
            let version = Version::minor(1, minor);
            let chart = Chart::of(&version).expect("a chart");
            assert!(chart.images.iter().any(|image| image.contains("cilium/operator")));
            assert!(chart.can_write("kube-proxy-replacement"));
            for toggle in toggles() {
                let known = chart.toggles.contains_key(&toggle.name);
                assert!(known || minor < 20, "{version}: {}", toggle.name);
            }
        }
        for none in [Version::minor(1, 13), Version::minor(1, 21), Version::minor(2, 15)] {
            assert!(Chart::of(&none).is_none(), "{none}");
        }
    }

    #[test]
    fn patches_and_switches_change_what_is_written() {
        let chart = Chart::of(&Version::minor(1, 18)).expect("a chart");
        let plain = BTreeMap::from([("enable-hubble".to_owned(), "true".to_owned())]);
        let first = chart.written(&Version::release(1, 18, 0), &plain);
        assert!(!first.contains_key("http-stream-idle-timeout"));
        let later = chart.written(&Version::release(1, 18, 5), &plain);
        assert_eq!(later["http-stream-idle-timeout"], "300");
        let off = BTreeMap::from([("enable-hubble".to_owned(), "false".to_owned())]);
        let without = chart.written(&Version::release(1, 18, 0), &off);
        assert!(!without.contains_key("hubble-network-policy-correlation-enabled"));
        assert!(first.contains_key("hubble-network-policy-correlation-enabled"));
    }

    #[test]
    fn values_come_and_go() {
        let gone =
            |path, from, to| is_value_gone(path, &Version::minor(1, from), &Version::minor(1, to));
        assert!(gone("enableRuntimeDeviceDetection", 17, 18));
        assert!(gone("l2NeighDiscovery.refreshPeriod", 17, 18));
        assert!(!gone("hubble.enabled", 17, 18));
        assert!(!gone("no.such.value", 17, 18));
    }
}
