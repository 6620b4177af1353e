//! Sets of addresses that rules match with `-m set`: what `ipset save` and `ipset list` print.
//!
//! Apart from [`crate::ruleset`] because another tool prints them. It must not know which rules
//! use them.

use std::collections::BTreeMap;

/// The members of each set, by its name, in the order in which they were printed.
pub type Sets = BTreeMap<String, Vec<String>>;

/// Reads `ipset save` (`create NAME …`, `add NAME MEMBER …`) or `ipset list` (`Name: …`,
/// `Members:`). Lines of neither are passed over; a set without members is kept.
pub fn parse_sets(text: &str) -> Sets {
    let mut sets = Sets::new();
    let mut open: Option<String> = None;
    let mut is_in_members = false;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (None, _) => is_in_members = false,
            (Some("create"), Some(name)) => {
                sets.entry(name.to_owned()).or_default();
            }
            (Some("add"), Some(name)) => {
                if let Some(member) = words.next() {
                    sets.entry(name.to_owned()).or_default().push(member.to_owned());
                }
            }
            (Some("Name:"), Some(name)) => {
                sets.entry(name.to_owned()).or_default();
                open = Some(name.to_owned());
                is_in_members = false;
            }
            (Some("Members:"), _) => is_in_members = true,
            (Some(member), _) if is_in_members => {
                if let Some(members) = open.as_ref().and_then(|name| sets.get_mut(name)) {
                    members.push(member.to_owned());
                }
            }
            _ => {}
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_give_the_same_sets() {
        let saved = "create cilium_node_set_v4 hash:net family inet hashsize 1024 maxelem 65536\n\
                     add cilium_node_set_v4 192.168.10.101\nadd cilium_node_set_v4 10.0.2.15 timeout 0\n\
                     create empty hash:ip family inet6\n";
        let listed = "Name: cilium_node_set_v4\nType: hash:net\nRevision: 7\nHeader: family inet\n\
                      Size in memory: 552\nReferences: 1\nNumber of entries: 2\nMembers:\n\
                      192.168.10.101\n10.0.2.15 timeout 0\n\nName: empty\nType: hash:ip\nMembers:\n";
        let sets = parse_sets(saved);
        assert_eq!(sets["cilium_node_set_v4"], ["192.168.10.101", "10.0.2.15"]);
        assert_eq!(sets["empty"], [""; 0]);
        assert_eq!(sets, parse_sets(listed));
        assert_eq!(
            parse_sets("ipset v7.17: Kernel error received: Operation not permitted\n"),
            Sets::new()
        );
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "((create|add|Name:|Members:)? ?[a-z0-9.: ]{0,9}\n){0,9}") {
            parse_sets(&text);
        }
    }
}
