//! The one shape that nearly every IPv4 route has in `ip -j route`, read without looking
//! anything up.
//!
//! Apart because it is a shortcut and nothing else: keys in iproute2's order, no white space, no
//! escape, known words only. Whatever differs is left to the general parser, from the start of
//! the entry, so this must never read an entry differently; a test compares both. A million
//! routes take a third of the time with it.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
};

use crate::{
    Prefix,
    iproute2::{DeviceName, Protocol, Route, RouteFlags, RouteType, Scope, TableId},
};

/// Reads the entry that the text starts with; the route, and how many bytes the entry has.
/// `None` if it has any other shape.
#[inline]
pub(super) fn read(text: &[u8]) -> Option<(Route, usize)> {
    let mut rest = Rest(text);
    rest.expect(b"{\"")?;
    let mut route_type = RouteType::Unicast;
    if rest.take(b"type\":\"") {
        route_type = match () {
            () if rest.take(b"local\",\"") => RouteType::Local,
            () if rest.take(b"broadcast\",\"") => RouteType::Broadcast,
            () => return None,
        };
    }
    rest.expect(b"dst\":\"")?;
    // Without a router preference or an IPv6 address beside it, it is that of IPv4.
    let dst = if rest.take(b"default\"") { Prefix::DEFAULT_V4 } else { rest.prefix()? };
    let gateway = if rest.take(b",\"gateway\":\"") { Some(rest.address()?) } else { None };
    let device = if rest.take(b",\"dev\":\"") { Some(rest.device()?) } else { None };
    let table = match rest.take(b",\"table\":\"") {
        true if rest.take(b"local\"") => TableId::LOCAL,
        true => return None,
        false => TableId::MAIN,
    };
    let protocol = match rest.take(b",\"protocol\":\"") {
        true if rest.take(b"kernel\"") => Protocol::KERNEL,
        true if rest.take(b"static\"") => Protocol::STATIC,
        true if rest.take(b"bgp\"") => Protocol::BGP,
        true if rest.take(b"bird\"") => Protocol::BIRD,
        true => return None,
        false => Protocol::BOOT,
    };
    let scope = match rest.take(b",\"scope\":\"") {
        true if rest.take(b"link\"") => Scope::LINK,
        true if rest.take(b"host\"") => Scope::HOST,
        true => return None,
        false => Scope::GLOBAL,
    };
    let prefsrc = if rest.take(b",\"prefsrc\":\"") { Some(rest.address()?) } else { None };
    let metric = if rest.take(b",\"metric\":") { rest.number()? } else { 0 };
    rest.expect(b",\"flags\":[")?;
    let flags = if rest.take(b"\"onlink\"") { RouteFlags::ONLINK } else { RouteFlags::NONE };
    rest.expect(b"]")?;
    let mut mtu = None;
    if rest.take(b",\"metrics\":[{\"mtu\":") {
        mtu = NonZeroU32::new(rest.number()?);
        rest.expect(b"}]")?;
    }
    rest.expect(b"}")?;
    let route = Route {
        dst,
        route_type,
        gateway,
        device,
        table,
        protocol,
        scope,
        prefsrc,
        metric,
        mtu,
        flags,
        pref: None,
        extra: None,
    };
    Some((route, text.len() - rest.0.len()))
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Takes these bytes if they come next.
    #[inline]
    fn take<const N: usize>(&mut self, wanted: &[u8; N]) -> bool {
        match self.0.split_first_chunk::<N>() {
            Some((found, rest)) if found == wanted => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    #[inline]
    fn expect<const N: usize>(&mut self, wanted: &[u8; N]) -> Option<()> {
        self.take(wanted).then_some(())
    }

    #[inline]
    fn digit(&mut self) -> Option<u32> {
        let (&first, rest) = self.0.split_first()?;
        let digit = first.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        self.0 = rest;
        Some(digit.into())
    }

    /// A number of at most nine digits, which are never too many.
    #[inline]
    fn number(&mut self) -> Option<u32> {
        let mut number = self.digit()?;
        for _ in 0..8 {
            match self.digit() {
                Some(digit) => number = number * 10 + digit,
                None => break,
            }
        }
        Some(number)
    }

    /// A part of an address. Behind a leading zero the caller finds a digit where none can be.
    #[inline]
    fn octet(&mut self) -> Option<u32> {
        let first = self.digit()?;
        if first == 0 {
            return Some(0);
        }
        let Some(second) = self.digit() else { return Some(first) };
        let Some(third) = self.digit() else { return Some(first * 10 + second) };
        Some(first * 100 + second * 10 + third).filter(|octet| *octet <= 255)
    }

    #[inline]
    fn v4(&mut self) -> Option<u32> {
        let mut bits = self.octet()?;
        for _ in 0..3 {
            self.expect(b".")?;
            bits = bits << 8 | self.octet()?;
        }
        Some(bits)
    }

    /// An address and the quote behind it.
    #[inline]
    fn address(&mut self) -> Option<IpAddr> {
        let bits = self.v4()?;
        self.expect(b"\"")?;
        Some(IpAddr::V4(Ipv4Addr::from_bits(bits)))
    }

    /// An address with or without a length, and the quote behind it.
    #[inline]
    fn prefix(&mut self) -> Option<Prefix> {
        let bits = self.v4()?;
        let mut len = 32;
        if self.take(b"/") {
            // As an octet it has no leading zero either.
            len = u8::try_from(self.octet()?).ok()?;
        }
        self.expect(b"\"")?;
        Prefix::new_v4(bits, len)
    }

    /// A name and the quote behind it.
    #[inline]
    fn device(&mut self) -> Option<DeviceName> {
        let (name, len) = DeviceName::read_quoted(self.0)?;
        self.0 = self.0.get(len + 1..)?;
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::{iproute2::routes::read_route, scan::Scanner};

    /// Parts of an entry in iproute2's order, each with values that are read and such that are
    /// not; most of them may be missing.
    const PARTS: [&[&str]; 12] = [
        &["{"],
        &["", r#""type":"local","#, r#""type":"broadcast","#, r#""type":"blackhole","#],
        &[
            r#""dst":"10.128.1.0/24""#,
            r#""dst":"10.128.1.7""#,
            r#""dst":"default""#,
            r#""dst":"0.0.0.0/0""#,
            r#""dst":"255.255.255.255/32""#,
            r#""dst":"10.0.0.7/8""#,
            r#""dst":"10.0.0.0/33""#,
            r#""dst":"10.0.0.0/08""#,
            r#""dst":"10.0.0.0/""#,
            r#""dst":"010.0.0.0/8""#,
            r#""dst":"256.0.0.0/8""#,
            r#""dst":"10.0.0""#,
            r#""dst":"fe80::/64""#,
        ],
        &["", r#","gateway":"192.168.0.12""#, r#","gateway":"fe80::1""#, r#","gateway":"1.2.3.""#],
        &[
            "",
            r#","dev":"eth0""#,
            r#","dev":"fifteen-letters""#,
            r#","dev":"sixteen-letters!""#,
            r#","dev":"""#,
            r#","dev":"a\\b""#,
            r#","dev":"döner""#,
        ],
        &["", r#","table":"local""#, r#","table":"2005""#],
        &["", r#","protocol":"kernel""#, r#","protocol":"static""#, r#","protocol":"mine""#],
        &["", r#","scope":"link""#, r#","scope":"host""#, r#","scope":"odd""#],
        &["", r#","prefsrc":"10.0.0.1""#, r#","prefsrc":"::1""#, r#","prefsrc":"x""#],
        &["", r#","metric":0"#, r#","metric":4294967296"#, r#","metric":007"#, r#","metric":1e3"#],
        &["", r#","flags":[]"#, r#","flags":["onlink"]"#, r#","flags":["dead"]"#],
        &["", r#","metrics":[{"mtu":1450}]"#, r#","metrics":[{"mtu":0}]"#, r#","pref":"medium""#],
    ];

    fn any_entry() -> impl Strategy<Value = String> {
        let parts: Vec<_> = PARTS.into_iter().map(select).collect();
        parts.prop_map(|parts| parts.concat() + "},")
    }

    /// Where the shortcut is taken, the general parser says the same without a complaint.
    fn check(text: &str) -> bool {
        let Some((route, n_bytes)) = read(text.as_bytes()) else { return false };
        let mut scanner = Scanner::new(text);
        let (general, complaints) = read_route(&mut scanner).unwrap();
        assert_eq!((general, complaints), (Ok(route), Vec::new()), "{text}");
        assert_eq!(scanner.at(), n_bytes, "{text}");
        true
    }

    #[test]
    fn the_usual_entries_are_read_here() {
        for text in [
            r#"{"dst":"default","gateway":"10.0.2.2","dev":"eth0","flags":[]}"#,
            r#"{"dst":"10.128.1.0/24","gateway":"192.168.0.2","dev":"eth0","protocol":"kernel","flags":[]}"#,
            r#"{"dst":"10.0.1.0/24","gateway":"10.0.0.5","dev":"cilium_host","protocol":"kernel","prefsrc":"10.0.0.5","flags":["onlink"],"metrics":[{"mtu":1450}]}"#,
            r#"{"dst":"10.0.0.7","dev":"lxcc178fd99d1d5","protocol":"kernel","scope":"link","flags":[]}"#,
            r#"{"dst":"10.9.0.0/16","gateway":"10.0.2.2","dev":"eth0","protocol":"bgp","metric":20,"flags":[]}"#,
            r#"{"type":"local","dst":"127.0.0.1","dev":"lo","table":"local","protocol":"kernel","scope":"host","prefsrc":"127.0.0.1","flags":[]}"#,
        ] {
            assert!(check(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_general_parser_reads_the_same(text in any_entry()) {
            check(&text);
        }

        #[test]
        fn the_general_parser_reads_the_same_of_damaged_entries(
            text in any_entry(),
            at: prop::sample::Index,
            n_cut in 0_usize..3,
            put in "[ \\[\\]{},:\"0-9./e]{0,2}",
        ) {
            let start = text.floor_char_boundary(at.index(text.len()));
            let end = text.ceil_char_boundary((start + n_cut).min(text.len()));
            check(&format!("{}{put}{}", &text[..start], &text[end..]));
        }
    }
}
