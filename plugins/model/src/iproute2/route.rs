//! One route of one table, and how iproute2 writes it.
//!
//! Apart from its parsers because everything else only reads it. It must not know how a lookup
//! chooses among routes.

use std::{fmt, net::IpAddr, num::NonZeroU32};

use crate::{
    AddressFamily, Prefix,
    iproute2::{DeviceName, Protocol, RouteFlags, RouteType, RouterPreference, Scope, TableId},
};

/// One route of one routing table; 96 bytes, because a cluster has a million of them.
///
/// - Units: `metric` as the kernel counts, lower wins, 0 when none is printed; `mtu` in bytes,
///   `None` when the device decides.
/// - Source: `ip -j route show table all`, iproute2 6.1; `rtnetlink(7)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Destination; `default` is the prefix of length 0.
    pub dst: Prefix,
    /// What it does with a packet.
    pub route_type: RouteType,
    /// Next hop of the only leg; of the other family under RFC 5549. `None` when the destination
    /// is on the link, or when there are several legs.
    pub gateway: Option<IpAddr>,
    /// Device of the only leg.
    pub device: Option<DeviceName>,
    /// The table it is in.
    pub table: TableId,
    /// Who installed it; `boot` when nothing is printed.
    pub protocol: Protocol,
    /// How far away the destination is; `global` when nothing is printed.
    pub scope: Scope,
    /// Source address for packets that have none yet (`src`).
    pub prefsrc: Option<IpAddr>,
    /// Priority within one prefix, lower wins.
    pub metric: u32,
    /// Path MTU in bytes.
    pub mtu: Option<NonZeroU32>,
    /// State of the only leg, and of the route.
    pub flags: RouteFlags,
    /// Router preference, of IPv6 only.
    pub pref: Option<RouterPreference>,
    /// What few routes have.
    pub extra: Option<Box<RouteExtra>>,
}

/// What few routes have, kept out of [`Route`] so that it stays small.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RouteExtra {
    /// Legs of a route with several (ECMP); empty when [`Route`] has the only one.
    pub legs: Vec<Leg>,
    /// Number of the nexthop object it uses (`ip nexthop`).
    pub nhid: Option<u32>,
    /// Type of service it is for; lookups here are for 0 and pass such a route over.
    pub tos: Option<Box<str>>,
    /// Source prefix of a source-specific route, of IPv6 only (`from`).
    pub from: Option<Prefix>,
    /// Kind of a lightweight tunnel (`encap`), without its parameters.
    pub encap: Option<Box<str>>,
    /// The protocol's name where it is not a known one.
    pub protocol_name: Option<Box<str>>,
    /// The table's name where it is not a known one.
    pub table_name: Option<Box<str>>,
    /// Realm or realms, as printed.
    pub realm: Option<Box<str>>,
    /// Seconds until it goes away by itself.
    pub expires: Option<u32>,
    /// Metrics other than the MTU as text, such as `advmss 1300`.
    pub metrics: Option<Box<str>>,
}

/// One way out of a route: gateway, device, or both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leg {
    /// The gateway, `None` when the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The device.
    pub device: Option<DeviceName>,
    /// Share of the flows among the legs; 1 for the only one.
    pub weight: u32,
    /// State of the leg.
    pub flags: RouteFlags,
}

/// Where a packet goes next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NextHop {
    /// To a gateway, through the device if one is known.
    Gateway(IpAddr, Option<DeviceName>),
    /// To the destination itself, on the device's link.
    Device(DeviceName),
    /// Nowhere: the route drops the packet.
    Discard(RouteType),
}

impl Route {
    /// A unicast route in `main` without any way out, to be filled in.
    pub fn to(dst: Prefix) -> Self {
        Self {
            dst,
            route_type: RouteType::Unicast,
            gateway: None,
            device: None,
            table: TableId::MAIN,
            protocol: Protocol::BOOT,
            scope: Scope::GLOBAL,
            prefsrc: None,
            metric: 0,
            mtu: None,
            flags: RouteFlags::NONE,
            pref: None,
            extra: None,
        }
    }

    /// IPv4 or IPv6.
    #[inline]
    pub const fn family(&self) -> AddressFamily {
        self.dst.family()
    }

    /// Path MTU in bytes, `None` when the device decides.
    pub fn mtu_bytes(&self) -> Option<u32> {
        self.mtu.map(NonZeroU32::get)
    }

    /// The legs of an ECMP route; empty when the route has one leg only.
    #[inline]
    pub fn ecmp_legs(&self) -> &[Leg] {
        self.extra.as_deref().map_or(&[], |extra| &extra.legs)
    }

    /// Every way out: the one of the route itself, or all of an ECMP route.
    #[inline]
    pub fn legs(&self) -> impl Iterator<Item = Leg> + '_ {
        let several = self.ecmp_legs();
        let only = several.is_empty().then_some(Leg {
            gateway: self.gateway,
            device: self.device,
            weight: 1,
            flags: self.flags,
        });
        only.into_iter().chain(several.iter().copied())
    }

    /// Where a packet goes next: one for each leg; empty when the route names neither a gateway
    /// nor a device.
    pub fn next_hops(&self) -> impl Iterator<Item = NextHop> + '_ {
        let discard = self.route_type.discards().then_some(NextHop::Discard(self.route_type));
        let legs = self.legs().filter(move |_| discard.is_none());
        discard.into_iter().chain(legs.filter_map(|leg| match (leg.gateway, leg.device) {
            (Some(gateway), device) => Some(NextHop::Gateway(gateway, device)),
            (None, Some(device)) => Some(NextHop::Device(device)),
            (None, None) => None,
        }))
    }

    /// What few routes have, made when it is not there yet.
    pub fn extra_mut(&mut self) -> &mut RouteExtra {
        self.extra.get_or_insert_default()
    }
}

/// Writes the way out the way iproute2 does: ` via 192.168.10.101 dev eth1`.
fn write_leg(
    f: &mut fmt::Formatter<'_>,
    family: AddressFamily,
    gateway: Option<IpAddr>,
    device: Option<DeviceName>,
) -> fmt::Result {
    match gateway {
        Some(gateway) if AddressFamily::of(gateway) == family => write!(f, " via {gateway}")?,
        Some(gateway) if gateway.is_ipv6() => write!(f, " via inet6 {gateway}")?,
        Some(gateway) => write!(f, " via inet {gateway}")?,
        None => {}
    }
    match device {
        Some(device) => write!(f, " dev {device}"),
        None => Ok(()),
    }
}

/// The line `ip route show table all` prints, without its trailing space.
///
/// An ECMP route takes one more line for each leg, indented by a tab, as in `ip`'s output.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.family();
        let none = RouteExtra::default();
        let extra = self.extra.as_deref().unwrap_or(&none);
        if self.route_type != RouteType::Unicast {
            write!(f, "{} ", self.route_type)?;
        }
        if self.dst.is_default() {
            f.write_str("default")?;
        } else if self.dst.is_host() {
            write!(f, "{}", self.dst.address())?;
        } else {
            write!(f, "{}", self.dst)?;
        }
        match extra.from {
            Some(from) if from.is_host() => write!(f, " from {}", from.address())?,
            Some(from) => write!(f, " from {from}")?,
            None => {}
        }
        if let Some(tos) = &extra.tos {
            write!(f, " tos {tos}")?;
        }
        if let Some(nhid) = extra.nhid {
            write!(f, " nhid {nhid}")?;
        }
        if let Some(encap) = &extra.encap {
            // Two spaces: iproute2 starts this one with a space of its own.
            write!(f, "  encap {encap}")?;
        }
        write_leg(f, family, self.gateway, self.device)?;
        match &extra.table_name {
            Some(name) => write!(f, " table {name}")?,
            None if self.table != TableId::MAIN => write!(f, " table {}", self.table)?,
            None => {}
        }
        match &extra.protocol_name {
            Some(name) => write!(f, " proto {name}")?,
            None if self.protocol != Protocol::BOOT => write!(f, " proto {}", self.protocol)?,
            None => {}
        }
        if self.scope != Scope::GLOBAL {
            write!(f, " scope {}", self.scope)?;
        }
        if let Some(prefsrc) = self.prefsrc {
            write!(f, " src {prefsrc}")?;
        }
        // The kernel reports the metric of every IPv6 route, and of IPv4 only when it is not 0.
        if self.metric != 0 || family == AddressFamily::V6 {
            write!(f, " metric {}", self.metric)?;
        }
        if self.flags != RouteFlags::NONE {
            write!(f, " {}", self.flags)?;
        }
        if let Some(realm) = &extra.realm {
            write!(f, " {realm}")?;
        }
        if let Some(expires) = extra.expires {
            write!(f, " expires {expires}sec")?;
        }
        if let Some(mtu) = self.mtu {
            write!(f, " mtu {mtu}")?;
        }
        if let Some(metrics) = &extra.metrics {
            write!(f, " {metrics}")?;
        }
        if let Some(pref) = self.pref {
            write!(f, " pref {}", pref.as_str())?;
        }
        for leg in &extra.legs {
            f.write_str("\n\tnexthop")?;
            write_leg(f, family, leg.gateway, leg.device)?;
            write!(f, " weight {}", leg.weight)?;
            if leg.flags != RouteFlags::NONE {
                write!(f, " {}", leg.flags)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_stays_small() {
        assert_eq!(size_of::<Route>(), 96);
    }

    #[test]
    fn a_discarding_route_has_no_way_out() {
        let mut route = Route::to("10.0.0.0/8".parse().unwrap());
        assert_eq!(route.next_hops().count(), 0);
        route.route_type = RouteType::Blackhole;
        route.device = DeviceName::new("lo");
        let next_hops: Vec<NextHop> = route.next_hops().collect();
        assert_eq!(next_hops, [NextHop::Discard(RouteType::Blackhole)]);
    }
}
