//! Values that are each host's own, folded to names: `192.168.10.100` → `$NODE_IP`.
//!
//! Apart from [`crate::canonical`] because here the same text becomes another one on another
//! host. It must not know where the values come from.

use std::borrow::Cow;
use std::collections::HashMap;

/// The values of one host and their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Literals {
    names: HashMap<String, String>,
}

impl Literals {
    /// Adds a value: an address without a length, or a prefix. The first name of a value stays.
    pub fn add(&mut self, value: &str, name: &str) {
        let value =
            value.strip_suffix("/32").or_else(|| value.strip_suffix("/128")).unwrap_or(value);
        self.names.entry(value.to_owned()).or_insert_with(|| name.to_owned());
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// Whether there is nothing to fold.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The text with the names in the place of the values. Words are taken whole, apart from a
    /// port behind an address and the two ends of a range.
    pub fn fold<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.names.is_empty() || !may_hold_address(text) {
            return Cow::Borrowed(text);
        }
        let mut folded: Option<String> = None;
        for (start, word) in words_at(text) {
            let new = self.word(word);
            match (&mut folded, new) {
                (None, None) => {}
                (None, Some(new)) => {
                    let mut begun = text[..start].to_owned();
                    begun.push_str(&new);
                    folded = Some(begun);
                }
                (Some(begun), new) => {
                    begun.push(' ');
                    begun.push_str(new.as_deref().unwrap_or(word));
                }
            }
        }
        folded.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    fn word(&self, word: &str) -> Option<String> {
        if !word.starts_with(is_first) {
            return None;
        }
        if let Some(name) = self.names.get(word) {
            return Some(name.clone());
        }
        for mark in ['-', ','] {
            if word.contains(mark) {
                let parts: Vec<Option<String>> = word.split(mark).map(|it| self.word(it)).collect();
                if parts.iter().all(Option::is_none) {
                    return None;
                }
                let kept = word.split(mark).zip(parts);
                let kept: Vec<String> =
                    kept.map(|(old, new)| new.unwrap_or_else(|| old.to_owned())).collect();
                return Some(kept.join(&mark.to_string()));
            }
        }
        let (address, port) = word.rsplit_once(':')?;
        self.names.get(bare(address)).map(|name| format!("{name}:{port}"))
    }
}

/// Whether there is a word that could be an address: most rules have none.
fn may_hold_address(text: &str) -> bool {
    words_at(text).any(|(_, word)| may_be_address(word))
}

fn may_be_address(word: &str) -> bool {
    word.starts_with(is_first) && word.contains(['.', ':'])
}

/// Whether a value can begin with it.
fn is_first(letter: char) -> bool {
    letter.is_ascii_hexdigit() || letter == ':' || letter == '['
}

/// The values of a text that a host could have: none of them is a host's, and [`Literals::fold`]
/// leaves the text as it is.
pub fn own_values(text: &str) -> impl Iterator<Item = &str> {
    let words = words_at(text).map(|(_, word)| word).filter(|word| may_be_address(word));
    words.flat_map(|word| {
        let parts = word.split(['-', ',']).filter(move |part| part.len() < word.len());
        std::iter::once(word).chain(parts).flat_map(|part| {
            let address = part.rsplit_once(':').map(|(address, _)| bare(address));
            std::iter::once(part).chain(address)
        })
    })
}

/// An address of IPv6 in front of a port has brackets.
fn bare(address: &str) -> &str {
    address.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(address)
}

fn words_at(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(' ').map(move |word| {
        let start = at;
        at += word.len() + 1;
        (start, word)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host() -> Literals {
        let mut literals = Literals::default();
        literals.add("192.168.10.100", "$NODE_IP");
        literals.add("172.20.0.0/24", "$POD_CIDR");
        literals.add("172.20.0.35/32", "$ROUTER_IP");
        literals.add("fd00::1", "$NODE_IP6");
        literals
    }

    #[test]
    fn values_of_the_host_become_names() {
        for (text, folded) in [
            ("-s 172.20.0.0/24 -o eth0 -j X", "-s $POD_CIDR -o eth0 -j X"),
            (
                "-d 192.168.10.100 -j SNAT --to-source 172.20.0.35",
                "-d $NODE_IP -j SNAT --to-source $ROUTER_IP",
            ),
            (
                "-j DNAT --to-destination 192.168.10.100:6443",
                "-j DNAT --to-destination $NODE_IP:6443",
            ),
            ("-j DNAT --to-destination [fd00::1]:6443", "-j DNAT --to-destination $NODE_IP6:6443"),
            ("--src-range 192.168.10.100-192.168.10.110", "--src-range $NODE_IP-192.168.10.110"),
        ] {
            assert_eq!(host().fold(text), folded);
        }
    }

    #[test]
    fn values_of_others_stay() {
        for text in ["-s 172.20.1.0/24", "-s 172.20.0.0/16", "-d 192.168.10.10", "-j ACCEPT", ""] {
            assert!(matches!(host().fold(text), Cow::Borrowed(_)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn without_values_nothing_changes(text in "[-a-z0-9 .:/,]{0,60}") {
            prop_assert_eq!(Literals::default().fold(&text).into_owned(), text);
        }

        /// What is folded has one of the values that could be a host's.
        #[test]
        fn own_values_are_all_that_is_folded(
            text in "((172\\.20\\.0\\.0/24|192\\.168\\.10\\.100|fd00::1|\\[fd00::1\\]|1.2.3.4|[a-z:.-]{0,3})(:80|-|,|-9.9.9.9| )?){0,6}"
        ) {
            let host = host();
            let is_there = own_values(&text).any(|value| host.values().any(|own| own == value));
            if matches!(host.fold(&text), Cow::Owned(_)) {
                prop_assert!(is_there, "{text}");
            }
        }

        #[test]
        fn words_stay_words(text in "([-a-z]{0,4}|192\\.168\\.10\\.100|172\\.20\\.0\\.0/24)( ([-a-z]{0,4}|192\\.168\\.10\\.100(:80)?)){0,8}") {
            prop_assert_eq!(host().fold(&text).split(' ').count(), text.split(' ').count());
        }
    }
}
