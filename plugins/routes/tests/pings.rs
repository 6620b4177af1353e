//! Every ping recorded in the captures is predicted: the trace arrives there and back if and
//! only if the ping got its answers.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use lab_output::Cell;
use lab_plugin_test::Lab;
use lab_types::Value;
use routes::Routes;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");

/// Disposition, reason and smallest MTU of both ways.
fn ways(lab: &Lab, source: &str, destination: &str) -> Vec<[String; 3]> {
    let values = [
        ("source", Value::Text(source.to_owned())),
        ("destination", Value::Text(destination.to_owned())),
    ];
    let run = lab.run::<Routes>(&["routes", "trace"], &values);
    assert_eq!(run.result, Ok(()), "{source} {destination}");
    let ways = &run.report.tables[0];
    let column = |id: &str| ways.columns().iter().position(|column| column.id == id).unwrap();
    let text = |cell: &Cell| match cell {
        Cell::Text(text) | Cell::Health(_, text) => text.to_string(),
        Cell::Integer(number) => number.to_string(),
        _ => String::new(),
    };
    ways.rows()
        .iter()
        .map(|row| ["disposition", "reason", "mtu"].map(|id| text(&row.cells[column(id)])))
        .collect()
}

/// `pod_mtu` is what every tracepath of the capture from pod to pod found.
fn check(capture: &str, pod_mtu: &str) {
    let lab = Lab::open(format!("{CAPTURES}/{capture}.zip"));
    let traffic = std::fs::read_to_string(format!("{CAPTURES}/{capture}.traffic.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut n_pings = 0;
    for line in traffic.lines() {
        let [status, source, destination] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        n_pings += 1;
        let ways = ways(&lab, source, destination);
        let there = matches!(ways[0][0].as_str(), "delivered" | "exits");
        let works = there && ways[1][0] == "delivered";
        let between_pods = source.contains('/') && destination.starts_with("172.20.");
        if works != (status == "0") || (between_pods && ways[0][2] != pod_mtu) {
            wrong.push(format!("{line}: {ways:?}"));
        }
    }
    assert!(n_pings >= 21, "{n_pings} pings in {capture}");
    assert!(wrong.is_empty(), "{} of {n_pings} in {capture}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn pings_of_the_reference_lab_are_predicted() {
    check("cilium-1.18.0-native-seed", "1500");
}

#[test]
fn pings_with_endpoint_routes_are_predicted() {
    check("cilium-1.18.0-native", "1500");
}

#[test]
fn pings_of_cilium_1_17_are_predicted() {
    check("cilium-1.17.6-native", "1500");
}

#[test]
fn pings_with_routes_on_the_router_are_predicted() {
    check("cilium-1.18.0-native-fixed", "1500");
}

#[test]
fn pings_through_the_tunnel_are_predicted() {
    check("cilium-1.18.0-tunnel", "1450");
}
