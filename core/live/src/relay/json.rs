//! An observer's answer as the line of JSON that its own command prints for it.
//!
//! Apart from the tables of fields. It follows the JSON mapping of protocol buffers, with the names
//! of the definition: 64-bit numbers are text, moments are RFC 3339, a value that is 0 is left out.
//! A number without a name stays a number, and fields that are not known are passed over.
//!
//! Source: the `ProtoJSON` page of protocol buffers.

use std::io::Write as _;

use smallvec::SmallVec;

use super::schema::{Field, Message, Names, RESPONSE, Type};
use super::wire::{Content, Fields, Malformed};

/// Writes answers, one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The last second that was written: thousands of flows are of the same.
    second: Option<(i64, String)>,
}

impl Writer {
    /// Writes an answer and ends the line. What can be read of a malformed one is written all the
    /// same.
    ///
    /// # Errors
    /// A part of it makes no sense.
    pub(super) fn line(&mut self, response: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let read = self.message(&RESPONSE, response, out);
        out.push(b'\n');
        read
    }

    fn message(
        &mut self,
        of: &'static Message,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let mut fields = Known::new();
        let mut is_whole = read_fields(of, bytes, &mut fields);
        out.push(b'{');
        let mut is_first = true;
        for same in fields.chunk_by(|(a, _), (b, _)| a == b) {
            let Some(((at, last), before)) = same.split_last() else { continue };
            let field = &of.0[*at];
            let start = out.len();
            if !is_first {
                out.push(b',');
            }
            // Names are letters, digits and underscores.
            out.push(b'"');
            out.extend_from_slice(field.name.as_bytes());
            out.extend_from_slice(b"\":");
            let written = if field.is_list {
                self.list(field, same, out)
            } else if let (Type::Nested(of), false) = (field.of, before.is_empty()) {
                // A message in several parts is their fields one after the other.
                self.message(of, &joined(same), out).map(|()| true)
            } else {
                self.value(field.of, *last, out)
            };
            match written {
                Ok(true) => is_first = false,
                Ok(false) => out.truncate(start),
                Err(Malformed) => {
                    is_whole = false;
                    // A message is closed whatever was in it; of anything else nothing was written.
                    if out.ends_with(b":") {
                        out.truncate(start);
                    } else {
                        is_first = false;
                    }
                }
            }
        }
        out.push(b'}');
        if is_whole { Ok(()) } else { Err(Malformed) }
    }

    fn list(
        &mut self,
        field: &Field,
        items: &[(usize, Content<'_>)],
        out: &mut Vec<u8>,
    ) -> Result<bool, Malformed> {
        out.push(b'[');
        let mut result = Ok(true);
        for (n, (_, item)) in items.iter().enumerate() {
            let start = out.len();
            if n > 0 && !out.ends_with(b"[") {
                out.push(b',');
            }
            let content = out.len();
            let written = match (field.of, *item) {
                (Type::Nested(of), Content::Bytes(bytes)) => self.message(of, bytes, out),
                (Type::Text, Content::Bytes(bytes)) => {
                    text(bytes, out);
                    Ok(())
                }
                _ => Err(Malformed),
            };
            if let Err(malformed) = written {
                result = Err(malformed);
                if out.len() == content {
                    out.truncate(start);
                }
            }
        }
        out.push(b']');
        result
    }

    /// Writes a value; false when it is one that is left out.
    fn value(
        &mut self,
        of: Type,
        content: Content<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Malformed> {
        match (of, content) {
            (Type::Nested(of), Content::Bytes(bytes)) => {
                self.message(of, bytes, out).map(|()| true)
            }
            (Type::Moment, Content::Bytes(bytes)) => self.moment(bytes, out).map(|()| true),
            (Type::Wrapped(of), Content::Bytes(bytes)) => {
                let mut number = 0;
                for field in Fields::of(bytes) {
                    if let (1, Content::Number(inner)) = field? {
                        number = inner;
                    }
                }
                scalar(*of, number, out);
                Ok(true)
            }
            (Type::Text, Content::Bytes(bytes)) => {
                text(bytes, out);
                Ok(!bytes.is_empty())
            }
            (
                Type::Switch | Type::Signed | Type::Unsigned | Type::Long | Type::Named(_),
                Content::Number(number),
            ) => {
                scalar(of, number, out);
                Ok(number != 0)
            }
            // Another type than the definition has.
            _ => Err(Malformed),
        }
    }

    /// Seconds and nanoseconds since 1970, with as many digits as there are in thousands.
    fn moment(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (mut seconds, mut nanoseconds) = (0_i64, 0_i32);
        for field in Fields::of(bytes) {
            match field? {
                (1, Content::Number(number)) => seconds = number.cast_signed(),
                (2, Content::Number(number)) => nanoseconds = low(number).cast_signed(),
                _ => {}
            }
        }
        let moment = jiff::Timestamp::new(seconds, nanoseconds).map_err(|_| Malformed)?;
        let (mut seconds, mut nanoseconds) = (moment.as_second(), moment.subsec_nanosecond());
        if nanoseconds < 0 {
            // Before 1970, where fractions count backwards and are written forwards.
            seconds -= 1;
            nanoseconds += 1_000_000_000;
        }
        if self.second.as_ref().is_none_or(|(last, _)| *last != seconds) {
            let second = jiff::Timestamp::from_second(seconds).map_err(|_| Malformed)?;
            self.second = Some((seconds, second.strftime("%Y-%m-%dT%H:%M:%S").to_string()));
        }
        out.push(b'"');
        if let Some((_, text)) = &self.second {
            out.extend_from_slice(text.as_bytes());
        }
        let _infallible = match nanoseconds {
            0 => Ok(()),
            n if n % 1_000_000 == 0 => write!(out, ".{:03}", n / 1_000_000),
            n if n % 1_000 == 0 => write!(out, ".{:06}", n / 1_000),
            n => write!(out, ".{n:09}"),
        };
        out.extend_from_slice(b"Z\"");
        Ok(())
    }
}

/// As many as most messages have, which costs nothing to keep.
type Known<'a> = SmallVec<[(usize, Content<'a>); 24]>;

/// Reads the fields that are known, by number and then as they came; false when the bytes end in
/// something else.
fn read_fields<'a>(of: &'static Message, bytes: &'a [u8], fields: &mut Known<'a>) -> bool {
    let (mut is_whole, mut at) = (true, 0);
    for field in Fields::of(bytes) {
        let Ok((number, content)) = field else {
            is_whole = false;
            break;
        };
        // Encoders write them in rising order, so that the next one is near the last one.
        let ahead = &of.0[at..];
        let near = ahead.iter().take(8).position(|field| field.number >= number);
        let found = match near {
            Some(near) if ahead[near].number == number => Ok(at + near),
            _ => of.0.binary_search_by_key(&number, |field| field.number),
        };
        if let Ok(found) = found {
            at = found;
            fields.push((at, content));
        }
    }
    // Encoders write them in this order already.
    if !fields.is_sorted_by_key(|(at, _)| *at) {
        fields.sort_by_key(|(at, _)| *at);
    }
    is_whole
}

fn joined(parts: &[(usize, Content<'_>)]) -> Vec<u8> {
    let mut whole = Vec::new();
    for (_, part) in parts {
        if let Content::Bytes(bytes) = part {
            whole.extend_from_slice(bytes);
        }
    }
    whole
}

/// A number as its type has it. Wider ones are cut, as every reader of protocol buffers does.
fn scalar(of: Type, number: u64, out: &mut Vec<u8>) {
    // Writing to memory does not fail.
    let _infallible = match of {
        Type::Switch => out.write_all(if number == 0 { b"false" } else { b"true" }),
        Type::Signed => write!(out, "{}", low(number).cast_signed()),
        Type::Long => write!(out, "\"{number}\""),
        Type::Named(names) => match name(names, low(number)) {
            Some(name) => {
                text(name.as_bytes(), out);
                Ok(())
            }
            None => write!(out, "{}", low(number).cast_signed()),
        },
        _ => {
            out.extend_from_slice(itoa::Buffer::new().format(low(number)).as_bytes());
            Ok(())
        }
    };
}

/// The lower half.
fn low(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn name(names: Names, number: u32) -> Option<&'static str> {
    let at = names.binary_search_by_key(&number, |(number, _)| *number).ok()?;
    Some(names[at].1)
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    // Without an early end, which would make it byte by byte.
    let is_plain = bytes
        .iter()
        .fold(true, |plain, &byte| plain & matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'));
    if is_plain {
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let text = String::from_utf8_lossy(bytes);
    // Writing text to memory does not fail.
    let _infallible = serde_json::to_writer(out, &*text);
}
