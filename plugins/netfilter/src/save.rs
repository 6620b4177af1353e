//! The lines of a dump: `iptables-save`, with or without `-c`, and `iptables -S`.
//!
//! Apart from [`crate::ruleset`] because nothing is lost here: printing what was read gives the
//! same text, byte for byte, whatever was in it. It must not know what a rule means.

use std::fmt;

use memchr::memchr;

/// A dump, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump<'a> {
    /// Its lines; printed one after another they are the text that was read.
    pub lines: Vec<Line<'a>>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// As it was printed, without its end.
    pub text: &'a str,
    /// How it ends.
    pub end: End,
    /// What it says.
    pub entry: Entry<'a>,
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The text ends here.
    Missing,
    /// `\n`
    Lf,
    /// `\r\n`, as after a copy through Windows or a terminal.
    CrLf,
}

/// What a line says.
///
/// Printed, an entry is in the form in which the tools print it; spaces that they would not
/// print are in [`Line::text`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Nothing.
    Blank,
    /// `# …`, without the mark.
    Comment(&'a str),
    /// `*filter`: a table begins.
    Table(&'a str),
    /// `:INPUT ACCEPT [0:0]`
    Chain {
        /// Its name.
        name: &'a str,
        /// `ACCEPT` or `DROP`, `-` for a chain of users.
        policy: &'a str,
        /// How often the policy was met.
        counters: Option<Counters>,
    },
    /// `-A INPUT …`
    Rule {
        /// How often it matched, with `-c`.
        counters: Option<Counters>,
        /// The chain it is in.
        chain: &'a str,
        /// Everything behind the chain.
        spec: &'a str,
    },
    /// `-P INPUT ACCEPT`, as `iptables -S` prints.
    Policy {
        /// A built-in chain.
        chain: &'a str,
        /// `ACCEPT` or `DROP`.
        policy: &'a str,
    },
    /// `-N CHAIN`, as `iptables -S` prints.
    NewChain(&'a str),
    /// The table ends.
    Commit,
    /// None of these, such as an error message.
    Foreign(&'a str),
}

/// How often something was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

impl<'a> Dump<'a> {
    /// Reads a dump; never fails, what is no line of one is [`Entry::Foreign`].
    pub fn parse(text: &'a str) -> Self {
        Self { lines: lines(text).collect() }
    }
}

/// The lines of a dump, one by one: a large one needs no list of them.
pub fn lines(text: &str) -> Lines<'_> {
    Lines { rest: text }
}

/// Iterator over the lines of a dump.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (text, end) = match memchr(b'\n', self.rest.as_bytes()) {
            Some(at) => {
                let text = &self.rest[..at];
                self.rest = &self.rest[at + 1..];
                match text.strip_suffix('\r') {
                    Some(text) => (text, End::CrLf),
                    None => (text, End::Lf),
                }
            }
            None => (std::mem::take(&mut self.rest), End::Missing),
        };
        Some(Line { text, end, entry: entry(text) })
    }
}

fn entry(text: &str) -> Entry<'_> {
    let line = text.trim();
    let read = match line.as_bytes().first() {
        None => Some(Entry::Blank),
        Some(b'[') => line
            .split_once(' ')
            .and_then(|(counters, rest)| rule(rest.trim_start(), Some(counters_of(counters)?))),
        Some(b'-') => rule(line, None).or_else(|| listed(line)),
        Some(b':') => chain(&line[1..]),
        Some(b'#') => Some(Entry::Comment(&line[1..])),
        Some(b'*') => one_word(&line[1..]).map(Entry::Table),
        Some(b'C') if line == "COMMIT" => Some(Entry::Commit),
        Some(_) => None,
    };
    read.unwrap_or(Entry::Foreign(text))
}

fn rule(line: &str, counters: Option<Counters>) -> Option<Entry<'_>> {
    let rest = line.strip_prefix("-A ")?.trim_start();
    let (chain, spec) = rest.split_once(' ').unwrap_or((rest, ""));
    (!chain.is_empty()).then_some(Entry::Rule { counters, chain, spec: spec.trim_start() })
}

/// What only `iptables -S` prints.
fn listed(line: &str) -> Option<Entry<'_>> {
    if let Some(name) = line.strip_prefix("-N ") {
        return one_word(name).map(Entry::NewChain);
    }
    let (chain, policy) = line.strip_prefix("-P ")?.trim().split_once(' ')?;
    // With -v counters follow: `-P INPUT ACCEPT -c 10 840`.
    let policy = policy.trim_start();
    let policy = policy.split(' ').next().unwrap_or(policy);
    Some(Entry::Policy { chain, policy })
}

fn chain(line: &str) -> Option<Entry<'_>> {
    let (name, rest) = line.split_once(' ')?;
    let rest = rest.trim_start();
    let (policy, counters) = match rest.split_once(' ') {
        Some((policy, counters)) => (policy, Some(counters_of(counters.trim())?)),
        None => (rest, None),
    };
    let is_read = !name.is_empty() && !policy.is_empty();
    is_read.then_some(Entry::Chain { name, policy, counters })
}

fn one_word(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && !text.contains(char::is_whitespace)).then_some(text)
}

/// Reads `[15351:7632480]`.
fn counters_of(text: &str) -> Option<Counters> {
    let (packets, bytes) = text.strip_prefix('[')?.strip_suffix(']')?.split_once(':')?;
    Some(Counters { packets: number(packets)?, bytes: number(bytes)? })
}

/// Digits alone: `+1` is no counter.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}:{}]", self.packets, self.bytes)
    }
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => Ok(()),
            Self::Comment(text) => write!(f, "#{text}"),
            Self::Table(name) => write!(f, "*{name}"),
            Self::Chain { name, policy, counters } => {
                write!(f, ":{name} {policy}")?;
                counters.map_or(Ok(()), |counters| write!(f, " {counters}"))
            }
            Self::Rule { counters, chain, spec } => {
                counters.map_or(Ok(()), |counters| write!(f, "{counters} "))?;
                write!(f, "-A {chain}")?;
                if spec.is_empty() { Ok(()) } else { write!(f, " {spec}") }
            }
            Self::Policy { chain, policy } => write!(f, "-P {chain} {policy}"),
            Self::NewChain(name) => write!(f, "-N {name}"),
            Self::Commit => f.write_str("COMMIT"),
            Self::Foreign(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)?;
        f.write_str(match self.end {
            End::Missing => "",
            End::Lf => "\n",
            End::CrLf => "\r\n",
        })
    }
}

impl fmt::Display for Dump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| write!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, expected: &Entry<'_>) {
        let dump = Dump::parse(line);
        assert_eq!(dump.lines.len(), 1, "{line}");
        assert_eq!(&dump.lines[0].entry, expected, "{line}");
        assert_eq!(dump.to_string(), line);
    }

    #[test]
    fn every_kind_of_line_is_read() {
        let counters = Some(Counters { packets: 12, bytes: 840 });
        check("*nat\n", &Entry::Table("nat"));
        check(":INPUT DROP [12:840]", &Entry::Chain { name: "INPUT", policy: "DROP", counters });
        let made = Entry::Chain { name: "KUBE-SVC-A", policy: "-", counters: None };
        check(":KUBE-SVC-A -\r\n", &made);
        let spec = "-s 10.0.0.1/32 -j DROP";
        check(
            "[12:840] -A INPUT -s 10.0.0.1/32 -j DROP",
            &Entry::Rule { counters, chain: "INPUT", spec },
        );
        check("-A INPUT", &Entry::Rule { counters: None, chain: "INPUT", spec: "" });
        check("-P INPUT ACCEPT\n", &Entry::Policy { chain: "INPUT", policy: "ACCEPT" });
        check("-N CILIUM_INPUT\n", &Entry::NewChain("CILIUM_INPUT"));
        check("COMMIT\n", &Entry::Commit);
        check("\n", &Entry::Blank);
        check("# Completed\n", &Entry::Comment(" Completed"));
    }

    #[test]
    fn what_is_no_line_of_a_dump_is_kept_as_it_is() {
        for line in [
            "sh: iptables-save: command not found\n",
            "[x:1] -A INPUT -j DROP",
            "[1:+1] -A INPUT -j DROP",
            "[99999999999999999999:1] -A INPUT -j DROP",
            "COMMIT now",
            ":INPUT",
            ":INPUT ACCEPT 12",
            "*",
            "*two words",
            "-X INPUT",
            "[",
            "é",
        ] {
            let text = line.trim_end_matches('\n');
            check(line, &Entry::Foreign(text));
        }
    }

    prop_compose! {
        fn canonical_line()(kind in 0..6, name in "[A-Z][A-Z_a-z-]{0,20}", other in "[a-z]{1,9}",
            packets in any::<u64>(), bytes in any::<u64>(), counted in any::<bool>(),
            spec in "(-[a-z] [a-z0-9./+]{1,12} |! -s ::/0 |-m comment --comment \"[^\"\n\r\\\\]{0,12}\" ){0,4}-j [A-Z]{1,9}"
        ) -> String {
            let counters = Counters { packets, bytes };
            match kind {
                0 => format!("*{other}"),
                1 => format!(":{name} - {counters}"),
                2 if counted => format!("{counters} -A {name} {spec}"),
                2 => format!("-A {name} {spec}"),
                3 => format!("-P {name} ACCEPT"),
                4 => format!("-N {name}"),
                _ => "COMMIT".to_owned(),
            }
        }
    }

    proptest! {
        /// The text of what the tools print comes from the entries alone.
        #[test]
        fn entries_print_what_they_were_read_from(lines in prop::collection::vec(canonical_line(), 0..20)) {
            let text = lines.join("\n");
            for (line, read) in lines.iter().zip(Dump::parse(&text).lines) {
                prop_assert_eq!(line, &read.entry.to_string());
                prop_assert!(!matches!(read.entry, Entry::Foreign(_)), "{}", line);
            }
        }

        #[test]
        fn nothing_is_lost_of_any_text(text in any::<String>()) {
            prop_assert_eq!(Dump::parse(&text).to_string(), text);
        }

        #[test]
        fn nothing_is_lost_of_what_nearly_is_a_dump(
            text in "([*:\\[\\]#A-C0-9 \"\\\\é-]{0,12}(\n|\r\n|\r)|COMMIT ?\n|:A - \\[0:0\\]\n|\\[1:2\\]  -A A -j A\n){0,12}"
        ) {
            prop_assert_eq!(Dump::parse(&text).to_string(), text);
        }
    }
}
