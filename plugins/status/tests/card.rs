//! The checked-in card is what the plugin says of itself. `LAB_BLESS=1` writes it anew.

use lab_plugin_test::card;
use status::Status;

#[test]
fn the_card_is_up_to_date() {
    card::<Status>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn every_explanation_is_in_the_readme_and_the_other_way_round() {
    let readme = include_str!("../README.md");
    for explained in status::explain::EXPLANATIONS {
        assert!(readme.contains(&format!("| `{}` |", explained.code)), "{}", explained.code);
        for part in
            ["Checks: ", "\nWhy: ", "\nSee for yourself: ", "\nFix: ", "\nSince: ", "\nSource: "]
        {
            assert!(explained.text.contains(part), "{}: {part}", explained.code);
        }
    }
    let listed = readme.matches("| `status/").count();
    assert_eq!(listed, status::explain::EXPLANATIONS.len());
}
