//! Names of network devices, held inline.
//!
//! Apart because a million routes name a device each: the kernel allows 15 bytes, so a name fits
//! in 16 without an allocation or a table to look it up in. It must not know what a device is.

use std::{
    borrow::Borrow,
    fmt,
    hash::{Hash, Hasher},
    num::NonZeroU8,
    ops::Deref,
};

/// Most bytes of a name: `IFNAMSIZ` of the kernel without its final zero.
const MOST: usize = 15;

/// The name of a network device, such as `eth1`: 1 to 15 bytes, `Copy`, compared like text.
#[derive(Clone, Copy, Eq, PartialOrd, Ord)]
pub struct DeviceName {
    // Zero behind the end, so that the derived order is that of the text.
    bytes: [u8; MOST],
    len: NonZeroU8,
}

impl DeviceName {
    /// Takes a name; `None` if it is empty or longer than the kernel allows.
    #[inline]
    pub fn new(name: &str) -> Option<Self> {
        let len = NonZeroU8::new(u8::try_from(name.len()).ok()?)?;
        let mut bytes = [0; MOST];
        bytes.get_mut(..name.len())?.copy_from_slice(name.as_bytes());
        Some(Self { bytes, len })
    }

    /// Reads a name up to the quote behind it: the name, and how many bytes it has. `None` if
    /// the kernel does not allow it, and for names that only a whole parser can judge: those
    /// with an escape or beyond ASCII.
    ///
    /// Byte by byte, because a copy of a length that is not known costs a call.
    #[inline]
    pub(super) fn read_quoted(text: &[u8]) -> Option<(Self, usize)> {
        let mut bytes = [0; MOST];
        for (n_bytes, &byte) in text.iter().take(MOST + 1).enumerate() {
            match byte {
                b'"' => {
                    let len = NonZeroU8::new(u8::try_from(n_bytes).ok()?)?;
                    return Some((Self { bytes, len }, n_bytes));
                }
                b'\\' | 0x80.. => return None,
                _ => *bytes.get_mut(n_bytes)? = byte,
            }
        }
        None
    }

    /// The name as text.
    #[inline]
    pub fn as_str(&self) -> &str {
        // Only whole strings get in, so the bytes are always text.
        str::from_utf8(&self.bytes[..usize::from(self.len.get())]).unwrap_or_default()
    }
}

impl DeviceName {
    /// The name as a number: bytes are compared by a call, one at a time in a component.
    #[inline]
    fn key(&self) -> u128 {
        let mut bytes = [self.len.get(); MOST + 1];
        bytes[..MOST].copy_from_slice(&self.bytes);
        u128::from_ne_bytes(bytes)
    }
}

impl PartialEq for DeviceName {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

/// As that of its text, which it is looked up by.
impl Hash for DeviceName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Deref for DeviceName {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for DeviceName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for DeviceName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for DeviceName {
    fn eq(&self, other: &str) -> bool {
        &self.bytes[..usize::from(self.len.get())] == other.as_bytes()
    }
}

impl PartialEq<&str> for DeviceName {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_to_fifteen_bytes_are_kept() {
        for name in ["e", "eth1", "lxcc178fd99d1d5", "döner"] {
            let kept = DeviceName::new(name).unwrap();
            assert_eq!(kept, name);
            assert_eq!(kept.as_str(), name);
        }
        assert_eq!(DeviceName::new(""), None);
        assert_eq!(DeviceName::new("a-name-of-16-chr"), None);
        assert_eq!(size_of::<Option<DeviceName>>(), 16);
    }

    #[test]
    fn order_is_that_of_the_text() {
        let name = |text| DeviceName::new(text).unwrap();
        assert!(name("eth1") < name("eth10"));
        assert!(name("eth10") < name("eth2"));
    }
}
