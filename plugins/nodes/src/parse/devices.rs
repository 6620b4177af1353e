//! `ip -j addr`: devices with their state, addresses and hardware address.
//!
//! The shared parsers read links and addresses each for itself; here they come together again.

use std::collections::BTreeMap;

use lab_model::Problem;
use lab_model::iproute2::{
    DeviceName, Scope, parse_addresses, parse_addresses_text, parse_links, parse_links_text,
};
use serde::Deserialize;

use crate::model::{Device, DeviceAddress};

#[derive(Deserialize)]
struct Hardware {
    #[serde(default)]
    ifname: String,
    address: Option<String>,
}

/// Reads the devices of one host.
///
/// - Shape: JSON, or the text of `ip addr`, which has no hardware addresses here.
/// - Errors: never fails; what cannot be read becomes a [`Problem`] and the rest is kept.
/// - Source: iproute2 6.1.
pub fn parse_devices(text: &str) -> (Vec<Device>, Vec<Problem>) {
    let is_json = text.trim_start().starts_with(['[', '{']) || text.trim().is_empty();
    let (links, mut problems) = if is_json { parse_links(text) } else { parse_links_text(text) };
    let (addresses, more) =
        if is_json { parse_addresses(text) } else { parse_addresses_text(text) };
    // Both readers complain of the same broken entry.
    problems.extend(more.into_iter().filter(|problem| {
        !links.iter().any(|link| link.name == problem.place) || problem.what.contains("prefix")
    }));
    problems.dedup_by(|one, other| one.place == other.place);
    let macs: Vec<Hardware> = serde_json::from_str(text).unwrap_or_default();
    let macs: BTreeMap<String, String> =
        macs.into_iter().filter_map(|it| Some((it.ifname, it.address?))).collect();
    let mut by_device = BTreeMap::<DeviceName, Vec<DeviceAddress>>::new();
    for address in addresses {
        by_device.entry(address.device).or_default().push(DeviceAddress {
            ip: address.address,
            len: address.prefix_len,
            is_global: address.scope == Scope::GLOBAL,
        });
    }
    let devices = links.into_iter().filter_map(|link| {
        let name = DeviceName::new(&link.name)?;
        let mac = macs.get(&link.name).filter(|mac| mac.as_str() != "00:00:00:00:00:00");
        Some(Device {
            name,
            state: link.operstate,
            mtu: link.mtu,
            mac: mac.cloned(),
            addresses: by_device.remove(&name).unwrap_or_default(),
        })
    });
    (devices.collect(), problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_its_state_and_all_its_addresses() {
        let text = r#"[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,
            "operstate":"UNKNOWN","address":"00:00:00:00:00:00","addr_info":[
            {"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
            {"ifindex":3,"ifname":"eth1","flags":["UP"],"mtu":1500,"operstate":"UP",
            "address":"92:8c:18:28:ca:c4","addr_info":[
            {"family":"inet","local":"192.168.10.100","prefixlen":24,"scope":"global"},
            {"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]}]"#;
        let (devices, problems) = parse_devices(text);
        assert_eq!(problems, []);
        assert_eq!(devices.len(), 2);
        assert_eq!((devices[0].mac.as_deref(), devices[0].state.as_str()), (None, "UNKNOWN"));
        let eth1 = &devices[1];
        assert_eq!(eth1.mac.as_deref(), Some("92:8c:18:28:ca:c4"));
        assert_eq!((eth1.mtu, eth1.addresses.len()), (Some(1500), 2));
        assert!(eth1.addresses[0].is_global && !eth1.addresses[1].is_global);
    }

    #[test]
    fn text_is_read_too_and_half_a_document_is_kept() {
        let text = "3: eth1@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n    \
            link/ether 92:8c:18:28:ca:c4 brd ff:ff:ff:ff:ff:ff link-netnsid 1\n    \
            inet 192.168.10.100/24 scope global eth1\n       valid_lft forever preferred_lft forever\n";
        let (devices, problems) = parse_devices(text);
        assert_eq!(problems, []);
        assert_eq!((devices.len(), devices[0].addresses.len()), (1, 1));
        assert_eq!(devices[0].state, "UP");
        let (devices, problems) =
            parse_devices(r#"[{"ifindex":1,"ifname":"lo","addr_info":[]},{"ifindex":2,"ifna"#);
        assert_eq!((devices.len(), problems.len()), (1, 1));
        let (devices, problems) = parse_devices("");
        assert!(devices.is_empty() && !problems.is_empty());
    }
}
