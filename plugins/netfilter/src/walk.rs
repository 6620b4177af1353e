//! Which rules a packet meets on a host, in order, and what becomes of it: a walk over the rules
//! as they were printed, without a packet.
//!
//! - What cannot be decided from rules alone (a rate, a share, a socket, a device that was not
//!   named) is told with the rule, and the walk goes on as if the rule had been passed by, for a
//!   verdict is only called one if it is certain.
//! - Outside of it: what BPF programs do with the packet before or instead of the rules.
//!
//! Apart from [`crate::check`] because it needs a packet. It must not know why a host has a rule.

mod clause;
mod packet;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use self::packet::{HostFacts, Packet, Way};

use self::clause::{contains, device, is_protocol, ports, shown};

use crate::canonical::integer;
use crate::ruleset::{Chain, Rule, Ruleset, Store, Table};
use crate::spec::{Clause, Part, WordList};

/// Chains inside chains that are followed; the kernel refuses loops, a forged dump may have one.
const DEPTH: usize = 32;
/// Steps that are told at most.
const STEPS: usize = 10_000;

/// Whether a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Nobody can tell from rules alone; what would have to be known.
    Perhaps(Vec<String>),
}

/// One rule or policy on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The table.
    pub table: &'static str,
    /// The chain, see [`Store::name`].
    pub chain: u32,
    /// The rule and its number in the chain, from 1; none for the chain's policy.
    pub rule: Option<(usize, Rule)>,
    /// How deep in chains of users.
    pub depth: usize,
    /// What would have to be known for it to match; nothing where it does.
    pub unknown: Vec<String>,
    /// What it does, in words.
    pub effect: String,
}

/// What becomes of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No table drops it.
    Accepted,
    /// A rule or policy ends it, the last of the steps.
    Dropped,
    /// It is handed to a program: a proxy's socket or a queue.
    Taken,
    /// It passes, unless one of the steps of which nobody can tell ends it.
    Unknown,
}

impl Verdict {
    /// `accepted`, `dropped`, `taken`, `unknown`
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Dropped => "dropped",
            Self::Taken => "taken",
            Self::Unknown => "unknown",
        }
    }
}

/// A walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// How the packet goes through the host.
    pub way: Way,
    /// What it meets.
    pub steps: Vec<Step>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// Walks a packet through the rules of one host.
pub fn walk(store: &Store, set: &Ruleset, packet: &Packet, facts: &HostFacts) -> Walk {
    let is_local = |ip: &IpAddr| facts.addresses.contains(ip) || ip.is_loopback();
    let way_to = |ip: &IpAddr| if is_local(ip) { Way::In } else { Way::Forward };
    let is_sent = is_local(&packet.source);
    let mut way = if is_sent { Way::Out } else { way_to(&packet.destination) };
    let mut walker = Walker {
        store,
        facts,
        packet: packet.clone(),
        mark: Some(0),
        hook: "",
        steps: Vec::new(),
        is_untracked: false,
        may_end: false,
        may_pass: false,
    };
    let mut verdict = None;
    let mut at = 0;
    while let Some(&(table, hook)) = way.hooks().get(at) {
        at += 1;
        // Only the first packet of a tracked connection is translated.
        let is_passed = table == "nat" && (walker.is_untracked || walker.packet.state != "NEW");
        let Some(rules) = set.find(table).filter(|_| !is_passed) else { continue };
        walker.hook = hook;
        walker.may_pass = false;
        match walker.hook(table, rules) {
            end @ (End::Dropped | End::Taken) => {
                verdict = Some(match end {
                    _ if walker.may_pass => Verdict::Unknown,
                    End::Taken => Verdict::Taken,
                    _ => Verdict::Dropped,
                });
                break;
            }
            End::Passed | End::Accepted => {}
        }
        if (table, hook) == ("nat", "PREROUTING") {
            way = way_to(&walker.packet.destination);
        }
    }
    let verdict =
        verdict.unwrap_or(if walker.may_end { Verdict::Unknown } else { Verdict::Accepted });
    Walk { way, steps: walker.steps, verdict }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The chain's end, or `RETURN`.
    Passed,
    Accepted,
    Dropped,
    Taken,
}

struct Walker<'a> {
    store: &'a Store,
    facts: &'a HostFacts,
    packet: Packet,
    /// None when a rule may have changed it.
    mark: Option<u32>,
    hook: &'static str,
    steps: Vec<Step>,
    is_untracked: bool,
    /// Whether a rule of which nobody can tell would end the packet's way.
    may_end: bool,
    /// Whether one would have spared it what follows in the same table.
    may_pass: bool,
}

impl Walker<'_> {
    fn hook(&mut self, table: &'static str, rules: &Table) -> End {
        let chain = self.store.name_id(self.hook).and_then(|name| rules.find(name));
        let Some(chain) = chain else { return End::Passed };
        let end = self.chain(table, rules, chain, 0, true);
        if end != End::Passed {
            return end;
        }
        if chain.policy.as_deref() == Some("DROP") {
            self.step(
                table,
                chain.name,
                None,
                0,
                Vec::new(),
                "policy: ends here, dropped".to_owned(),
            );
            return End::Dropped;
        }
        End::Accepted
    }

    fn step(
        &mut self,
        table: &'static str,
        chain: u32,
        rule: Option<(usize, Rule)>,
        depth: usize,
        unknown: Vec<String>,
        effect: String,
    ) {
        if self.steps.len() < STEPS {
            self.steps.push(Step { table, chain, rule, depth, unknown, effect });
        }
    }

    /// What nobody can tell would have had this end.
    fn perhaps(&mut self, end: End) {
        match end {
            // Of a `RETURN` nobody knows what it spares the packet.
            End::Passed | End::Accepted => self.may_pass = true,
            End::Dropped | End::Taken => self.may_end = true,
        }
    }

    /// Walks one chain; `is_certain` says whether the packet gets here at all.
    fn chain(
        &mut self,
        table: &'static str,
        rules: &Table,
        chain: &Chain,
        depth: usize,
        is_certain: bool,
    ) -> End {
        for (idx, rule) in chain.rules.iter().enumerate() {
            if self.steps.len() >= STEPS {
                self.may_end = true;
                return End::Passed;
            }
            let spec = self.store.spec(*rule).to_owned();
            let list = WordList::of(&spec);
            let clauses = list.clauses();
            let unknown = match self.matches(&clauses) {
                Match::No => continue,
                Match::Yes => Vec::new(),
                Match::Perhaps(why) => why,
            };
            let is_sure = is_certain && unknown.is_empty();
            let jump =
                clauses.iter().find(|it| matches!(it.option, "-j" | "--jump" | "-g" | "--goto"));
            let target = jump.and_then(|it| it.values.first()).map_or("", |word| word.raw);
            let options: Vec<&Clause<'_>> =
                clauses.iter().filter(|it| it.part == Part::Target).skip(1).collect();
            let next = self.store.name_id(target).and_then(|name| rules.find(name));
            let place = Some((idx + 1, *rule));
            if let Some(next) = next {
                let goes = if jump.is_some_and(|it| matches!(it.option, "-g" | "--goto")) {
                    "goes to"
                } else {
                    "enters"
                };
                self.step(
                    table,
                    chain.name,
                    place,
                    depth,
                    unknown.clone(),
                    format!("{goes} {target}"),
                );
                if depth >= DEPTH {
                    self.may_end = true;
                    continue;
                }
                let end = self.chain(table, rules, next, depth + 1, is_sure);
                match end {
                    // Behind `goto` the chain is over, whatever the other one said.
                    End::Passed if goes == "goes to" && unknown.is_empty() => return End::Passed,
                    End::Passed => {}
                    end if unknown.is_empty() => return end,
                    // Inside it was certain, but not that the packet gets there.
                    end => self.perhaps(end),
                }
                continue;
            }
            let (effect, end) = self.act(target, &options, is_sure);
            self.step(table, chain.name, place, depth, unknown.clone(), effect);
            match end {
                Some(end) if unknown.is_empty() => return end,
                Some(end) => self.perhaps(end),
                None => {}
            }
        }
        End::Passed
    }

    /// What a target does; none where the walk goes on behind it.
    fn act(
        &mut self,
        target: &str,
        options: &[&Clause<'_>],
        is_sure: bool,
    ) -> (String, Option<End>) {
        let option = |name: &str| {
            options
                .iter()
                .find(|it| it.option == name)
                .and_then(|it| it.values.first())
                .map(|word| word.raw)
        };
        match target {
            "" => ("counts".to_owned(), None),
            "ACCEPT" => ("leaves this table, accepted".to_owned(), Some(End::Accepted)),
            "DROP" => ("ends here, dropped".to_owned(), Some(End::Dropped)),
            "REJECT" => ("ends here, refused".to_owned(), Some(End::Dropped)),
            "RETURN" => ("returns".to_owned(), Some(End::Passed)),
            "QUEUE" | "NFQUEUE" => ("is handed to a program".to_owned(), Some(End::Taken)),
            "TPROXY" => {
                let port = option("--on-port").unwrap_or("?");
                (format!("is handed to the proxy on port {port}"), Some(End::Accepted))
            }
            "MARK" => {
                self.mark = if is_sure { self.marked(options) } else { None };
                let mark = self.mark.map_or_else(|| "?".to_owned(), |mark| format!("{mark:#x}"));
                (format!("mark becomes {mark}"), None)
            }
            "NOTRACK" | "CT" => {
                let is_notrack =
                    target == "NOTRACK" || options.iter().any(|it| it.option == "--notrack");
                if is_notrack && is_sure {
                    self.is_untracked = true;
                    "UNTRACKED".clone_into(&mut self.packet.state);
                }
                ((if is_notrack { "is not tracked" } else { "conntrack is told" }).to_owned(), None)
            }
            "MASQUERADE" => (
                "source becomes the address of the device it leaves by".to_owned(),
                Some(End::Accepted),
            ),
            "SNAT" => (
                format!("source becomes {}", option("--to-source").unwrap_or("?")),
                Some(End::Accepted),
            ),
            "DNAT" | "REDIRECT" => {
                let to = option("--to-destination").or_else(|| option("--to-ports")).unwrap_or("?");
                if is_sure {
                    self.translate(target, to);
                }
                (format!("destination becomes {to}"), Some(End::Accepted))
            }
            "LOG" | "NFLOG" => ("is logged".to_owned(), None),
            other => (format!("{other}: what it does is not known here"), None),
        }
    }

    fn translate(&mut self, target: &str, to: &str) {
        let (address, port) = match to.parse::<IpAddr>() {
            Ok(ip) => (Some(ip), None),
            Err(_) => match to.rsplit_once(':') {
                Some((ip, port)) => (
                    ip.trim_start_matches('[').trim_end_matches(']').parse().ok(),
                    port.parse().ok(),
                ),
                None => (None, to.parse().ok()),
            },
        };
        if target == "REDIRECT" {
            if let Some(own) = self.facts.addresses.first() {
                self.packet.destination = *own;
            }
        } else if let Some(address) = address {
            self.packet.destination = address;
        }
        if port.is_some() {
            self.packet.destination_port = port;
        }
    }

    fn marked(&self, options: &[&Clause<'_>]) -> Option<u32> {
        let clause = options.first()?;
        let text = clause.values.first()?.raw;
        let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
        let (value, mask) = (integer(value)?, integer(mask)?);
        let old = self.mark?;
        Some(match clause.option {
            "--set-xmark" => (old & !mask) ^ value,
            "--set-mark" => (old & !(mask | value)) | value,
            "--or-mark" => old | value,
            "--and-mark" => old & value,
            "--xor-mark" => old ^ value,
            _ => return None,
        })
    }

    fn matches(&self, clauses: &[Clause<'_>]) -> Match {
        let mut unknown = Vec::new();
        for clause in clauses {
            let found = match clause.part {
                Part::Target => continue,
                Part::Packet => self.packet_clause(clause),
                Part::Match(module, _) => self.module_clause(module, clause),
            };
            match (found, clause.is_negated) {
                (Some(true), false) | (Some(false), true) => {}
                (Some(_), _) => return Match::No,
                (None, _) => unknown.push(shown(clause)),
            }
        }
        if unknown.is_empty() { Match::Yes } else { Match::Perhaps(unknown) }
    }

    fn packet_clause(&self, clause: &Clause<'_>) -> Option<bool> {
        let value = clause.values.first().map_or("", |word| word.raw);
        match clause.option {
            "-s" | "--source" | "--src" => contains(value, self.packet.source),
            "-d" | "--destination" | "--dst" => contains(value, self.packet.destination),
            "-p" | "--protocol" | "--proto" => Some(is_protocol(value, &self.packet.protocol)),
            "-i" | "--in-interface" => match self.hook {
                "OUTPUT" | "POSTROUTING" => Some(value == "+"),
                _ => device(value, self.packet.input.as_deref()),
            },
            "-o" | "--out-interface" => match self.hook {
                "PREROUTING" | "INPUT" => Some(value == "+"),
                _ => device(value, self.packet.output.as_deref()),
            },
            "-4" | "--ipv4" => Some(self.packet.source.is_ipv4()),
            "-6" | "--ipv6" => Some(self.packet.source.is_ipv6()),
            "-f" | "--fragment" => Some(false),
            _ => None,
        }
    }

    fn module_clause(&self, module: &str, clause: &Clause<'_>) -> Option<bool> {
        if matches!(clause.option, "-m" | "--match") {
            // `-m socket` alone is a condition, most others have their options behind them.
            return (!matches!(module, "socket" | "rpfilter" | "eui64" | "unclean"))
                .then_some(true);
        }
        let value = clause.values.first().map(|word| word.text()).unwrap_or_default();
        let value: &str = &value;
        match (module, clause.option) {
            ("comment", _) => Some(true),
            ("mark", "--mark") => {
                let (want, mask) = value.split_once('/').unwrap_or((value, "0xffffffff"));
                Some(self.mark? & integer(mask)? == integer(want)?)
            }
            (_, "--dport" | "--destination-port" | "--dports" | "--destination-ports") => {
                ports(value, self.packet.destination_port)
            }
            (_, "--sport" | "--source-port" | "--sports" | "--source-ports") => {
                ports(value, self.packet.source_port)
            }
            ("conntrack" | "state", "--ctstate" | "--state") => {
                // Whether an address was translated is another matter than the state.
                let is_listed = value.split(',').any(|state| state == self.packet.state);
                let asks_nat = value.split(',').any(|state| matches!(state, "DNAT" | "SNAT"));
                if is_listed || !asks_nat { Some(is_listed) } else { None }
            }
            ("addrtype", "--dst-type") => self.is_type(value, self.packet.destination),
            ("addrtype", "--src-type") => self.is_type(value, self.packet.source),
            ("set", "--match-set") => {
                let members = self.facts.sets.as_ref()?.get(value)?;
                let direction = clause.values.get(1).map_or("", |word| word.raw);
                let ip = match direction {
                    "dst" => self.packet.destination,
                    "src" => self.packet.source,
                    _ => return None,
                };
                Some(members.iter().any(|member| contains(member, ip) == Some(true)))
            }
            ("tcp", "--syn") => Some(self.packet.protocol == "tcp" && self.packet.state == "NEW"),
            _ => None,
        }
    }

    fn is_type(&self, value: &str, ip: IpAddr) -> Option<bool> {
        let is_local = self.facts.addresses.contains(&ip) || ip.is_loopback();
        match value {
            "LOCAL" => Some(is_local),
            "UNICAST" => Some(!is_local && !ip.is_multicast()),
            "MULTICAST" => Some(ip.is_multicast()),
            _ => None,
        }
    }
}
