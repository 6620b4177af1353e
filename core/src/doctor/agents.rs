//! The agents: one on each node, ready, and a command in its container runs and ends.
//!
//! Apart because it is the way to every node. Which pods are agents, and what their versions mean,
//! the live backend knows.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use lab_backend::Backend;
use lab_backend::Gate;
use lab_backend::HostKind;
use lab_live::AgentState;
use lab_live::Live;
use lab_live::Tools;
use lab_types::Card;
use lab_types::Failure;
use lab_types::FailureKind;

use super::Patient;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use super::check::few;
use super::local::minor;

/// Tools that every agent needs for itself.
const OWN: [&str; 2] = ["ip", "iptables-save"];
/// So many nodes are named in a line about several.
const NAMED: usize = 5;

/// A line for each node, for each group of tools, and for the agents' versions.
pub(super) async fn checks(patient: &Patient<'_>, live: &Live) -> Vec<Check> {
    let agents = match patient.bounds.within(live.agents()).await {
        Ok(agents) => agents,
        Err(failure) => {
            let why = "agents were not found";
            return vec![
                Check::failed(Area::Agent, "", Outcome::Unknown, &failure),
                Check::skipped(Area::Tools, why),
                Check::new(Area::Version, lab_live::support().product, Outcome::Skipped, why),
            ];
        }
    };
    let mut checks = Vec::new();
    let agents: BTreeMap<&str, &AgentState> =
        agents.iter().map(|agent| (agent.node.as_str(), agent)).collect();
    let nodes: Vec<String> = match patient.bounds.within(live.hosts()).await {
        Ok(hosts) => {
            let nodes = hosts.into_iter().filter(|host| host.kind == HostKind::Node);
            nodes.map(|node| node.name).collect()
        }
        Err(failure) => {
            checks.push(Check::failed(Area::Agent, "", Outcome::Unknown, &failure));
            agents.keys().map(|node| (*node).to_owned()).collect()
        }
    };
    let nodes: Vec<String> = nodes.into_iter().filter(|node| patient.asks(node)).collect();
    if nodes.is_empty() {
        checks.push(Check::skipped(Area::Agent, "no node to ask"));
    }
    let version = |node: String| async move { live.agent_version(&node).await };
    let tools = |node: String| async move { live.agent_tools(&node).await };
    let (versions, tools) = tokio::join!(
        patient.bounds.each(nodes.clone(), version),
        patient.bounds.each(nodes.clone(), tools)
    );

    let debug_pods = patient.settings.hosts.debug_pods.value;
    let ssh = &patient.settings.hosts.ssh_nodes;
    for (node, version) in nodes.iter().zip(&versions) {
        let otherwise = ssh.iter().any(|host| host.name == *node);
        checks.push(agent(node, agents.get(node.as_str()).copied(), version, otherwise));
    }
    let answered: Vec<(&str, &Option<String>)> = nodes
        .iter()
        .zip(&versions)
        .filter_map(|(node, version)| Some((node.as_str(), version.as_ref().ok()?)))
        .collect();
    checks.push(release(&answered));
    let found: Vec<(&str, Tools)> = nodes
        .iter()
        .zip(tools)
        .filter_map(|(node, tools)| Some((node.as_str(), tools.ok()?)))
        .collect();
    checks.extend(toolboxes(&found, &wanted(patient.cards), debug_pods));
    checks
}

/// `otherwise` says that the node can also be reached over ssh.
fn agent(
    node: &str,
    state: Option<&AgentState>,
    version: &Result<Option<String>, Failure>,
    otherwise: bool,
) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Agent, node, outcome, seen);
    let bad = if otherwise { Outcome::Warn } else { Outcome::Bad };
    let pod = state.map(|agent| format!("{}/{}", agent.namespace, agent.pod));
    let pod = pod.as_deref().unwrap_or("agent");
    match version {
        // Whose right is missing, the line about rights says.
        Err(failure) if failure.kind == FailureKind::Denied => {
            Check::failed(Area::Agent, node, Outcome::Unknown, failure)
        }
        Err(failure) => Check::failed(Area::Agent, node, bad, failure),
        Ok(version) => {
            let version = version.as_deref().unwrap_or("version unknown");
            match state {
                Some(agent) if !agent.ready => {
                    check(Outcome::Warn, format!("{pod} runs {version} but is not ready"))
                        .fix(format!("kubectl logs -n {} {} --tail=50", agent.namespace, agent.pod))
                }
                _ => {
                    check(Outcome::Fine, format!("{pod} runs {version} and a command there ended"))
                }
            }
        }
    }
}

/// The agents' versions against those whose answers are known here.
fn release(answered: &[(&str, &Option<String>)]) -> Check {
    let support = lab_live::support();
    let check = |outcome, seen: String| Check::new(Area::Version, support.product, outcome, seen);
    let mut nodes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (node, version) in answered {
        nodes.entry(version.as_deref().unwrap_or("unknown")).or_default().push(node);
    }
    let seen = match nodes.len() {
        0 => return check(Outcome::Unknown, "no agent told its version".to_owned()),
        1 => nodes.keys().copied().collect::<String>(),
        _ => {
            let parts =
                nodes.iter().map(|(version, nodes)| format!("{version} on {}", few(nodes, NAMED)));
            parts.collect::<Vec<_>>().join("; ")
        }
    };
    let minors: Option<Vec<(u32, u32)>> = nodes.keys().map(|version| minor(version)).collect();
    let Some(minors) = minors else { return check(Outcome::Unknown, seen) };
    if minors.iter().all(|minor| (support.oldest..=support.newest).contains(minor)) {
        return check(Outcome::Fine, seen);
    }
    let ((a, b), (c, d)) = (support.oldest, support.newest);
    check(Outcome::Warn, format!("{seen}: outside {a}.{b} to {c}.{d}, whose answers are known"))
        .fix("a kubectl-lab that knows this release; until then answers may stay unread")
}

/// Programs that the cards run on hosts.
fn wanted(cards: &[(String, Card)]) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    for (_, card) in cards {
        for (place, argv) in Gate::new(card).commands() {
            let named = |word: &&String| place == "host" && word.as_str() != "**";
            wanted.extend(argv.first().filter(named).cloned());
        }
    }
    wanted
}

/// One line for each group of nodes with the same tools. `otherwise` says that debug pods may run
/// what agents lack.
fn toolboxes(found: &[(&str, Tools)], wanted: &BTreeSet<String>, otherwise: bool) -> Vec<Check> {
    let mut groups: BTreeMap<&Tools, Vec<&str>> = BTreeMap::new();
    for (node, tools) in found {
        groups.entry(tools).or_default().push(node);
    }
    if groups.is_empty() {
        return vec![Check::new(Area::Tools, "", Outcome::Unknown, "no agent told its tools")];
    }
    let lines = groups.into_iter().map(|(tools, nodes)| {
        let list = |tools: &[&str]| if tools.is_empty() { "none".into() } else { tools.join(", ") };
        let seen = format!("{}; absent: {}", list(&tools.present), list(&tools.absent));
        let needed: Vec<&str> =
            tools.absent.iter().copied().filter(|tool| wanted.contains(*tool)).collect();
        // A program that an agent's image lacks goes to the next transport; one that the agent
        // itself lives on is there, or it is another image than we know.
        let outcome = if needed.iter().any(|tool| OWN.contains(tool)) {
            Outcome::Warn
        } else {
            Outcome::Fine
        };
        let check = Check::new(Area::Tools, few(&nodes, NAMED), outcome, seen);
        if needed.is_empty() || otherwise {
            return check;
        }
        check.fix(format!(
            "for {}: allow `--debug-pods`, or name these nodes in `ssh-nodes` of the settings",
            needed.join(", ")
        ))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ready: bool) -> AgentState {
        AgentState {
            node: "w1".into(),
            namespace: "kube-system".into(),
            pod: "agent-x".into(),
            ready,
            trouble: None,
        }
    }

    #[test]
    fn an_agent_is_judged_by_what_it_did() {
        let answers = Ok(Some("1.18.0".to_owned()));
        let gone = Err(Failure::unavailable("no agent on node w1").hint("look"));
        let denied = Err(Failure::denied("forbidden"));
        for (state, version, otherwise, outcome) in [
            (Some(state(true)), &answers, false, Outcome::Fine),
            (Some(state(false)), &answers, false, Outcome::Warn),
            (Some(state(true)), &Ok(None), false, Outcome::Fine),
            (None, &gone, false, Outcome::Bad),
            (None, &gone, true, Outcome::Warn),
            (Some(state(true)), &denied, false, Outcome::Unknown),
        ] {
            let check = agent("w1", state.as_ref(), version, otherwise);
            assert_eq!(check.outcome, outcome, "{check:?}");
        }
    }

    #[test]
    fn releases_outside_the_known_range_are_told_with_their_nodes() {
        let version = |text: &str| Some(text.to_owned());
        let (old, new, newer) = (version("1.13.9"), version("1.18.0"), version("1.21.0-rc.0"));
        let edge = [version("1.14.0"), version("1.20.9")];
        for (answered, outcome, seen) in [
            (vec![("a", &new), ("b", &new)], Outcome::Fine, "1.18.0"),
            (vec![("a", &edge[0]), ("b", &edge[1])], Outcome::Fine, "1.14.0 on a; 1.20.9 on b"),
            (vec![("a", &old), ("b", &new)], Outcome::Warn, "1.13.9 on a; 1.18.0 on b: outside"),
            (vec![("a", &newer)], Outcome::Warn, "1.21.0-rc.0: outside 1.14 to 1.20"),
            (vec![("a", &None)], Outcome::Unknown, "unknown"),
            (vec![], Outcome::Unknown, "no agent told"),
        ] {
            let check = release(&answered);
            assert_eq!(check.outcome, outcome, "{check:?}");
            assert!(check.seen.starts_with(seen), "{check:?}");
        }
    }

    #[test]
    fn nodes_with_the_same_tools_are_one_line() {
        let full = Tools { present: vec!["ip", "nft"], absent: vec!["ping"] };
        let bare = Tools { present: vec!["nft"], absent: vec!["ip", "ping"] };
        let found = [("a", full.clone()), ("b", bare), ("c", full)];
        let wanted = BTreeSet::from(["ip".to_owned(), "ping".to_owned()]);
        for otherwise in [false, true] {
            let mut checks = toolboxes(&found, &wanted, otherwise);
            checks.sort_by(|a, b| a.subject.cmp(&b.subject));
            let seen: Vec<(&str, Outcome)> =
                checks.iter().map(|check| (check.subject.as_str(), check.outcome)).collect();
            assert_eq!(seen, [("a, c", Outcome::Fine), ("b", Outcome::Warn)]);
            assert!(checks.iter().all(|check| check.fix.is_none() == otherwise), "{checks:?}");
        }
        assert_eq!(toolboxes(&found[..1], &BTreeSet::new(), false)[0].fix, None);
        assert_eq!(toolboxes(&[], &wanted, false)[0].outcome, Outcome::Unknown);
    }
}
