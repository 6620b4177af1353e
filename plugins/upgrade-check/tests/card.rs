//! The checked-in card is what the plugin says of itself. `LAB_BLESS=1` writes it anew.

use lab_plugin::Plugin;
use lab_plugin_test::card;
use upgrade_check::UpgradeCheck;

#[test]
fn the_card_is_up_to_date() {
    card::<UpgradeCheck>(env!("CARGO_MANIFEST_DIR"));
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
