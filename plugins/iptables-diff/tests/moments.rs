//! Two moments of one cluster, as `--rules --against` compares them.

use iptables_diff::IptablesDiff;
use lab_output::Report;
use lab_plugin_test::Lab;
use lab_types::Value;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn rules(capture: &str, flag: &str) -> Report {
    let run = Lab::open(format!("{FOLDER}/{capture}.zip"))
        .run::<IptablesDiff>(&["iptables-diff"], &[(flag, Value::Boolean(true))]);
    assert_eq!(run.result, Ok(()));
    run.report
}

/// Rows of the table of rules: change, host, table, chain, rule.
fn changed(before: &str, after: &str, flag: &str) -> Vec<String> {
    let report = lab_output::against(rules(before, flag), rules(after, flag));
    let table = report.tables.iter().find(|table| table.name() == "rules");
    let rows = table.map(lab_output::Table::rows).unwrap_or_default();
    let cell = |row: &lab_output::Row, place: usize| row.cells[place].plain().into_owned();
    rows.iter().map(|row| [0, 1, 3, 4, 5].map(|place| cell(row, place)).join(" ")).collect()
}

#[test]
fn the_upgrade_changed_no_rule() {
    let (before, after) =
        ("../../tests/fixtures/upgrade/before", "../../tests/fixtures/upgrade/after");
    assert_eq!(changed(before, after, "rules"), [""; 0]);
    // What moved are counters: those of every rule that packets met.
    let moved = changed(before, after, "counters");
    assert!(!moved.is_empty() && moved.iter().all(|row| row.starts_with("changed ")), "{moved:?}");
}

#[test]
fn the_switch_to_a_tunnel_took_the_notrack_rules_away() {
    let fixtures = "../../tests/fixtures/captures/cilium-1.18.0";
    let found =
        changed(&format!("{fixtures}-native-fixed"), &format!("{fixtures}-tunnel"), "rules");
    let removed: Vec<&String> = found.iter().filter(|row| row.starts_with("removed ")).collect();
    let rule = |host: &str, chain: &str, side: &str| {
        format!(
            "removed {host} raw {chain} {side} 172.20.0.0/16 -m comment --comment \"cilium: NOTRACK for pod traffic\" -j CT --notrack"
        )
    };
    let mut expected = Vec::new();
    for host in ["k8s-ctr", "k8s-w0", "k8s-w1"] {
        for chain in ["CILIUM_OUTPUT_raw", "CILIUM_PRE_raw"] {
            expected.extend(["-d", "-s"].map(|side| rule(host, chain, side)));
        }
    }
    assert_eq!(removed, expected.iter().collect::<Vec<_>>());
    // The rule behind them is behind another one now.
    assert_eq!(found.len() - removed.len(), 6, "{found:?}");
    assert!(
        found.iter().all(|row| row.starts_with("removed ") || row.starts_with("changed ")),
        "{found:?}"
    );
    assert!(found.iter().all(|row| row.contains("_raw ")), "{found:?}");
}
