//! Words for a remote shell.
//!
//! Apart because it is the one place where words become a line: `ssh` hands its arguments to the
//! login shell as text. Pure.

use lab_backend::Answer;
use lab_types::Failure;

/// One line that a POSIX shell splits into exactly these words.
pub(crate) fn line(argv: &[String]) -> Answer<String> {
    if argv.iter().any(|word| word.contains('\0')) {
        return Err(Failure::invalid("a word of a command holds a zero byte"));
    }
    let words = argv.iter().enumerate().map(|(place, word)| {
        if is_plain(word) && !(place == 0 && RESERVED.contains(&word.as_str())) {
            word.clone()
        } else {
            // Inside single quotes nothing is special but the quote itself.
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    Ok(words.collect::<Vec<_>>().join(" "))
}

/// Words left bare, so that forced commands and restricted shells see `ip -j rule` as typed. `=` is
/// not among them: a first word with it would be an assignment.
fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || matches!(c, '-' | '_' | '.' | '/' | ':' | ',' | '@' | '+' | '%')
        })
}

/// First words that a shell would take for its grammar.
const RESERVED: &[&str] = &[
    "case", "coproc", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in",
    "select", "then", "time", "until", "while",
];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What `sh` makes of the line: each word ended by a byte that no word holds.
    fn split_by_sh(words: &[String]) -> Vec<String> {
        let mut argv = vec!["printf".to_owned(), r"%s\001".to_owned()];
        argv.extend_from_slice(words);
        let output = Command::new("sh").arg("-c").arg(line(&argv).unwrap()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.strip_suffix('\u{1}').unwrap().split('\u{1}').map(str::to_owned).collect()
    }

    #[test]
    fn plain_words_stay_plain() {
        let argv =
            ["ip", "-j", "route", "show", "table", "all", "172.20.0.0/16"].map(str::to_owned);
        assert_eq!(line(&argv).unwrap(), "ip -j route show table all 172.20.0.0/16");
        assert_eq!(
            line(&["A=b".into(), "it's".into(), String::new()]).unwrap(),
            r"'A=b' 'it'\''s' ''"
        );
        assert_eq!(line(&["if".into(), "if".into()]).unwrap(), "'if' if");
        assert!(line(&["a\0b".into()]).is_err());
    }

    #[test]
    fn odd_words_arrive_as_they_are() {
        let words = [
            "$(id)", "`id`", "a b", "*", "~", "-n", "\\", "\n", "'", "\"", "$HOME", "a;b", "#",
            "!", "&", "é", "",
        ]
        .map(str::to_owned);
        assert_eq!(split_by_sh(&words), words);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_words_arrive_as_they_are(words in prop::collection::vec("[^\u{0}\u{1}]{0,12}", 1..6)) {
            prop_assert_eq!(split_by_sh(&words), words);
        }
    }
}
