//! The checked-in card is what the plugin says of itself. `LAB_BLESS=1` writes it anew.

use std::fs;
use std::path::Path;

use lab_plugin::Plugin;
use upgrade_check::UpgradeCheck;

#[test]
fn the_card_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("card.json");
    let card = UpgradeCheck::describe().into_inner();
    let text = serde_json::to_string_pretty(&card).expect("a card") + "\n";
    if std::env::var_os("LAB_BLESS").is_some() {
        fs::write(&path, &text).expect("a file that can be written");
    }
    let now = fs::read_to_string(&path).unwrap_or_default();
    assert!(now == text, "LAB_BLESS=1 writes {}", path.display());
}

#[test]
fn every_rule_is_explained() {
    let card = UpgradeCheck::describe().into_inner();
    let (rules, _) = upgrade_check::rule::built_in();
    assert_eq!(card.explanations.len(), rules.len());
    for explained in &card.explanations {
        for part in [
            "Checks: ",
            "\nWhy: ",
            "\nSee for yourself: ",
            "\nFix: ",
            "\nSince: ",
            "\nSource: https",
        ] {
            assert!(explained.text.contains(part), "{}: {part}", explained.code);
        }
    }
}

#[test]
fn everything_that_is_asked_for_has_a_reason() {
    let card = UpgradeCheck::describe().into_inner();
    for ask in &card.asks {
        assert!(!ask.reason.is_empty() && !ask.reason.contains("TODO"), "{ask:?}");
    }
    let kinds = upgrade_check::collect::KINDS.map(|(kind, _)| kind);
    assert!(!kinds.contains(&"v1/Secret"));
}
