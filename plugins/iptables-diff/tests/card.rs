//! The checked-in card is what the plugin says of itself. `LAB_BLESS=1` writes it anew.

use iptables_diff::IptablesDiff;
use lab_plugin_test::card;

#[test]
fn the_card_is_up_to_date() {
    card::<IptablesDiff>(env!("CARGO_MANIFEST_DIR"));
}
