//! Arithmetic of ranges and addresses: sizes, blocks, gaps, overlaps.
//!
//! Pure numbers, apart from everything that has a name in a cluster. Every function is as fast
//! as sorting, for a cluster may have ten thousand ranges and a million addresses.

pub mod blocks;
pub mod free;
pub mod index;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lab_model::{AddressFamily, Prefix};

/// An address as a number of its family.
pub const fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(v4) => v4.to_bits() as u128,
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The address of a number; those beyond IPv4 wrap, which no caller does.
#[expect(clippy::cast_possible_truncation, reason = "numbers of IPv4 have 32 bits")]
pub const fn address(family: AddressFamily, number: u128) -> IpAddr {
    match family {
        AddressFamily::V4 => IpAddr::V4(Ipv4Addr::from_bits(number as u32)),
        AddressFamily::V6 => IpAddr::V6(Ipv6Addr::from_bits(number)),
    }
}

/// First and last address of a range as numbers.
pub fn bounds(prefix: &Prefix) -> (u128, u128) {
    (number(prefix.address()), number(prefix.last_address()))
}

/// An address as it is compared: one of IPv4 inside IPv6 (`::ffff:10.0.0.1`) is that of IPv4.
pub const fn canonical(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}
