//! Many ranges and addresses: that findings stay few and right. What ten thousand ranges and a
//! million addresses take is printed by `examples/million_addresses.rs`.

mod generated;

use generated::generated;
use ipam::judge::{Options, all};
use ipam::model::build::build;
use lab_plugin::Fact;

#[test]
fn a_thousand_nodes_are_counted_right() {
    let cluster = build(generated(1000, 30));
    assert_eq!(cluster.ranges.len(), 1000);
    assert!(cluster.ranges.iter().all(|range| range.used == 31 && range.reserved == 1));
    let uses = cluster.pool_uses();
    assert_eq!(uses[0].used, 1000);
    assert_eq!(uses[0].free().known(), Some(&(65_536 - 1000)));
    assert_eq!(all(&cluster, &Options::default()), []);
}

#[test]
fn what_is_wrong_everywhere_is_told_briefly() {
    let mut inputs = generated(500, 40);
    // Every endpoint is gone, and every node has the first one's range too.
    inputs.endpoints = Fact::Known(Vec::new());
    let found = all(&build(inputs), &Options::default());
    assert_eq!(found.len(), 20, "{:?}", found.first());
    assert!(
        found[19].message.ends_with("and 19980 more of the same kind"),
        "{}",
        found[19].message
    );
}
