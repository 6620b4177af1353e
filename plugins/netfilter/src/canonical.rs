//! One form for rules that mean the same, so that equal rules are equal texts.
//!
//! - Order: clauses every packet has, then matches by their text, then the comment, then the
//!   target. Matches are all true or the rule is passed by, so their order says nothing, unless
//!   one of them counts (`limit`, `statistic`): then it stays as it is.
//! - Values: `/32` of an address, netmasks, marks with their mask and in lower case, protocols by
//!   name, lists that are sets, options with two spellings.
//! - Folded, unless all is taken literally: ports of Cilium's proxies, which are other ones after
//!   each start, and hashes in comments.
//!
//! Apart from [`crate::literal`] because nothing here depends on the host. It must not know a
//! rule's place.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::ops::Range;

use crate::spec::{Clause, Part, Word, WordList};

/// What is done with values that differ from start to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fold {
    /// Names in their place.
    #[default]
    Names,
    /// They stay.
    Literal,
}

/// Matches that change what they count when they are asked: their order means something.
const COUNTING: [&str; 9] = [
    "limit",
    "hashlimit",
    "statistic",
    "recent",
    "quota",
    "quota2",
    "connlimit",
    "nfacct",
    "rateest",
];

/// Writes a rule, without its chain, in the one form.
pub fn canonical(spec: &str, fold: Fold) -> String {
    let list = WordList::of(spec);
    let clauses = list.clauses();
    let target = clauses.iter().find(|it| matches!(it.option, "-j" | "--jump")).map(value);
    let is_tproxy = fold == Fold::Names && target == Some("TPROXY");
    let context = Context { target, is_tproxy, fold };

    // All texts one behind the other; the lists say where each is and in which order they go.
    let mut texts = String::with_capacity(spec.len() + 16);
    let mut packet: Vec<(usize, Range<usize>)> = Vec::new();
    let mut matches: Vec<Match> = Vec::new();
    let mut action = String::new();
    for clause in &clauses {
        let start = texts.len();
        match clause.part {
            Part::Packet => {
                context.write(clause, &mut texts);
                packet.push((rank(clause.option), start..texts.len()));
            }
            Part::Target => {
                if !action.is_empty() {
                    action.push(' ');
                }
                context.write(clause, &mut action);
            }
            // Clauses of a module stand together.
            Part::Match(module, place) => {
                let known = matches.last_mut().filter(|known| known.place == place);
                let is_begun = known.as_ref().is_some_and(|known| !known.text.is_empty());
                if !matches!(clause.option, "-m" | "--match") {
                    if is_begun {
                        texts.push(' ');
                    } else {
                        let _ = write!(texts, "-m {} ", module_name(module));
                    }
                    context.write(clause, &mut texts);
                } else if !is_begun && !is_protocol(module) && module != "comment" {
                    // A module without options matches by itself; those of protocols do not.
                    let _ = write!(texts, "-m {}", module_name(module));
                }
                match known {
                    Some(known) if is_begun => known.text.end = texts.len(),
                    Some(known) => known.text = start..texts.len(),
                    None => matches.push(Match {
                        place,
                        is_comment: module == "comment",
                        text: start..texts.len(),
                    }),
                }
            }
        }
    }
    packet.sort_by_key(|(rank, _)| *rank);
    if !clauses
        .iter()
        .any(|it| matches!(it.part, Part::Match(module, _) if COUNTING.contains(&module)))
    {
        matches.sort_by_key(|it| (it.is_comment, &texts[it.text.clone()]));
    }
    let mut text = String::with_capacity(texts.len() + action.len() + 1);
    let ranges = packet.into_iter().map(|(_, range)| range);
    for range in ranges.chain(matches.into_iter().map(|it| it.text)) {
        join(&mut text, &texts[range]);
    }
    join(&mut text, &action);
    text
}

/// A match module of a rule: the how-manieth it is, and its text.
struct Match {
    place: usize,
    is_comment: bool,
    text: Range<usize>,
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

fn value<'a>(clause: &Clause<'a>) -> &'a str {
    clause.values.first().map_or("", |word| word.raw)
}

/// The order in which the tools print what every packet has.
fn rank(option: &str) -> usize {
    match option {
        "-s" | "--source" | "--src" => 0,
        "-d" | "--destination" | "--dst" => 1,
        "-i" | "--in-interface" => 2,
        "-o" | "--out-interface" => 3,
        "-p" | "--protocol" | "--proto" => 4,
        _ => 5,
    }
}

fn is_protocol(module: &str) -> bool {
    matches!(
        module,
        "tcp"
            | "udp"
            | "udplite"
            | "icmp"
            | "icmp6"
            | "icmpv6"
            | "ipv6-icmp"
            | "sctp"
            | "esp"
            | "ah"
            | "dccp"
    ) || module.bytes().all(|byte| byte.is_ascii_digit())
}

/// `-m state` is `-m conntrack` in the kernel; numbers of protocols have names.
fn module_name(module: &str) -> &str {
    match module {
        "state" => "conntrack",
        "icmpv6" | "ipv6-icmp" | "58" => "icmp6",
        "6" => "tcp",
        "17" => "udp",
        "132" => "sctp",
        other => other,
    }
}

struct Context<'a> {
    target: Option<&'a str>,
    is_tproxy: bool,
    fold: Fold,
}

impl Context<'_> {
    fn write(&self, clause: &Clause<'_>, text: &mut String) {
        if clause.is_negated {
            text.push_str("! ");
        }
        let option = option(clause, self.target);
        if option == "-j" && matches!(value(clause), "NOTRACK") {
            text.push_str("-j CT --notrack");
            return;
        }
        text.push_str(option);
        let special = clause
            .values
            .first()
            .and_then(|word| self.special(clause, option, &word.text()).map(Cow::into_owned));
        if let Some(special) = special {
            text.push(' ');
            text.push_str(&special);
            return;
        }
        for word in clause.values {
            text.push(' ');
            text.push_str(&quoted(*word));
        }
    }

    /// The one form of a value that has several.
    fn special<'t>(
        &self,
        clause: &Clause<'_>,
        option: &str,
        text: &'t str,
    ) -> Option<Cow<'t, str>> {
        Some(match (clause.part, option) {
            (_, "-s" | "-d") => address(text),
            (_, "-p") => protocol(text),
            (Part::Target, "--set-xmark") => self.set_mark(clause.option, text).into(),
            (Part::Target, "--on-port") if self.is_tproxy => "$PROXY_PORT".into(),
            (Part::Match("mark", _), "--mark") if self.is_tproxy => "$PROXY_MARK".into(),
            (Part::Match("mark" | "connmark", _), "--mark")
            | (Part::Target, "--tproxy-mark" | "--nfmask" | "--ctmask" | "--mask") => {
                mark(text).into()
            }
            (_, "--ctstate" | "--ctstatus" | "--dst-type" | "--src-type") => set_of(text).into(),
            (Part::Match("statistic", _), "--probability") => probability(text).into(),
            (Part::Match("comment", _), _) if self.fold == Fold::Names => hash(text)?.into(),
            _ => return None,
        })
    }

    /// `--set-xmark V/M` sets the bits of M to those of V; all others are forms of it.
    fn set_mark(&self, option: &str, text: &str) -> String {
        let (value, mask) = text.split_once('/').map_or((text, None), |(v, m)| (v, Some(m)));
        let Some(value) = integer(value) else { return text.to_owned() };
        let mask = match mask.map(integer) {
            Some(None) => return text.to_owned(),
            Some(Some(mask)) => mask,
            None => u32::MAX,
        };
        let is_connmark = self.target == Some("CONNMARK");
        let (value, mask) = match option {
            "--set-mark" if text.contains('/') && !is_connmark => (value, value | mask),
            "--and-mark" => (0, !value),
            "--or-mark" => (value, value),
            "--xor-mark" => (value, 0),
            _ => (value, mask),
        };
        format!("{value:#x}/{mask:#x}")
    }
}

/// The spelling of an option that the tools print.
fn option<'a>(clause: &Clause<'a>, target: Option<&str>) -> &'a str {
    match (clause.part, clause.option) {
        (_, "--source" | "--src") => "-s",
        (_, "--destination" | "--dst") => "-d",
        (_, "--in-interface") => "-i",
        (_, "--out-interface") => "-o",
        (_, "--protocol" | "--proto") => "-p",
        (_, "--fragment") => "-f",
        (_, "--jump") => "-j",
        (_, "--goto") => "-g",
        (Part::Match("state", _), "--state") => "--ctstate",
        (Part::Match(..), "--destination-port") => "--dport",
        (Part::Match(..), "--source-port") => "--sport",
        (Part::Match(..), "--destination-ports") => "--dports",
        (Part::Match(..), "--source-ports") => "--sports",
        (Part::Target, "--to-port") => "--to-ports",
        (Part::Target, "--set-mark" | "--and-mark" | "--or-mark" | "--xor-mark")
            if matches!(target, Some("MARK" | "CONNMARK")) =>
        {
            "--set-xmark"
        }
        (_, other) => other,
    }
}

/// Quotes are printed where they are needed and nowhere else.
fn quoted(word: Word<'_>) -> Cow<'_, str> {
    let text = word.text();
    let is_plain = !text.is_empty()
        && !text.starts_with('-')
        && text != "!"
        && !text.contains([' ', '"', '\\', '\'']);
    if is_plain {
        return text;
    }
    if !word.raw.starts_with('"') && !word.raw.contains(['"', '\\']) {
        return text;
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// `10.0.0.1/32` → `10.0.0.1`, `10.0.0.0/255.0.0.0` → `10.0.0.0/8`; also each of a list.
fn address(text: &str) -> Cow<'_, str> {
    if text.contains(',') {
        return text.split(',').map(address).collect::<Vec<_>>().join(",").into();
    }
    let Some((ip, mask)) = text.split_once('/') else { return text.into() };
    let all = if ip.contains(':') { 128 } else { 32 };
    match mask.parse::<u32>() {
        Ok(len) if len == all => ip.into(),
        Ok(len) if mask.starts_with(['+', '0']) => format!("{ip}/{len}").into(),
        Ok(_) => text.into(),
        Err(_) => match mask.parse::<Ipv4Addr>().map(u32::from) {
            Ok(bits) if bits == u32::MAX && all == 32 => ip.into(),
            Ok(bits) if bits.leading_ones() + bits.trailing_zeros() == 32 => {
                format!("{ip}/{}", bits.leading_ones()).into()
            }
            _ => text.into(),
        },
    }
}

fn protocol(text: &str) -> Cow<'_, str> {
    match text {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "47" => "gre",
        "50" => "esp",
        "51" => "ah",
        "58" | "icmpv6" | "icmp6" => "ipv6-icmp",
        "132" => "sctp",
        other if other.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            return other.to_ascii_lowercase().into();
        }
        other => other,
    }
    .into()
}

/// `0x0200/0xF00` → `0x200/0xf00`; without a mask it is all bits.
fn mark(text: &str) -> String {
    let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
    match (integer(value), integer(mask)) {
        (Some(value), Some(u32::MAX)) => format!("{value:#x}"),
        (Some(value), Some(mask)) => format!("{value:#x}/{mask:#x}"),
        _ => text.to_owned(),
    }
}

/// Reads a number as the tools do: `0x…` or decimal.
pub(crate) fn integer(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok()
        }
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    }
}

/// A list whose order says nothing.
fn set_of(text: &str) -> String {
    let mut parts: Vec<&str> = text.split(',').collect();
    parts.sort_unstable();
    parts.dedup();
    parts.join(",")
}

/// The backends print other numbers of digits.
fn probability(text: &str) -> String {
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |share| format!("{share:.5}"))
}

/// Comments that hold a hash of their rule.
fn hash(comment: &str) -> Option<String> {
    let hash = comment.strip_prefix("cali:")?;
    (!hash.is_empty() && !hash.contains(' ')).then(|| "\"cali:$HASH\"".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(one: &str, other: &str) {
        assert_eq!(canonical(one, Fold::Names), canonical(other, Fold::Names));
    }

    fn differ(one: &str, other: &str) {
        assert_ne!(canonical(one, Fold::Names), canonical(other, Fold::Names));
    }

    #[test]
    fn spellings_of_one_rule_are_equal() {
        for (one, other) in [
            ("-s 10.0.0.1/32 -j DROP", "-s 10.0.0.1 -j DROP"),
            ("-s 10.0.0.0/255.255.0.0 -j DROP", "--source 10.0.0.0/16 -j DROP"),
            ("-s fd00::1/128 -j DROP", "-s fd00::1 -j DROP"),
            ("-j MARK --set-mark 0x200", "-j MARK --set-xmark 0x200/0xffffffff"),
            ("-j MARK --set-mark 512", "-j MARK --set-xmark 0x200/0xffffffff"),
            ("-j MARK --or-mark 0x4000", "-j MARK --set-xmark 0x4000/0x4000"),
            ("-j MARK --and-mark 0xffff", "-j MARK --set-xmark 0x0/0xffff0000"),
            ("-j NOTRACK", "-j CT --notrack"),
            ("-m mark --mark 0x0A00/0x0E00 -j ACCEPT", "-m mark --mark 0xa00/0xe00 -j ACCEPT"),
            ("-m mark --mark 0xa00 -j ACCEPT", "-m mark --mark 0xa00/0xffffffff -j ACCEPT"),
            ("-m comment --comment \"word\" -j ACCEPT", "-m comment --comment word -j ACCEPT"),
            ("-s ! 10.0.0.1 -j DROP", "! -s 10.0.0.1/32 -j DROP"),
            ("-p tcp --dport 80 -j DROP", "-p tcp -m tcp --dport 80 -j DROP"),
            ("-p 6 -m tcp --dport 80 -j DROP", "-p tcp -m tcp --destination-port 80 -j DROP"),
            ("-p tcp -m tcp -j DROP", "-p tcp -j DROP"),
            ("-m state --state NEW,ESTABLISHED", "-m conntrack --ctstate ESTABLISHED,NEW"),
            (
                "-m mark --mark 0x1 -m socket --transparent",
                "-m socket --transparent -m mark --mark 0x1",
            ),
            ("-o eth0 -s 10.0.0.1", "-s 10.0.0.1 -o eth0"),
            ("-p tcp -j REDIRECT --to-port 80", "-p tcp -j REDIRECT --to-ports 80"),
            ("-m comment --comment \"cali:abc\" -j X", "-m comment --comment \"cali:def\" -j X"),
            (
                "-p tcp -m mark --mark 0x1a9b0200 -j TPROXY --on-port 39706 --on-ip 127.0.0.1 --tproxy-mark 0x200/0xffffffff",
                "-p tcp -m mark --mark 0x2a9b0200 -j TPROXY --on-port 39722 --on-ip 127.0.0.1 --tproxy-mark 0x200/0xffffffff",
            ),
        ] {
            same(one, other);
        }
        same(
            "-m statistic --probability 0.33333333349",
            "-m statistic --probability 0.33333333302",
        );
    }

    #[test]
    fn what_means_something_else_stays_so() {
        for (one, other) in [
            ("-s 10.0.0.1/32 -j DROP", "-s 10.0.0.1/31 -j DROP"),
            ("-s 10.0.0.1 -j DROP", "! -s 10.0.0.1 -j DROP"),
            ("-s 10.0.0.1 -j DROP", "-d 10.0.0.1 -j DROP"),
            ("-j MARK --set-xmark 0x200/0xf00", "-j MARK --set-xmark 0x200/0xffffffff"),
            ("-m limit --limit 1/s -m mark --mark 1", "-m mark --mark 1 -m limit --limit 1/s"),
            ("-m socket", "-m socket --transparent"),
            ("-j X", "-g X"),
            ("-m comment --comment a -j X", "-m comment --comment b -j X"),
            ("-m unheard --of 1 -j X", "-m unheard --of 2 -j X"),
            ("-m mark --mark 0x1 -m mark ! --mark 0x2", "-m mark ! --mark 0x1 -m mark --mark 0x2"),
            ("-p tcp -j TPROXY --on-ip 127.0.0.1", "-p tcp -j TPROXY --on-ip ::1"),
        ] {
            differ(one, other);
        }
        let (one, other) = ("-j TPROXY --on-port 1", "-j TPROXY --on-port 2");
        assert_ne!(canonical(one, Fold::Literal), canonical(other, Fold::Literal));
        let marked = "-m mark --mark 0x200/0xf00 -j MARK --set-mark 0x1/0x2";
        assert_eq!(
            canonical(marked, Fold::Names),
            "-m mark --mark 0x200/0xf00 -j MARK --set-xmark 0x1/0x3"
        );
    }

    #[test]
    fn what_nobody_here_knows_is_kept() {
        for spec in [
            "-m unheard --of \"a b\" --and-of x y -j TARGET --odd",
            "-j LOG --log-prefix \"-x \" --log-level 4",
            "-s 10.0.0.1/255.0.255.0 -j X",
            "-j MARK --set-xmark what/ever",
        ] {
            assert_eq!(canonical(spec, Fold::Names), spec);
        }
    }

    proptest! {
        #[test]
        fn the_form_of_a_form_is_itself(
            spec in "(! )?((-s|-d) [0-9]{1,2}\\.0\\.0\\.0/(8|16|32) |-m mark (! )?--mark 0x[0-9A-F]{1,4}(/0xf00)? |-p (tcp|udp|6) |-m comment --comment \"[^\"\\\\]{0,9}\" |-m [a-z]{3} --[a-z]{3} [a-z0-9]{1,4} ){0,4}-j [A-Z]{2,6}( --[a-z]{3,6} [0-9a-z]{1,5})?"
        ) {
            for fold in [Fold::Names, Fold::Literal] {
                let once = canonical(&spec, fold);
                prop_assert_eq!(canonical(&once, fold), once);
            }
        }

        #[test]
        fn any_text_is_survived(text in any::<String>(), other in "[-!a-z0-9 \"\\\\é./]{0,40}") {
            canonical(&text, Fold::Names);
            canonical(&other, Fold::Names);
        }
    }
}
