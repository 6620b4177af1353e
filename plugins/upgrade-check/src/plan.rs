//! The road from one version to another: one minor at a time, the newest patch of each.
//!
//! Pure. What a step needs is judged by the same rules as the whole, with the step's versions.

use crate::chart::Chart;
use crate::check::{self, Outcome};
use crate::condition::Test;
use crate::facts::{Facts, Seen};
use crate::marks::Mark;
use crate::releases::{MINORS, minor_of};
use crate::rule::{Rule, Severity};
use crate::version::Version;

/// When something is to be done, or happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before `helm upgrade`.
    Before,
    /// While agents restart.
    During,
    /// When all of them run.
    After,
}

impl Phase {
    /// As the table says it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::During => "during",
            Self::After => "after",
        }
    }
}

/// One thing of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// When.
    pub phase: Phase,
    /// How bad it is to leave it out; `None` where it merely happens.
    pub severity: Option<Severity>,
    /// What.
    pub what: String,
    /// Why, as it was seen.
    pub seen: Vec<Seen>,
    /// The public document.
    pub link: String,
    /// The check behind it.
    pub id: Option<String>,
}

/// One upgrade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// From.
    pub from: Version,
    /// To.
    pub to: Version,
    /// What is to be done and what happens.
    pub items: Vec<Item>,
    /// Commands to run, as text.
    pub commands: String,
    /// Images that its pods are made of, as `repository:tag@digest`, as far as that is known.
    pub images: Vec<String>,
}

impl Step {
    /// As `1.17.6 → 1.17.18`.
    pub fn name(&self) -> String {
        format!("{} → {}", self.from, self.to)
    }
}

const GUIDE: &str = "https://docs.cilium.io/en/stable/operations/upgrade/";

/// The versions on the road, the first one included.
///
/// The newest patch of the minor that runs comes first, then that of each minor between, then
/// what is wanted. Back leads one minor at a time too. Minors that are not known are left out.
pub fn road(from: &Version, to: &Version) -> Vec<Version> {
    let mut road = vec![from.clone()];
    let between = |minor: u32| {
        let known = MINORS.iter().find(|known| known.minor == minor);
        known.map(crate::releases::Minor::newest)
    };
    if from.major == 1 && to.major == 1 && to.minor > from.minor {
        let newest = minor_of(from).map(crate::releases::Minor::newest);
        road.extend(newest.filter(|newest| from.is_below(newest)));
        // What lies beyond the table is reached in one step from its end.
        let last = MINORS.last().map_or(0, |minor| minor.minor + 1);
        road.extend((from.minor + 1..to.minor.min(last)).filter_map(between));
    } else if to.major == 1 && from.major == 1 && to.minor < from.minor {
        let first = MINORS.first().map_or(0, |minor| minor.minor);
        let most = MINORS.last().map_or(0, |minor| minor.minor + 1);
        road.extend((to.minor.max(first) + 1..from.minor.min(most)).rev().filter_map(between));
    }
    if road.last() != Some(to) {
        road.push(to.clone());
    }
    road
}

/// Every step with what it needs.
pub fn plan(facts: &Facts, rules: &[Rule], namespace: &str) -> Vec<Step> {
    let road = road(&facts.from, &facts.to);
    let compatibility = facts
        .values
        .known()
        .and_then(|values| values.get("upgradeCompatibility").cloned())
        .unwrap_or_else(|| facts.from.minor_text());
    let mut steps = Vec::new();
    for (number, pair) in road.windows(2).enumerate() {
        let [from, to] = pair else { continue };
        let mut facts = facts.clone();
        facts.from = from.clone();
        facts.to = to.clone();
        let mut items = of_rules(&facts, rules, number == 0);
        items.extend(during(&facts));
        items.extend(after(&facts));
        items.sort_by_key(|item| item.phase);
        let commands = commands(from, to, namespace, &compatibility);
        let images = images(to);
        steps.push(Step { from: from.clone(), to: to.clone(), items, commands, images });
    }
    steps
}

/// What the road itself takes care of.
fn is_about_the_road(rule: &Rule) -> bool {
    let tests = rule.condition.all.iter().chain(&rule.condition.any);
    let mut tests = tests.filter(|test| matches!(test, Test::SkipsMinor | Test::OldPatch));
    tests.next().is_some()
}

fn of_rules(facts: &Facts, rules: &[Rule], is_first: bool) -> Vec<Item> {
    let mut items = Vec::new();
    for rule in rules.iter().filter(|rule| !is_about_the_road(rule)) {
        // The state of the cluster is what it is now: later steps find another one.
        if rule.since.is_none() && !is_first && !depends_on_way(rule) {
            continue;
        }
        let (seen, what) = match check::judge(rule, facts) {
            Outcome::Warn(seen) | Outcome::Fail(seen) => (seen, rule.todo.clone()),
            Outcome::Unknown(why) => (
                vec![Seen::new("unknown", why)],
                format!("Find out: {}. If it is not so: {}", rule.title, rule.todo),
            ),
            _ => continue,
        };
        let tests = rule.condition.all.iter().chain(&rule.condition.any);
        let is_metric = tests.clone().any(|test| matches!(test, Test::Metric(_)));
        items.push(Item {
            phase: if is_metric { Phase::After } else { Phase::Before },
            severity: Some(rule.severity),
            what,
            seen,
            link: rule.link.clone(),
            id: Some(rule.id.clone()),
        });
    }
    items.sort_by_key(|item| item.severity != Some(Severity::Fail));
    items
}

/// Whether a rule about every upgrade asks for the versions of the step.
fn depends_on_way(rule: &Rule) -> bool {
    let tests = rule.condition.all.iter().chain(&rule.condition.any);
    let mut tests = tests.filter(|test| {
        matches!(
            test,
            Test::To(_) | Test::KubernetesUntested | Test::CrdStoredGone | Test::UnknownVersion
        )
    });
    tests.next().is_some()
}

/// The newest chart of the minor that was read names them. Another patch has other digests, and
/// parts with versions of their own then have no tag, for nobody has read which.
fn images(to: &Version) -> Vec<String> {
    let Some(chart) = Chart::of(to) else { return Vec::new() };
    if chart.releases.last() == Some(to) {
        return chart.images.clone();
    }
    let newest = chart.releases.last().map(ToString::to_string).unwrap_or_default();
    let images = chart.images.iter().map(|image| {
        let name = image.split('@').next().unwrap_or(image);
        match name.rsplit_once(':') {
            Some((repository, tag)) if tag == format!("v{newest}") => format!("{repository}:v{to}"),
            Some((repository, tag)) if !tag.contains('/') => repository.to_owned(),
            _ => name.to_owned(),
        }
    });
    images.collect()
}

fn marked(facts: &Facts, mark: Mark) -> Vec<Seen> {
    facts.marks.get(&mark).and_then(|fact| fact.known()).cloned().unwrap_or_default()
}

fn happens(what: &str, seen: Vec<Seen>) -> Item {
    Item {
        phase: Phase::During,
        severity: None,
        what: what.to_owned(),
        seen,
        link: GUIDE.to_owned(),
        id: None,
    }
}

fn during(facts: &Facts) -> Vec<Item> {
    let is_on = |key: &str| facts.setting(key) == Some("true");
    let setting = |key: &str| vec![Seen::new("cilium-config", format!("{key}: true"))];
    let mut items = Vec::new();
    let pace = facts
        .max_unavailable
        .as_ref()
        .map(|most| Seen::new("DaemonSet", format!("maxUnavailable: {most}")));
    items.push(happens(
        "Each agent restarts: packets flow on by the programs in the kernel, new pods of that node \
         wait, and changes of policies, Services and peers reach it when it is back",
        pace.into_iter().collect(),
    ));
    let mut proxied = marked(facts, Mark::PolicyL7);
    proxied.extend(marked(facts, Mark::EnvoyConfig));
    for key in ["enable-ingress-controller", "enable-gateway-api"] {
        if is_on(key) {
            proxied.extend(setting(key));
        }
    }
    if !proxied.is_empty() {
        items.push(happens(
            "Connections through the proxy are cut: clients must connect again",
            proxied,
        ));
    }
    let names = marked(facts, Mark::PolicyFqdn);
    if !names.is_empty() {
        items.push(happens(
            "Names of toFQDNs are not answered on a node while its agent restarts",
            names,
        ));
    }
    if is_on("enable-bgp-control-plane") {
        items.push(happens(
            "BGP sessions of a node end and begin anew: with graceful restart its peers keep the \
             routes, without it they send elsewhere",
            setting("enable-bgp-control-plane"),
        ));
    }
    let gateways = marked(facts, Mark::EgressGateway);
    if !gateways.is_empty() {
        items.push(happens(
            "Egress gateways that go while an agent restarts are not replaced on its node",
            gateways,
        ));
    }
    if is_on("enable-ipsec") || is_on("enable-wireguard") {
        let key = if is_on("enable-ipsec") { "enable-ipsec" } else { "enable-wireguard" };
        items.push(happens(
            "Nodes of both versions encrypt for each other: watch drops while both run",
            setting(key),
        ));
    }
    if facts.from.minor < 18 && facts.to.minor >= 18 && facts.from.line() != facts.to.line() {
        items.push(happens(
            "Every pod gets a new identity, for the service account joins its labels: there are \
             up to twice as many for a while",
            Vec::new(),
        ));
    }
    items
}

fn after(facts: &Facts) -> Vec<Item> {
    let item = |what: String| Item {
        phase: Phase::After,
        severity: None,
        what,
        seen: Vec::new(),
        link: GUIDE.to_owned(),
        id: None,
    };
    let to = &facts.to;
    let mut items = vec![item(format!(
        "All agents and the operator run {to}; compare with the capture made before: `kubectl lab \
         upgrade-check diff --against before-{to}.zip --to {to}`"
    ))];
    if facts.from.line() != facts.to.line() {
        items.push(item(
            "Go back only with `helm rollback`, and before anything new of this minor is used"
                .to_owned(),
        ));
    }
    items
}

fn commands(from: &Version, to: &Version, namespace: &str, compatibility: &str) -> String {
    let is_patch = from.line() == to.line();
    let mut lines = vec![
        format!("kubectl lab capture before-{to}.zip"),
        format!(
            "helm get values cilium --namespace {namespace} --output yaml > cilium-values.yaml"
        ),
    ];
    if !is_patch {
        lines.push(
            "# Edit cilium-values.yaml as above. Never --reuse-values: new values would be missing."
                .to_owned(),
        );
        lines.push(
            "# Helm 3.14 and later: --reset-then-reuse-values does the same without the file."
                .to_owned(),
        );
        lines.push(
            "# upgradeCompatibility is the minor that was installed first, see `helm history`."
                .to_owned(),
        );
    }
    let compatible = if is_patch {
        String::new()
    } else {
        format!(" --set upgradeCompatibility={compatibility}")
    };
    lines.push("helm repo update cilium".to_owned());
    lines.push(format!(
        "helm upgrade cilium cilium/cilium --version {to} --namespace {namespace} \
         --values cilium-values.yaml{compatible}"
    ));
    lines.push(format!("kubectl --namespace {namespace} rollout status daemonset/cilium"));
    lines
        .push(format!("kubectl --namespace {namespace} rollout status deployment/cilium-operator"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(from: &str, to: &str) -> String {
        let version = |text: &str| text.parse::<Version>().expect("a version");
        let road = road(&version(from), &version(to));
        road.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_road_leads_through_every_minor() {
        assert_eq!(way("1.17.6", "1.18.0"), "1.17.6 1.17.18 1.18.0");
        assert_eq!(way("1.17.18", "1.20.2"), "1.17.18 1.18.14 1.19.8 1.20.2");
        assert_eq!(way("1.18.0", "1.18.14"), "1.18.0 1.18.14");
        assert_eq!(way("1.18.0", "1.18.0"), "1.18.0");
        assert_eq!(way("1.12.3", "1.15.19"), "1.12.3 1.14.19 1.15.19");
        assert_eq!(way("1.20.2", "1.22.0"), "1.20.2 1.22.0");
        assert_eq!(way("1.20.2", "1.17.18"), "1.20.2 1.19.8 1.18.14 1.17.18");
        assert_eq!(way("1.18.0-rc.1", "1.18.0"), "1.18.0-rc.1 1.18.0");
    }

    #[test]
    fn commands_are_whole() {
        let text =
            commands(&Version::release(1, 17, 18), &Version::release(1, 18, 14), "cilium", "1.16");
        assert!(text.contains("--version 1.18.14 --namespace cilium "), "{text}");
        assert!(text.contains("--set upgradeCompatibility=1.16"), "{text}");
        let text =
            commands(&Version::release(1, 17, 6), &Version::release(1, 17, 18), "cilium", "1.16");
        assert!(!text.contains("upgradeCompatibility"), "{text}");
    }
}
