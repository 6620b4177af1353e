//! Prefixes as text, as sets, and against the standard library.

use super::*;
use proptest::prelude::*;

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

#[test]
fn text_is_masked_and_printed_with_its_length() {
    for (text, printed) in [
        ("172.20.1.0/24", "172.20.1.0/24"),
        ("172.20.1.7/24", "172.20.1.0/24"),
        ("172.20.1.7", "172.20.1.7/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("fe80::1/64", "fe80::/64"),
        ("::1", "::1/128"),
        ("2001:db8::ffff/0", "::/0"),
    ] {
        assert_eq!(prefix(text).to_string(), printed, "{text}");
    }
}

#[test]
fn what_is_not_a_prefix_is_refused() {
    for text in [
        "",
        "/",
        "/24",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/024",
        "10.0.0/8",
        "10.0.0.256",
        "10.0.0.01",
        "1.2.3.4.5",
        "10.0.0.0/-1",
        "::/129",
        "default",
        "10.0.0.0/24 ",
        "é::/1",
    ] {
        assert_eq!(Prefix::parse(text), None, "{text}");
    }
}

#[test]
fn containment_never_crosses_families() {
    assert!(prefix("10.0.0.0/8").contains("10.255.0.1".parse().unwrap()));
    assert!(!prefix("0.0.0.0/0").contains("::1".parse().unwrap()));
    assert!(prefix("172.20.0.0/16").covers(&prefix("172.20.3.0/24")));
    assert!(!prefix("172.20.3.0/24").covers(&prefix("172.20.0.0/16")));
    assert!(prefix("172.20.3.0/24").overlaps(&prefix("172.20.0.0/16")));
    assert!(!prefix("::/0").overlaps(&prefix("0.0.0.0/0")));
}

#[test]
fn addresses_are_counted_from_the_first() {
    let cidr = prefix("172.20.1.0/30");
    assert_eq!(cidr.nth_address(3), Some(cidr.last_address()));
    assert_eq!(cidr.last_address().to_string(), "172.20.1.3");
    assert_eq!(cidr.nth_address(4), None);
    assert_eq!(cidr.n_addresses(), 4);
    assert_eq!(prefix("::/0").n_addresses(), u128::MAX);
    assert_eq!(prefix("::/0").nth_address(1).unwrap().to_string(), "::1");
}

proptest! {
    #[test]
    fn addresses_read_as_by_the_standard_library(text in "[0-9.:a-f]{0,18}|[0-2]?[0-9]{1,2}(\\.[0-2]?[0-9]{1,2}){3}") {
        prop_assert_eq!(parse_address(text.as_bytes()), text.parse::<IpAddr>().ok());
    }

    #[test]
    fn parse_undoes_print(bits: u128, v6: bool, len in 0_u8..=128) {
        let family = if v6 { AddressFamily::V6 } else { AddressFamily::V4 };
        let prefix = Prefix::masked(family, bits & mask(family.bits()), len.min(family.bits()));
        prop_assert_eq!(Prefix::parse(&prefix.to_string()), Some(prefix));
    }

    #[test]
    fn covering_means_both_ends_are_inside(a: u32, b: u32, x in 0_u8..=32, y in 0_u8..=32) {
        let a = Prefix::new(Ipv4Addr::from_bits(a).into(), x).unwrap();
        // Close relatives are rare among random addresses, so half of the bits are shared.
        let b = Prefix::new(Ipv4Addr::from_bits(b).into(), y).unwrap();
        for other in [b, Prefix::new(a.last_address(), y).unwrap()] {
            let inside = a.contains(other.address()) && a.contains(other.last_address());
            prop_assert_eq!(a.covers(&other), inside);
        }
    }

    #[test]
    fn any_text_is_survived(text: String) {
        let _ = Prefix::parse(&text);
    }
}
