//! Every command on both sides of a real upgrade, pinned as text. `LAB_BLESS=1` writes it anew;
//! the values were compared by hand with the raw objects.

use lab_plugin_test::{Lab, draw, golden};
use lab_types::Value;
use upgrade_check::UpgradeCheck;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn check(capture: &str, name: &str, path: &[&str], values: &[(&str, Value)]) -> String {
    let folder = if capture.starts_with("upgrade") { FIXTURES } else { CAPTURES };
    let run = Lab::open(format!("{folder}/{capture}.zip")).run::<UpgradeCheck>(path, values);
    assert_eq!(run.result, Ok(()));
    let drawn = draw(&run.report, name.ends_with("wide"));
    golden(GOLDEN, &format!("{capture}.{name}"), &drawn);
    drawn
}

fn to(version: &str) -> (&'static str, Value) {
    ("to", Value::Text(version.to_owned()))
}

#[test]
fn the_way_to_1_18_is_checked() {
    let drawn = check("upgrade-before", "check-1.18.0", &["upgrade-check"], &[to("1.18.0")]);
    assert!(!drawn.contains("== bad "), "{drawn}");
}
