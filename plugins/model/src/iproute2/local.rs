//! The table `local`, from the addresses of a host: for outputs that leave it out, as those in a
//! Cilium sysdump and `ip route` do.
//!
//! Apart because everything else here is read and this is concluded. It must not know why it was
//! not read.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    Prefix,
    iproute2::{DeviceName, Protocol, Route, RouteType, Scope, TableId},
};

/// The IPv4 routes that the kernel puts into the table `local` for addresses: each with its
/// device, itself, and its network.
///
/// - Shape: one `local` route for each address, or for its whole network on the loopback device,
///   and one `broadcast` route for each network of more than two addresses.
/// - Source: `fib_add_ifaddr` in `net/ipv4/fib_frontend.c` of Linux; compared with a kernel in
///   `tests/kernel`.
pub fn local_routes(own: impl IntoIterator<Item = (DeviceName, IpAddr, Prefix)>) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for (device, address, network) in own {
        let IpAddr::V4(ip) = address else { continue };
        let route = |dst: Prefix, route_type, scope| Route {
            route_type,
            device: Some(device),
            table: TableId::LOCAL,
            protocol: Protocol::KERNEL,
            scope,
            prefsrc: Some(address),
            ..Route::to(dst)
        };
        let mut add = |route: Route| {
            if !routes.contains(&route) {
                routes.push(route);
            }
        };
        add(route(Prefix::host(address), RouteType::Local, Scope::HOST));
        if ip.is_loopback() && !network.is_host() {
            add(route(network, RouteType::Local, Scope::HOST));
        }
        if network.len() < 31 {
            let bits = u32::MAX.checked_shr(u32::from(network.len())).unwrap_or(0);
            let last = Ipv4Addr::from_bits(ip.to_bits() | bits);
            add(route(Prefix::host(last.into()), RouteType::Broadcast, Scope::LINK));
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(own: &[(&str, &str, &str)]) -> Vec<String> {
        let own = own.iter().map(|(device, address, network)| {
            let device = DeviceName::new(device).unwrap();
            (device, address.parse().unwrap(), network.parse().unwrap())
        });
        local_routes(own).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_address_is_local_and_its_network_has_a_broadcast() {
        assert_eq!(
            lines(&[("eth1", "192.168.10.101", "192.168.10.0/24")]),
            [
                "local 192.168.10.101 dev eth1 table local proto kernel scope host src 192.168.10.101",
                "broadcast 192.168.10.255 dev eth1 table local proto kernel scope link src 192.168.10.101",
            ]
        );
        assert_eq!(
            lines(&[("e", "10.0.0.1", "10.0.0.1/32"), ("e", "fd00::1", "fd00::/64")]).len(),
            1
        );
        assert_eq!(lines(&[("e", "10.0.0.1", "0.0.0.0/0")]).len(), 2);
        assert_eq!(lines(&[]).len(), 0);
    }

    #[test]
    fn the_whole_loopback_network_is_local() {
        let all = lines(&[("lo", "127.0.0.1", "127.0.0.0/8")]);
        let whole = "local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1";
        assert!(all.iter().any(|line| line == whole), "{all:?}");
    }
}
