//! The stored card is what the plugin says of itself. `LAB_BLESS=1` writes it anew.

use iptables_diff::IptablesDiff;
use lab_plugin::Plugin;

#[test]
fn the_stored_card_is_the_plugins_own() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/card.json");
    let card = IptablesDiff::describe().into_inner();
    let text = serde_json::to_string_pretty(&card).unwrap() + "\n";
    if std::env::var_os("LAB_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "LAB_BLESS=1 writes it");
}
