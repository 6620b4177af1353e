//! Which commands only read: the forms of `read_only.txt`, and whether a command fits one.
//!
//! Apart from the gate because it is about commands of hosts and not about plugins, and because
//! the list is data that people read and review. It decides what runs unasked, so it knows no
//! exceptions: a word that no form has a place for makes the whole command unknown.

use std::sync::LazyLock;

/// The list as it is written, for people who want to know what runs unasked.
pub const READ_ONLY: &str = include_str!("read_only.txt");

/// No form needs more words; longer commands are not even compared.
const MOST_WORDS: usize = 64;

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let lines = READ_ONLY.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(Form::parse).collect()
});

/// Whether a command is of a form that is known to only read.
pub(crate) fn only_reads(argv: &[String]) -> bool {
    argv.len() <= MOST_WORDS && FORMS.iter().any(|form| fits(&form.0, argv))
}

/// One line of the list.
#[derive(Debug)]
struct Form(Vec<Element>);

#[derive(Debug)]
enum Element {
    /// Words that each are like one of the patterns.
    Words { any_of: Vec<Pattern>, least: usize, most: usize },
    /// Any number of these, in any order.
    Flags(Vec<Flag>),
}

#[derive(Debug)]
struct Flag {
    any_of: Vec<Pattern>,
    /// The word behind it.
    value: Option<Vec<Pattern>>,
}

#[derive(Debug)]
enum Pattern {
    /// A dash and one or more of these letters.
    Letters(String),
    /// Text in front of a place, the place, and text behind it, which may be another place.
    Text(String),
    Place {
        before: String,
        place: Place,
        after: Box<Pattern>,
    },
}

#[derive(Debug)]
enum Place {
    Name,
    Value,
    Path,
    Number(u32, u32),
}

impl Form {
    /// Reads a line. A line with a mistake is no form at all, so it lets nothing through; a test
    /// holds that there is none.
    fn parse(line: &str) -> Option<Self> {
        let mut elements = Vec::new();
        let mut words = line.split_whitespace();
        while let Some(word) = words.next() {
            let Some(first) = word.strip_prefix('{') else {
                elements.push(Element::parse(word)?);
                continue;
            };
            let (mut flags, mut word) = (Vec::new(), first);
            loop {
                let (text, last) = match word.strip_suffix('}') {
                    Some(text) => (text, true),
                    None => (word, false),
                };
                flags.push(Flag::parse(text)?);
                if last {
                    break;
                }
                word = words.next()?;
            }
            elements.push(Element::Flags(flags));
        }
        // Without a program in front anything could be one.
        matches!(elements.first(), Some(Element::Words { least: 1, most: 1, .. }))
            .then_some(Self(elements))
    }
}

impl Element {
    fn parse(word: &str) -> Option<Self> {
        let (text, least, most) = match word.split_at(word.len().checked_sub(1)?) {
            (text, "?") => (text, 0, 1),
            (text, "*") => (text, 0, usize::MAX),
            (text, "+") => (text, 1, usize::MAX),
            _ => (word, 1, 1),
        };
        Some(Self::Words { any_of: any_of(text)?, least, most })
    }
}

impl Flag {
    fn parse(text: &str) -> Option<Self> {
        if !text.starts_with('-') {
            return None;
        }
        let (word, value) = match text.split_once(':') {
            Some((word, value)) => (word, Some(any_of(value)?)),
            None => (text, None),
        };
        Some(Self { any_of: any_of(word)?, value })
    }
}

fn any_of(text: &str) -> Option<Vec<Pattern>> {
    text.split('|').map(Pattern::parse).collect()
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        if let Some(letters) = text.strip_prefix("-[") {
            let letters = letters.strip_suffix(']')?;
            let plain = !letters.is_empty() && letters.chars().all(|c| c.is_ascii_alphanumeric());
            return plain.then(|| Self::Letters(letters.to_owned()));
        }
        let Some((before, rest)) = text.split_once('<') else {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+".contains(c);
            return text.chars().all(plain).then(|| Self::Text(text.to_owned()));
        };
        let (place, after) = rest.split_once('>')?;
        let place = match place {
            "name" => Place::Name,
            "value" => Place::Value,
            "path" => Place::Path,
            range => {
                let (low, high) = range.split_once('-')?;
                Place::Number(low.parse().ok()?, high.parse().ok()?)
            }
        };
        Some(Self::Place { before: before.to_owned(), place, after: Box::new(Self::parse(after)?) })
    }

    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Letters(letters) => word.strip_prefix('-').is_some_and(|rest| {
                !rest.is_empty() && rest.chars().all(|letter| letters.contains(letter))
            }),
            Self::Text(text) => word == text,
            Self::Place { before, place, after } => {
                let Some(rest) = word.strip_prefix(before.as_str()) else { return false };
                // What stands at a place ends at the first sign that it cannot hold, or at a
                // slash before the text behind it.
                (1..=rest.len()).filter(|&end| rest.is_char_boundary(end)).any(|end| {
                    let (at, behind) = rest.split_at(end);
                    place.fits(at) && after.fits(behind)
                })
            }
        }
    }
}

impl Place {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Name => is_name(text),
            Self::Path => text.split('/').all(is_name),
            Self::Value => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "_.-@/:%,".contains(c);
                !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
            }
            Self::Number(low, high) => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                digits && text.parse().is_ok_and(|number: u32| (*low..=*high).contains(&number))
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.-@".contains(c))
}

/// Whether words fit a form to its end.
fn fits(form: &[Element], argv: &[String]) -> bool {
    let Some((element, rest)) = form.split_first() else { return argv.is_empty() };
    match element {
        Element::Words { any_of, least, most } => {
            let like = |word: &String| any_of.iter().any(|pattern| pattern.fits(word));
            let run = argv.iter().take(*most).take_while(|word| like(word)).count();
            (*least..=run).rev().any(|taken| fits(rest, &argv[taken..]))
        }
        Element::Flags(flags) => {
            let mut behind = argv;
            loop {
                if fits(rest, behind) {
                    return true;
                }
                let Some((word, after)) = behind.split_first() else { return false };
                let known = flags.iter().find_map(|flag| {
                    if !flag.any_of.iter().any(|pattern| pattern.fits(word)) {
                        return None;
                    }
                    let Some(value) = &flag.value else { return Some(after) };
                    let (first, after) = after.split_first()?;
                    value.iter().any(|pattern| pattern.fits(first)).then_some(after)
                });
                let Some(after) = known else { return false };
                behind = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(form: &str, line: &str) -> bool {
        let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        fits(&Form::parse(form).expect("the form is sound").0, &argv)
    }

    #[test]
    fn every_line_of_the_list_is_a_form() {
        let lines = READ_ONLY.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut n_forms = 0;
        for line in lines {
            assert!(Form::parse(line).is_some(), "{line}");
            n_forms += 1;
        }
        assert_eq!(n_forms, FORMS.len());
        assert!(n_forms > 20, "the list is there");
    }

    #[test]
    fn forms_are_read_as_the_list_explains_them() {
        for (form, fitting, others) in [
            ("a b|c", &["a b", "a c"][..], &["a", "a b c", "a d", "b", "x a b"][..]),
            ("a b? c*", &["a", "a b", "a b c c", "a c"], &["a b b", "a c b"]),
            ("a <name>+", &["a x", "a x y-1"], &["a", "a -x", "a x/y", "a x;y", "a ü"]),
            (
                "a {-x --long -t:<name> -[bc]} z",
                &["a z", "a -t q -x -bcb z"],
                &["a -t z", "a -y z"],
            ),
            ("a /p/<name>/q", &["a /p/x/q"], &["a /p/../q", "a /p/x/y/q", "a /p//q"]),
            ("a /p/<path>", &["a /p/x", "a /p/x/y.z"], &["a /p/x/../y", "a /p//x", "a /p/x/"]),
            ("a -n <1-20>", &["a -n 1", "a -n 20"], &["a -n 0", "a -n 21", "a -n +5", "a -n 1e1"]),
            ("a +<value>?", &["a", "a +%Y-%m"], &["a +", "a %s", "a +%s x"]),
        ] {
            for line in fitting {
                assert!(check(form, line), "`{line}` is of `{form}`");
            }
            for line in others {
                assert!(!check(form, line), "`{line}` is not of `{form}`");
            }
        }
    }

    #[test]
    fn a_line_with_a_mistake_lets_nothing_through() {
        for form in ["", "{-a}", "a {-b", "a <nmae>", "a -[b", "a? b", "a {b}", "a <1-x>", "a b;c"]
        {
            assert!(Form::parse(form).is_none(), "{form}");
        }
    }

    proptest! {
        #[test]
        fn no_command_makes_it_panic_or_slow(argv in prop::collection::vec("[ -~ü]{0,12}", 0..80)) {
            let _ = only_reads(&argv);
        }

        /// Of a command that is let through no word can mean anything to a shell, whatever
        /// carries it to the host.
        #[test]
        fn what_is_let_through_is_plain(
            place in 0_usize..40,
            noise in "[;&|<>$`'\"\\\\ \n\t*?(){}!#~\\x00-\\x1f\\x7f\u{202e}]",
            at in 0_usize..6,
        ) {
            let lines: Vec<&str> = [
                "ip -br addr show dev eth0", "nft list table ip nat", "ss -tn state established",
                "cat /proc/sys/net/ipv4/ip_forward", "sysctl net.ipv4.ip_forward",
                "ping -c 1 10.0.0.1", "iptables -t nat -S POSTROUTING", "date +%s", "df /var",
            ].to_vec();
            let line = lines[place % lines.len()];
            let mut argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            prop_assert!(only_reads(&argv), "{line}");
            let word = at % argv.len();
            argv[word].push_str(&noise);
            prop_assert!(!only_reads(&argv), "{argv:?}");
        }
    }
}
