//! A short name for the rules of a host: equal rules have equal ones, on every machine.
//!
//! Apart from [`Store::fingerprint`](crate::ruleset::Store::fingerprint) because numbers of rules
//! follow the order in which hosts answered; what people compare must not.

use std::hash::{DefaultHasher, Hash, Hasher};

use rustc_hash::FxHashMap;

use crate::ruleset::{Chain, Rule, Ruleset, Store, Table};

/// Digests of rules that were met, which most hosts share.
#[derive(Debug, Default)]
pub struct Digests {
    of_form: FxHashMap<u32, u64>,
}

impl Digests {
    /// The digest of what two hosts have to have in common: tables, chains that do anything, their
    /// policies and rules in order. The store has to be the same each time.
    pub fn of(&mut self, store: &Store, set: &Ruleset) -> u64 {
        // A sum, because the order of chains and tables says nothing.
        set.tables
            .iter()
            .flat_map(|table| table.chains.iter().map(move |chain| (table, chain)))
            .filter(|(_, chain)| chain.counts())
            .fold(0, |sum, (table, chain)| sum.wrapping_add(self.chain(store, table, chain)))
    }

    fn chain(&mut self, store: &Store, table: &Table, chain: &Chain) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&table.name, store.name(chain.name), chain.policy.as_deref()).hash(&mut hasher);
        let (in_order, in_any): (Vec<Rule>, Vec<Rule>) =
            chain.rules.iter().copied().partition(|rule| !store.is_in_any_order(chain, *rule));
        for rule in in_order {
            self.form(store, rule.form).hash(&mut hasher);
        }
        let sum = in_any.iter().fold(0, |sum: u64, rule| {
            let text = self.form(store, rule.form);
            sum.wrapping_add(text.wrapping_mul(text | 1))
        });
        sum.hash(&mut hasher);
        hasher.finish()
    }

    fn form(&mut self, store: &Store, form: u32) -> u64 {
        *self.of_form.entry(form).or_insert_with(|| {
            let mut hasher = DefaultHasher::new();
            store.form_text(form).hash(&mut hasher);
            hasher.finish()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::literal::Literals;

    fn digest(text: &str) -> u64 {
        let mut store = Store::default();
        let set = store.read(text, &Literals::default(), None);
        Digests::default().of(&store, &set)
    }

    #[test]
    fn what_is_compared_and_nothing_else_makes_it() {
        let dump = "*nat\n:A - [0:0]\n:B - [0:0]\n-A A -s 10.0.0.1/32 -j B\n-A A -j RETURN\n-A B -j ACCEPT\nCOMMIT\n";
        let counted = "*nat\n:B - [7:9]\n:A - [0:0]\n:C - [0:0]\n[5:6] -A B -j ACCEPT\n-A A -s 10.0.0.1 -j B\n-A A -j RETURN\nCOMMIT\n";
        assert_eq!(digest(dump), digest(counted));
        let moved = dump.replace(
            "-A A -s 10.0.0.1/32 -j B\n-A A -j RETURN",
            "-A A -j RETURN\n-A A -s 10.0.0.1/32 -j B",
        );
        for other in [
            moved,
            dump.replace("nat", "raw"),
            dump.replace("ACCEPT", "DROP"),
            dump.replace(":A -", ":A DROP"),
        ] {
            assert_ne!(digest(dump), digest(&other), "{other}");
        }
    }

    #[test]
    fn rules_of_services_come_in_any_order() {
        let rules = [
            "-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-A\n",
            "-A KUBE-SERVICES -d 10.0.0.2/32 -j KUBE-SVC-B\n",
            "-A KUBE-SERVICES -d 10.0.0.3/32 -j KUBE-SVC-B\n",
        ];
        let dump = |order: [usize; 2]| {
            let lines: String = order.iter().map(|at| rules[*at]).collect();
            format!(
                "*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-SVC-A - [0:0]\n:KUBE-SVC-B - [0:0]\n{lines}COMMIT\n"
            )
        };
        assert_eq!(digest(&dump([0, 1])), digest(&dump([1, 0])));
        assert_ne!(digest(&dump([0, 1])), digest(&dump([0, 2])));
    }
}
