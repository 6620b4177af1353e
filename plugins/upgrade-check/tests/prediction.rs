//! What is predicted on one side of a real upgrade is what the other side shows: Cilium 1.17.6 to
//! 1.18.0, as `helm upgrade` and a restart of the agents made it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::executor::block_on;
use lab_backend::{Backend, Capture, Selection};
use lab_output::Cell;
use lab_plugin_test::Lab;
use lab_types::Value;
use serde_json::Value as Json;
use upgrade_check::UpgradeCheck;
use upgrade_check::facts::Crd;
use upgrade_check::objects::CrdObject;
use upgrade_check::predict::config::{self, Fate};
use upgrade_check::predict::crds;
use upgrade_check::version::Version;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

fn backend(side: &str) -> Arc<dyn Backend> {
    Arc::new(Capture::open(format!("{FIXTURES}/upgrade-{side}.zip")).expect("a capture"))
}

fn settings(side: &str) -> BTreeMap<String, String> {
    settings_of(&format!("{FIXTURES}/upgrade-{side}.zip"))
}

fn settings_of(capture: &str) -> BTreeMap<String, String> {
    let of = Selection {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: Some("kube-system".to_owned()),
        ..Selection::default()
    };
    let backend = Capture::open(capture).expect("a capture");
    let text = block_on(backend.get(&of, "cilium-config")).expect("the settings");
    let map: Json = serde_json::from_str(&text).expect("JSON");
    serde_json::from_value(map["data"].clone()).expect("texts")
}

fn definitions(side: &str) -> BTreeMap<String, Crd> {
    let of = Selection {
        api_version: "apiextensions.k8s.io/v1".to_owned(),
        kind: "CustomResourceDefinition".to_owned(),
        ..Selection::default()
    };
    let page = block_on(backend(side).list(&of, 0, None)).expect("definitions");
    let objects = page.items.iter().map(|text| {
        let object: CrdObject = serde_json::from_str(text).expect("a definition");
        object
    });
    objects.filter_map(CrdObject::record).collect()
}

const FROM: Version = Version::release(1, 17, 6);
const TO: Version = Version::release(1, 18, 0);

#[test]
fn each_key_becomes_what_was_predicted() {
    let (before, after) = (settings("before"), settings("after"));
    let keys = config::predict(&before, &FROM, &TO).expect("both charts are known");
    let predicted: BTreeMap<String, String> =
        keys.iter().filter_map(|key| Some((key.key.clone(), key.then.clone()?))).collect();
    assert_eq!(predicted, after);
    let changed: Vec<(&str, Fate)> = keys
        .iter()
        .filter(|key| key.now != key.then)
        .map(|key| (key.key.as_str(), key.fate))
        .collect();
    assert_eq!(
        changed,
        [
            ("arping-refresh-period", Fate::Removed),
            ("enable-experimental-lb", Fate::Removed),
            ("enable-k8s-terminating-endpoint", Fate::Removed),
            ("enable-local-redirect-policy", Fate::Removed),
            ("enable-runtime-device-detection", Fate::Removed),
            ("hubble-export-file-max-backups", Fate::Removed),
            ("hubble-export-file-max-size-mb", Fate::Removed),
            ("enable-l2-neigh-discovery", Fate::Changed),
            ("bpf-policy-stats-map-max", Fate::New),
            ("hubble-network-policy-correlation-enabled", Fate::New),
            ("identity-management-mode", Fate::New),
            ("metrics-sampling-interval", Fate::New),
            ("policy-default-local-cluster", Fate::New),
            ("tofqdns-preallocate-identities", Fate::New),
        ]
    );
    assert!(keys.iter().all(|key| key.fate != Fate::Unknown));
}

#[test]
fn each_definition_becomes_what_was_predicted() {
    let (before, after) = (definitions("before"), definitions("after"));
    let changes = crds::predict(&before, &TO).expect("1.18 is known");
    let predicted: BTreeMap<String, Crd> =
        changes.into_iter().map(|change| (change.name, change.then)).collect();
    assert_eq!(predicted, after);
    assert_eq!(
        predicted["ciliumexternalworkloads.cilium.io"],
        before["ciliumexternalworkloads.cilium.io"]
    );
}

/// Rows of a table as key and one column.
fn column(
    side: &str,
    table: &str,
    name: &str,
    values: &[(&str, Value)],
) -> BTreeSet<(String, Option<String>)> {
    let run = Lab::new(backend(side)).run::<UpgradeCheck>(&["upgrade-check", "diff"], values);
    assert_eq!(run.result, Ok(()));
    let table = run.report.tables.iter().find(|it| it.name() == table).expect("the table");
    let at = table.columns().iter().position(|it| it.id == name).expect("the column");
    let text = |cell: &Cell| match cell {
        Cell::Absent => None,
        cell => Some(cell.plain().into_owned()),
    };
    table.rows().iter().map(|row| (row.key.clone(), text(&row.cells[at]))).collect()
}

#[test]
fn no_route_no_rule_and_no_address_changes() {
    // One pod was moved to another node meanwhile, with its device and routes.
    let lines = |side: &str| -> BTreeSet<(String, Option<String>)> {
        let all = column(side, "hosts", "line", &[]);
        all.into_iter().filter(|(key, _)| !key.contains(" dev lxc")).collect()
    };
    let (before, after) = (lines("before"), lines("after"));
    let count = |kind: &str| before.iter().filter(|(key, _)| key.contains(kind)).count();
    assert!(count("/route/") > 30 && count("/rule/") > 6 && count("/iptables/") > 60);
    assert_eq!(before, after);
}

#[test]
fn both_sides_of_a_diff_expect_the_same() {
    let to = [("to", Value::Text("1.18.0".to_owned()))];
    let come = || {
        let keys = config::predict(&settings("before"), &FROM, &TO).expect("charts");
        let come = keys.into_iter().filter(|key| key.fate == Fate::New);
        come.map(|key| (key.key, key.then)).collect::<Vec<_>>()
    };
    for (table, value) in [("settings", "value"), ("definitions", "versions")] {
        let (before, after) =
            (column("before", table, "expected", &to), column("after", table, "expected", &to));
        // What goes is expected to be empty, and has no row on the other side.
        let mut before: BTreeSet<_> =
            before.into_iter().filter(|(_, text)| text.is_some()).collect();
        if table == "settings" {
            // What comes has no row yet, so that it is told as added.
            before.extend(come());
        }
        let actual = column("after", table, value, &to);
        assert_eq!(before, actual, "{table}");
        assert_eq!(after, actual, "{table}");
    }
}

#[test]
fn a_setting_that_comes_is_added_whether_a_version_is_named_or_not() {
    let to = [("to", Value::Text("1.18.0".to_owned()))];
    let keys = |side: &str, values: &[(&str, Value)]| -> BTreeSet<String> {
        column(side, "settings", "key", values).into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(keys("before", &to), keys("before", &[]));
    assert_eq!(keys("after", &to), keys("after", &[]));
}

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");

#[test]
fn a_cluster_of_its_own_is_predicted_too() {
    // Two clusters with the same values, one of each version.
    let old = settings_of(&format!("{CAPTURES}/cilium-1.17.6-native.zip"));
    let new = settings_of(&format!("{CAPTURES}/cilium-1.18.0-native.zip"));
    let keys = config::predict(&old, &FROM, &TO).expect("both charts are known");
    let predicted: BTreeMap<String, String> =
        keys.into_iter().filter_map(|key| Some((key.key, key.then?))).collect();
    assert_eq!(predicted, new);
}

#[test]
fn nothing_changes_on_the_way_to_the_same_version() {
    for (capture, version) in [
        ("cilium-1.17.6-native", FROM),
        ("cilium-1.18.0-native", TO),
        ("cilium-1.18.0-native-seed", TO),
        ("cilium-1.18.0-tunnel", TO),
    ] {
        let now = settings_of(&format!("{CAPTURES}/{capture}.zip"));
        let keys = config::predict(&now, &version, &version).expect("the chart is known");
        let moved: Vec<_> = keys.iter().filter(|key| key.fate != Fate::Kept).collect();
        assert!(moved.is_empty(), "{capture}: {moved:?}");
    }
}
