//! The few questions the checks put to one host's tables.
//!
//! All about `main`, where Cilium and people put their routes; a lookup with rules is the
//! walk's.

use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::fib::{Fib, Query};
use lab_model::iproute2::{DeviceName, Protocol, Route, RouteType, TableId};

/// The route to exactly this range; of several the one with the lowest metric.
pub fn exact<'f>(fib: &'f Fib, range: &Prefix) -> Option<&'f Route> {
    fib.exact(TableId::MAIN, *range).next()
}

/// The longest route that holds the whole range and more.
pub fn covering<'f>(fib: &'f Fib, range: &Prefix) -> Option<&'f Route> {
    fib.covering(TableId::MAIN, *range).find(|route| route.dst != *range)
}

/// Routes to a part of the range.
pub fn inside<'f>(fib: &'f Fib, range: &Prefix) -> impl Iterator<Item = &'f Route> {
    fib.within(TableId::MAIN, *range)
}

/// Gateway and device of the first leg towards an address, as the kernel would answer for a
/// packet of the host's own.
pub fn towards(fib: &Fib, address: IpAddr) -> Option<(Option<IpAddr>, Option<DeviceName>)> {
    let route = fib.lookup(&Query::to(address)).route()?;
    let leg = route.legs().next()?;
    (route.route_type == RouteType::Unicast).then_some((leg.gateway, leg.device))
}

/// Made by an administrator or a routing daemon, not by the kernel or by Cilium. Protocol
/// `boot` is what `ip route add` leaves when nothing is said.
pub fn is_by_hand(route: &Route) -> bool {
    !matches!(route.protocol, Protocol::KERNEL | Protocol::RA | Protocol::DHCP)
}
