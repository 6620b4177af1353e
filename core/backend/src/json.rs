//! Rewrites JSON text without understanding it: numbers, order and escapes survive, which they
//! would not on a way through values.

/// Sets a valid JSON text apart over lines, one space per level, as the captures have it.
/// Text that is not JSON comes out with other white space, but never fails.
pub(crate) fn pretty(text: &str, level: usize) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut level = level;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                while let Some(c) = chars.next() {
                    out.push(c);
                    match c {
                        '\\' => out.extend(chars.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|next| is_space(*next)).is_some() {}
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    level += 1;
                    break_line(&mut out, level);
                }
            }
            '}' | ']' => {
                level = level.saturating_sub(1);
                break_line(&mut out, level);
                out.push(c);
            }
            ',' => {
                out.push(c);
                break_line(&mut out, level);
            }
            ':' => out.push_str(": "),
            c if is_space(c) => {}
            c => out.push(c),
        }
    }
    out
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn break_line(out: &mut String, level: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', level));
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn brackets_in_strings_are_text() {
        let text = r#"{"a":[1,{"b\"]}":"{[,:"}],"c":{},"d":[ ],"e":1e400}"#;
        let expected = "{\n \"a\": [\n  1,\n  {\n   \"b\\\"]}\": \"{[,:\"\n  }\n ],\n \"c\": {},\n \"d\": [],\n \"e\": 1e400\n}";
        assert_eq!(pretty(text, 0), expected);
        assert_eq!(pretty(expected, 0), expected);
    }

    #[test]
    fn nonsense_comes_out_as_something() {
        for text in ["", "}", "\"", "\"\\", "[[", "{]"] {
            let _ = pretty(text, 0);
        }
    }
}
