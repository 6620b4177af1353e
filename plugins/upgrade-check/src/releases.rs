//! Which releases of Cilium there are, what each minor needs, and which resources it defines.
//!
//! Facts of public documents and sources, as tables. It must not know rules.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::facts::{Crd, CrdVersion, Seen};
use crate::version::Version;

/// One minor of Cilium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minor {
    /// 18 of 1.18.
    pub minor: u32,
    /// The newest patch that is known here.
    pub newest: u32,
    /// Oldest and newest minor of Kubernetes 1 that it is tested with.
    pub kubernetes: (u32, u32),
    /// The oldest kernel, as major and minor.
    pub kernel: (u32, u32),
    /// The patch of which the documents and the source were read for all this.
    pub read: u32,
}

impl Minor {
    /// As `1.18`.
    pub fn name(&self) -> String {
        format!("1.{}", self.minor)
    }

    /// The newest patch that is known.
    pub const fn newest(&self) -> Version {
        Version::release(1, self.minor, self.newest)
    }
}

/// Every minor that is known, oldest first.
///
/// - Kubernetes: `Documentation/network/kubernetes/compatibility.rst` at the tag of `read`. At
///   1.19.6 the page of requirements beside it says 31 to 34, but the tests there run 32 to 35.
/// - Kernel: `Documentation/operations/system_requirements.rst` at that tag; of 4.19 it wants
///   4.19.57.
/// - Newest: the released charts, the table of schemas at 1.20.2 (it ends with 1.18.13, 1.19.7 and
///   1.20.1), the index of Go modules (1.19.8, 1.20.2), and the release notes of 1.17.18 (July 2026)
///   and 1.18.14 (September 2026), which name their images by digest.
pub const MINORS: [Minor; 7] = [
    Minor { minor: 14, newest: 19, kubernetes: (19, 27), kernel: (4, 19), read: 19 },
    Minor { minor: 15, newest: 19, kubernetes: (26, 29), kernel: (4, 19), read: 19 },
    Minor { minor: 16, newest: 19, kubernetes: (27, 30), kernel: (5, 4), read: 19 },
    Minor { minor: 17, newest: 18, kubernetes: (29, 32), kernel: (5, 4), read: 17 },
    Minor { minor: 18, newest: 14, kubernetes: (30, 33), kernel: (5, 10), read: 11 },
    Minor { minor: 19, newest: 8, kubernetes: (32, 35), kernel: (5, 10), read: 6 },
    Minor { minor: 20, newest: 2, kubernetes: (33, 36), kernel: (5, 10), read: 2 },
];

/// The newest minor that is known.
pub const NEWEST: Minor = MINORS[MINORS.len() - 1];

/// What is known of a version's minor.
pub fn minor_of(version: &Version) -> Option<&'static Minor> {
    MINORS.iter().find(|known| version.line() == (1, known.minor))
}

/// The version that is meant: a minor alone means its newest patch.
pub fn meant(version: Version) -> Version {
    match (version.patch, minor_of(&version)) {
        (None, Some(minor)) => minor.newest(),
        _ => version,
    }
}

/// What is older than the newest patch of its minor.
pub fn old_patches(from: &Version, to: &Version) -> Vec<Seen> {
    let older = |place: &str, version: &Version| {
        let newest = minor_of(version)?.newest();
        let text = format!("{version}; the newest of {} is {newest}", version.minor_text());
        version.is_below(&newest).then(|| Seen::new(place, text))
    };
    let same = from.line() == to.line();
    let from = if same { None } else { older("Cilium", from) };
    from.into_iter().chain(older("wanted", to)).collect()
}

/// What is no release that is known: too old, too new, or before its release.
pub fn unknown(from: &Version, to: &Version) -> Vec<Seen> {
    let said = |place: &str, version: &Version| {
        let what = if version.is_before_release() {
            "stands before its release; what holds for the release is checked"
        } else if minor_of(version).is_none() {
            "is not known here (1.14 to 1.20 are); what holds for all versions is checked"
        } else {
            return None;
        };
        Some(Seen::new(place, format!("{version} {what}")))
    };
    said("Cilium", from).into_iter().chain(said("wanted", to)).collect()
}

// Source: the table of schemas in Documentation/network/kubernetes/compatibility-table.rst at the
// tags above; for the newest of a minor, and for the versions of resources, the definitions in
// pkg/k8s/apis/cilium.io.
#[derive(Deserialize)]
struct MinorCrds {
    /// Releases from which on the schema has a version.
    schema: Vec<(Version, String)>,
    crds: BTreeMap<String, Vec<CrdVersion>>,
}

static CRDS: LazyLock<BTreeMap<String, MinorCrds>> = LazyLock::new(|| {
    // Of our own making; a test reads it.
    serde_json::from_str(include_str!("../data/crds.json")).unwrap_or_default()
});

fn crds_of(version: &Version) -> Option<&'static MinorCrds> {
    CRDS.get(&version.minor_text())
}

/// The versions of each resource that a version of Cilium defines, by the resource's full name;
/// `None` where that is not known.
pub fn defined(version: &Version) -> Option<BTreeMap<String, &'static [CrdVersion]>> {
    let crds = &crds_of(version)?.crds;
    Some(crds.iter().map(|(name, it)| (format!("{name}.cilium.io"), it.as_slice())).collect())
}

/// The version of the schema that a version of Cilium writes into its resources.
pub fn schema(version: &Version) -> Option<&'static str> {
    let steps = crds_of(version)?.schema.iter().rev();
    let mut reached = steps.filter(|(from, _)| !version.is_below(from));
    reached.next().map(|(_, schema)| schema.as_str())
}

/// Stored versions that a version of Cilium no longer has, with the name of the resource.
///
/// A resource that it does not define at all is left as it is, so nothing is in its way.
pub fn stored_and_gone(crds: &BTreeMap<String, Crd>, to: &Version) -> Vec<(String, String)> {
    let Some(defined) = defined(to) else { return Vec::new() };
    let gone = crds.iter().filter_map(|(name, crd)| Some((name, crd, defined.get(name)?)));
    gone.flat_map(|(name, crd, versions)| {
        let missing = crd
            .stored
            .iter()
            .filter(|stored| !versions.iter().any(|version| version.name == **stored));
        missing.map(|stored| (name.clone(), stored.clone()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole() {
        for minor in MINORS {
            let version = minor.newest();
            let defined = defined(&version).expect("each minor has its resources");
            assert!(defined.len() >= 17, "{version}");
            for versions in defined.values() {
                assert_eq!(versions.iter().filter(|it| it.storage).count(), 1);
            }
        }
        assert_eq!(schema(&Version::release(1, 18, 11)), Some("1.31.11"));
        assert_eq!(schema(&Version::release(1, 18, 14)), Some("1.31.12"));
        assert_eq!(schema(&Version::release(1, 14, 3)), Some("1.26.11"));
        assert_eq!(schema(&Version::release(1, 14, 19)), Some("1.27.2"));
        assert_eq!(schema(&Version::release(1, 20, 1)), Some("1.33.11"));
        assert_eq!(schema(&Version::release(1, 20, 2)), Some("1.33.12"));
        assert_eq!(schema(&Version::release(1, 21, 0)), None);
    }

    #[test]
    fn facts_are_those_of_the_documents() {
        let of = |minor: u32| MINORS.iter().find(|it| it.minor == minor).expect("it is there");
        assert_eq!(of(14).kubernetes, (19, 27));
        assert_eq!(of(19).kubernetes, (32, 35));
        assert_eq!((of(15).kernel, of(16).kernel), ((4, 19), (5, 4)));
        for minor in MINORS {
            assert!(minor.read <= minor.newest, "{}", minor.name());
            let (oldest, newest) = minor.kubernetes;
            assert!(oldest < newest, "{}", minor.name());
        }
        for pair in MINORS.windows(2) {
            assert_eq!(pair[0].minor + 1, pair[1].minor);
            assert!(pair[0].kernel <= pair[1].kernel && pair[0].kubernetes < pair[1].kubernetes);
        }
    }

    #[test]
    fn a_minor_means_its_newest_patch() {
        assert_eq!(meant(Version::minor(1, 18)), Version::release(1, 18, 14));
        assert_eq!(meant(Version::release(1, 18, 0)), Version::release(1, 18, 0));
        assert_eq!(meant(Version::minor(1, 99)), Version::minor(1, 99));
    }
}
