//! The real tool in network namespaces: hosts get the same rules, one of them other ones, and
//! each kind of difference is found in what the tool prints. Says so and passes where there is no
//! right to make namespaces or no iptables.

#![expect(clippy::print_stderr, reason = "a test that cannot run says so")]

use std::process::Command;

use lab_netfilter::canonical::Fold;
use lab_netfilter::changed::{differences, words_changed};
use lab_netfilter::literal::Literals;
use lab_netfilter::ruleset::Store;

const RULES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/dumps/cilium-1.18.0-native.k8s-ctr.iptables-save.txt"
);

/// What `iptables-save -c` prints in a namespace with the lab's rules after some commands.
fn dump(commands: &str) -> Option<String> {
    let script = format!("iptables-restore < {RULES} && {commands}\niptables-save -c");
    let ran = Command::new("unshare").args(["-n", "sh", "-e", "-c", &script]).output().ok()?;
    if !ran.status.success() {
        eprintln!("skipped: {}", String::from_utf8_lossy(&ran.stderr).trim());
        return None;
    }
    String::from_utf8(ran.stdout).ok()
}

fn check(commands: &str, expected: &[&str]) {
    let (Some(base), Some(here)) = (dump("true"), dump(commands)) else { return };
    let mut store = Store::new(Fold::Names);
    let base = store.read(&base, &Literals::default(), None);
    let here = store.read(&here, &Literals::default(), None);
    assert_eq!(base.troubles, []);
    let found: Vec<String> = differences(&store, &base, &here)
        .iter()
        .map(|it| {
            let number =
                |place: Option<lab_netfilter::changed::Place>| place.map_or(0, |it| it.number);
            let words = match (it.kind.base(), it.kind.here()) {
                (Some(one), Some(other)) => {
                    words_changed(store.form(one.rule), store.form(other.rule))
                }
                _ => String::new(),
            };
            let (one, other) = (number(it.kind.base()), number(it.kind.here()));
            format!(
                "{} {} {} {one} {other} {words}",
                it.table,
                store.name(it.chain),
                it.kind.word()
            )
        })
        .collect();
    assert_eq!(found, expected, "{commands}");
}

#[test]
fn the_same_rules_are_the_same() {
    check("true", &[]);
}

#[test]
fn a_removed_rule_is_found() {
    check("iptables -t raw -D CILIUM_PRE_raw 2", &["raw CILIUM_PRE_raw removed 2 0 "]);
}

#[test]
fn a_moved_rule_is_found() {
    let feeder = "-m comment --comment 'cilium-feeder: CILIUM_INPUT' -j CILIUM_INPUT";
    check(
        &format!("iptables -D INPUT {feeder}; iptables -A INPUT {feeder}"),
        // Of two rules that changed places either one has moved.
        &["filter INPUT moved 2 1 "],
    );
}

#[test]
fn a_duplicated_rule_is_found() {
    check(
        "iptables -A FORWARD -m comment --comment 'cilium-feeder: CILIUM_FORWARD' -j CILIUM_FORWARD",
        &["filter FORWARD duplicated 0 2 "],
    );
}

#[test]
fn an_altered_rule_is_found() {
    check(
        "iptables -R CILIUM_INPUT 1 -m mark --mark 0x300/0xf00 -m comment --comment 'cilium: ACCEPT for proxy traffic' -j ACCEPT",
        &["filter CILIUM_INPUT changed 1 1 --mark 0x200/0xf00 → --mark 0x300/0xf00"],
    );
}

#[test]
fn an_added_rule_and_a_policy_are_found() {
    check(
        "iptables -I FORWARD 1 -s 10.0.0.0/8 -j DROP; iptables -P FORWARD DROP",
        &["filter FORWARD policy 0 0 ", "filter FORWARD added 0 1 "],
    );
}

/// nft prints rules of iptables as iptables does, apart from what only iptables knows.
#[test]
fn nft_knows_the_rules_of_iptables() {
    let more = "iptables -A INPUT -p tcp -m tcp --dport 80:90 -j DROP\n\
        iptables -A INPUT ! -s 10.0.0.0/8 ! -i eth+ -o lo -p udp -m udp ! --sport 53 -j RETURN\n\
        iptables -A FORWARD -d 192.0.2.1/32 -m mark --mark 0x7 -g CILIUM_FORWARD\n\
        iptables -A FORWARD -p icmp -m limit --limit 3/min -j ACCEPT\n\
        iptables -P FORWARD DROP\necho =\nnft -j list ruleset\necho =";
    let Some(both) = dump(more) else { return };
    let mut parts = both.split("=\n");
    let (json, saved) = (parts.nth(1).expect("nft printed"), parts.next().expect("iptables too"));
    let printed = lab_netfilter::nft::dump(json, "ip").expect("it is JSON");
    let mut store = Store::new(Fold::Names);
    let read = store.read(&printed, &Literals::default(), None);
    let saved = store.read(saved, &Literals::default(), None);
    assert_eq!(read.n_rules(), saved.n_rules(), "{printed}");
    let mut whole = 0;
    for table in &saved.tables {
        let same = read.find(&table.name).expect("the same tables");
        for chain in &table.chains {
            let other = same.find(chain.name).expect("the same chains");
            assert_eq!(chain.policy, other.policy);
            for (rule, other) in chain.rules.iter().zip(&other.rules) {
                assert_eq!(store.target(*rule), store.target(*other), "{}", store.form(*rule));
                assert_eq!(rule.counters, other.counters);
                if !store.spec(*other).contains("[unsupported revision]") {
                    whole += 1;
                    let form = lab_netfilter::spec::WordList::of(store.form(*rule));
                    let without = store.form(*rule).replace(&comment(&form), "");
                    assert_eq!(store.form(*other), without.trim());
                }
            }
        }
    }
    assert!(whole > 20, "{whole} rules were compared whole");
}

/// The comment of a rule as it stands in its form.
fn comment(words: &lab_netfilter::spec::WordList<'_>) -> String {
    let words = words.words();
    let at = words.iter().position(|word| word.raw == "--comment");
    at.map_or_else(
        || "-m nothing".to_owned(),
        |at| format!("-m comment --comment {} ", words[at + 1].raw),
    )
}
