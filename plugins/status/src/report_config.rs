//! Settings as rows of `status config`.

use lab_plugin::{Fact, Health, Level};

use crate::known;
use crate::model::Cluster;
use crate::model::defaults::Written;
use crate::model::settings::{OnNode, Settings, Verdict};
use crate::rows::{KeyRow, NodeSettingRow, SettingRow};

fn health(verdict: Verdict) -> Health {
    let level = match verdict {
        Verdict::InForce => Level::Good,
        Verdict::Unwritten | Verdict::Derived => Level::Info,
        Verdict::Drift => Level::Warn,
        Verdict::NotShown | Verdict::Unknown => Level::Unknown,
    };
    Health(level, verdict.word().to_owned())
}

/// What is in force. What an agent read at its start is, unless it says something else itself.
fn in_force(own: &OnNode) -> Fact<String> {
    match (&own.in_force, &own.started_with) {
        (Some((_, value)), _) if own.verdict != Verdict::NotShown => Fact::Known(value.clone()),
        (_, Some(value)) if own.verdict != Verdict::Drift => Fact::Known(value.clone()),
        _ => Fact::Unknown("no agent shows it".to_owned()),
    }
}

/// Whether two nodes make one row: what is shown of them is the same. What an agent read when it
/// started is not, so that a node whose files cannot be read stands with the others.
fn are_alike(one: &OnNode, other: &OnNode) -> bool {
    let shown = |own: &OnNode| (in_force(own), own.verdict);
    shown(one) == shown(other) && one.written == other.written && one.overruling == other.overruling
}

/// One row for each setting that is written, and each value of it; with its key.
///
/// With `is_changed` those alone that the chart would write otherwise, or that drift. Where nobody
/// knows what it would write they are all shown, for each may be changed.
pub fn setting_rows(
    cluster: &Cluster,
    written: &Fact<Written>,
    is_changed: bool,
) -> Vec<(String, SettingRow)> {
    let settings = Settings::of(cluster);
    let mut rows = Vec::new();
    for key in settings.keys() {
        let mut groups: Vec<(OnNode, Vec<&str>)> = Vec::new();
        for (at, node) in cluster.nodes.iter().enumerate() {
            let Some(own) = settings.on_node(at, key) else { continue };
            match groups.iter_mut().find(|(known, _)| are_alike(known, &own)) {
                Some((_, names)) => names.push(&node.name),
                None => groups.push((own, vec![&node.name])),
            }
        }
        if groups.is_empty() {
            let own = OnNode {
                written: cluster.setting(key).map(str::to_owned),
                overruling: None,
                started_with: None,
                in_force: None,
                verdict: Verdict::Unknown,
            };
            groups.push((own, Vec::new()));
        }
        let differs = |own: &OnNode| {
            own.verdict == Verdict::Drift
                || match written {
                    Fact::Known(written) => {
                        own.wanted().is_some_and(|value| written.is_changed(key, value))
                    }
                    _ => true,
                }
        };
        if is_changed && !groups.iter().any(|(own, _)| differs(own)) {
            continue;
        }
        for (number, (own, names)) in groups.iter().enumerate() {
            let row_key = if number == 0 { key.to_owned() } else { format!("{key}/{number}") };
            rows.push((row_key, setting_row(cluster, written, key, own, names)));
        }
    }
    rows
}

/// The default of a key.
fn default(written: &Fact<Written>, key: &str) -> Fact<String> {
    written.and_then(|written| written.get(key).map(str::to_owned))
}

/// The release that defaults are those of.
fn release(written: &Fact<Written>) -> Fact<String> {
    written.map(|written| written.release.to_string())
}

fn setting_row(
    cluster: &Cluster,
    written: &Fact<Written>,
    key: &str,
    own: &OnNode,
    names: &[&str],
) -> SettingRow {
    let hosts = if names.len() == cluster.nodes.len() && !names.is_empty() {
        "all".to_owned()
    } else {
        names.join(" ")
    };
    SettingRow {
        key: key.to_owned(),
        in_force: in_force(own),
        written: own.written.clone(),
        node_config: own.overruling.as_ref().map(|(value, _)| value.clone()),
        verdict: health(own.verdict),
        hosts,
        default: default(written, key),
        about: known::find(key).map(|known| known.about),
        field: own.in_force.as_ref().map(|(field, _)| field.clone()),
        depends_on: known::depends_on(key),
        origin: own.overruling.as_ref().map(|(_, origin)| origin.to_string()),
        default_of: release(written),
    }
}

/// What one setting is; nothing for a word that means none.
pub fn key_row(cluster: &Cluster, written: &Fact<Written>, word: &str) -> Option<KeyRow> {
    let settings = Settings::of(cluster);
    let key = settings.key_of(word)?;
    let field = (0..cluster.nodes.len()).find_map(|at| settings.on_node(at, &key)?.in_force);
    Some(KeyRow {
        about: known::find(&key).map(|known| known.about),
        default: default(written, &key),
        depends_on: known::depends_on(&key),
        field: field.map(|(field, _)| field),
        default_of: release(written),
        key,
    })
}

/// One setting on each node.
pub fn node_rows(cluster: &Cluster, key: &str) -> Vec<NodeSettingRow> {
    let settings = Settings::of(cluster);
    let nodes = cluster.nodes.iter().enumerate();
    nodes
        .filter_map(|(at, node)| {
            let own = settings.on_node(at, key)?;
            let started_with = match &own.started_with {
                Some(value) => Fact::Known(value.clone()),
                None => node.answers.started_with.and_then(|_| None),
            };
            Some(NodeSettingRow {
                host: node.name.clone(),
                key: key.to_owned(),
                in_force: in_force(&own),
                started_with,
                verdict: health(own.verdict),
                node_config: own
                    .overruling
                    .as_ref()
                    .map(|(value, origin)| format!("{value} ({origin})")),
                written: own.written,
            })
        })
        .collect()
}

/// Keys that have a word in them, for a message: those of the cluster first.
pub fn similar(cluster: &Cluster, word: &str) -> Vec<String> {
    let settings = Settings::of(cluster);
    let word = word.to_ascii_lowercase();
    let own = settings.keys();
    let others = known::all().map(|known| known.key).filter(|key| !own.contains(key));
    let near = own.iter().copied().chain(others).filter(|key| key.contains(&word));
    near.take(5).map(str::to_owned).collect()
}
