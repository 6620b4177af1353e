use proptest::prelude::*;

use super::*;
use crate::canonical::Fold;
use crate::ipset::Sets;
use crate::literal::Literals;

fn packet(source: &str, destination: &str, port: u16) -> Packet {
    Packet {
        source: source.parse().unwrap(),
        destination: destination.parse().unwrap(),
        protocol: "tcp".to_owned(),
        source_port: Some(40_000),
        destination_port: Some(port),
        input: None,
        output: None,
        state: "NEW".to_owned(),
    }
}

fn facts() -> HostFacts {
    HostFacts { addresses: vec!["192.168.10.100".parse().unwrap()], sets: None }
}

fn walked(text: &str, packet: &Packet) -> (Vec<String>, Way, Verdict) {
    let mut store = Store::new(Fold::Names);
    let set = store.read(text, &Literals::default(), None);
    let walk = walk(&store, &set, packet, &facts());
    let steps = walk.steps.iter().map(|step| {
        let number = step.rule.map_or(0, |(number, _)| number);
        let perhaps = if step.unknown.is_empty() { "" } else { " ?" };
        format!("{} {} {number}{perhaps}: {}", step.table, store.name(step.chain), step.effect)
    });
    (steps.collect(), walk.way, walk.verdict)
}

fn filter(rules: &str, policy: &str) -> String {
    format!(
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD {policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n:MINE - [0:0]\n{rules}COMMIT\n"
    )
}

#[test]
fn the_way_follows_from_the_hosts_addresses() {
    let text = filter("", "ACCEPT");
    for (from, to, way) in [
        ("172.20.0.1", "172.20.1.1", Way::Forward),
        ("172.20.0.1", "192.168.10.100", Way::In),
        ("192.168.10.100", "172.20.1.1", Way::Out),
    ] {
        assert_eq!(walked(&text, &packet(from, to, 80)), (vec![], way, Verdict::Accepted));
    }
}

#[test]
fn chains_are_entered_and_left() {
    let rules = "-A FORWARD -p udp -j DROP\n-A FORWARD -j MINE\n-A FORWARD -p tcp -m tcp --dport 80 -j DROP\n\
                 -A MINE -s 172.20.0.0/16 -p tcp -m multiport --dports 22,8000:9000 -j ACCEPT\n-A MINE -d 10.0.0.0/8 -j RETURN\n";
    let (steps, _, verdict) =
        walked(&filter(rules, "ACCEPT"), &packet("172.20.0.1", "10.0.0.1", 80));
    assert_eq!(
        steps,
        [
            "filter FORWARD 2: enters MINE",
            "filter MINE 2: returns",
            "filter FORWARD 3: ends here, dropped",
        ]
    );
    assert_eq!(verdict, Verdict::Dropped);
    let (steps, _, verdict) =
        walked(&filter(rules, "DROP"), &packet("172.20.0.1", "172.20.1.1", 8080));
    assert_eq!(steps[1..], ["filter MINE 1: leaves this table, accepted"]);
    assert_eq!(verdict, Verdict::Accepted);
    let (steps, _, verdict) =
        walked(&filter(rules, "DROP"), &packet("172.30.0.1", "172.20.1.1", 81));
    assert_eq!(steps[1..], ["filter FORWARD 0: policy: ends here, dropped"]);
    assert_eq!(verdict, Verdict::Dropped);
}

#[test]
fn what_nobody_can_tell_is_said_and_passed_by() {
    let rules = "-A FORWARD -i lxc+ -j DROP\n-A FORWARD -m limit --limit 1/s -j ACCEPT\n";
    let mut told = packet("172.20.0.1", "172.20.1.1", 80);
    let (steps, _, verdict) = walked(&filter(rules, "ACCEPT"), &told);
    assert_eq!(
        steps,
        [
            "filter FORWARD 1 ?: ends here, dropped",
            "filter FORWARD 2 ?: leaves this table, accepted",
        ]
    );
    assert_eq!(verdict, Verdict::Unknown);
    told.input = Some("eth0".to_owned());
    assert_eq!(walked(&filter(rules, "ACCEPT"), &told).2, Verdict::Accepted);
    told.input = Some("lxc12".to_owned());
    assert_eq!(walked(&filter(rules, "ACCEPT"), &told).2, Verdict::Dropped);
}

#[test]
fn marks_are_carried_and_untracked_packets_are_not_translated() {
    let text = "*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -s 172.20.0.0/16 -j CT --notrack\nCOMMIT\n\
        *mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-xmark 0x200/0xf00\nCOMMIT\n\
        *filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m mark --mark 0x200/0xf00 -j ACCEPT\nCOMMIT\n\
        *nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n";
    let (steps, _, _) = walked(text, &packet("172.20.0.1", "10.1.1.1", 80));
    assert_eq!(
        steps,
        [
            "raw PREROUTING 1: is not tracked",
            "mangle PREROUTING 1: mark becomes 0x200",
            "filter FORWARD 1: leaves this table, accepted",
        ]
    );
    let (steps, _, _) = walked(text, &packet("10.1.1.2", "10.1.1.1", 80));
    assert_eq!(
        steps[2],
        "nat POSTROUTING 1: source becomes the address of the device it leaves by"
    );
}

#[test]
fn a_translated_destination_goes_on_as_the_new_one() {
    let text = "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.10.100:8080\nCOMMIT\n\
        *filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 8080 -j REJECT\nCOMMIT\n";
    let (steps, way, verdict) = walked(text, &packet("10.1.1.2", "10.1.1.1", 80));
    assert_eq!(steps.len(), 2);
    assert_eq!((way, verdict), (Way::In, Verdict::Dropped));
}

#[test]
fn a_chain_that_calls_itself_ends() {
    let text = filter("-A FORWARD -j MINE\n-A MINE -j MINE\n-A MINE -j MINE\n", "ACCEPT");
    let (steps, _, verdict) = walked(&text, &packet("10.1.1.2", "10.1.1.1", 80));
    assert!(steps.len() <= STEPS);
    assert_eq!(verdict, Verdict::Unknown);
}

#[test]
fn members_of_sets_are_looked_up() {
    let text = filter("-A FORWARD -m set --match-set nodes dst -j DROP\n", "ACCEPT");
    let mut store = Store::new(Fold::Names);
    let set = store.read(&text, &Literals::default(), None);
    let mut facts = facts();
    let told = packet("10.1.1.2", "10.1.1.1", 80);
    assert_eq!(walk(&store, &set, &told, &facts).verdict, Verdict::Unknown);
    facts.sets = Some(Sets::from([("nodes".to_owned(), vec!["10.1.0.0/16".to_owned()])]));
    assert_eq!(walk(&store, &set, &told, &facts).verdict, Verdict::Dropped);
    facts.sets = Some(Sets::from([("nodes".to_owned(), vec!["10.2.0.0/16".to_owned()])]));
    assert_eq!(walk(&store, &set, &told, &facts).verdict, Verdict::Accepted);
}

proptest! {
    #[test]
    fn any_rules_are_survived(rules in "(-A (FORWARD|MINE) ((! )?-s [0-9]\\.0\\.0\\.0/[0-9]{1,2} |-m mark --mark 0x[0-9]{1,2} |-i [a-z+]{1,4} |--dport [0-9:,]{1,6} ){0,3}-(j|g) (MINE|FORWARD|DROP|MARK --set-xmark 0x1/0x1|RETURN|X)\n){0,8}") {
        walked(&filter(&rules, "DROP"), &packet("10.1.1.2", "10.1.1.1", 80));
    }
}
