//! Addresses of a host's devices.
//!
//! Apart because which addresses are a host's own decides how far a packet to it gets. It must
//! not know which of them Kubernetes calls the node's.

use std::net::IpAddr;

use serde::Deserialize;

use crate::{
    Prefix, Problem,
    iproute2::{DeviceName, Scope},
    problem::read_entries,
};

/// One address of one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Address {
    /// The device it is on.
    pub device: DeviceName,
    /// The address itself.
    pub address: IpAddr,
    /// Length of the network it is in.
    pub prefix_len: u8,
    /// How far it is valid.
    pub scope: Scope,
}

impl Address {
    /// The network the address is in, which is on the link when it holds more than one address.
    pub fn network(&self) -> Option<Prefix> {
        Prefix::new(self.address, self.prefix_len)
    }
}

#[derive(Deserialize)]
struct RawDevice {
    ifname: String,
    #[serde(default)]
    addr_info: Vec<RawAddress>,
}

#[derive(Deserialize)]
struct RawAddress {
    local: Option<IpAddr>,
    prefixlen: Option<u8>,
    scope: Option<String>,
}

/// Reads the addresses of one host from `ip -j addr`.
///
/// - Shape: one JSON array of devices; unknown keys are ignored. A point-to-point address is the
///   local end.
/// - Errors: never fails; a device whose entry cannot be read becomes a [`Problem`] and the
///   others are kept.
/// - Source: output of iproute2 6.1.
pub fn parse_addresses(text: &str) -> (Vec<Address>, Vec<Problem>) {
    let (devices, mut problems) = read_entries::<RawDevice>(text);
    let mut addresses = Vec::new();
    for raw in devices {
        let Some(device) = DeviceName::new(&raw.ifname) else {
            problems.push(Problem::new("a device", &raw.ifname, "not a device name"));
            continue;
        };
        for raw in raw.addr_info {
            // Without `local` it is not an IP address, which some link types print here.
            let Some(address) = raw.local else { continue };
            let scope = raw.scope.as_deref().and_then(Scope::parse).unwrap_or_default();
            let most = if address.is_ipv4() { 32 } else { 128 };
            let prefix_len = raw.prefixlen.unwrap_or(most);
            if prefix_len > most {
                let line = format!("{address}/{prefix_len}");
                problems.push(Problem::new(device.as_str(), &line, "the prefix is too long"));
                continue;
            }
            addresses.push(Address { device, address, prefix_len, scope });
        }
    }
    (addresses, problems)
}

/// Reads the addresses of one host from the text of `ip addr`.
///
/// - Shape: a line `3: eth1@if3: <…>` for each device, then indented lines, of which those
///   that start with `inet` or `inet6` count.
/// - Errors: never fails; an address line that cannot be read becomes a [`Problem`].
/// - Source: output of iproute2 6.1.
pub fn parse_addresses_text(text: &str) -> (Vec<Address>, Vec<Problem>) {
    let (mut addresses, mut problems) = (Vec::new(), Vec::new());
    let mut device = None;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with(|first: char| first.is_ascii_digit()) {
            device = device_of_heading(line);
            continue;
        }
        let mut words = line.split_whitespace();
        if !matches!(words.next(), Some("inet" | "inet6")) {
            continue;
        }
        let address = words.next().unwrap_or_default();
        let read = device.zip(address_of(address)).map(|(device, (address, prefix_len))| {
            // `peer` and `brd` may come between.
            let scope = words.skip_while(|word| *word != "scope").nth(1);
            let scope = scope.and_then(Scope::parse).unwrap_or_default();
            Address { device, address, prefix_len, scope }
        });
        if let Some(address) = read {
            addresses.push(address);
        } else {
            let place = format!("line {}", index + 1);
            problems.push(Problem::new(place, line, "the address cannot be read"));
        }
    }
    (addresses, problems)
}

/// Device of a heading such as `3: eth1@if3: <BROADCAST,…> mtu 1500 …`.
pub(super) fn device_of_heading(line: &str) -> Option<DeviceName> {
    let name = line.split_whitespace().nth(1)?;
    DeviceName::new(name.trim_end_matches(':').split('@').next()?)
}

fn address_of(text: &str) -> Option<(IpAddr, u8)> {
    let (address, len) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let len = if len.is_empty() { most } else { len.parse().ok()? };
    (len <= most).then_some((address, len))
}
