//! One rule: its words, and the clauses they make.
//!
//! - Grammar: `[!] -x VALUE…`, `-m MODULE [!] --option VALUE…`, `-j TARGET --option VALUE…`. An
//!   option takes every word up to the next option, so options of modules that nobody here knows
//!   are kept with all their values.
//! - Quoting, as the tools print it: `"…"` holds a word together, inside it a backslash takes the
//!   next letter as it is.
//!
//! Apart from [`crate::save`] because it is needed once for each different rule, not for each
//! line. It must not know which rules mean the same.

use std::borrow::Cow;

/// One word as it was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// With its quotes.
    pub raw: &'a str,
    has_quotes: bool,
}

impl<'a> Word<'a> {
    /// Without quotes and backslashes.
    pub fn text(self) -> Cow<'a, str> {
        if !self.has_quotes {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        let mut letters = self.raw.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => {}
                '\\' => text.extend(letters.next()),
                _ => text.push(letter),
            }
        }
        Cow::Owned(text)
    }

    /// Whether it starts an option. `-1` is a value, and so is whatever stands in quotes.
    fn is_option(self) -> bool {
        let bytes = self.raw.as_bytes();
        bytes.first() == Some(&b'-')
            && bytes.get(1).is_some_and(|next| *next == b'-' || next.is_ascii_alphabetic())
    }
}

/// The words of a rule.
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0 }
}

/// Iterator over the words of a rule.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        let start = self.at;
        let mut is_quoted = false;
        let mut has_quotes = false;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' if !is_quoted => break,
                b'"' => {
                    is_quoted = !is_quoted;
                    has_quotes = true;
                }
                b'\\' if is_quoted => self.at += 1,
                _ => {}
            }
            self.at += 1;
        }
        // A backslash at the very end, or in front of a letter of several bytes.
        self.at = self.at.min(bytes.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        (start < self.at).then(|| Word { raw: &self.text[start..self.at], has_quotes })
    }
}

/// What a clause belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Every packet has it: addresses, devices, protocol.
    Packet,
    /// An option of a match module: which one, and the how-manieth of the rule, counted from 1.
    Match(&'a str, usize),
    /// The target and its options.
    Target,
}

/// One option with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause<'a> {
    /// What it belongs to.
    pub part: Part<'a>,
    /// Whether a `!` is before it.
    pub is_negated: bool,
    /// `-s`, `--dport`; empty for words in front of every option.
    pub option: &'a str,
    /// Its values.
    pub values: &'a [Word<'a>],
}

/// The words of a rule, from which [`Words::clauses`](WordList::clauses) are cut.
#[derive(Clone, Debug, Default)]
pub struct WordList<'a>(Vec<Word<'a>>);

impl<'a> WordList<'a> {
    /// Splits what stands behind the chain of a rule.
    pub fn of(spec: &'a str) -> Self {
        // Words have about eight letters.
        let mut list = Vec::with_capacity(spec.len() / 6 + 2);
        list.extend(words(spec));
        Self(list)
    }

    /// The words.
    pub fn words(&self) -> &[Word<'a>] {
        &self.0
    }

    /// The clauses in the order in which they were printed.
    pub fn clauses(&self) -> Vec<Clause<'_>> {
        let words = &self.0;
        let mut clauses = Vec::with_capacity(words.len() / 2 + 1);
        let mut part = Part::Packet;
        let mut n_modules = 0;
        let mut at = 0;
        while at < words.len() {
            let mut is_negated = false;
            while words.get(at).is_some_and(|word| word.raw == "!") {
                is_negated = !is_negated;
                at += 1;
            }
            let option = match words.get(at) {
                Some(word) if word.is_option() => {
                    at += 1;
                    word.raw
                }
                _ => "",
            };
            // Old tools put the mark behind the option: `-s ! 10.0.0.0/8`.
            if words.get(at).is_some_and(|word| word.raw == "!")
                && words.get(at + 1).is_some_and(|next| !next.is_option())
                && !option.is_empty()
            {
                is_negated = !is_negated;
                at += 1;
            }
            let start = at;
            while words.get(at).is_some_and(|word| !word.is_option() && word.raw != "!") {
                at += 1;
            }
            let values = &words[start..at];
            let value = values.first().map_or("", |word| word.raw);
            let of = match option {
                "-m" | "--match" => {
                    n_modules += 1;
                    part = Part::Match(value, n_modules);
                    part
                }
                "-j" | "--jump" | "-g" | "--goto" => {
                    part = Part::Target;
                    part
                }
                "-p" | "--protocol" | "--proto" => {
                    // A protocol brings the module of its name along.
                    n_modules += 1;
                    part = Part::Match(value, n_modules);
                    Part::Packet
                }
                "-s" | "--source" | "--src" | "-d" | "--destination" | "--dst" | "-i"
                | "--in-interface" | "-o" | "--out-interface" | "-f" | "--fragment" | "-4"
                | "--ipv4" | "-6" | "--ipv6" | "-c" | "--set-counters" | "" => Part::Packet,
                _ => part,
            };
            if option.is_empty() && values.is_empty() {
                break;
            }
            clauses.push(Clause { part: of, is_negated, option, values });
        }
        clauses
    }
}

/// The target of a rule: where `-j` or `-g` leads; none for a rule that only counts.
pub fn target(spec: &str) -> Option<&str> {
    let mut words = words(spec);
    while let Some(word) = words.next() {
        if matches!(word.raw, "-j" | "--jump" | "-g" | "--goto") {
            return words.next().map(|word| word.raw);
        }
    }
    None
}

/// The comment of a rule, without quotes.
pub fn comment(spec: &str) -> Option<Cow<'_, str>> {
    if !spec.contains("--comment") {
        return None;
    }
    let mut words = words(spec);
    while let Some(word) = words.next() {
        if word.raw == "--comment" {
            return words.next().map(Word::text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(spec: &str) -> Vec<String> {
        let list = WordList::of(spec);
        list.clauses()
            .iter()
            .map(|clause| {
                let part = match clause.part {
                    Part::Packet => "packet".to_owned(),
                    Part::Match(module, place) => format!("{module}{place}"),
                    Part::Target => "target".to_owned(),
                };
                let not = if clause.is_negated { "!" } else { "" };
                let values: Vec<_> = clause.values.iter().map(|word| word.text()).collect();
                format!("{part}{not} {} {}", clause.option, values.join("|"))
            })
            .collect()
    }

    #[test]
    fn options_belong_to_packet_module_or_target() {
        assert_eq!(
            shown(
                "! -s 127.0.0.0/8 -d 127.0.0.0/8 -o lxc+ -p tcp -m tcp --tcp-flags FIN,SYN SYN \
                 -m set ! --match-set cilium_node_set_v4 dst,src -m comment --comment \"a \\\"b\\\" ! -j\" \
                 -j SNAT --to-source 10.0.0.1"
            ),
            [
                "packet! -s 127.0.0.0/8",
                "packet -d 127.0.0.0/8",
                "packet -o lxc+",
                "packet -p tcp",
                "tcp2 -m tcp",
                "tcp2 --tcp-flags FIN,SYN|SYN",
                "set3 -m set",
                "set3! --match-set cilium_node_set_v4|dst,src",
                "comment4 -m comment",
                "comment4 --comment a \"b\" ! -j",
                "target -j SNAT",
                "target --to-source 10.0.0.1",
            ]
        );
    }

    #[test]
    fn old_forms_and_odd_ones_are_read() {
        assert_eq!(shown("-s ! 10.0.0.0/8"), ["packet! -s 10.0.0.0/8"]);
        assert_eq!(shown("-p tcp --dport ! 80"), ["packet -p tcp", "tcp1! --dport 80"]);
        assert_eq!(
            shown("-j LOG --log-prefix \"-x \""),
            ["target -j LOG", "target --log-prefix -x "]
        );
        assert_eq!(shown("--nice -5 -j X"), ["packet --nice -5", "target -j X"]);
        assert_eq!(shown("word -j X"), ["packet  word", "target -j X"]);
        assert_eq!(shown("! !"), Vec::<String>::new());
        assert_eq!(shown(""), Vec::<String>::new());
        assert_eq!(shown("-m \"a"), ["\"a1 -m a"]);
    }

    #[test]
    fn target_and_comment_are_found_without_clauses() {
        let spec = r#"-m comment --comment "-j no" -g CHAIN"#;
        assert_eq!(target(spec), Some("CHAIN"));
        assert_eq!(comment(spec).as_deref(), Some("-j no"));
        assert_eq!(target("-s 10.0.0.1/32"), None);
        assert_eq!(comment("-j ACCEPT"), None);
    }

    proptest! {
        #[test]
        fn words_cover_the_text(text in "[-!a-z0-9 \"\\\\é./]{0,40}") {
            let whole: String = words(&text).map(|word| word.raw).collect::<Vec<_>>().join(" ");
            let squeezed = |text: &str| text.replace(' ', "");
            prop_assert_eq!(squeezed(&whole), squeezed(&text));
        }

        #[test]
        fn clauses_use_every_word_once(text in "((!|-[a-z]|--[a-z]{2,5}|[a-z0-9]{1,4}|-m|-j|\"a b\") ){0,12}") {
            let list = WordList::of(&text);
            let counted: usize =
                list.clauses().iter().map(|it| it.values.len() + usize::from(!it.option.is_empty())).sum();
            let marks = list.words().iter().filter(|word| word.raw == "!").count();
            prop_assert_eq!(counted + marks, list.words().len());
        }

        #[test]
        fn any_text_is_survived(text in any::<String>()) {
            let list = WordList::of(&text);
            list.clauses();
            target(&text);
            comment(&text);
        }
    }
}
