//! Protocol buffers on the wire: fields with numbers, in and out.
//!
//! Apart from what the fields mean. Reading copies nothing and ends at the first byte that makes no
//! sense; what came before it stands.
//!
//! Source: the encoding guide of protocol buffers.

/// A field's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// A number of any width, as its bits.
    Number(u64),
    /// Text, or a message.
    Bytes(&'a [u8]),
}

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The fields of a message, in their order.
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self(message)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            // Of the tenth byte a single bit fits.
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn field(&mut self) -> Option<(u32, Content<'a>)> {
        let key = self.number()?;
        let number = u32::try_from(key >> 3).ok().filter(|&number| number != 0)?;
        let content = match key & 7 {
            0 => Content::Number(self.number()?),
            1 => Content::Number(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Content::Bytes(self.take(length)?)
            }
            5 => Content::Number(u32::from_le_bytes(self.take(4)?.try_into().ok()?).into()),
            // Groups, which the third version of the language does not have.
            _ => return None,
        };
        Some((number, content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Content<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

/// A message that is written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut number: u64) {
        let low = |number: u64| number.to_le_bytes()[0];
        while number >= 0x80 {
            // Seven bits, marked: more follow.
            self.0.push(low(number) | 0x80);
            number >>= 7;
        }
        self.0.push(low(number));
    }

    /// A number; 0 is what a field is that is not there.
    pub(super) fn number(&mut self, field: u32, number: u64) {
        if number != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(number);
        }
    }

    /// Text, or a message.
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<(u32, Content<'_>), Malformed>> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn the_examples_of_the_guide() {
        assert_eq!(read(&[0x08, 0x96, 0x01]), [Ok((1, Content::Number(150)))]);
        assert_eq!(
            read(&[0x12, 7, b't', b'e', b's', b't', b'i', b'n', b'g']),
            [Ok((2, Content::Bytes(b"testing")))]
        );
        assert_eq!(read(&[0x0d, 1, 0, 0, 0]), [Ok((1, Content::Number(1)))]);
        assert_eq!(read(&[0x09, 1, 0, 0, 0, 0, 0, 0, 1]), [Ok((1, Content::Number(1 | 1 << 56)))]);
    }

    #[test]
    fn what_makes_no_sense_ends_the_message() {
        for bytes in [
            &[0x08][..],
            &[0x08, 0x80],
            &[0x12, 5, b'a'],
            &[0x0b, 0],
            &[0x00, 1],
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ] {
            assert_eq!(read(bytes), [Err(Malformed)], "{bytes:?}");
        }
        assert_eq!(read(&[0x08, 1, 0x08])[..], [Ok((1, Content::Number(1))), Err(Malformed)]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(fields in proptest::collection::vec(
            (1_u32..=0x1fff_ffff, prop_oneof![
                (1_u64..).prop_map(Ok),
                proptest::collection::vec(any::<u8>(), 0..200).prop_map(Err),
            ]), 0..20))
        {
            let mut message = Message::default();
            for (number, content) in &fields {
                match content {
                    Ok(content) => message.number(*number, *content),
                    Err(content) => message.bytes(*number, content),
                }
            }
            let bytes = message.into_bytes();
            let expected: Vec<_> = fields.iter().map(|(number, content)| Ok((*number, match content {
                Ok(content) => Content::Number(*content),
                Err(content) => Content::Bytes(content),
            }))).collect();
            prop_assert_eq!(read(&bytes), expected);
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let fields = read(&bytes);
            prop_assert!(fields.len() <= bytes.len());
            prop_assert!(fields.iter().rev().skip(1).all(Result::is_ok));
        }
    }
}
