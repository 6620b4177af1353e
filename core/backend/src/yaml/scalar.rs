//! Keys and scalars of YAML: plain, in quotes, and literal blocks, over several lines too.

use std::borrow::Cow;
use std::fmt::Write;

use super::cursor::Cursor;
use super::cursor::Odd;
use super::cursor::is_entry;

/// The key that begins here, and where the text behind its colon begins; `None` when this is no
/// key.
pub(super) fn key<'a>(cursor: &Cursor<'a>) -> Result<Option<(Cow<'a, str>, usize)>, Odd> {
    let rest = cursor.rest();
    let Some(first) = rest.bytes().next() else { return Ok(None) };
    if is_entry(rest) {
        return Ok(None);
    }
    let (key, len): (Cow<'a, str>, usize) = match first {
        quote @ (b'"' | b'\'') => {
            let mut text = String::new();
            match quoted(&rest[1..], quote, &mut text) {
                Ok(len) => (text.into(), len + 1),
                // It goes on in the next line, and a key does not.
                Err(Odd) => return Ok(None),
            }
        }
        b'|' | b'>' | b'{' | b'[' => return Ok(None),
        b'?' if rest.len() == 1 || rest.as_bytes()[1] == b' ' => return Err(Odd),
        b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b'}' | b']' | b',' | b'#' | b'\t' => {
            return Err(Odd);
        }
        _ => {
            let mut colons = rest.match_indices(':').map(|(at, _)| at);
            let Some(at) = colons.find(|at| ends_key(&rest[at + 1..])) else { return Ok(None) };
            let key = rest[..at].trim_end_matches(' ');
            if key.is_empty() || key.contains(" #") {
                return Err(Odd);
            }
            (key.into(), at)
        }
    };
    let behind = rest[len..].trim_start_matches(' ');
    match behind.strip_prefix(':') {
        Some(value) if ends_key(value) => Ok(Some((key, cursor.end - value.len()))),
        _ => Ok(None),
    }
}

/// Whether a colon in front of this text makes a key of what is before it.
fn ends_key(behind: &str) -> bool {
    behind.is_empty() || behind.starts_with([' ', '\t'])
}

/// Appends the scalar that begins here as JSON, and goes to the line behind it. `parent` is the
/// column of the key or dash that it belongs to.
pub(super) fn scalar(cursor: &mut Cursor<'_>, parent: usize, out: &mut String) -> Result<(), Odd> {
    let rest = cursor.rest();
    match rest.bytes().next().ok_or(Odd)? {
        b'|' => {
            let text = literal(cursor, parent)?;
            push_string(&text, out);
        }
        quote @ (b'"' | b'\'') => {
            let mut text = String::new();
            let begin = cursor.at + 1;
            let end = begin + quoted(&cursor.text[begin..], quote, &mut text)?;
            let line_end = cursor.text[end..].find('\n').map_or(cursor.text.len(), |len| end + len);
            let behind = cursor.text[end..line_end].trim_start_matches(' ');
            if !behind.is_empty() && !cursor.text[end..line_end].starts_with(" #") {
                return Err(Odd);
            }
            (cursor.at, cursor.end) = (end, line_end);
            cursor.advance();
            push_string(&text, out);
        }
        b'>' | b'&' | b'*' | b'!' | b'%' | b'@' | b'`' | b'{' | b'}' | b'[' | b']' | b','
        | b'#' | b'\t' => return Err(Odd),
        b'-' | b'?' | b':' if rest.len() == 1 || rest.as_bytes()[1] == b' ' => return Err(Odd),
        _ => plain(cursor, parent, out)?,
    }
    Ok(())
}

fn plain(cursor: &mut Cursor<'_>, parent: usize, out: &mut String) -> Result<(), Odd> {
    let (first, commented) = plain_line(cursor.rest())?;
    let mut text = Cow::Borrowed(first);
    let mut ended = commented;
    // Lines that are indented more go on; blank ones between them are line ends.
    let (mut blank, mut last) = (0, cursor.end);
    while let Some(line) = cursor.line_at(last + 1) {
        last = line.end();
        if line.is_blank() {
            blank += 1;
            continue;
        }
        let content = line.text.trim_start_matches(' ');
        if line.indent() <= parent || content.starts_with('#') {
            break;
        }
        if ended || is_entry(content) {
            return Err(Odd);
        }
        let (more, commented) = plain_line(content)?;
        ended = commented;
        let text = text.to_mut();
        if blank == 0 {
            text.push(' ');
        }
        text.extend(std::iter::repeat_n('\n', blank));
        text.push_str(more);
        blank = 0;
        cursor.end = line.end();
    }
    cursor.advance();
    match &text {
        Cow::Borrowed(word) => push_word(word, out)?,
        Cow::Owned(text) => push_string(text, out),
    }
    Ok(())
}

/// One line of a plain scalar, and whether a comment ended it.
fn plain_line(line: &str) -> Result<(&str, bool), Odd> {
    let (text, commented) = line.split_once(" #").map_or((line, false), |(text, _)| (text, true));
    let text = text.trim_end_matches(' ');
    if text.contains(": ") || text.ends_with(':') || text.contains(['\t', '\r']) {
        return Err(Odd);
    }
    Ok((text, commented))
}

/// Appends a plain word as what it means.
fn push_word(word: &str, out: &mut String) -> Result<(), Odd> {
    match word {
        "null" | "~" | "Null" | "NULL" => out.push_str("null"),
        "true" | "True" | "TRUE" => out.push_str("true"),
        "false" | "False" | "FALSE" => out.push_str("false"),
        _ if !word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
            push_string(word, out);
        }
        _ if is_json_number(word) => out.push_str(word),
        _ if looks_like_a_number(word) => return Err(Odd),
        _ => push_string(word, out),
    }
    Ok(())
}

/// Whether it is a number in JSON too: `0`, `-1`, `1.5`, `1e+06`.
fn is_json_number(word: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(word).is_ok()
}

/// Whether YAML might see a number where JSON sees none: `0x1F`, `.5`, `1_000`, `007`, `.inf`.
fn looks_like_a_number(word: &str) -> bool {
    let plain = word.trim_start_matches(['-', '+']);
    let lower = plain.to_ascii_lowercase();
    let digits =
        lower.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '_' | 'e' | '+' | '-'));
    // Addresses, dates and versions have digits too, but more dots or dashes than numbers.
    let dots = lower.matches('.').count();
    let inner_dashes = lower.matches(['-', '+']).count()
        - lower.matches("e-").count()
        - lower.matches("e+").count();
    (digits && dots <= 1 && inner_dashes == 0)
        || lower.starts_with("0x")
        || lower.starts_with("0o")
        || lower.starts_with("0b")
        || matches!(lower.as_str(), ".inf" | ".nan")
}

/// Appends the text in front of the closing quote, and returns where the text behind it begins.
fn quoted(text: &str, quote: u8, into: &mut String) -> Result<usize, Odd> {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Spaces that stand at a line's end fall away, unless they were written as escapes.
    let mut solid = into.len();
    loop {
        let rest = &bytes[at..];
        let plain = rest
            .iter()
            .position(|byte| *byte == quote || matches!(byte, b'\n' | b'\\' | b'\r'))
            .ok_or(Odd)?;
        into.push_str(&text[at..at + plain]);
        at += plain;
        match bytes[at] {
            b'\'' if bytes.get(at + 1) == Some(&b'\'') && quote == b'\'' => {
                into.push('\'');
                at += 2;
                solid = into.len();
            }
            byte if byte == quote => return Ok(at + 1),
            b'\\' if quote == b'\'' => {
                into.push('\\');
                at += 1;
            }
            b'\\' => {
                let (c, len) = escape(&text[at + 1..])?;
                at += 1 + len;
                match c {
                    Some(c) => into.push(c),
                    // An escaped line end: the spaces before it stay.
                    None => at = next_line(bytes, at, into),
                }
                solid = into.len();
            }
            b'\n' => {
                let kept = into.trim_end_matches([' ', '\t']).len().max(solid);
                into.truncate(kept);
                let before = into.len();
                at = next_line(bytes, at + 1, into);
                if into.len() == before {
                    into.push(' ');
                }
                solid = into.len();
            }
            _ => return Err(Odd),
        }
    }
}

/// Goes to the content of the next line that has some; each blank one is a line end.
fn next_line(bytes: &[u8], mut at: usize, into: &mut String) -> usize {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t') => at += 1,
            Some(b'\n') => {
                into.push('\n');
                at += 1;
            }
            _ => return at,
        }
    }
}

/// What an escape means, and its length behind the backslash; `None` is a line end.
fn escape(text: &str) -> Result<(Option<char>, usize), Odd> {
    let hex = |len: usize| {
        let code = u32::from_str_radix(text.get(1..=len).ok_or(Odd)?, 16).map_err(|_| Odd)?;
        Ok((Some(char::from_u32(code).ok_or(Odd)?), len + 1))
    };
    let c = match text.bytes().next().ok_or(Odd)? {
        b'\n' => return Ok((None, 1)),
        b'x' => return hex(2),
        b'u' => return hex(4),
        b'U' => return hex(8),
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'0' => '\0',
        b'a' => '\u{7}',
        b'b' => '\u{8}',
        b'e' => '\u{1B}',
        b'f' => '\u{c}',
        b'v' => '\u{b}',
        b'N' => '\u{85}',
        b'_' => '\u{a0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        same @ (b'"' | b'\\' | b'/' | b' ') => char::from(same),
        _ => return Err(Odd),
    };
    Ok((Some(c), 1))
}

/// Reads a literal block, and goes to the line behind it.
fn literal(cursor: &mut Cursor<'_>, parent: usize) -> Result<String, Odd> {
    let (mut chomp, mut indent) = (None, None);
    for c in cursor.rest()[1..].trim_end_matches(' ').chars() {
        match c {
            '-' | '+' if chomp.is_none() => chomp = Some(c),
            '1'..='9' if indent.is_none() => indent = c.to_digit(10),
            _ => return Err(Odd),
        }
    }
    // Of a block that says how far it is indented, that is counted from its parent.
    let mut indent = indent.and_then(|n| usize::try_from(n).ok()).map(|n| parent + n);
    let (mut text, mut ends) = (String::new(), 0_usize);
    while let Some(line) = cursor.following() {
        if line.text.ends_with('\r') {
            return Err(Odd);
        }
        let blank = line.is_blank() && indent.is_none_or(|indent| line.text.len() <= indent);
        if !blank {
            let indent = *indent.get_or_insert(line.indent());
            if line.indent() < indent || indent <= parent {
                break;
            }
            text.extend(std::iter::repeat_n('\n', ends));
            ends = 0;
            text.push_str(&line.text[indent..]);
        }
        ends += 1;
        cursor.end = line.end();
    }
    match chomp {
        Some('+') => text.extend(std::iter::repeat_n('\n', ends)),
        None if !text.is_empty() => text.push('\n'),
        _ => {}
    }
    cursor.advance();
    Ok(text)
}

/// Appends a text as JSON.
pub(super) fn push_string(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\t' => "\\t",
            b'\r' => "\\r",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        from = at + 1;
        if escaped.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escaped);
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}
