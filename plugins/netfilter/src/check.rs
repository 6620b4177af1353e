//! What is wrong in one host's rules alone: rules twice, rules that no packet reaches, packets of
//! pods that nothing lets pass.
//!
//! Apart from [`crate::changed`] because no other host is needed. It must not know what a cluster
//! is configured to have.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use crate::changed::Place;
use crate::ruleset::{Chain, Rule, Ruleset, Store, Table};
use crate::spec::{self, Part, WordList};
use crate::walk::{self, HostFacts, Packet, Verdict};

/// Rules of a chain that are compared each with each; of longer ones only what every packet
/// matches is seen.
const COMPARED: usize = 500;

/// A rule and another one of the same chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The table.
    pub table: String,
    /// The chain, see [`Store::name`].
    pub chain: u32,
    /// The one that packets meet first.
    pub first: Place,
    /// The other one.
    pub second: Place,
}

/// Feeder rules of Cilium that a chain has more than once.
pub fn duplicated_feeders(store: &Store, set: &Ruleset) -> Vec<Pair> {
    let mut found = Vec::new();
    for table in &set.tables {
        for chain in table.chains.iter().filter(|chain| chain.is_built_in()) {
            let mut seen: BTreeMap<String, Place> = BTreeMap::new();
            for (idx, rule) in chain.rules.iter().enumerate() {
                let text = store.spec(*rule);
                let Some(comment) = spec::comment(text) else { continue };
                let Some(fed) = comment.strip_prefix("cilium-feeder: ") else { continue };
                // While chains are replaced the old feeder stands beside the new one for moments.
                let key = format!("{fed} {}", spec::target(text).unwrap_or_default());
                let place = Place { number: idx + 1, rule: *rule };
                match seen.get(&key) {
                    Some(first) => found.push(pair(table, chain, *first, place)),
                    None => {
                        seen.insert(key, place);
                    }
                }
            }
        }
    }
    found
}

fn pair(table: &Table, chain: &Chain, first: Place, second: Place) -> Pair {
    Pair { table: table.name.clone(), chain: chain.name, first, second }
}

/// What is known of chains that were looked at: most chains of one host are those of all others.
#[derive(Debug, Default)]
pub struct Shadows {
    /// For the forms of a chain in their order, which rule is in the shadow of which.
    chains: FxHashMap<Box<[u32]>, Vec<(usize, usize)>>,
}

impl Shadows {
    /// Rules that no packet reaches, each with the earlier rule of its chain that takes all of its
    /// packets and does something else with them.
    ///
    /// The store has to be the same each time.
    pub fn shadowed(&mut self, store: &Store, set: &Ruleset) -> Vec<Pair> {
        let mut found = Vec::new();
        for table in &set.tables {
            for chain in table.chains.iter().filter(|chain| chain.rules.len() > 1) {
                let forms: Vec<u32> = chain.rules.iter().map(|rule| rule.form).collect();
                if !self.chains.contains_key(&*forms) {
                    self.chains.insert(forms.clone().into(), in_shadow(store, &chain.rules));
                }
                let place = |at: usize| Place { number: at + 1, rule: chain.rules[at] };
                let pairs = self.chains[&*forms].iter();
                found
                    .extend(pairs.map(|(first, at)| pair(table, chain, place(*first), place(*at))));
            }
        }
        found
    }
}

/// Which rule of a chain is in the shadow of which.
fn in_shadow(store: &Store, rules: &[Rule]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut taking: Vec<(usize, Vec<String>, String)> = Vec::new();
    let mut takes_all: Option<(usize, String)> = None;
    let is_small = rules.len() <= COMPARED;
    for (at, rule) in rules.iter().enumerate() {
        let form = store.form(*rule);
        if let Some((first, action)) = &takes_all {
            if *action != crate::purpose::action(form) {
                found.push((*first, at));
            }
            continue;
        }
        // A rule that leads to a chain takes nothing for good.
        if store.target(*rule).is_some() && taking.is_empty() {
            continue;
        }
        let (conditions, action, ends) = parts(form);
        if !(is_small || ends && conditions.is_empty()) {
            continue;
        }
        let shadow = taking.iter().find(|(_, all, _)| all.iter().all(|it| conditions.contains(it)));
        if let Some((first, _, does)) = shadow {
            if *does != action {
                found.push((*first, at));
            }
            continue;
        }
        if ends && conditions.is_empty() {
            takes_all = Some((at, action));
        } else if ends {
            taking.push((at, conditions, action));
        }
    }
    found
}

/// Conditions of a rule, what it does, and whether it ends the way of what matches.
fn parts(form: &str) -> (Vec<String>, String, bool) {
    let list = WordList::of(form);
    let clauses = list.clauses();
    let mut conditions = Vec::new();
    let mut counts = false;
    // Each module anew: two of the same kind are two conditions.
    let mut text: HashMap<usize, String> = HashMap::new();
    for clause in &clauses {
        let words = clause.values.iter().map(|word| word.raw).collect::<Vec<_>>().join(" ");
        let not = if clause.is_negated { "! " } else { "" };
        let shown = format!("{not}{} {words}", clause.option);
        match clause.part {
            Part::Packet => conditions.push(shown),
            Part::Target | Part::Match("comment", _) => {}
            Part::Match(module, place) => {
                counts |= matches!(
                    module,
                    "limit"
                        | "hashlimit"
                        | "statistic"
                        | "recent"
                        | "quota"
                        | "connlimit"
                        | "time"
                        | "nfacct"
                );
                let whole = text.entry(place).or_default();
                whole.push_str(&shown);
                whole.push(' ');
            }
        }
    }
    conditions.extend(text.into_values());
    let action = crate::purpose::action(form);
    let ends = !counts
        && matches!(
            spec::target(form),
            Some(
                "ACCEPT"
                    | "DROP"
                    | "REJECT"
                    | "RETURN"
                    | "MASQUERADE"
                    | "SNAT"
                    | "DNAT"
                    | "REDIRECT"
            )
        );
    (conditions, action, ends)
}

/// What a host would do with a packet of a pod that it forwards, where `FORWARD` drops by policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardDrop {
    /// The policy's line.
    pub line: String,
    /// Packets that met it.
    pub packets: Option<u64>,
}

/// Whether `FORWARD` drops what no rule accepts, and no rule accepts packets of pods: neither
/// those that come from a pod's device nor those that go to one.
pub fn forward_drops(store: &Store, set: &Ruleset) -> Option<ForwardDrop> {
    let filter = set.find("filter")?;
    let forward = filter.find(store.name_id("FORWARD")?)?;
    if forward.policy.as_deref() != Some("DROP") {
        return None;
    }
    let counters = forward.counters.map(|counters| format!(" {counters}")).unwrap_or_default();
    let found = ForwardDrop {
        line: format!(":FORWARD DROP{counters}"),
        packets: forward.counters.map(|counters| counters.packets),
    };
    // Addresses of documentation: what accepts them accepts pods by their devices.
    let packet = |input: &str, output: &str| Packet {
        source: IpAddr::from([192, 0, 2, 1]),
        destination: IpAddr::from([198, 51, 100, 1]),
        protocol: "tcp".to_owned(),
        source_port: Some(40_000),
        destination_port: Some(80),
        input: Some(input.to_owned()),
        output: Some(output.to_owned()),
        state: "NEW".to_owned(),
    };
    let is_dropped = |input: &str, output: &str| {
        walk::walk(store, set, &packet(input, output), &HostFacts::default()).verdict
            == Verdict::Dropped
    };
    let from_pod = is_dropped("lxc12ab", "eth0");
    let to_pod = is_dropped("eth0", "lxc12ab") && is_dropped("eth0", "cilium_host");
    (from_pod || to_pod).then_some(found)
}

/// Packets that met the policy `DROP` of `FORWARD`, whether or not pods are let pass.
pub fn forward_policy_drops(store: &Store, set: &Ruleset) -> Option<ForwardDrop> {
    let forward = set.find("filter")?.find(store.name_id("FORWARD")?)?;
    let counters = forward.counters.filter(|counters| counters.packets > 0)?;
    (forward.policy.as_deref() == Some("DROP")).then(|| ForwardDrop {
        line: format!(":FORWARD DROP {counters}"),
        packets: Some(counters.packets),
    })
}

/// The rule that gives a packet between two pods another source address.
pub fn masquerades(
    store: &Store,
    set: &Ruleset,
    source: IpAddr,
    destination: IpAddr,
    facts: &HostFacts,
) -> Option<(u32, Place)> {
    let mut nat = Ruleset::default();
    // Without raw: whether the packet is tracked at all is another matter.
    nat.tables.extend(set.find("nat").cloned());
    let packet = Packet {
        source,
        destination,
        protocol: "tcp".to_owned(),
        source_port: Some(40_000),
        destination_port: Some(80),
        input: Some("lxc12ab".to_owned()),
        output: Some("eth0".to_owned()),
        state: "NEW".to_owned(),
    };
    let walk = walk::walk(store, &nat, &packet, facts);
    walk.steps
        .iter()
        .find(|step| step.unknown.is_empty() && step.effect.starts_with("source becomes"))
        .and_then(|step| {
            let (number, rule) = step.rule?;
            Some((step.chain, Place { number, rule }))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::Fold;
    use crate::literal::Literals;

    fn read(text: &str) -> (Store, Ruleset) {
        let mut store = Store::new(Fold::Names);
        let set = store.read(text, &Literals::default(), None);
        (store, set)
    }

    fn numbers(pairs: &[Pair]) -> Vec<(usize, usize)> {
        pairs.iter().map(|pair| (pair.first.number, pair.second.number)).collect()
    }

    #[test]
    fn a_feeder_twice_is_found_and_an_old_one_beside_a_new_one_is_not() {
        let feeder =
            "-A INPUT -m comment --comment \"cilium-feeder: CILIUM_INPUT\" -j CILIUM_INPUT\n";
        let head =
            "*filter\n:INPUT ACCEPT [0:0]\n:CILIUM_INPUT - [0:0]\n:OLD_CILIUM_INPUT - [0:0]\n";
        let check = |rules: &str, expected: &[(usize, usize)]| {
            let (store, set) = read(&format!("{head}{rules}COMMIT\n"));
            assert_eq!(numbers(&duplicated_feeders(&store, &set)), expected);
        };
        check(feeder, &[]);
        check(&format!("{feeder}{feeder}"), &[(1, 2)]);
        check(&format!("{feeder}{}", feeder.replace("-j CILIUM", "-j OLD_CILIUM")), &[]);
    }

    #[test]
    fn rules_behind_one_that_takes_their_packets_are_shadowed() {
        let check = |rules: &str, expected: &[(usize, usize)]| {
            let (store, set) = read(&format!("*filter\n:A - [0:0]\n{rules}COMMIT\n"));
            assert_eq!(numbers(&Shadows::default().shadowed(&store, &set)), expected, "{rules}");
        };
        check("-A A -j DROP\n-A A -s 10.0.0.1 -j ACCEPT\n", &[(1, 2)]);
        check("-A A -i eth0 -j DROP\n-A A -s 10.0.0.1 -i eth0 -j ACCEPT\n", &[(1, 2)]);
        check("-A A -i eth0 -j DROP\n-A A -s 10.0.0.1 -i eth1 -j ACCEPT\n", &[]);
        check("-A A -i eth0 -j DROP\n-A A -i eth0 -m comment --comment x -j DROP\n", &[]);
        check("-A A -m limit --limit 1/s -j DROP\n-A A -m limit --limit 1/s -j ACCEPT\n", &[]);
        check("-A A -i eth0 -j LOG\n-A A -i eth0 -j ACCEPT\n", &[]);
        check("-A A -i eth0 -m mark --mark 0x1 -j DROP\n-A A -i eth0 -j ACCEPT\n", &[]);
    }

    #[test]
    fn a_dropping_forward_without_accept_for_pods_is_found() {
        let check = |rules: &str, policy: &str, expected: bool| {
            let (store, set) = read(&format!("*filter\n:FORWARD {policy} [7:9]\n{rules}COMMIT\n"));
            assert_eq!(forward_drops(&store, &set).is_some(), expected, "{rules}");
        };
        check("", "ACCEPT", false);
        check("", "DROP", true);
        check("-A FORWARD -i lxc+ -j ACCEPT\n", "DROP", true);
        check("-A FORWARD -i lxc+ -j ACCEPT\n-A FORWARD -o lxc+ -j ACCEPT\n", "DROP", false);
        check("-A FORWARD -i lxc+ -j ACCEPT\n-A FORWARD -o cilium_host -j ACCEPT\n", "DROP", false);
        check("-A FORWARD -s 10.0.0.0/8 -j ACCEPT\n", "DROP", true);
        let (store, set) = read("*filter\n:FORWARD DROP [7:9]\nCOMMIT\n");
        assert_eq!(forward_policy_drops(&store, &set).map(|it| it.packets), Some(Some(7)));
        let (store, set) = read("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n");
        assert_eq!(forward_policy_drops(&store, &set), None);
    }

    #[test]
    fn masquerading_between_pods_is_found() {
        let check = |rules: &str, expected: Option<usize>| {
            let (store, set) = read(&format!("*nat\n:POSTROUTING ACCEPT [0:0]\n{rules}COMMIT\n"));
            let (from, to) = (IpAddr::from([172, 20, 0, 5]), IpAddr::from([172, 20, 1, 5]));
            let found = masquerades(&store, &set, from, to, &HostFacts::default());
            assert_eq!(found.map(|(_, place)| place.number), expected, "{rules}");
        };
        check(
            "-A POSTROUTING ! -d 172.20.0.0/16 -s 172.20.0.0/24 ! -o cilium_+ -j MASQUERADE\n",
            None,
        );
        check(
            "-A POSTROUTING ! -d 172.20.0.0/24 -s 172.20.0.0/24 ! -o cilium_+ -j MASQUERADE\n",
            Some(1),
        );
        check(
            "-A POSTROUTING -d 172.20.0.0/16 -j ACCEPT\n-A POSTROUTING -o eth0 -j MASQUERADE\n",
            None,
        );
        check("-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE\n", None);
    }
}
