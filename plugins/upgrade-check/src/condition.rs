//! What a rule asks for: small typed tests, and whether they hold.
//!
//! There are three answers, because what was not read is neither true nor false. It must not know
//! rules, nor how a test is written.

use lab_plugin::Fact;

use crate::facts::{Facts, NodeFact, Seen};
use crate::kernels;
use crate::marks::Mark;
use crate::version::Version;

/// What a text has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// It is there, whatever it is.
    Set,
    /// It is not there.
    Unset,
    /// It is one of these.
    In(Vec<String>),
    /// It is there and none of these.
    NotIn(Vec<String>),
    /// It holds this.
    Contains(String),
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextIn {
    /// `cilium-config`.
    Config,
    /// Command lines.
    Arg,
    /// The agent's environment.
    Env,
    /// Values of the Helm release; a path also means everything below it.
    Value,
}

/// How a version is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// It is older.
    Below(Version),
    /// It is this one or newer.
    AtLeast(Version),
}

impl Compare {
    fn holds(&self, version: &Version) -> bool {
        match self {
            Self::Below(limit) => version.is_below(limit),
            Self::AtLeast(limit) => !version.is_below(limit),
        }
    }
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// A named text.
    Text(TextIn, String, Text),
    /// Cilium's version now.
    From(Compare),
    /// The version that is wanted.
    To(Compare),
    /// The API server's version.
    Kubernetes(Compare),
    /// The API server's version is one that the wanted Cilium is not tested with.
    KubernetesUntested,
    /// The kernel of any node; an enterprise kernel that counts as newer does.
    Kernel(Compare),
    /// The wanted version leaves out minors between.
    SkipsMinor,
    /// The wanted version is older.
    Downgrade,
    /// A newer patch is known of the version that runs, or of the wanted one.
    OldPatch,
    /// No release of the version is known: newer than this program, or a pre-release.
    UnknownVersion,
    /// A resource is defined.
    Crd(String),
    /// Objects of a resource may be stored in this version.
    CrdStored(String, String),
    /// A definition of the Gateway API is of such a bundle.
    CrdBundle(String, Compare),
    /// A stored version of any resource is one that the wanted Cilium no longer has.
    CrdStoredGone,
    /// Alerts or dashboards use one of these metrics.
    Metric(Vec<String>),
    /// Objects bear it.
    Mark(Mark),
}

/// Whether something holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Yes, and what was seen; for an absence nothing may have been.
    Yes(Vec<Seen>),
    /// No.
    No,
    /// Nobody can tell, and why.
    Unknown(String),
}

impl Holds {
    fn when(holds: bool, seen: impl FnOnce() -> Seen) -> Self {
        if holds { Self::Yes(vec![seen()]) } else { Self::No }
    }

    fn of_list(seen: Vec<Seen>) -> Self {
        if seen.is_empty() { Self::No } else { Self::Yes(seen) }
    }
}

/// Tests put together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// Each must hold.
    pub all: Vec<Test>,
    /// One must hold, if there are any.
    pub any: Vec<Test>,
    /// None may hold.
    pub none: Vec<Test>,
}

impl Condition {
    /// Whether it holds, with what was seen.
    pub fn holds(&self, facts: &Facts) -> Holds {
        let mut seen = Vec::new();
        let mut unknown: Option<String> = None;
        for test in &self.all {
            match test.holds(facts) {
                Holds::Yes(more) => seen.extend(more),
                Holds::No => return Holds::No,
                Holds::Unknown(why) => unknown = unknown.or(Some(why)),
            }
        }
        for test in &self.none {
            match test.holds(facts) {
                Holds::Yes(_) => return Holds::No,
                Holds::No => {}
                Holds::Unknown(why) => unknown = unknown.or(Some(why)),
            }
        }
        if !self.any.is_empty() {
            let (mut held, mut why_not) = (false, None);
            for test in &self.any {
                match test.holds(facts) {
                    Holds::Yes(more) => {
                        held = true;
                        seen.extend(more);
                    }
                    Holds::No => {}
                    Holds::Unknown(why) => why_not = why_not.or(Some(why)),
                }
            }
            match (held, why_not) {
                (true, _) => {}
                (false, None) => return Holds::No,
                (false, why) => unknown = unknown.or(why),
            }
        }
        seen.dedup();
        unknown.map_or(Holds::Yes(seen), Holds::Unknown)
    }
}

/// A known value, or the answer that nobody can tell.
macro_rules! known {
    ($fact:expr, $what:literal) => {
        match $fact {
            Fact::Known(value) => value,
            Fact::Absent => return Holds::Unknown(concat!($what, ": there is none").to_owned()),
            Fact::Unknown(why) => return Holds::Unknown(format!("{}: {why}", $what)),
        }
    };
}

impl Test {
    fn holds(&self, facts: &Facts) -> Holds {
        match self {
            Self::Text(place, name, text) => text_holds(*place, name, text, facts),
            Self::From(compare) => Holds::when(compare.holds(&facts.from), || from(facts)),
            Self::To(compare) => Holds::when(compare.holds(&facts.to), || to(facts)),
            Self::Kubernetes(compare) => {
                let version = known!(&facts.kubernetes, "the API server's version");
                Holds::when(compare.holds(version), || Seen::new("API server", version.to_string()))
            }
            Self::KubernetesUntested => kubernetes_untested(facts),
            Self::Kernel(compare) => {
                let nodes = known!(&facts.nodes, "nodes");
                let fits = nodes.iter().filter(|node| match compare {
                    Compare::Below(limit) => kernels::is_below(node, limit) == Some(true),
                    Compare::AtLeast(limit) => kernels::is_below(node, limit) == Some(false),
                });
                let seen = |node: &NodeFact| match node.os.as_str() {
                    "" => Seen::new(&node.name, &node.kernel),
                    os => Seen::new(&node.name, format!("{} of {os}", node.kernel)),
                };
                Holds::of_list(fits.map(seen).collect())
            }
            Self::SkipsMinor => {
                let skips = facts.to.major == facts.from.major
                    && facts.to.minor > facts.from.minor.saturating_add(1);
                Holds::when(skips, || Seen::new("Cilium", way(facts)))
            }
            Self::Downgrade => {
                Holds::when(facts.is_downgrade(), || Seen::new("Cilium", way(facts)))
            }
            Self::OldPatch => Holds::of_list(crate::releases::old_patches(&facts.from, &facts.to)),
            Self::UnknownVersion => {
                Holds::of_list(crate::releases::unknown(&facts.from, &facts.to))
            }
            Self::Crd(name) => {
                let crds = known!(&facts.crds, "CustomResourceDefinitions");
                Holds::when(crds.contains_key(name), || Seen::new("CustomResourceDefinition", name))
            }
            Self::CrdStored(name, version) => {
                let crds = known!(&facts.crds, "CustomResourceDefinitions");
                let stored = crds.get(name).is_some_and(|crd| crd.stored.contains(version));
                Holds::when(stored, || stored_in(name, version))
            }
            Self::CrdBundle(name, compare) => {
                let crds = known!(&facts.crds, "CustomResourceDefinitions");
                let bundle = crds.get(name).and_then(|crd| crd.bundle.as_ref());
                let Some(bundle) = bundle else { return Holds::No };
                Holds::when(compare.holds(bundle), || {
                    Seen::new(name, format!("bundle-version {bundle}"))
                })
            }
            Self::CrdStoredGone => {
                let crds = known!(&facts.crds, "CustomResourceDefinitions");
                let gone = crate::releases::stored_and_gone(crds, &facts.to);
                Holds::of_list(
                    gone.into_iter().map(|(name, version)| stored_in(&name, &version)).collect(),
                )
            }
            Self::Metric(names) => {
                let metrics = known!(&facts.metrics, "PrometheusRules");
                let used = names.iter().filter_map(|name| {
                    metrics.get(name).map(|place| Seen::new(place.as_str(), name.as_str()))
                });
                Holds::of_list(used.collect())
            }
            Self::Mark(mark) => match facts.marks.get(mark) {
                Some(Fact::Known(seen)) => Holds::of_list(seen.clone()),
                Some(Fact::Absent) => Holds::No,
                Some(Fact::Unknown(why)) => Holds::Unknown(why.clone()),
                None => Holds::Unknown(format!("{mark}: not asked")),
            },
        }
    }
}

fn from(facts: &Facts) -> Seen {
    Seen::new("Cilium", facts.from.to_string())
}

fn to(facts: &Facts) -> Seen {
    Seen::new("wanted", facts.to.to_string())
}

fn way(facts: &Facts) -> String {
    format!("{} → {}", facts.from, facts.to)
}

fn stored_in(name: &str, version: &str) -> Seen {
    Seen::new(name, format!("storedVersions has {version}"))
}

fn kubernetes_untested(facts: &Facts) -> Holds {
    let version = known!(&facts.kubernetes, "the API server's version");
    let Some(release) = crate::releases::minor_of(&facts.to) else { return Holds::No };
    let (oldest, newest) = release.kubernetes;
    let is_tested = version.major == 1 && (oldest..=newest).contains(&version.minor);
    Holds::when(!is_tested, || {
        let tested = format!("{} is tested with 1.{oldest} to 1.{newest}", release.name());
        Seen::new("API server", format!("{version}; {tested}"))
    })
}

fn text_holds(place: TextIn, name: &str, text: &Text, facts: &Facts) -> Holds {
    let (map, what) = match place {
        TextIn::Config => (known!(&facts.config, "cilium-config"), "cilium-config"),
        TextIn::Arg => (known!(&facts.args, "command lines"), "argument"),
        TextIn::Env => (known!(&facts.env, "environment"), "environment of the agent"),
        // Nobody has to give the values; a rule that is about nothing else is skipped before.
        TextIn::Value if facts.values == Fact::Absent => {
            return if *text == Text::Unset { Holds::Yes(Vec::new()) } else { Holds::No };
        }
        TextIn::Value => (known!(&facts.values, "Helm values"), "Helm value"),
    };
    let mut found: Vec<(&str, &str)> = Vec::new();
    if let Some((name, value)) = map.get_key_value(name) {
        found.push((name, value));
    } else if place == TextIn::Value {
        let below = map
            .iter()
            .filter(|(path, _)| path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
        found.extend(below.map(|(path, value)| (path.as_str(), value.as_str())));
    }
    if *text == Text::Unset {
        return if found.is_empty() { Holds::Yes(Vec::new()) } else { Holds::No };
    }
    found.retain(|(_, value)| match text {
        Text::Set => true,
        Text::Unset => false,
        Text::In(words) => words.iter().any(|word| word == value),
        Text::NotIn(words) => !words.iter().any(|word| word == value),
        Text::Contains(part) => value.contains(part.as_str()),
    });
    Holds::of_list(
        found
            .into_iter()
            .map(|(name, value)| Seen::new(what, format!("{name}: {value}")))
            .collect(),
    )
}
