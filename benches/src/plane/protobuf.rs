//! Objects in the form in which an API server stores its own kinds.
//!
//! A server answers in protocol buffers when it is asked to, and what stands in such a list are
//! the very bytes that it would store, but for the frame around each. So a list that is cut up
//! here does what thousands of writes would, in seconds. Only the frame is known: lengths, and
//! where a name is.

/// With what everything begins that a server stores or sends in this form.
const MAGIC: &[u8] = b"k8s\0";

/// One object of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored {
    /// Its name, behind its namespace and a slash when it is in one.
    pub(super) name: String,
    /// What the store has of it.
    pub(super) value: Vec<u8>,
}

/// Cuts a list up; `None` when it is none.
pub(super) fn cut(list: &[u8], api_version: &str, kind: &str) -> Option<Vec<Stored>> {
    let unknown = list.strip_prefix(MAGIC)?;
    let raw = Fields(unknown).find(|(number, _)| *number == 2)?.1;
    let items = Fields(raw).filter(|(number, _)| *number == 2);
    items.map(|(_, item)| stored(item, api_version, kind)).collect()
}

fn stored(item: &[u8], api_version: &str, kind: &str) -> Option<Stored> {
    let metadata = Fields(item).find(|(number, _)| *number == 1)?.1;
    let text = |wanted: u64| {
        let (_, bytes) = Fields(metadata).find(|(number, _)| *number == wanted)?;
        std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())
    };
    let name = text(1)?;
    let name = text(3).map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
    let mut of = Vec::new();
    put(&mut of, 1, api_version.as_bytes());
    put(&mut of, 2, kind.as_bytes());
    let mut value = MAGIC.to_vec();
    put(&mut value, 1, &of);
    put(&mut value, 2, item);
    // Encoding and type of the content: none, but written.
    put(&mut value, 3, b"");
    put(&mut value, 4, b"");
    Some(Stored { name, value })
}

/// The fields of a message that have a length, with their numbers; others are passed over, and
/// nothing comes after what cannot be read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, n_bytes: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(n_bytes).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let key = self.varint()?;
            match key & 7 {
                0 => drop(self.varint()?),
                1 => drop(self.bytes(8)?),
                5 => drop(self.bytes(4)?),
                2 => {
                    let length = self.varint()?;
                    return Some((key >> 3, self.bytes(length)?));
                }
                _ => return None,
            }
        }
    }
}

fn put(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap_or_default());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            put(&mut out, *number, bytes);
        }
        out
    }

    #[test]
    fn a_list_is_cut_into_what_is_stored() {
        let long = vec![b'x'; 300];
        let metadata = message(&[(1, b"a"), (3, b"shop")]);
        let mut pod = message(&[(1, &metadata), (2, &long)]);
        // A number, which is passed over.
        pod.extend([3 << 3, 0x96, 0x01]);
        let node = message(&[(1, &message(&[(1, b"n"), (3, b"")]))]);
        let list = message(&[(1, b""), (2, &pod), (2, &node)]);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(message(&[(1, b""), (2, &list)]));
        let cut = cut(&bytes, "v1", "Pod").unwrap();
        assert_eq!([&cut[0].name, &cut[1].name], ["shop/a", "n"]);
        let frame = &cut[0].value[MAGIC.len()..];
        assert_eq!(Fields(frame).nth(1), Some((2, pod.as_slice())));
        assert!(super::cut(b"{}", "v1", "Pod").is_none());
        assert!(super::cut(&bytes[..40], "v1", "Pod").is_none_or(|cut| cut.is_empty()));
    }
}
