//! Rules from the text that `ip rule` prints.
//!
//! Apart from the JSON form because the shapes differ. It must not know how a lookup uses them.

use crate::{
    AddressFamily, Prefix, Problem,
    iproute2::{
        DeviceName, IpRule, Protocol, RuleAction, TableId,
        rule::{discard, ip_protocol, mark, range},
    },
};

/// Reads the rules of one family from the text of `ip rule` or `ip -6 rule`.
///
/// - Shape: `100:` tab `from all fwmark 0x200/0xf00 lookup 2004`; `family` is which of the two
///   commands it was.
/// - Errors: never fails; a line without a priority or an action, or with a value that cannot be
///   read, becomes a [`Problem`]. A selector that is not known is kept in [`IpRule::unknown`].
/// - Source: output of iproute2 6.1.
pub fn parse_rules_text(text: &str, family: AddressFamily) -> (Vec<IpRule>, Vec<Problem>) {
    let (mut rules, mut problems) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match rule_of(line, family) {
            Ok(rule) => rules.push(rule),
            Err(what) => problems.push(Problem::new(format!("line {}", index + 1), line, what)),
        }
    }
    (rules, problems)
}

fn rule_of(line: &str, family: AddressFamily) -> Result<IpRule, String> {
    let (priority, rest) = line.split_once(':').ok_or("the line has no priority")?;
    let priority = priority.trim().parse().map_err(|_| "the priority is not a number")?;
    let mut rule = IpRule::lookup(family, priority, TableId::MAIN);
    let mut action = None;
    let mut words = rest.split_whitespace().peekable();
    while let Some(name) = words.next() {
        // These stand alone.
        match name {
            "not" => {
                rule.inverted = true;
                continue;
            }
            "nop" => {
                action = Some(RuleAction::Nop);
                continue;
            }
            "[detached]" | "[unresolved]" => continue,
            _ => {}
        }
        if let Some(discard) = discard(name) {
            action = Some(discard);
            continue;
        }
        let word = words.next().unwrap_or_default();
        let bad = || format!("{name} `{word}` cannot be read");
        let (start, end) = word.split_once('-').map_or((word, None), |(a, b)| (a, Some(b)));
        match name {
            "from" => rule.from = selector(family, word).ok_or_else(bad)?,
            "to" => rule.to = selector(family, word).ok_or_else(bad)?,
            "fwmark" => {
                let (value, mask) =
                    word.split_once('/').map_or((word, None), |(v, m)| (v, Some(m)));
                rule.mark = Some(mark(value, mask)?);
            }
            "iif" => rule.iif = Some(DeviceName::new(word).ok_or_else(bad)?),
            "oif" => rule.oif = Some(DeviceName::new(word).ok_or_else(bad)?),
            "tos" => rule.tos = Some(word.into()),
            "ipproto" => match ip_protocol(word) {
                Some(number) => rule.ip_protocol = Some(number),
                None => rule.unknown.push(format!("{name} {word}")),
            },
            "sport" => rule.sport = Some(range(start, end).ok_or_else(bad)?),
            "dport" => rule.dport = Some(range(start, end).ok_or_else(bad)?),
            "uidrange" => rule.uid_range = Some(range(start, end).ok_or_else(bad)?),
            "lookup" if word == "[l3mdev-table]" => action = Some(RuleAction::LookupL3mdev),
            "lookup" => {
                let table = TableId::parse(word);
                rule.table_name = table.is_named().then(|| word.into());
                action = Some(RuleAction::Lookup(table));
            }
            "goto" => action = Some(word.parse().map_or(RuleAction::Nop, RuleAction::Goto)),
            "suppress_prefixlength" => {
                rule.suppress_prefixlength = Some(word.parse().map_err(|_| bad())?);
            }
            "suppress_ifgroup" => rule.suppress_ifgroup = Some(word.into()),
            "proto" => rule.protocol = Protocol::parse(word),
            // Of no effect on which route is found.
            "realms" => {}
            _ => rule.unknown.push(format!("{name} {word}").trim_end().to_owned()),
        }
    }
    rule.action = action.ok_or("the rule has no action")?;
    Ok(rule)
}

/// Reads `all`, an address or a prefix; `None` if it is not one of the family.
#[expect(clippy::option_option, reason = "not readable, all, or a prefix: three outcomes")]
fn selector(family: AddressFamily, word: &str) -> Option<Option<Prefix>> {
    if matches!(word, "all" | "any" | "default") {
        return Some(None);
    }
    Prefix::parse(word).filter(|prefix| prefix.family() == family).map(Some)
}
