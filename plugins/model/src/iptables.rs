//! The output of `iptables-save`, as far as a trace of packets needs it.
//!
//! Apart from [`crate::fib`] because a rule here filters or rewrites what a route forwards. It
//! must not know who wrote a rule.
//!
//! Small on purpose: matches are kept as words and not weighed, so what this answers is which
//! rules *might* concern a packet, never that one does.

use std::fmt;

use crate::Problem;

/// One table of the host: `filter`, `nat`, `mangle`, `raw` or `security`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterTable {
    /// Its name.
    pub name: String,
    /// Its chains, the built-in ones first, as printed.
    pub chains: Vec<Chain>,
}

/// One chain of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub name: String,
    /// What happens at its end, `ACCEPT` or `DROP`; `None` for one that users made, which
    /// returns.
    pub policy: Option<String>,
    /// Packets and bytes that met the policy.
    pub counters: Counters,
    /// Its rules in order.
    pub rules: Vec<ChainRule>,
}

/// How often something was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// One rule of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRule {
    /// The rule as printed, without its counters: `-A FORWARD -j DROP`.
    pub line: String,
    /// Packets and bytes that matched; `None` when printed without `-c`.
    pub counters: Option<Counters>,
    /// What it does: `ACCEPT`, `DROP`, `MASQUERADE`, another chain …; `None` for a rule that only
    /// counts.
    pub target: Option<String>,
    /// Words between the chain and the target: what a packet must be for it to match.
    pub matches: Vec<String>,
}

impl ChainRule {
    /// Whether it has no condition, so that it matches every packet that gets to it.
    pub fn matches_all(&self) -> bool {
        // A comment is a match by its form and a condition for nothing.
        let mut words = self.matches.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match (word, words.next()) {
                ("-m", Some("comment")) | ("--comment", Some(_)) => {}
                _ => return false,
            }
        }
        true
    }

    /// Whether it ends a packet's way.
    pub fn discards(&self) -> bool {
        matches!(self.target.as_deref(), Some("DROP" | "REJECT"))
    }

    /// Whether it rewrites the source address.
    pub fn rewrites_source(&self) -> bool {
        matches!(self.target.as_deref(), Some("MASQUERADE" | "SNAT" | "NETMAP"))
    }
}

impl fmt::Display for ChainRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl FilterTable {
    /// The chain of this name.
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.chains.iter().find(|chain| chain.name == name)
    }

    /// The rules a packet may meet that enters at a chain, in order, each chain once.
    pub fn reachable_rules(&self, chain: &str) -> Vec<(&Chain, &ChainRule)> {
        let mut found = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        // Where to go on in each chain that was entered; a loop cannot be, `seen` guards anyway.
        let mut stack: Vec<(&Chain, usize)> = Vec::new();
        let enter = |name: &str, seen: &mut Vec<&str>| {
            let chain = self.chain(name).filter(|chain| !seen.contains(&chain.name.as_str()))?;
            Some((chain, 0))
        };
        if let Some((chain, at)) = enter(chain, &mut seen) {
            seen.push(&chain.name);
            stack.push((chain, at));
        }
        while let Some((chain, at)) = stack.pop() {
            let Some(rule) = chain.rules.get(at) else { continue };
            stack.push((chain, at + 1));
            found.push((chain, rule));
            if let Some((next, start)) =
                rule.target.as_deref().and_then(|target| enter(target, &mut seen))
            {
                seen.push(&next.name);
                stack.push((next, start));
            }
        }
        found
    }

    /// Rules that drop or reject and that a packet entering at the chain may match.
    pub fn discards(&self, chain: &str) -> Vec<&ChainRule> {
        let rules = self.reachable_rules(chain).into_iter().map(|(_, rule)| rule);
        rules.filter(|rule| rule.discards()).collect()
    }

    /// Whether what no rule decides is dropped at the end of the built-in chain; `None` when the
    /// chain is not there.
    pub fn drops_by_policy(&self, chain: &str) -> Option<bool> {
        self.chain(chain)?.policy.as_deref().map(|policy| policy == "DROP")
    }

    /// All rules that rewrite the source address, with their chains.
    pub fn source_rewrites(&self) -> impl Iterator<Item = (&Chain, &ChainRule)> {
        let rules =
            self.chains.iter().flat_map(|chain| chain.rules.iter().map(move |it| (chain, it)));
        rules.filter(|(_, rule)| rule.rewrites_source())
    }
}

/// Reads the tables of one host and one family from `iptables-save` or `iptables-save -c`.
///
/// - Shape: `*table`, `:CHAIN policy [packets:bytes]`, `-A CHAIN …`, `COMMIT`; comments start
///   with `#`.
/// - Errors: never fails; a line of another form, or a rule for a chain that was not declared,
///   becomes a [`Problem`]. A table without its `COMMIT` is kept and told.
/// - Source: output of iptables 1.8.9, both of its backends.
pub fn parse_iptables(text: &str) -> (Vec<FilterTable>, Vec<Problem>) {
    let mut tables: Vec<FilterTable> = Vec::new();
    let mut problems = Vec::new();
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        let mut report = |what: &str| {
            problems.push(Problem::new(format!("line {}", index + 1), line, what));
        };
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('*') {
            if is_open {
                report("the table before has no `COMMIT`");
            }
            tables.push(FilterTable { name: name.to_owned(), chains: Vec::new() });
            is_open = true;
            continue;
        }
        if line == "COMMIT" {
            is_open = false;
            continue;
        }
        let Some(table) = tables.last_mut().filter(|_| is_open) else {
            report("the line is in no table");
            continue;
        };
        let read = match line.strip_prefix(':') {
            Some(chain) => chain_of(chain).map(|chain| table.chains.push(chain)),
            None => rule_of(line).and_then(|(name, rule)| {
                let chain = table.chains.iter_mut().find(|chain| chain.name == name)?;
                chain.rules.push(rule);
                Some(())
            }),
        };
        if read.is_none() {
            report("neither a chain nor a rule of a declared chain");
        }
    }
    if is_open {
        let last = text.lines().next_back().unwrap_or_default();
        problems.push(Problem::new("the last line", last, "the last table has no `COMMIT`"));
    }
    (tables, problems)
}

/// Reads `FORWARD ACCEPT [0:0]`.
fn chain_of(text: &str) -> Option<Chain> {
    let mut words = text.split_whitespace();
    let name = words.next()?.to_owned();
    let policy = words.next().filter(|policy| *policy != "-").map(str::to_owned);
    let counters = words.next().and_then(counters_of).unwrap_or_default();
    Some(Chain { name, policy, counters, rules: Vec::new() })
}

/// Reads `[15351:7632480]`.
fn counters_of(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counters { packets: packets.parse().ok()?, bytes: bytes.parse().ok()? })
}

/// Reads `[0:0] -A FORWARD -i lxc+ -j ACCEPT`; gives the name of the chain as well.
fn rule_of(line: &str) -> Option<(String, ChainRule)> {
    let (counters, line) = match line.split_once(' ') {
        Some((first, rest)) if first.starts_with('[') => (Some(counters_of(first)?), rest.trim()),
        _ => (None, line),
    };
    let mut words = words_of(line.strip_prefix("-A ")?).into_iter();
    let chain = words.next()?;
    let mut matches: Vec<String> = words.collect();
    let target = matches.iter().position(|word| word == "-j" || word == "-g").map(|at| {
        // What follows the target are its options.
        matches.drain(at..).nth(1).unwrap_or_default()
    });
    Some((chain, ChainRule { line: line.to_owned(), counters, target, matches }))
}

/// Splits a rule into words; quotes hold one together, a backslash takes the next letter as it is.
fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut is_quoted = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '\\' if is_quoted => word.get_or_insert_default().extend(letters.next()),
            _ if letter.is_whitespace() && !is_quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAVED: &str = r#"# Generated by iptables-save v1.8.9 (nf_tables)
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [12:3400]
:CILIUM_FORWARD - [0:0]
:UNUSED - [0:0]
[7:420] -A FORWARD -m comment --comment "cilium-feeder: CILIUM_FORWARD" -j CILIUM_FORWARD
[0:0] -A FORWARD -j LOOP
[0:0] -A CILIUM_FORWARD -o cilium_host -m comment --comment "cilium: any->cluster \"x\" -j DROP" -j ACCEPT
[0:0] -A CILIUM_FORWARD ! -s 127.0.0.0/8 -d 127.0.0.0/8 -j DROP
[0:0] -A CILIUM_FORWARD -m comment --comment all -j REJECT --reject-with icmp-port-unreachable
[0:0] -A CILIUM_FORWARD -g FORWARD
[0:0] -A UNUSED -j DROP
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 10.0.0.0/8 ! -d 10.0.0.0/8 -j MASQUERADE --random-fully
-A POSTROUTING -p tcp
COMMIT
"#;

    #[test]
    fn policies_and_discards_of_a_chain_are_found() {
        let (tables, problems) = parse_iptables(SAVED);
        assert_eq!(problems, []);
        let filter = &tables[0];
        assert_eq!(filter.drops_by_policy("FORWARD"), Some(true));
        assert_eq!(filter.drops_by_policy("INPUT"), Some(false));
        assert_eq!(filter.drops_by_policy("OUTPUT"), None);
        assert_eq!(filter.chain("FORWARD").unwrap().counters.packets, 12);
        let lines: Vec<(bool, &str)> = filter
            .discards("FORWARD")
            .iter()
            .map(|it| (it.matches_all(), it.line.as_str()))
            .collect();
        assert_eq!(
            lines,
            [
                (false, "-A CILIUM_FORWARD ! -s 127.0.0.0/8 -d 127.0.0.0/8 -j DROP"),
                (
                    true,
                    "-A CILIUM_FORWARD -m comment --comment all -j REJECT \
                     --reject-with icmp-port-unreachable"
                ),
            ]
        );
        assert_eq!(filter.discards("INPUT").len(), 0);
    }

    #[test]
    fn a_comment_is_one_word_whatever_it_holds() {
        let (tables, _) = parse_iptables(SAVED);
        let rule = &tables[0].chain("CILIUM_FORWARD").unwrap().rules[0];
        assert_eq!(rule.target.as_deref(), Some("ACCEPT"));
        assert_eq!(rule.matches[5], r#"cilium: any->cluster "x" -j DROP"#);
        assert_eq!(rule.counters, Some(Counters::default()));
    }

    #[test]
    fn source_rewrites_are_found() {
        let (tables, _) = parse_iptables(SAVED);
        let rewrites: Vec<String> = tables[1]
            .source_rewrites()
            .map(|(chain, rule)| format!("{}: {rule}", chain.name))
            .collect();
        assert_eq!(
            rewrites,
            [
                "POSTROUTING: -A POSTROUTING -s 10.0.0.0/8 ! -d 10.0.0.0/8 -j MASQUERADE --random-fully"
            ]
        );
        assert_eq!(tables[1].chains[0].rules[1].target, None);
    }

    #[test]
    fn what_is_cut_off_or_foreign_is_told() {
        for (text, n_problems, n_tables) in [
            ("", 0, 0),
            ("*filter\n:INPUT ACCEPT [0:0]\n", 1, 1),
            ("*filter\n*nat\nCOMMIT\n", 1, 2),
            ("-A INPUT -j DROP\n", 1, 0),
            ("*filter\n-A INPUT -j DROP\nwhat\nCOMMIT\n", 2, 1),
        ] {
            let (tables, problems) = parse_iptables(text);
            assert_eq!((problems.len(), tables.len()), (n_problems, n_tables), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "([*:\\[\\]A-C0-9 \"\\\\é-]{0,12}\n|COMMIT\n|:A - \\[0:0\\]\n|-A A -j A\n){0,12}") {
            let (tables, _) = parse_iptables(&text);
            for table in &tables {
                table.discards("A");
            }
        }
    }
}
