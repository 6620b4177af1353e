//! IP prefixes: networks with a length, always masked, of both families.
//!
//! Apart because routes, podCIDRs and service CIDRs are all compared with each other, and the
//! comparison is hot: a prefix is 18 bytes, `Copy`, and every question is a shift and a compare.
//! It must not know what a prefix is used for.

use std::{
    fmt,
    hash::{Hash, Hasher},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum AddressFamily {
    /// IPv4, `inet` in the words of iproute2.
    #[default]
    V4,
    /// IPv6, `inet6` in the words of iproute2.
    V6,
}

impl AddressFamily {
    /// The family of an address.
    #[inline]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Bits of one address: 32 or 128.
    #[inline]
    pub const fn bits(self) -> u8 {
        match self {
            Self::V4 => 32,
            Self::V6 => 128,
        }
    }

    /// The address that is all zeros.
    #[inline]
    pub const fn unspecified(self) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Self::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        }
    }
}

/// Address bits moved to the top of 128, so that one shift masks either family.
#[inline]
fn left_aligned(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Ones in the first `len` of 128 bits. Made of two halves, because WebAssembly has no shift of
/// 128 bits and calls a function for it.
#[inline]
fn mask(len: u8) -> u128 {
    let ones = |len: u8| u64::MAX.checked_shl(64 - u32::from(len.min(64))).unwrap_or(0);
    u128::from(ones(len)) << 64 | u128::from(ones(len.saturating_sub(64)))
}

/// Whether the first `len` bits are the same.
#[inline]
fn same_head(a: u32, b: u32, len: u8) -> bool {
    (a ^ b).checked_shr(32 - u32::from(len.min(32))).unwrap_or(0) == 0
}

/// A network: an address with a length, bits behind the length always zero.
///
/// Ordered by family, then address, then length, so that a prefix sorts right before what it
/// covers.
#[derive(Clone, Copy, Eq)]
pub struct Prefix {
    /// Left-aligned bits in native byte order: bytes instead of `u128` keep the alignment at 1.
    bits: [u8; 16],
    len: u8,
    family: AddressFamily,
}

impl Prefix {
    /// `0.0.0.0/0`.
    pub const DEFAULT_V4: Self = Self { bits: [0; 16], len: 0, family: AddressFamily::V4 };
    /// `::/0`.
    pub const DEFAULT_V6: Self = Self { bits: [0; 16], len: 0, family: AddressFamily::V6 };

    /// Makes a prefix and masks the address; `None` if the length is more than the family has.
    #[inline]
    pub fn new(address: IpAddr, len: u8) -> Option<Self> {
        let family = AddressFamily::of(address);
        (len <= family.bits()).then(|| Self::masked(family, left_aligned(address), len))
    }

    /// Makes an IPv4 prefix as [`Prefix::new`] does, of an address as a number. WebAssembly has
    /// no shifts of 128 bits, so this is for where prefixes are read by the million.
    #[inline]
    pub(crate) fn new_v4(address: u32, len: u8) -> Option<Self> {
        if len > 32 {
            return None;
        }
        let mask = u32::MAX.checked_shl(32 - u32::from(len)).unwrap_or(0);
        let aligned = u128::from(address & mask) << 96;
        Some(Self { bits: aligned.to_ne_bytes(), len, family: AddressFamily::V4 })
    }

    /// The prefix of exactly one address.
    #[inline]
    pub fn host(address: IpAddr) -> Self {
        let family = AddressFamily::of(address);
        Self::masked(family, left_aligned(address), family.bits())
    }

    /// `0.0.0.0/0` or `::/0`.
    #[inline]
    pub const fn default_of(family: AddressFamily) -> Self {
        Self { bits: [0; 16], len: 0, family }
    }

    #[inline]
    fn masked(family: AddressFamily, aligned: u128, len: u8) -> Self {
        Self { bits: (aligned & mask(len)).to_ne_bytes(), len, family }
    }

    /// Bits moved to the top of 128, for structures that sort or walk them.
    #[inline]
    pub(crate) fn aligned(&self) -> u128 {
        u128::from_ne_bytes(self.bits)
    }

    /// The address of an IPv4 prefix: of a million comparisons nearly all are of these.
    #[inline]
    fn v4(&self) -> u32 {
        (self.aligned() >> 96) as u32
    }

    #[inline]
    fn address_of(&self, aligned: u128) -> IpAddr {
        match self.family {
            AddressFamily::V4 => IpAddr::V4(Ipv4Addr::from_bits((aligned >> 96) as u32)),
            AddressFamily::V6 => IpAddr::V6(Ipv6Addr::from_bits(aligned)),
        }
    }

    /// The network address: the first address of the prefix.
    #[inline]
    pub fn address(&self) -> IpAddr {
        self.address_of(self.aligned())
    }

    /// The last address of the prefix; for IPv4 its broadcast address.
    pub fn last_address(&self) -> IpAddr {
        self.address_of(self.aligned() | !mask(self.len))
    }

    /// The address `index` places behind the first one; `None` outside of the prefix.
    pub fn nth_address(&self, index: u128) -> Option<IpAddr> {
        let host_bits = self.family.bits() - self.len;
        if host_bits < 128 && index >> host_bits != 0 {
            return None;
        }
        let index = index << (128 - self.family.bits());
        Some(self.address_of(self.aligned() | index))
    }

    /// Number of addresses in it, `u128::MAX` for `::/0`.
    pub fn n_addresses(&self) -> u128 {
        1_u128.checked_shl(u32::from(self.family.bits() - self.len)).unwrap_or(u128::MAX)
    }

    /// Length in bits.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a prefix length, not a number of elements")]
    pub const fn len(&self) -> u8 {
        self.len
    }

    /// IPv4 or IPv6.
    #[inline]
    pub const fn family(&self) -> AddressFamily {
        self.family
    }

    /// Whether it is `0.0.0.0/0` or `::/0`.
    #[inline]
    pub const fn is_default(&self) -> bool {
        self.len == 0
    }

    /// Whether it is a single address.
    #[inline]
    pub const fn is_host(&self) -> bool {
        self.len == self.family.bits()
    }

    /// Whether the address is in it; never across families.
    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.family, address) {
            (AddressFamily::V4, IpAddr::V4(ip)) => same_head(self.v4(), ip.to_bits(), self.len),
            (AddressFamily::V6, IpAddr::V6(ip)) => {
                (ip.to_bits() ^ self.aligned()) & mask(self.len) == 0
            }
            _ => false,
        }
    }

    /// Whether every address of `other` is in it; a prefix covers itself.
    #[inline]
    pub fn covers(&self, other: &Self) -> bool {
        self.len <= other.len
            && match (self.family, other.family) {
                (AddressFamily::V4, AddressFamily::V4) => {
                    same_head(self.v4(), other.v4(), self.len)
                }
                (AddressFamily::V6, AddressFamily::V6) => {
                    (other.aligned() ^ self.aligned()) & mask(self.len) == 0
                }
                _ => false,
            }
    }

    /// Whether some address is in both, which means that one covers the other.
    #[inline]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// Reads `address/length`, or an address alone, which is a prefix of that one address.
    ///
    /// - Errors: `None` for anything else; bits behind the length are cleared, not refused,
    ///   because `ip route` and people both write `10.0.0.1/24`.
    #[inline]
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }

    #[inline]
    pub(crate) fn parse_bytes(text: &[u8]) -> Option<Self> {
        // The length has at most three digits, so the slash is looked for at the end.
        let slash = (text.len().saturating_sub(4)..text.len()).find(|&at| text[at] == b'/');
        match slash {
            None => parse_address(text).map(Self::host),
            Some(at) => Self::new(parse_address(&text[..at])?, parse_len(&text[at + 1..])?),
        }
    }
}

/// Reads a prefix length: one to three digits without a sign or leading zeros.
#[inline]
fn parse_len(digits: &[u8]) -> Option<u8> {
    if digits.is_empty() || digits.len() > 3 || (digits.len() > 1 && digits[0] == b'0') {
        return None;
    }
    let mut len = 0_u16;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        len = len * 10 + u16::from(digit - b'0');
    }
    u8::try_from(len).ok()
}

/// Reads an address of either family; the same ones as the standard library.
///
/// IPv4 is read here: with a million routes the standard parser costs a fifth of the whole read.
#[inline]
pub(crate) fn parse_address(text: &[u8]) -> Option<IpAddr> {
    match parse_v4(text) {
        Some(bits) => Some(IpAddr::V4(Ipv4Addr::from_bits(bits))),
        None => str::from_utf8(text).ok()?.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    }
}

#[inline]
fn parse_v4(text: &[u8]) -> Option<u32> {
    if text.len() < 7 || text.len() > 15 {
        return None;
    }
    let (mut bits, mut octet, mut n_digits, mut n_dots) = (0_u32, 0_u32, 0_u8, 0_u8);
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            // A leading zero is refused, as by the standard library: some read it as octal.
            if n_digits == 3 || (n_digits > 0 && octet == 0) {
                return None;
            }
            octet = octet * 10 + u32::from(digit);
            n_digits += 1;
        } else if byte == b'.' {
            if n_digits == 0 || octet > 255 || n_dots == 3 {
                return None;
            }
            bits = bits << 8 | octet;
            (octet, n_digits, n_dots) = (0, 0, n_dots + 1);
        } else {
            return None;
        }
    }
    (n_dots == 3 && n_digits > 0 && octet <= 255).then_some(bits << 8 | octet)
}

impl Prefix {
    /// What it is compared by, as numbers: bytes are compared by a call, one at a time in a
    /// component.
    #[inline]
    const fn key(&self) -> (AddressFamily, u128, u8) {
        (self.family, u128::from_ne_bytes(self.bits), self.len)
    }
}

impl PartialEq for Prefix {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Hash for Prefix {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Ord for Prefix {
    #[inline]
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Prefix {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.len)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPrefix(pub String);

impl fmt::Display for NotAPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an IP prefix such as `10.0.0.0/24`", self.0)
    }
}

impl std::error::Error for NotAPrefix {}

impl FromStr for Prefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        Self::parse(text).ok_or_else(|| NotAPrefix(text.to_owned()))
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
