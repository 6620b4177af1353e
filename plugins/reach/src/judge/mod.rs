//! Predictions against measurements: verdicts of pairs, and findings.
//!
//! One file for each family of checks. A check never sees a column and never asks a host; what
//! was not measured fires nothing.

mod answers;
mod group;
mod lost;
mod mtu;
#[cfg(test)]
mod tests;
mod verdict;

use lab_forwarding::model::Cluster;
use lab_plugin::{Finding, Health, Level};

use crate::ends::{Source, Target};
use crate::rounds::Probe;

pub use verdict::Verdict;

/// Pairs of which a finding quotes the probe.
const MOST_QUOTED: usize = 3;

/// Everything the findings rest on.
pub struct Facts<'f> {
    /// The cluster as it was asked for.
    pub cluster: &'f Cluster,
    /// Who sends.
    pub sources: &'f [Source],
    /// Who answers.
    pub targets: &'f [Target],
    /// Every pair.
    pub probes: &'f [Probe],
}

/// Every finding, family by family.
pub fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    lost::check(facts, &mut found);
    answers::check(facts, &mut found);
    mtu::check(facts, &mut found);
    found
}

impl<'f> Facts<'f> {
    /// The verdict on a pair as a cell.
    pub fn health(&self, probe: &Probe) -> Health {
        let verdict = Verdict::of(probe);
        let is_beside = verdict == Verdict::Lost && !self.expects(probe);
        let level = if is_beside { Level::Info } else { verdict.level() };
        Health(level, verdict.word().to_owned())
    }

    /// Whether the cluster needs this way: a host beside it needs none that its tables lack.
    fn expects(&self, probe: &Probe) -> bool {
        let sender = &self.cluster.hosts[self.sources[probe.source].host];
        sender.is_node || probe.prediction.lost.is_none()
    }

    fn of(&self, verdict: Verdict) -> Vec<&'f Probe> {
        self.probes.iter().filter(|probe| Verdict::of(probe) == verdict).collect()
    }

    fn from(&self, probe: &Probe) -> &'f str {
        &self.sources[probe.source].name
    }

    fn to(&self, probe: &Probe) -> &'f str {
        &self.targets[probe.target].name
    }

    fn pairs(&self, probes: &[&Probe]) -> Vec<String> {
        probes.iter().map(|probe| format!("{} > {}", self.from(probe), self.to(probe))).collect()
    }

    /// Who shares a group's end, and the others: for its subject and its message.
    fn names(&self, group: &group::Group<'_>) -> (String, Vec<String>) {
        match group.shared {
            group::Shared::Target(target) => {
                let others = group.probes.iter().map(|probe| self.from(probe).to_owned());
                (self.targets[target].name.clone(), others.collect())
            }
            group::Shared::Source(source) => {
                let others = group.probes.iter().map(|probe| self.to(probe).to_owned());
                (self.sources[source].name.clone(), others.collect())
            }
        }
    }

    /// Adds what the first probes printed.
    fn quote(&self, probes: &[&Probe], finding: Finding) -> Finding {
        probes.iter().take(MOST_QUOTED).fold(finding, |finding, probe| {
            let place = format!("{}: {}", self.from(probe), probe.measured.command);
            let lines = probe.measured.lines.iter();
            lines.fold(finding, |finding, line| finding.evidence(place.clone(), line.clone()))
        })
    }
}
