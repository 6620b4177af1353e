//! Numbers and addresses as text, behind what is there already.
//!
//! Apart from `std::fmt`, whose machinery was a twentieth of the time of every event. It must give
//! the same texts.

use std::fmt::Write as _;
use std::net::IpAddr;

/// A number, decimal.
pub fn decimal(number: u32, into: &mut String) {
    into.push_str(itoa::Buffer::new().format(number));
}

/// A number, hexadecimal with `0x`.
pub fn hexadecimal(number: u32, into: &mut String) {
    into.push_str("0x");
    let n_digits = (u32::BITS - number.leading_zeros()).div_ceil(4).max(1);
    for at in (0..n_digits).rev() {
        into.extend(char::from_digit(number >> (4 * at) & 0xf, 16));
    }
}

/// An address as RFC 5952 writes it.
pub fn address(address: IpAddr, into: &mut String) {
    match address {
        IpAddr::V4(v4) => {
            for (at, octet) in v4.octets().into_iter().enumerate() {
                if at > 0 {
                    into.push('.');
                }
                decimal(octet.into(), into);
            }
        }
        IpAddr::V6(v6) => {
            let _infallible = write!(into, "{v6}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_standard_library() {
        let shown = |write: &dyn Fn(&mut String)| {
            let mut text = String::new();
            write(&mut text);
            text
        };
        for number in [0, 1, 9, 10, 15, 16, 255, 256, 65_535, 0x00ab_cdef, u32::MAX] {
            assert_eq!(shown(&|into| decimal(number, into)), number.to_string());
            assert_eq!(shown(&|into| hexadecimal(number, into)), format!("{number:#x}"));
        }
        for text in ["0.0.0.0", "10.0.2.15", "255.255.255.255", "fd00::1", "::", "::ffff:1.2.3.4"] {
            let ip: IpAddr = text.parse().expect("an address");
            assert_eq!(shown(&|into| address(ip, into)), ip.to_string());
        }
    }
}
