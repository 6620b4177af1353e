//! From the words of one route to a [`Route`], whichever form they came in.
//!
//! Apart so that JSON and text share one reading of every word. It must not know where a word
//! begins or ends.
//!
//! A word that decides where packets go and cannot be read costs the whole route: a route with a
//! wrong destination is worse than a missing one that is reported. Any other is left out.

use std::num::NonZeroU32;

use crate::{
    AddressFamily, Prefix,
    iproute2::{
        DeviceName, Leg, Protocol, Route, RouteExtra, RouteFlags, RouteType, RouterPreference,
        Scope, TableId,
    },
    prefix::parse_address,
};

/// A route while its words arrive, in any order.
pub(super) struct RouteBuilder {
    route: Route,
    dst: Destination,
    /// The first word that decides and could not be read.
    fatal: Option<String>,
    /// Other words that could not be read.
    pub(super) complaints: Vec<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Destination {
    Missing,
    /// `default`: the family is only known when the route is complete.
    Default,
    Known,
}

impl RouteBuilder {
    pub(super) fn new() -> Self {
        Self {
            route: Route::to(Prefix::DEFAULT_V4),
            dst: Destination::Missing,
            fatal: None,
            complaints: Vec::new(),
        }
    }

    #[cold]
    fn fail(&mut self, name: &str, word: &str) {
        self.fatal.get_or_insert_with(|| format!("{name} `{word}` cannot be read"));
    }

    #[cold]
    fn complain(&mut self, name: &str, word: &str) {
        self.complaints.push(format!("{name} `{word}` cannot be read"));
    }

    fn extra(&mut self) -> &mut RouteExtra {
        self.route.extra_mut()
    }

    /// Only the first counts: the parameters of `encap ip` have a `dst` too, printed behind it.
    #[inline]
    pub(super) fn dst(&mut self, word: &str) {
        if self.dst != Destination::Missing {
            return;
        }
        self.dst = Destination::Known;
        match Prefix::parse(word) {
            Some(prefix) => self.route.dst = prefix,
            None if matches!(word, "default" | "any" | "all") => self.dst = Destination::Default,
            None => self.fail("dst", word),
        }
    }

    #[inline]
    pub(super) fn route_type(&mut self, word: &str) {
        match RouteType::parse(word) {
            Some(route_type) => self.route.route_type = route_type,
            None => self.fail("type", word),
        }
    }

    #[inline]
    pub(super) fn gateway(&mut self, word: &str) {
        match parse_address(word.as_bytes()) {
            Some(gateway) => self.route.gateway = Some(gateway),
            None => self.fail("gateway", word),
        }
    }

    #[inline]
    pub(super) fn device(&mut self, word: &str) {
        match DeviceName::new(word) {
            Some(device) => self.route.device = Some(device),
            None => self.fail("dev", word),
        }
    }

    #[inline]
    pub(super) fn table(&mut self, word: &str) {
        self.route.table = TableId::parse(word);
        if self.route.table.is_named() && !word.starts_with(|first: char| first.is_ascii_digit()) {
            self.extra().table_name = Some(word.into());
        }
    }

    #[inline]
    pub(super) fn protocol(&mut self, word: &str) {
        self.route.protocol = Protocol::parse(word);
        if self.route.protocol == Protocol::NAMED {
            self.extra().protocol_name = Some(word.into());
        }
    }

    #[inline]
    pub(super) fn scope(&mut self, word: &str) {
        match Scope::parse(word) {
            Some(scope) => self.route.scope = scope,
            None => self.complain("scope", word),
        }
    }

    #[inline]
    pub(super) fn prefsrc(&mut self, word: &str) {
        match parse_address(word.as_bytes()) {
            Some(prefsrc) => self.route.prefsrc = Some(prefsrc),
            None => self.complain("src", word),
        }
    }

    #[inline]
    pub(super) fn metric(&mut self, word: &str) {
        match word.parse() {
            Ok(metric) => self.route.metric = metric,
            Err(_) => self.fail("metric", word),
        }
    }

    #[inline]
    pub(super) fn mtu(&mut self, word: &str) {
        match word.parse() {
            Ok(mtu) => self.route.mtu = NonZeroU32::new(mtu),
            Err(_) => self.complain("mtu", word),
        }
    }

    /// Flags that are not known say nothing about the way, so they are passed over.
    #[inline]
    pub(super) fn flag(&mut self, word: &str) -> bool {
        let flag = RouteFlags::parse(word);
        self.route.flags = self.route.flags.with(flag.unwrap_or_default());
        flag.is_some()
    }

    #[inline]
    pub(super) fn pref(&mut self, word: &str) {
        match RouterPreference::parse(word) {
            Some(pref) => self.route.pref = Some(pref),
            None => self.complain("pref", word),
        }
    }

    pub(super) fn from(&mut self, word: &str) {
        match Prefix::parse(word) {
            Some(from) => self.extra().from = (!from.is_default()).then_some(from),
            None if matches!(word, "default" | "all") => {}
            None => self.fail("from", word),
        }
    }

    pub(super) fn nhid(&mut self, word: &str) {
        match word.parse() {
            Ok(nhid) => self.extra().nhid = Some(nhid),
            Err(_) => self.complain("nhid", word),
        }
    }

    /// `tos` behind `encap` is the tunnel's, not the route's.
    pub(super) fn tos(&mut self, word: &str) {
        if self.route.extra.as_deref().is_none_or(|extra| extra.encap.is_none()) {
            self.extra().tos = Some(word.into());
        }
    }

    pub(super) fn encap(&mut self, words: &str) {
        self.extra().encap = Some(words.into());
    }

    pub(super) fn realm(&mut self, words: &str) {
        self.extra().realm = Some(words.into());
    }

    pub(super) fn expires(&mut self, word: &str) {
        match word.trim_end_matches("sec").parse() {
            Ok(expires) => self.extra().expires = Some(expires),
            Err(_) => self.complain("expires", word),
        }
    }

    /// Keeps a metric other than the MTU, as text.
    pub(super) fn other_metric(&mut self, words: &str) {
        let metrics = &mut self.extra().metrics;
        *metrics = Some(match metrics.take() {
            Some(before) => format!("{before} {words}").into(),
            None => words.into(),
        });
    }

    /// Starts one more leg of an ECMP route; the words that follow are its own.
    pub(super) fn start_leg(&mut self) {
        let leg = Leg { gateway: None, device: None, weight: 1, flags: RouteFlags::NONE };
        self.extra().legs.push(leg);
    }

    fn leg(&mut self) -> Option<&mut Leg> {
        self.route.extra.as_deref_mut().and_then(|extra| extra.legs.last_mut())
    }

    pub(super) fn leg_gateway(&mut self, word: &str) {
        match (parse_address(word.as_bytes()), self.leg()) {
            (Some(gateway), Some(leg)) => leg.gateway = Some(gateway),
            _ => self.fail("gateway", word),
        }
    }

    pub(super) fn leg_device(&mut self, word: &str) {
        match (DeviceName::new(word), self.leg()) {
            (Some(device), Some(leg)) => leg.device = Some(device),
            _ => self.fail("dev", word),
        }
    }

    pub(super) fn leg_weight(&mut self, word: &str) {
        match (word.parse(), self.leg()) {
            (Ok(weight), Some(leg)) => leg.weight = weight,
            _ => self.complain("weight", word),
        }
    }

    pub(super) fn leg_flag(&mut self, word: &str) {
        if let (Some(flag), Some(leg)) = (RouteFlags::parse(word), self.leg()) {
            leg.flags = leg.flags.with(flag);
        }
    }

    /// The family of `default`. The kernel gives every IPv6 route a router preference and no
    /// IPv4 one, so only output of kernels before 4.1 leaves it to the addresses; a gateway that
    /// is printed with its family (`via inet6`, RFC 5549) is that of an IPv4 route.
    fn family(&self, via: bool) -> AddressFamily {
        let from = self.route.extra.as_deref().and_then(|extra| extra.from);
        let gateways = self.route.legs().filter_map(|leg| leg.gateway);
        let mut addresses =
            gateways.chain(self.route.prefsrc).chain(from.map(|from| from.address()));
        if self.route.pref.is_some() || (!via && addresses.any(|address| address.is_ipv6())) {
            AddressFamily::V6
        } else {
            AddressFamily::V4
        }
    }

    /// The route, or why there is none. `via` is whether a gateway was printed with its family.
    #[inline]
    pub(super) fn finish(mut self, via: bool) -> (Result<Route, String>, Vec<String>) {
        if self.dst == Destination::Default {
            let family = self.family(via);
            self.route.dst = Prefix::default_of(family);
        }
        let route = match (self.fatal, self.dst) {
            (Some(fatal), _) => Err(fatal),
            (None, Destination::Missing) => Err("the route has no dst".to_owned()),
            (None, _) => Ok(self.route),
        };
        (route, self.complaints)
    }
}
