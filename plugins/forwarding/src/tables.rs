//! The few questions the checks put to one host's tables.
//!
//! All about `main`, where Cilium and people put their routes; a lookup with rules is the
//! walk's.

use std::net::IpAddr;
use std::rc::Rc;

use lab_model::Prefix;
use lab_model::fib::{Fib, Query};
use lab_model::iproute2::{DeviceName, Protocol, Route, RouteType, TableId};

use crate::model::Address;

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

/// Addresses of a host that nobody asked for them: those that its own networks name, and those by
/// which others know it. There may be more.
pub fn addresses_of(known: &[IpAddr], routes: &[Rc<Route>]) -> Vec<Address> {
    let routes = routes.iter().map(|route| &**route);
    let on_link = |route: &&Route| route.gateway.is_none() && !route.dst.is_default();
    let address = |ip, route: &Route| {
        let device = route.device?;
        Some(Address { device, ip, network: route.dst, is_global: true })
    };
    // The kernel's route to a network on a device names the host's address there.
    let mut own: Vec<Address> = routes
        .clone()
        .filter(|route| route.protocol == Protocol::KERNEL)
        .filter(on_link)
        .filter_map(|route| address(route.prefsrc?, route))
        .filter(|own| own.network.contains(own.ip))
        .collect();
    for ip in known {
        let holds = routes.clone().filter(on_link).filter(|route| route.dst.contains(*ip));
        let network = holds.max_by_key(|route| route.dst.len());
        if own.iter().all(|own| own.ip != *ip) {
            own.extend(network.and_then(|route| address(*ip, route)));
        }
    }
    own
}

/// Made by an administrator or a routing daemon, not by the kernel or by Cilium. Protocol
/// `boot` is what `ip route add` leaves when nothing is said.
pub fn is_by_hand(route: &Route) -> bool {
    !matches!(route.protocol, Protocol::KERNEL | Protocol::RA | Protocol::DHCP)
}

#[cfg(test)]
mod tests {
    use lab_model::iproute2::parse_routes_text;

    use super::*;

    const PASTED: &str = "default via 10.0.2.2 dev eth0 proto dhcp src 10.0.2.15 metric 100\n\
        10.0.2.0/24 dev eth0 proto kernel scope link src 10.0.2.15 metric 100\n\
        192.168.10.0/24 dev eth1 proto kernel scope link src 192.168.10.200\n\
        192.168.20.0/24 dev eth2 scope link\n";

    fn addresses(known: &[&str], text: &str) -> Vec<String> {
        let known: Vec<IpAddr> = known.iter().map(|ip| ip.parse().unwrap()).collect();
        let own = addresses_of(
            &known,
            &parse_routes_text(text).0.into_iter().map(Rc::new).collect::<Vec<_>>(),
        );
        own.iter().map(|own| format!("{} {} {}", own.ip, own.device, own.network)).collect()
    }

    #[test]
    fn networks_and_the_list_of_hosts_name_addresses() {
        assert_eq!(
            addresses(&["192.168.10.200", "192.168.20.200", "203.0.113.1"], PASTED),
            [
                "10.0.2.15 eth0 10.0.2.0/24",
                "192.168.10.200 eth1 192.168.10.0/24",
                "192.168.20.200 eth2 192.168.20.0/24"
            ]
        );
        assert_eq!(addresses(&["192.168.10.200"], ""), Vec::<String>::new());
    }

    #[test]
    fn a_route_by_hand_names_no_address() {
        let by_hand = "10.9.0.0/24 dev eth1 proto static scope link src 10.9.0.7\n\
            10.8.0.0/24 dev eth1 proto kernel scope link src 10.7.0.7\n";
        assert_eq!(addresses(&[], by_hand), Vec::<String>::new());
    }
}
