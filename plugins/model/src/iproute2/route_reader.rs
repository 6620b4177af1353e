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
use super::route_text::parse_routes_text;
use super::routes::parse_with;
use super::{Route, route_plain};
use crate::Problem;

/// Entries that are kept; what comes beyond is read as if it were never seen before.
const MOST: usize = 1 << 16;

/// Reads the routes of one host after the other.
///
/// Shape, units and errors are those of [`parse_routes`](super::parse_routes) and
/// [`parse_routes_text`].
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
        if is_json(text) {
            self.last = None;
            parse_with(text, |rest| self.entry(rest))
        } else {
            let (routes, problems) = parse_routes_text(text);
            (routes.into_iter().map(Rc::new).collect(), problems)
        }
    }

    /// The entry that a text starts with, and how many bytes it has.
    #[inline]
    fn entry(&mut self, rest: &[u8]) -> Option<(Rc<Route>, usize)> {
        let expected = self.last.map_or(self.first, |last| self.entries[last].next);
        if let Some(entry) = self.entries.get(expected)
            && starts_with(rest, &entry.text)
        {
            self.last = Some(expected);
            return Some((Rc::clone(&entry.route), entry.text.len()));
        }
        self.unexpected(rest)
    }

    fn unexpected(&mut self, rest: &[u8]) -> Option<(Rc<Route>, usize)> {
        let (route, n_bytes) = route_plain::read(rest)?;
        let text = &rest[..n_bytes];
        let known = self.by_text.get(text).copied();
        let place = known.unwrap_or(self.entries.len());
        if place == MOST {
            return Some((Rc::new(route), n_bytes));
        }
        if known.is_none() {
            let text: Rc<[u8]> = text.into();
            self.by_text.insert(Rc::clone(&text), place);
            self.entries.push(Entry { text, route: Rc::new(route), next: place + 1 });
        }
        match self.last {
            Some(last) => self.entries[last].next = place,
            None => self.first = place,
        }
        self.last = Some(place);
        Some((Rc::clone(&self.entries[place].route), n_bytes))
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
    use crate::iproute2::parse_routes;

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

    proptest! {
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
