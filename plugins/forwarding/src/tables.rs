//! The few questions the checks put to one host's tables.
//!
//! All about `main`, where Cilium and people put their routes; a lookup with rules is the
//! walk's.

use std::net::IpAddr;

use lab_model::Prefix;
use lab_model::fib::{Fib, Query};
use lab_model::iproute2::{DeviceName, Protocol, Route, RouteType, TableId, local_routes};

use crate::model::HostInput;

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

/// The IPv4 table `local` of a host whose output leaves it out: the addresses of its devices, or,
/// where these are not known, those that its own networks name and by which others know it.
pub fn local_of(host: &HostInput, routes: &[Route]) -> Vec<Route> {
    if let Ok(own) = &host.addresses {
        return local_routes(own.iter().map(|own| (own.device, own.ip, own.network)));
    }
    // The kernel's route to a network on a device names the host's address there.
    let mut own: Vec<(DeviceName, IpAddr, Prefix)> = routes
        .iter()
        .filter(|route| route.protocol == Protocol::KERNEL && route.gateway.is_none())
        .filter_map(|route| Some((route.device?, route.prefsrc?, route.dst)))
        .filter(|(_, ip, network)| network.contains(*ip))
        .collect();
    let on_link = |ip: &IpAddr| {
        let holds = |route: &&Route| route.gateway.is_none() && route.dst.contains(*ip);
        routes.iter().filter(holds).max_by_key(|route| route.dst.len())?.device
    };
    for ip in &host.known {
        if own.iter().all(|(_, known, _)| known != ip)
            && let Some(device) = on_link(ip).or_else(|| DeviceName::new("lo"))
        {
            own.push((device, *ip, Prefix::host(*ip)));
        }
    }
    local_routes(own)
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
    use crate::model::{Address, Agent};

    fn host(addresses: Result<Vec<Address>, String>, known: &[&str]) -> HostInput {
        let unknown = || "not asked".to_owned();
        HostInput {
            name: "router".to_owned(),
            is_node: false,
            known: known.iter().map(|ip| ip.parse().unwrap()).collect(),
            fib: Err(unknown()),
            addresses,
            links: Err(unknown()),
            neighbors: Err(unknown()),
            forward_drops: None,
            in_force: None,
            agent: Agent::NotAsked,
        }
    }

    fn local(host: &HostInput, text: &str) -> Vec<String> {
        let found = local_of(host, &parse_routes_text(text).0);
        let local = found.iter().filter(|route| route.route_type == RouteType::Local);
        local.map(|route| format!("{} {}", route.dst.address(), route.device.unwrap())).collect()
    }

    const PASTED: &str = "default via 10.0.2.2 dev eth0 proto dhcp src 10.0.2.15 metric 100\n\
        10.0.2.0/24 dev eth0 proto kernel scope link src 10.0.2.15 metric 100\n\
        192.168.10.0/24 dev eth1 proto kernel scope link src 192.168.10.200\n\
        192.168.20.0/24 dev eth2 scope link\n";

    #[test]
    fn addresses_of_devices_are_all_there_are() {
        let own = Address {
            device: DeviceName::new("eth9").unwrap(),
            ip: "10.9.9.9".parse().unwrap(),
            network: "10.9.9.0/24".parse().unwrap(),
            is_global: true,
        };
        assert_eq!(local(&host(Ok(vec![own]), &["192.168.20.200"]), PASTED), ["10.9.9.9 eth9"]);
    }

    #[test]
    fn without_them_networks_and_the_hosts_list_name_some() {
        let unknown = || Err("not in this capture".to_owned());
        assert_eq!(
            local(&host(unknown(), &["192.168.10.200", "192.168.20.200", "203.0.113.1"]), PASTED),
            ["10.0.2.15 eth0", "192.168.10.200 eth1", "192.168.20.200 eth2", "203.0.113.1 lo"]
        );
        assert_eq!(local(&host(unknown(), &[]), ""), Vec::<String>::new());
    }
}
