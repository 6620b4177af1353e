//! Which events are wanted.
//!
//! Apart because every command has the same filters. It must not know rows: a filter looks at
//! the event and at the names of its two sides.

use lab_model::monitor::{Event, Kind, Party};
use regex::bytes::{Regex, RegexBuilder};

use crate::names::Names;

/// What the user asked for; empty lists want everything.
#[derive(Debug, Default)]
pub struct Filter {
    /// Kinds.
    pub kinds: Vec<Kind>,
    /// One side is one of these.
    pub related: Vec<Wanted>,
    /// The source is one of these.
    pub sources: Vec<Wanted>,
    /// The destination is one of these.
    pub destinations: Vec<Wanted>,
    /// One side is in one of these namespaces.
    pub namespaces: Vec<String>,
    /// Protocols, lower case.
    pub protocols: Vec<String>,
    /// One side has one of these ports.
    pub ports: Vec<u16>,
    /// The reason, or whatever stands in its place, fits.
    pub reason: Option<Regex>,
    /// Shows what does not fit instead.
    pub is_reversed: bool,
}

/// Somebody: a name, an address, or the number of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `namespace/pod`, a pod's bare name, a service, node or host, or an address.
    Name(String),
    /// The number of an endpoint, on whichever node.
    Endpoint(u32),
}

impl Wanted {
    /// What was typed: digits are an endpoint's number.
    pub fn parse(word: &str) -> Self {
        match word.parse() {
            Ok(id) => Self::Endpoint(id),
            Err(_) => Self::Name(word.strip_prefix("pod/").unwrap_or(word).to_owned()),
        }
    }

    fn is(&self, party: &Party<'_>, reporter: Option<u32>, name: Option<&str>) -> bool {
        match self {
            Self::Endpoint(id) => party.endpoint == Some(*id) || reporter == Some(*id),
            Self::Name(wanted) => {
                let bare =
                    |name: &str| name.rsplit_once('/').is_some_and(|(_, bare)| bare == wanted);
                name.is_some_and(|name| {
                    name == wanted
                        || bare(name)
                        || name.strip_prefix("service ").is_some_and(|name| name == wanted)
                }) || party.address.is_some_and(|address| address.to_string() == *wanted)
            }
        }
    }
}

/// A pattern for reasons: upper and lower case are the same.
///
/// # Errors
/// What is wrong with it.
pub fn pattern(text: &str) -> Result<Regex, String> {
    // Over bytes, without Unicode's tables: a component of this size can do without.
    let built = RegexBuilder::new(text).unicode(false).case_insensitive(true).build();
    built.map_err(|error| error.to_string().lines().last().unwrap_or_default().trim().to_owned())
}

impl Filter {
    /// Whether nothing but kinds is asked for.
    pub fn is_open(&self) -> bool {
        self.related.is_empty()
            && self.sources.is_empty()
            && self.destinations.is_empty()
            && self.namespaces.is_empty()
            && self.protocols.is_empty()
            && self.ports.is_empty()
            && self.reason.is_none()
            && !self.is_reversed
    }

    /// Whether an event is wanted. What the monitor says of itself is shown only when asked for.
    pub fn takes(&self, event: &Event<'_>, node: &str, names: &Names) -> bool {
        let kind = match self.kinds.as_slice() {
            [] => event.kind != Kind::Log,
            kinds => kinds.contains(&event.kind),
        };
        if self.is_reversed {
            // `--type` says of what; the others say which of them.
            let rest = self.related.len()
                + self.sources.len()
                + self.destinations.len()
                + self.namespaces.len()
                + self.protocols.len()
                + self.ports.len()
                + usize::from(self.reason.is_some());
            return match rest {
                0 => !kind && event.kind != Kind::Log,
                _ => kind && !self.fits(event, node, names),
            };
        }
        kind && (self.is_open() || self.fits(event, node, names))
    }

    fn fits(&self, event: &Event<'_>, node: &str, names: &Names) -> bool {
        let source = names.of_party(&event.source, node);
        let destination = names.of_party(&event.destination, node);
        // The reporter is one of the two, and the event does not always say which.
        let reporter = event.reporter;
        let any = |wanted: &[Wanted], party: &Party<'_>, reporter, name| {
            wanted.iter().any(|one| one.is(party, reporter, name))
        };
        let in_namespace = |name: Option<&str>| {
            let namespace = name.and_then(|name| name.rsplit_once('/')).map(|(head, _)| head);
            let namespace = namespace.map(|head| head.strip_prefix("service ").unwrap_or(head));
            namespace.is_some_and(|found| self.namespaces.iter().any(|wanted| wanted == found))
        };
        let port = |party: &Party<'_>| party.port.is_some_and(|port| self.ports.contains(&port));
        (self.related.is_empty()
            || any(&self.related, &event.source, reporter, source)
            || any(&self.related, &event.destination, reporter, destination))
            && (self.sources.is_empty() || any(&self.sources, &event.source, None, source))
            && (self.destinations.is_empty()
                || any(&self.destinations, &event.destination, None, destination))
            && (self.namespaces.is_empty() || in_namespace(source) || in_namespace(destination))
            && (self.protocols.is_empty()
                || self.protocols.iter().any(|wanted| {
                    *wanted == *event.protocol.as_str() || *wanted == *event.l7_protocol
                }))
            && (self.ports.is_empty() || port(&event.source) || port(&event.destination))
            && self.reason.as_ref().is_none_or(|pattern| {
                pattern.is_match(event.text.as_bytes())
                    || event
                        .drop
                        .as_ref()
                        .is_some_and(|drop| pattern.is_match(drop.reason.as_bytes()))
                    || event
                        .verdict
                        .as_ref()
                        .is_some_and(|verdict| pattern.is_match(verdict.matched.as_bytes()))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{Fact, Origin};
    use lab_model::monitor::parse_text_line;

    const DROP: &str = "xx drop (Policy denied) flow 0x0 to endpoint 775, ifindex 3, file bpf_lxc.c:2127, , identity 46329->8534: 172.20.0.148:40860 -> 172.20.2.98:8080 tcp SYN";

    fn check(filter: &Filter, expected: bool) {
        let mut names = Names::default();
        for (pod, address) in
            [("default/curl-pod", "172.20.0.148"), ("shop/webpod-x", "172.20.2.98")]
        {
            let facts = vec![Fact::Address(address.parse().unwrap())];
            names.upsert(Origin::Pod, pod, pod, facts);
        }
        let event = parse_text_line(DROP).unwrap();
        assert_eq!(filter.takes(&event, "k8s-w1", &names), expected, "{filter:?}");
        if !filter.is_open() {
            let reversed = Filter {
                kinds: filter.kinds.clone(),
                related: filter.related.clone(),
                sources: filter.sources.clone(),
                destinations: filter.destinations.clone(),
                namespaces: filter.namespaces.clone(),
                protocols: filter.protocols.clone(),
                ports: filter.ports.clone(),
                reason: filter.reason.clone(),
                is_reversed: true,
            };
            assert_eq!(reversed.takes(&event, "k8s-w1", &names), !expected, "{reversed:?}");
        }
    }

    fn related(word: &str) -> Filter {
        Filter { related: vec![Wanted::parse(word)], ..Filter::default() }
    }

    #[test]
    fn events_are_found_by_either_side() {
        for word in ["curl-pod", "default/curl-pod", "pod/webpod-x", "172.20.2.98", "775"] {
            check(&related(word), true);
        }
        for word in ["curl", "shop/curl-pod", "172.20.2.9", "77"] {
            check(&related(word), false);
        }
        let source = |word| Filter { sources: vec![Wanted::parse(word)], ..Filter::default() };
        check(&source("curl-pod"), true);
        check(&source("webpod-x"), false);
        let to = |word| Filter { destinations: vec![Wanted::parse(word)], ..Filter::default() };
        check(&to("webpod-x"), true);
        check(&to("775"), true);
        check(&to("curl-pod"), false);
    }

    #[test]
    fn events_are_found_by_what_they_carry() {
        check(&Filter::default(), true);
        check(&Filter { kinds: vec![Kind::Drop], ..Filter::default() }, true);
        check(&Filter { kinds: vec![Kind::Trace], ..Filter::default() }, false);
        check(&Filter { ports: vec![8080], ..Filter::default() }, true);
        check(&Filter { ports: vec![80], ..Filter::default() }, false);
        check(&Filter { protocols: vec!["tcp".into()], ..Filter::default() }, true);
        check(&Filter { protocols: vec!["udp".into()], ..Filter::default() }, false);
        check(&Filter { namespaces: vec!["shop".into()], ..Filter::default() }, true);
        check(&Filter { namespaces: vec!["sho".into()], ..Filter::default() }, false);
        check(&Filter { reason: Some(pattern("policy").unwrap()), ..Filter::default() }, true);
        check(&Filter { reason: Some(pattern("^denied").unwrap()), ..Filter::default() }, false);
    }

    #[test]
    fn several_filters_all_have_to_fit() {
        let both = Filter { ports: vec![8080], ..related("curl-pod") };
        check(&both, true);
        check(&Filter { ports: vec![81], ..related("curl-pod") }, false);
    }

    #[test]
    fn a_broken_pattern_says_why() {
        assert!(pattern("(").unwrap_err().contains("unclosed"));
    }
}
