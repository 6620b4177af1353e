//! Reads what `ip` printed in whichever form it was asked: JSON from a live host, text from a
//! Cilium sysdump or from somebody who pasted it.
//!
//! Apart from the parsers because each of them reads one form. It must not know who wants which.

use crate::{
    AddressFamily, Problem,
    iproute2::{
        Address, IpRule, Link, Neighbor, Route, parse_addresses, parse_addresses_text, parse_links,
        parse_links_text, parse_neighbors, parse_neighbors_text, parse_routes, parse_routes_text,
        parse_rules, parse_rules_text,
    },
};

/// Whether a text is, or begins as, the JSON form. Nothing at all counts as JSON: `ip -j` prints
/// at least brackets, so that its parser complains.
pub(super) fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || text.starts_with(['[', '{'])
}

/// Reads the routes of one host from either form of `ip route show table …`.
///
/// Shape and errors are those of [`parse_routes`] and [`parse_routes_text`].
pub fn read_routes(text: &str) -> (Vec<Route>, Vec<Problem>) {
    if is_json(text) { parse_routes(text) } else { parse_routes_text(text) }
}

/// Reads the rules of one family from either form of `ip rule`.
///
/// Shape and errors are those of [`parse_rules`] and [`parse_rules_text`].
pub fn read_rules(text: &str, family: AddressFamily) -> (Vec<IpRule>, Vec<Problem>) {
    if is_json(text) { parse_rules(text, family) } else { parse_rules_text(text, family) }
}

/// Reads the addresses of one host from either form of `ip addr`.
///
/// Shape and errors are those of [`parse_addresses`] and [`parse_addresses_text`]; a text
/// without any device is no such output.
pub fn read_addresses(text: &str) -> (Vec<Address>, Vec<Problem>) {
    if is_json(text) { parse_addresses(text) } else { devices(text, parse_addresses_text(text)) }
}

/// Reads the devices of one host from either form of `ip link`.
///
/// Shape and errors are those of [`parse_links`] and [`parse_links_text`]; a text without any
/// device is no such output.
pub fn read_links(text: &str) -> (Vec<Link>, Vec<Problem>) {
    if is_json(text) { parse_links(text) } else { devices(text, parse_links_text(text)) }
}

/// Reads the neighbors of one host from either form of `ip neigh`.
///
/// Shape and errors are those of [`parse_neighbors`] and [`parse_neighbors_text`].
pub fn read_neighbors(text: &str) -> (Vec<Neighbor>, Vec<Problem>) {
    if is_json(text) { parse_neighbors(text) } else { parse_neighbors_text(text) }
}

/// Every host has a loopback device, so that a text without a heading was never such output.
fn devices<T>(text: &str, read: (Vec<T>, Vec<Problem>)) -> (Vec<T>, Vec<Problem>) {
    let (records, mut problems) = read;
    let is_heading = |line: &str| line.starts_with(|first: char| first.is_ascii_digit());
    if problems.is_empty() && !text.lines().any(is_heading) {
        problems.push(Problem::new("line 1", text, "there is no device in it"));
    }
    (records, problems)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_neither_form_is_told() {
        for text in ["Object \"x\" is unknown, try \"ip help\".", "<html>", "[{", "{", "\u{1b}[2J"]
        {
            assert!(!read_routes(text).1.is_empty(), "{text}");
            assert!(!read_rules(text, AddressFamily::V4).1.is_empty(), "{text}");
            assert!(!read_addresses(text).1.is_empty(), "{text}");
            assert!(!read_links(text).1.is_empty(), "{text}");
            assert!(!read_neighbors(text).1.is_empty(), "{text}");
        }
        assert!(!read_routes("").1.is_empty());
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in "(?s).{0,200}", cut in 0_usize..200) {
            let text: String = text.chars().take(cut).collect();
            let _ = (read_routes(&text), read_addresses(&text), read_links(&text));
            let _ = (read_neighbors(&text), read_rules(&text, AddressFamily::V6));
        }
    }
}
