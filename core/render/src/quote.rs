//! A command as people read it before they agree to it: which words, and nothing hidden in them.
//!
//! The line can be pasted into bash and means the same words there. What would not be seen on a
//! terminal, or would steer it, is written out in `$'…'`.

use std::fmt::Write;

use crate::clean;

/// The words of a command on one line, each quoted where that is needed.
pub fn quote<S: AsRef<str>>(argv: &[S]) -> String {
    let words: Vec<String> = argv.iter().map(|word| quoted(word.as_ref())).collect();
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if clean(word) == word {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut text = "$'".to_owned();
    for c in word.chars() {
        let alone = c.to_string();
        // Writing to a string does not fail.
        let _ = match c {
            '\'' | '\\' => write!(text, "\\{c}"),
            '\n' => write!(text, "\\n"),
            '\t' => write!(text, "\\t"),
            c if clean(&alone) == alone => write!(text, "{c}"),
            c if c.is_ascii() => write!(text, "\\x{:02x}", u32::from(c)),
            // Always the full length, so that no digit behind it is read as part of it.
            c => write!(text, "\\U{:08x}", u32::from(c)),
        };
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_quoted_where_needed() {
        for (argv, expected) in [
            (&["ip", "-br", "addr"][..], "ip -br addr"),
            (&["sh", "-c", "echo 'a' > $HOME/x"], r"sh -c 'echo '\''a'\'' > $HOME/x'"),
            (&["", "a b"], "'' 'a b'"),
            (&["ip", "a\u{1b}[2Kb\n"], r"ip $'a\x1b[2Kb\n'"),
            (&["a\u{202e}b"], r"$'a\U0000202eb'"),
            (&["日本"], "'日本'"),
        ] {
            assert_eq!(quote(argv), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_safe_and_means_the_same_words(
            words in prop::collection::vec("[ -~\\t\\n\\x01-\\x1f\u{7f}-\u{9f}\u{202e}日']{0,8}", 1..4),
        ) {
            let line = quote(&words);
            prop_assert_eq!(clean(&line), line.as_str());
            let script = format!("printf '%s\\1' {line}");
            let bash = Command::new("bash").args(["-c", &script]).env("LC_ALL", "C.UTF-8").output();
            let Ok(output) = bash else { return Ok(()) };
            let out = String::from_utf8(output.stdout).unwrap();
            if !words.iter().any(|word| word.contains('\u{1}')) {
                let read: Vec<&str> = out.split_terminator('\u{1}').collect();
                prop_assert_eq!(read, words);
            }
        }
    }
}
