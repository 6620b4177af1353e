//! Rules of the routing policy database, and how iproute2 writes them.
//!
//! Apart from routes because a rule chooses a table, not a way. It must not know how a lookup
//! weighs a selector it was told nothing about.

use std::{collections::BTreeMap, fmt, net::IpAddr, ops::RangeInclusive};

use serde_json::Value;

use crate::{
    AddressFamily, Prefix, Problem,
    iproute2::{DeviceName, Protocol, RouteType, TableId},
    problem::read_entries,
};

/// A firewall mark selector: a packet matches when its mark equals `value` in the bits of `mask`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The bits wanted.
    pub value: u32,
    /// The bits compared.
    pub mask: u32,
}

/// What a rule does with a packet that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleAction {
    /// Looks the destination up in this table.
    Lookup(TableId),
    /// Looks it up in the table of the VRF the packet belongs to.
    LookupL3mdev,
    /// Goes on at the rule with this priority.
    Goto(u32),
    /// Does nothing: the next rule.
    Nop,
    /// Drops the packet: blackhole, unreachable or prohibit.
    Discard(RouteType),
}

/// One rule of one family's routing policy database.
///
/// - Units: lower `priority` comes first.
/// - Source: `ip -j rule` and `ip -j -6 rule`, iproute2 6.1; `ip-rule(8)`.
#[derive(Debug, Clone, PartialEq)]
pub struct IpRule {
    /// The family it belongs to; each has rules of its own.
    pub family: AddressFamily,
    /// Place in the order, lower first (`preference`).
    pub priority: u32,
    /// Whether it matches what its selectors do not (`not`).
    pub inverted: bool,
    /// Source addresses, `None` for all.
    pub from: Option<Prefix>,
    /// Destination addresses, `None` for all.
    pub to: Option<Prefix>,
    /// Firewall mark.
    pub mark: Option<Mark>,
    /// Device the packet came in by; `lo` means that this host made it.
    pub iif: Option<DeviceName>,
    /// Device a socket is bound to.
    pub oif: Option<DeviceName>,
    /// Type of service, as printed; `ip` prints it only when it is not 0.
    pub tos: Option<Box<str>>,
    /// IP protocol number.
    pub ip_protocol: Option<u8>,
    /// Source ports.
    pub sport: Option<RangeInclusive<u16>>,
    /// Destination ports.
    pub dport: Option<RangeInclusive<u16>>,
    /// User ids of the socket's owner.
    pub uid_range: Option<RangeInclusive<u32>>,
    /// Selectors this version does not know, as `name value`: whether the rule matches cannot be
    /// decided by anyone who only has these fields.
    pub unknown: Vec<String>,
    /// What it does.
    pub action: RuleAction,
    /// The table's name where it is not a known one.
    pub table_name: Option<Box<str>>,
    /// Refuses an answer whose prefix is this long or shorter (`suppress_prefixlength`).
    pub suppress_prefixlength: Option<u8>,
    /// Refuses an answer that leaves by a device of this group (`suppress_ifgroup`).
    pub suppress_ifgroup: Option<Box<str>>,
    /// Who installed it; printed by `ip -d rule`, or when it is neither unspec nor kernel.
    pub protocol: Protocol,
}

impl IpRule {
    /// A rule that matches everything and looks up `table`.
    pub fn lookup(family: AddressFamily, priority: u32, table: TableId) -> Self {
        Self {
            family,
            priority,
            inverted: false,
            from: None,
            to: None,
            mark: None,
            iif: None,
            oif: None,
            tos: None,
            ip_protocol: None,
            sport: None,
            dport: None,
            uid_range: None,
            unknown: Vec::new(),
            action: RuleAction::Lookup(table),
            table_name: None,
            suppress_prefixlength: None,
            suppress_ifgroup: None,
            protocol: Protocol::UNSPEC,
        }
    }

    /// The rules a kernel starts with: local, main, and for IPv4 default.
    pub fn defaults(family: AddressFamily) -> Vec<Self> {
        let mut rules = vec![
            Self::lookup(family, 0, TableId::LOCAL),
            Self::lookup(family, 32766, TableId::MAIN),
        ];
        if family == AddressFamily::V4 {
            rules.push(Self::lookup(family, 32767, TableId::DEFAULT));
        }
        rules
    }
}

/// Reads the rules of one family from `ip -j rule` or `ip -j -6 rule`.
///
/// - Shape: one JSON array; `family` is which of the two commands it was, because `"src":"all"`
///   does not say.
/// - Errors: never fails; an entry that is not an object, has no action, or has a value that
///   cannot be read becomes a [`Problem`]. A key that is not known is kept in
///   [`IpRule::unknown`], because a rule that is read as wider than it is sends packets wrong.
/// - Source: iproute2 6.1.
pub fn parse_rules(text: &str, family: AddressFamily) -> (Vec<IpRule>, Vec<Problem>) {
    let (entries, mut problems) = read_entries::<BTreeMap<String, Value>>(text);
    let mut rules = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.is_empty()) {
        match rule_of(entry, family) {
            Ok(rule) => rules.push(rule),
            Err(what) => {
                let line = serde_json::to_string(entry).unwrap_or_default();
                problems.push(Problem::new(format!("entry {}", index + 1), &line, what));
            }
        }
    }
    (rules, problems)
}

/// Text of a JSON scalar.
fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn rule_of(entry: &BTreeMap<String, Value>, family: AddressFamily) -> Result<IpRule, String> {
    let get = |key: &str| entry.get(key).map(word);
    let mut rule = IpRule::lookup(family, 0, TableId::MAIN);
    let mut action = None;
    for (key, value) in entry {
        let text = word(value);
        let bad = || format!("{key} `{text}` cannot be read");
        match key.as_str() {
            "priority" => rule.priority = text.parse().map_err(|_| bad())?,
            "not" => rule.inverted = true,
            "src" => rule.from = selector(family, &text, get("srclen").as_deref())?,
            "dst" => rule.to = selector(family, &text, get("dstlen").as_deref())?,
            "fwmark" => rule.mark = Some(mark(&text, get("fwmask").as_deref())?),
            "iif" => rule.iif = Some(DeviceName::new(&text).ok_or_else(bad)?),
            "oif" => rule.oif = Some(DeviceName::new(&text).ok_or_else(bad)?),
            "tos" => rule.tos = Some(text.into()),
            "ipproto" => match ip_protocol(&text) {
                Some(number) => rule.ip_protocol = Some(number),
                None => rule.unknown.push(format!("ipproto {text}")),
            },
            "sport" | "sport_start" => {
                rule.sport = Some(range(&text, get("sport_end").as_deref()).ok_or_else(bad)?);
            }
            "dport" | "dport_start" => {
                rule.dport = Some(range(&text, get("dport_end").as_deref()).ok_or_else(bad)?);
            }
            "uid_start" => {
                rule.uid_range = Some(range(&text, get("uid_end").as_deref()).ok_or_else(bad)?);
            }
            "table" => {
                let table = TableId::parse(&text);
                rule.table_name = table.is_named().then(|| text.into());
                action = Some(RuleAction::Lookup(table));
            }
            "l3mdev" => action = Some(RuleAction::LookupL3mdev),
            "goto" => {
                // `none` is a target that was deleted: the rule then does nothing.
                let target = text.parse().map_or(RuleAction::Nop, RuleAction::Goto);
                action = Some(target);
            }
            "nop" => action = Some(RuleAction::Nop),
            "action" => action = Some(discard(&text).ok_or_else(bad)?),
            "suppress_prefixlen" => {
                rule.suppress_prefixlength = Some(text.parse().map_err(|_| bad())?);
            }
            "suppress_ifgroup" => rule.suppress_ifgroup = Some(text.into()),
            "protocol" => rule.protocol = Protocol::parse(&text),
            // Read with their first half, or of no effect on which route is found.
            "srclen" | "dstlen" | "fwmask" | "sport_end" | "dport_end" | "uid_end"
            | "iif_detached" | "oif_detached" | "unresolved" | "flow_from" | "flow_to" => {}
            _ => rule.unknown.push(format!("{key} {text}")),
        }
    }
    rule.action = action.ok_or("the rule has no action")?;
    Ok(rule)
}

/// Reads `from` and `to`: `all`, or an address with an optional length beside it.
fn selector(
    family: AddressFamily,
    address: &str,
    len: Option<&str>,
) -> Result<Option<Prefix>, String> {
    if matches!(address, "all" | "any" | "default") {
        return Ok(None);
    }
    let bad = || format!("`{address}` is not an address of the family");
    let address: IpAddr = address.parse().map_err(|_| bad())?;
    if AddressFamily::of(address) != family {
        return Err(bad());
    }
    let len = match len {
        None => family.bits(),
        Some(len) => len.parse().map_err(|_| format!("`{len}` is not a prefix length"))?,
    };
    Prefix::new(address, len).map(Some).ok_or_else(|| format!("`{len}` is not a prefix length"))
}

/// Reads a mark and its mask, hexadecimal or decimal; every bit counts without a mask.
pub(super) fn mark(value: &str, mask: Option<&str>) -> Result<Mark, String> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let bad = |_| format!("`{value}` is not a firewall mark");
    let value = number(value).map_err(bad)?;
    let mask = mask.map_or(Ok(u32::MAX), number).map_err(bad)?;
    Ok(Mark { value, mask })
}

/// Reads one number or a range of numbers.
pub(super) fn range<T: std::str::FromStr + Copy>(
    start: &str,
    end: Option<&str>,
) -> Option<RangeInclusive<T>> {
    let start = start.parse().ok()?;
    let end = end.map_or(Ok(start), str::parse).ok()?;
    Some(start..=end)
}

/// Protocols with a name in `/etc/protocols` that a rule is likely to have.
const IP_PROTOCOLS: [(u8, &str); 9] = [
    (1, "icmp"),
    (6, "tcp"),
    (17, "udp"),
    (41, "ipv6"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "ipv6-icmp"),
    (132, "sctp"),
];

/// Reads an IP protocol's name or number.
pub(super) fn ip_protocol(word: &str) -> Option<u8> {
    let named = IP_PROTOCOLS.iter().find(|(_, name)| *name == word).map(|(number, _)| *number);
    named.or_else(|| word.strip_prefix("ipproto-").unwrap_or(word).parse().ok())
}

/// Reads the action of a rule that drops.
pub(super) fn discard(word: &str) -> Option<RuleAction> {
    RouteType::parse(word).filter(|kind| kind.discards()).map(RuleAction::Discard)
}

/// The line `ip rule` prints, without its trailing space: `9:` tab `from all fwmark …`.
impl fmt::Display for IpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = |f: &mut fmt::Formatter<'_>, prefix: &Prefix| {
            if prefix.is_host() { write!(f, "{}", prefix.address()) } else { write!(f, "{prefix}") }
        };
        write!(f, "{}:\t", self.priority)?;
        if self.inverted {
            f.write_str("not ")?;
        }
        match &self.from {
            Some(from) => {
                f.write_str("from ")?;
                prefix(f, from)?;
            }
            None => f.write_str("from all")?,
        }
        if let Some(to) = &self.to {
            f.write_str(" to ")?;
            prefix(f, to)?;
        }
        if let Some(tos) = &self.tos {
            write!(f, " tos {tos}")?;
        }
        if let Some(Mark { value, mask }) = self.mark {
            // As in C, zero has no `0x`.
            match value {
                0 => f.write_str(" fwmark 0")?,
                _ => write!(f, " fwmark {value:#x}")?,
            }
            if mask != u32::MAX {
                write!(f, "/{mask:#x}")?;
            }
        }
        if let Some(iif) = self.iif {
            write!(f, " iif {iif}")?;
        }
        if let Some(oif) = self.oif {
            write!(f, " oif {oif}")?;
        }
        if let Some(uids) = &self.uid_range {
            write!(f, " uidrange {}-{}", uids.start(), uids.end())?;
        }
        if let Some(number) = self.ip_protocol {
            match IP_PROTOCOLS.iter().find(|(known, _)| *known == number) {
                Some((_, name)) => write!(f, " ipproto {name}")?,
                None => write!(f, " ipproto ipproto-{number}")?,
            }
        }
        for (name, ports) in [("sport", &self.sport), ("dport", &self.dport)] {
            match ports {
                Some(ports) if ports.start() == ports.end() => {
                    write!(f, " {name} {}", ports.start())?;
                }
                Some(ports) => write!(f, " {name} {}-{}", ports.start(), ports.end())?,
                None => {}
            }
        }
        for unknown in &self.unknown {
            write!(f, " {unknown}")?;
        }
        match (self.action, &self.table_name) {
            (RuleAction::Lookup(_), Some(name)) => write!(f, " lookup {name}")?,
            (RuleAction::Lookup(table), None) => write!(f, " lookup {table}")?,
            (RuleAction::LookupL3mdev, _) => f.write_str(" lookup [l3mdev-table]")?,
            (RuleAction::Goto(target), _) => write!(f, " goto {target}")?,
            (RuleAction::Nop, _) => f.write_str(" nop")?,
            (RuleAction::Discard(kind), _) => write!(f, " {kind}")?,
        }
        if let Some(len) = self.suppress_prefixlength {
            write!(f, " suppress_prefixlength {len}")?;
        }
        if let Some(group) = &self.suppress_ifgroup {
            write!(f, " suppress_ifgroup {group}")?;
        }
        // Without `-d`, `ip` leaves out the two protocols that nearly every rule has.
        if self.protocol != Protocol::UNSPEC && self.protocol != Protocol::KERNEL {
            write!(f, " proto {}", self.protocol)?;
        }
        Ok(())
    }
}
