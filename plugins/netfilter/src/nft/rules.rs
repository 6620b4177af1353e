//! Rules of iptables as nft prints them, for hosts that have no other tool.
//!
//! What iptables-nft writes into the kernel is in part nft's own language (addresses, devices,
//! ports, marks, jumps) and in part extensions of iptables, of which nft only knows the names.
//! They become rules that say so, as iptables does of parts that it cannot print.
//!
//! Source: `nft -j list ruleset` 1.0.6, libnftables-json(5); compared with iptables-save of the
//! same kernel in `tests/kernel.rs`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::{Document, NftTable};

/// What iptables prints for a part that it does not know.
const UNKNOWN: &str = "[unsupported revision]";

/// The tables that iptables made, as `iptables-save -c` would print them; empty where there are
/// none.
///
/// - Family: `ip` or `ip6`.
/// - Errors: no JSON of nft.
pub fn dump(text: &str, family: &str) -> Result<String, String> {
    let document = Document::read(text)?;
    let mut tables: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for (kind, value) in document.nftables.iter().flatten() {
        let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let table = if kind == "table" { word("name") } else { word("table") };
        let is_read = matches!(kind.as_str(), "table" | "chain" | "rule")
            && word("family") == family
            && NftTable::is_name_of_iptables(table);
        if !is_read {
            continue;
        }
        let (chains, rules) = tables.entry(table).or_default();
        // Writing into a string cannot fail.
        if kind == "chain" {
            let policy = match word("policy") {
                "" if word("hook").is_empty() => "-".to_owned(),
                "" => "ACCEPT".to_owned(),
                policy => policy.to_ascii_uppercase(),
            };
            let _ = writeln!(chains, ":{} {policy} [0:0]", one_word(word("name")));
        } else if kind == "rule" {
            let parts = value.get("expr").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let (counters, spec) = rule(parts);
            let _ = writeln!(rules, "{counters}-A {}{spec}", one_word(word("chain")));
        }
    }
    let mut text = String::new();
    for (name, (chains, rules)) in tables {
        let _ = write!(text, "*{name}\n{chains}{rules}COMMIT\n");
    }
    Ok(text)
}

/// A name that cannot end its line.
fn one_word(name: &str) -> String {
    name.replace(char::is_whitespace, "_")
}

/// The counters of a rule in front of it, and what it matches and does.
fn rule(parts: &[Value]) -> (String, String) {
    let mut counters = String::new();
    let mut matches = String::new();
    let mut target = String::new();
    let mut is_whole = true;
    for (kind, value) in parts.iter().filter_map(Value::as_object).flatten() {
        match kind.as_str() {
            "counter" => {
                let count = |key: &str| value.get(key).and_then(Value::as_u64).unwrap_or_default();
                counters = format!("[{}:{}] ", count("packets"), count("bytes"));
            }
            "match" => match condition(value) {
                Some(text) => matches.push_str(&text),
                None => is_whole = false,
            },
            "limit" => matches.push_str(&limit(value)),
            "jump" | "goto" => {
                let to = value.get("target").and_then(Value::as_str).unwrap_or_default();
                target = format!(" -{} {}", &kind[..1], one_word(to));
            }
            "accept" | "drop" | "return" | "masquerade" | "reject" => {
                target = format!(" -j {}", kind.to_ascii_uppercase());
                is_whole &= value.is_null();
            }
            "xt" => {
                let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
                match (word("type"), one_word(word("name"))) {
                    // Says nothing of packets.
                    (_, name) if name == "comment" => {}
                    ("target", name) => {
                        target = format!(" -j {name}");
                        is_whole = false;
                    }
                    (_, name) => {
                        let _ = write!(matches, " -m {name}");
                        is_whole = false;
                    }
                }
            }
            _ => is_whole = false,
        }
    }
    let unknown = if is_whole { String::new() } else { format!(" {UNKNOWN}") };
    (counters, format!("{matches}{target}{unknown}"))
}

/// One condition in the words of iptables; none where it has no such words here.
fn condition(value: &Value) -> Option<String> {
    let not = match value.get("op")?.as_str()? {
        "==" => "",
        "!=" => " !",
        _ => return None,
    };
    let (left, right) = (value.get("left")?, value.get("right")?);
    if let Some([meta, mask]) = left.get("&").and_then(Value::as_array).map(Vec::as_slice) {
        let is_mark = meta.pointer("/meta/key")? == "mark";
        let (bits, of) = (right.as_u64()?, mask.as_u64()?);
        return is_mark.then(|| format!(" -m mark{not} --mark {bits:#x}/{of:#x}"));
    }
    if let Some(key) = left.pointer("/meta/key").and_then(Value::as_str) {
        return Some(match key {
            "iifname" => format!("{not} -i {}", device(right)?),
            "oifname" => format!("{not} -o {}", device(right)?),
            "l4proto" => format!("{not} -p {}", scalar(right)?),
            "mark" => format!(" -m mark{not} --mark {:#x}", right.as_u64()?),
            _ => return None,
        });
    }
    let of = |key: &str| left.get("payload")?.get(key)?.as_str();
    Some(match (of("protocol")?, of("field")?) {
        ("ip" | "ip6", "saddr") => format!("{not} -s {}", address(right)?),
        ("ip" | "ip6", "daddr") => format!("{not} -d {}", address(right)?),
        ("ip", "protocol") | ("ip6", "nexthdr") => format!("{not} -p {}", scalar(right)?),
        (protocol @ ("tcp" | "udp" | "sctp" | "dccp"), field @ ("sport" | "dport")) => {
            format!(" -m {protocol}{not} --{field} {}", ports(right)?)
        }
        _ => return None,
    })
}

/// `lxc*` → `lxc+`
fn device(value: &Value) -> Option<String> {
    let name = one_word(value.as_str()?);
    Some(name.strip_suffix('*').map(|head| format!("{head}+")).unwrap_or(name))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(one_word(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn address(value: &Value) -> Option<String> {
    match value.get("prefix") {
        Some(prefix) => Some(format!(
            "{}/{}",
            one_word(prefix.get("addr")?.as_str()?),
            prefix.get("len")?.as_u64()?
        )),
        None => value.as_str().map(one_word),
    }
}

fn ports(value: &Value) -> Option<String> {
    match value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        Some([first, last]) => Some(format!("{}:{}", scalar(first)?, scalar(last)?)),
        Some(_) => None,
        None => scalar(value),
    }
}

fn limit(value: &Value) -> String {
    let rate = value.get("rate").and_then(Value::as_u64).unwrap_or_default();
    let per = match value.get("per").and_then(Value::as_str).unwrap_or_default() {
        "second" => "sec",
        "minute" => "min",
        other => other,
    };
    let burst = value.get("burst").and_then(Value::as_u64);
    // iptables prints no burst of five.
    let burst = burst.filter(|burst| *burst != 5).map(|burst| format!(" --limit-burst {burst}"));
    format!(" -m limit --limit {rate}/{per}{}", burst.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_told_and_no_tables_are_no_rules() {
        assert!(dump("not found", "ip").is_err());
        assert_eq!(dump("{\"nftables\": []}", "ip").as_deref(), Ok(""));
        let foreign = r#"{"nftables": [{"table": {"family": "ip", "name": "mine"}}, {"table": {"family": "inet", "name": "filter"}}]}"#;
        assert_eq!(dump(foreign, "ip").as_deref(), Ok(""));
    }

    #[test]
    fn parts_without_words_are_told() {
        let of = |expr: &str| {
            let text = format!(
                r#"{{"nftables": [{{"rule": {{"family": "ip", "table": "raw", "chain": "A\nB", "expr": {expr}}}}}]}}"#
            );
            dump(&text, "ip").unwrap().lines().nth(1).unwrap_or_default().to_owned()
        };
        assert_eq!(of("[]"), "-A A_B");
        assert_eq!(
            of(r#"[{"xt": {"type": "target", "name": "CT"}}]"#),
            "-A A_B -j CT [unsupported revision]"
        );
        assert_eq!(
            of(r#"[{"match": {"op": "in"}}, {"drop": null}]"#),
            "-A A_B -j DROP [unsupported revision]"
        );
        assert_eq!(
            of(r#"[{"new": 1}, 7, {"goto": {"target": "C"}}]"#),
            "-A A_B -g C [unsupported revision]"
        );
        assert_eq!(
            of(
                r#"[{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"range": [80, 90]}}}]"#
            ),
            "-A A_B -m tcp ! --dport 80:90"
        );
    }
}
