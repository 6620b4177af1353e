//! The routes of many hosts, each kept once.
//!
//! Apart because this is what a thousand hosts have in common: nearly every line of one host's
//! table is a line of all others', at nearly the same place. A line that comes behind the one it
//! came behind before is compared and not read, and all hosts share the one record of it: a
//! million routes take a fortieth of the room and a third of the time. It must not know what a
//! route says.

use std::collections::HashMap;
use std::rc::Rc;

use super::either::is_json;
use super::route_text::{first_block, read_block};
use super::routes::parse_with;
use super::{Route, route_plain};
use crate::Problem;

/// Entries that are kept; what comes beyond is read as if it were never seen before.
const MOST: usize = 1 << 16;

/// Reads the routes of one host after the other.
///
/// Shape, units and errors are those of [`parse_routes`](super::parse_routes) and
/// [`parse_routes_text`](super::parse_routes_text).
#[derive(Debug, Default)]
pub struct RouteReader {
    entries: Vec<Entry>,
    by_text: HashMap<Rc<[u8]>, usize>,
    /// The entry with which the last table began.
    first: usize,
    /// The entry that was read last of this table.
    last: Option<usize>,
}

#[derive(Debug)]
struct Entry {
    text: Rc<[u8]>,
    route: Rc<Route>,
    /// The entry that came behind it the last time.
    next: usize,
}

impl RouteReader {
    /// Reads either form of `ip route show table …` of one host.
    pub fn read(&mut self, text: &str) -> (Vec<Rc<Route>>, Vec<Problem>) {
        self.last = None;
        if is_json(text) { parse_with(text, |rest| self.entry(rest)) } else { self.text(text) }
    }

    fn text(&mut self, text: &str) -> (Vec<Rc<Route>>, Vec<Problem>) {
        let mut routes = Vec::new();
        let mut problems = Vec::new();
        let mut rest = text;
        let mut number = 1;
        while !rest.is_empty() {
            if let Some(entry) = self.expected(rest.as_bytes()) {
                // Entries without a line end are of JSON. Whether legs follow is seen behind it.
                let n_bytes = entry.text.len();
                let is_whole = entry.text.ends_with(b"\n");
                if is_whole && !rest[n_bytes..].starts_with(['\t', ' ']) {
                    routes.push(Rc::clone(&entry.route));
                    number += memchr::memchr_iter(b'\n', &entry.text).count();
                    self.last = Some(self.expected_place());
                    rest = &rest[n_bytes..];
                    continue;
                }
            }
            let (block, n_lines) = first_block(rest);
            let n_problems = problems.len();
            if let Some(route) = read_block(block, number, &mut problems) {
                // What is complained of has its line in the complaint.
                let is_kept = n_problems == problems.len() && block.ends_with('\n');
                let route = Rc::new(route);
                routes.push(if is_kept { self.learn(block.as_bytes(), route) } else { route });
            }
            rest = &rest[block.len()..];
            number += n_lines;
        }
        (routes, problems)
    }

    /// The entry that a text of JSON starts with, and how many bytes it has.
    #[inline]
    fn entry(&mut self, rest: &[u8]) -> Option<(Rc<Route>, usize)> {
        if let Some(entry) = self.expected(rest) {
            let known = (Rc::clone(&entry.route), entry.text.len());
            self.last = Some(self.expected_place());
            return Some(known);
        }
        self.unexpected(rest)
    }

    #[inline]
    fn expected_place(&self) -> usize {
        self.last.map_or(self.first, |last| self.entries[last].next)
    }

    /// The entry that is likely to come, if the text starts with it.
    #[inline]
    fn expected(&self, rest: &[u8]) -> Option<&Entry> {
        let entry = self.entries.get(self.expected_place())?;
        starts_with(rest, &entry.text).then_some(entry)
    }

    fn unexpected(&mut self, rest: &[u8]) -> Option<(Rc<Route>, usize)> {
        let (route, n_bytes) = route_plain::read(rest)?;
        Some((self.learn(&rest[..n_bytes], Rc::new(route)), n_bytes))
    }

    /// Keeps a route with its text, and that it came behind the last one.
    fn learn(&mut self, text: &[u8], route: Rc<Route>) -> Rc<Route> {
        let known = self.by_text.get(text).copied();
        let place = known.unwrap_or(self.entries.len());
        if place == MOST {
            return route;
        }
        if known.is_none() {
            let text: Rc<[u8]> = text.into();
            self.by_text.insert(Rc::clone(&text), place);
            self.entries.push(Entry { text, route, next: place + 1 });
        }
        match self.last {
            Some(last) => self.entries[last].next = place,
            None => self.first = place,
        }
        self.last = Some(place);
        Rc::clone(&self.entries[place].route)
    }
}

/// Eight bytes at a time: the comparison of the C library that components have goes byte by byte.
#[inline]
fn starts_with(text: &[u8], wanted: &[u8]) -> bool {
    let Some(text) = text.get(..wanted.len()) else { return false };
    let (found, found_rest) = text.as_chunks::<8>();
    let (wanted, wanted_rest) = wanted.as_chunks::<8>();
    found.iter().zip(wanted).all(|(a, b)| a == b) && found_rest == wanted_rest
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::iproute2::{parse_routes, parse_routes_text};

    const ENTRIES: [&str; 7] = [
        r#"{"dst":"default","gateway":"10.0.2.2","dev":"eth0","flags":[]}"#,
        r#"{"dst":"10.128.1.0/24","gateway":"192.168.0.2","dev":"eth0","protocol":"kernel","flags":[]}"#,
        r#"{"dst":"10.128.1.0/24","gateway":"192.168.0.3","dev":"eth0","protocol":"kernel","flags":[]}"#,
        r#"{"dst":"10.128.1.0/24","gateway":"192.168.0.3","dev":"eth0","protocol":"kernel","flags":[]}garbage"#,
        r#"{"dst":"10.9.0.0/16","dev":"eth0","table":"2005","flags":["linkdown"]}"#,
        r#"{"dst":"10.9.0.0/33","dev":"eth0","flags":[]}"#,
        "{}",
    ];

    #[test]
    fn hosts_share_the_routes_that_they_have_in_common() {
        let mut reader = RouteReader::default();
        let first = reader.read(&format!("[{},{}]", ENTRIES[0], ENTRIES[1])).0;
        let second = reader.read(&format!("[{},{}]", ENTRIES[2], ENTRIES[1])).0;
        assert!(Rc::ptr_eq(&first[1], &second[1]) && !Rc::ptr_eq(&first[0], &second[0]));
        assert_eq!(reader.entries.len(), 3);
    }

    const LINES: [&str; 9] = [
        "default via 10.0.2.2 dev eth0 \n",
        "10.128.1.0/24 via 192.168.0.2 dev eth0 proto kernel \n",
        "10.128.1.0/24 via 192.168.0.3 dev eth0 proto kernel \r\n",
        "10.9.0.0/16 \n",
        "\tnexthop via 10.0.0.1 dev eth0 weight 1 \n",
        "\tnexthop via 10.0.0.2 dev eth1 weight 1 \n",
        "10.9.0.0/33 dev eth0\n",
        " \n",
        "blackhole 10.7.0.0/16",
    ];

    proptest! {
        /// The same of the text form, in which a route may have lines of its own.
        #[test]
        fn texts_of_hosts_are_read_the_same(
            hosts in prop::collection::vec(prop::collection::vec(select(&LINES[..]), 0..8), 1..6),
        ) {
            let mut reader = RouteReader::default();
            for lines in &hosts {
                let text = lines.concat();
                if is_json(&text) {
                    continue;
                }
                let (read, told) = reader.read(&text);
                let (routes, problems) = parse_routes_text(&text);
                prop_assert_eq!(read.iter().map(Rc::as_ref).cloned().collect::<Vec<Route>>(), routes);
                prop_assert_eq!(told, problems);
            }
        }

        /// Whatever other hosts have had before, a host's routes are what its own text says.
        #[test]
        fn a_reader_that_knows_other_hosts_reads_the_same(
            hosts in prop::collection::vec(prop::collection::vec(select(&ENTRIES[..]), 0..6), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut reader = RouteReader::default();
            let mut texts: Vec<String> =
                hosts.iter().map(|entries| format!("[{}]", entries.join(","))).collect();
            if let Some(last) = texts.last_mut() {
                last.truncate(cut.index(last.len() + 1));
            }
            for text in texts {
                let (routes, problems) = reader.read(&text);
                let routes: Vec<Route> = routes.iter().map(|route| (**route).clone()).collect();
                prop_assert_eq!((routes, problems), parse_routes(&text));
            }
        }
    }
}
