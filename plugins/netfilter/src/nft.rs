//! What `nft -j list ruleset` holds besides the tables that iptables makes: foreign tables, which
//! no dump of iptables shows.
//!
//! Apart from [`crate::ruleset`] because nft has rules that iptables cannot print; those of foreign
//! tables are counted here, not read. It must not know which tables are anybody's.

mod rules;

use std::collections::BTreeMap;

pub use rules::dump;

use serde::Deserialize;

/// A table of nftables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftTable {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge` or `netdev`.
    pub family: String,
    /// Its name.
    pub name: String,
    /// How many chains it has.
    pub n_chains: usize,
    /// How many rules.
    pub n_rules: usize,
    /// Chains that the kernel calls, as `input` or `prerouting`.
    pub hooks: Vec<String>,
}

impl NftTable {
    /// Whether it is one that iptables makes and shows.
    pub fn is_of_iptables(&self) -> bool {
        matches!(self.family.as_str(), "ip" | "ip6") && Self::is_name_of_iptables(&self.name)
    }

    fn is_name_of_iptables(name: &str) -> bool {
        matches!(name, "filter" | "nat" | "mangle" | "raw" | "security")
    }
}

#[derive(Deserialize)]
struct Document {
    nftables: Vec<BTreeMap<String, serde_json::Value>>,
}

impl Document {
    fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| format!("line {}: {error}", error.line()))
    }
}

/// Reads the tables; the message says why none can be read.
///
/// # Errors
/// No JSON of nft.
pub fn parse_tables(text: &str) -> Result<Vec<NftTable>, String> {
    let document = Document::read(text)?;
    let mut tables: Vec<NftTable> = Vec::new();
    for (kind, value) in document.nftables.iter().flatten() {
        let word = |key: &str| value.get(key).and_then(|it| it.as_str()).unwrap_or_default();
        let (family, name) =
            (word("family"), if kind == "table" { word("name") } else { word("table") });
        if !matches!(kind.as_str(), "table" | "chain" | "rule") {
            continue;
        }
        let known = tables.iter().position(|table| table.family == family && table.name == name);
        let at = known.unwrap_or_else(|| {
            tables.push(NftTable {
                family: family.to_owned(),
                name: name.to_owned(),
                n_chains: 0,
                n_rules: 0,
                hooks: Vec::new(),
            });
            tables.len() - 1
        });
        match kind.as_str() {
            "chain" => {
                tables[at].n_chains += 1;
                let hook = word("hook");
                if !hook.is_empty() && !tables[at].hooks.iter().any(|known| known == hook) {
                    tables[at].hooks.push(hook.to_owned());
                }
            }
            "rule" => tables[at].n_rules += 1,
            _ => {}
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_counted_and_those_of_iptables_known() {
        let text = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}},
            {"table": {"family": "ip", "name": "filter", "handle": 1}},
            {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "hook": "input", "prio": 0}},
            {"table": {"family": "inet", "name": "firewalld", "handle": 2}},
            {"chain": {"family": "inet", "table": "firewalld", "name": "in", "hook": "input"}},
            {"rule": {"family": "inet", "table": "firewalld", "chain": "in", "expr": []}},
            {"set": {"family": "inet", "table": "firewalld", "name": "s"}}]}"#;
        let tables = parse_tables(text).unwrap();
        assert_eq!(tables.len(), 2);
        assert!(tables[0].is_of_iptables());
        let foreign = &tables[1];
        assert!(!foreign.is_of_iptables());
        assert_eq!((foreign.n_chains, foreign.n_rules, foreign.hooks.len()), (1, 1, 1));
    }

    #[test]
    fn what_is_no_json_is_told() {
        assert!(
            parse_tables("Operation not permitted (you must be root)")
                .unwrap_err()
                .contains("line 1")
        );
        assert_eq!(parse_tables("{\"nftables\": []}"), Ok(vec![]));
    }
}
