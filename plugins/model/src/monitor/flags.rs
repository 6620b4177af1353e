//! Flags of TCP.
//!
//! Apart because three shapes tell them differently and they are printed in one order. It must
//! not know packets.

use std::fmt;

/// A set of TCP's flags.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// No flag, or not known.
    pub const NONE: Self = Self(0);
    /// Flags that the agent's text tells.
    pub const TOLD: Self = Self(0b1111);

    /// In the agent's order, which leads with the flags it tells.
    const NAMES: [&'static str; 8] = ["SYN", "ACK", "RST", "FIN", "PSH", "URG", "ECE", "CWR"];

    /// The flag of a word; none when it is none.
    pub fn parse(word: &str) -> Self {
        Self::of_name(word.as_bytes())
    }

    fn of_name(word: &[u8]) -> Self {
        let at = Self::NAMES.iter().position(|name| name.as_bytes() == word);
        at.map_or(Self::NONE, |at| Self(1 << at))
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are in both.
    #[must_use]
    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of these are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Reads the flags of a layer's string, from ` FIN=` on: `FIN=false SYN=true RST=…`.
    pub(super) fn of_layer(fields: &str) -> Self {
        // Byte by byte: every packet has these, and looking for a letter costs more than eight
        // comparisons where words are this short.
        let mut flags = Self::NONE;
        let mut rest = fields.as_bytes();
        while let Some(equals) = rest.iter().take(4).position(|&byte| byte == b'=') {
            let (name, value) = (&rest[..equals], &rest[equals + 1..]);
            let (is_set, behind) = match (value.strip_prefix(b"true"), value.strip_prefix(b"false"))
            {
                (Some(behind), _) => (true, behind),
                (_, Some(behind)) => (false, behind),
                _ => break,
            };
            if !matches!(behind.first(), None | Some(b' ')) {
                break;
            }
            if is_set {
                flags = flags.with(Self::of_name(name));
            }
            rest = behind.get(1..).unwrap_or_default();
        }
        flags
    }
}

impl TcpFlags {
    /// Their names in the agent's order with commas between them, piece by piece.
    pub fn pieces(self) -> impl Iterator<Item = &'static str> {
        let set = Self::NAMES.iter().enumerate().filter(move |(at, _)| self.0 & (1 << at) != 0);
        let mut comma = "";
        set.flat_map(move |(_, name)| [std::mem::replace(&mut comma, ","), name])
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().try_for_each(|piece| f.write_str(piece))
    }
}

impl fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_from_a_layer_and_printed_in_the_agents_order() {
        let layer = "FIN=true SYN=false RST=false PSH=true ACK=true URG=false ECE=false CWR=false NS=false Window=123";
        let flags = TcpFlags::of_layer(layer);
        assert_eq!(flags.to_string(), "ACK,FIN,PSH");
        assert_eq!(flags.only(TcpFlags::TOLD).to_string(), "ACK,FIN");
        assert_eq!(TcpFlags::of_layer("FIN=tru"), TcpFlags::NONE);
        assert_eq!(TcpFlags::parse("syn"), TcpFlags::NONE);
    }
}
