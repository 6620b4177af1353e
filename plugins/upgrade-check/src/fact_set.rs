//! Facts as people write them, to try a rule on.
//!
//! What is left out is known and empty, so that a set says only what the rule is about.

use std::collections::BTreeMap;

use lab_plugin::Fact;
use serde::Deserialize;

use crate::facts::{Crd, Facts, NodeFact, Seen};
use crate::marks::Mark;
use crate::rule::Rule;
use crate::version::Version;

/// One set of facts.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FactSet {
    /// The version that runs; the newest patch before the rule's minor where it is left out.
    pub from: Option<Version>,
    /// The version that is wanted; the newest patch of the rule's minor where it is left out.
    pub to: Option<Version>,
    /// The API server's.
    pub kubernetes: Option<Version>,
    /// Keys of `cilium-config`.
    pub config: BTreeMap<String, String>,
    /// Flags on command lines.
    pub args: BTreeMap<String, String>,
    /// The agent's environment.
    pub env: BTreeMap<String, String>,
    /// Helm values by path.
    pub values: BTreeMap<String, String>,
    /// The kernel of each node.
    pub kernels: Vec<String>,
    /// Definitions: the versions they are stored in, and the bundle they are of.
    pub crds: BTreeMap<String, CrdSet>,
    /// Metrics that alerts use.
    pub metrics: Vec<String>,
    /// What objects bear.
    pub marks: Vec<String>,
}

/// One definition.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrdSet {
    /// Versions that objects may be stored in.
    pub stored: Vec<String>,
    /// The bundle of the Gateway API.
    pub bundle: Option<Version>,
}

/// A rule's two sets.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The rule's id.
    pub rule: String,
    /// The rule fires on these.
    pub fires: FactSet,
    /// It passes on these.
    pub quiet: FactSet,
}

/// A file of cases.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cases {
    /// One for each rule of the file beside it.
    pub case: Vec<Case>,
}

impl FactSet {
    /// The facts, for a rule.
    ///
    /// # Errors
    /// A mark that there is not.
    pub fn facts(&self, rule: &Rule) -> Result<Facts, String> {
        let minor = rule.since.as_ref().map_or(18, |since| since.minor);
        let newest = |minor: u32| crate::releases::meant(Version::minor(1, minor));
        let from = self.from.clone().unwrap_or_else(|| newest(minor.saturating_sub(1)));
        let to = self.to.clone().unwrap_or_else(|| newest(minor));
        let mut facts = Facts::new(from, to);
        let kubernetes = self.kubernetes.clone().unwrap_or(Version::release(1, 33, 2));
        facts.kubernetes = Fact::Known(kubernetes);
        facts.config = Fact::Known(self.config.clone());
        facts.args = Fact::Known(self.args.clone());
        facts.env = Fact::Known(self.env.clone());
        facts.values = Fact::Known(self.values.clone());
        let nodes = self.kernels.iter().zip(0..);
        let nodes = nodes.map(|(kernel, n)| NodeFact::new(format!("node-{n}"), kernel, ""));
        facts.nodes = Fact::Known(nodes.collect());
        let crds = self.crds.iter().map(|(name, set)| {
            let crd =
                Crd { stored: set.stored.clone(), bundle: set.bundle.clone(), ..Crd::default() };
            (name.clone(), crd)
        });
        facts.crds = Fact::Known(crds.collect());
        let metrics = self.metrics.iter().map(|name| (name.clone(), "an alert".to_owned()));
        facts.metrics = Fact::Known(metrics.collect());
        facts.marks = Mark::ALL.iter().map(|mark| (*mark, Fact::Known(Vec::new()))).collect();
        for name in &self.marks {
            let mark: Mark = name.parse()?;
            facts.marks.insert(mark, Fact::Known(vec![Seen::new("an object", mark.about())]));
        }
        Ok(facts)
    }
}
