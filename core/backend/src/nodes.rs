//! The hosts that a list of nodes stands for, wherever the list was found.

use serde::Deserialize;

use crate::Host;
use crate::HostKind;
use crate::files::path;
use crate::objects::metadata;

/// Hosts from `Node` or `CiliumNode` objects.
pub(crate) fn hosts_of<'a>(objects: impl Iterator<Item = &'a str>) -> Vec<Host> {
    let host = |object: &str| {
        let name = metadata(object, "name").filter(|name| path::is_part(name))?;
        let parts: Addresses = serde_json::from_str(object).unwrap_or_default();
        let both = parts.status.addresses.into_iter().chain(parts.spec.addresses);
        let addresses =
            both.filter(|address| address.kind == "InternalIP").filter_map(|address| address.ip);
        Some(Host { name, kind: HostKind::Node, addresses: addresses.collect() })
    };
    objects.filter_map(host).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Addresses {
    status: HasAddresses,
    spec: HasAddresses,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HasAddresses {
    addresses: Vec<Address>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    /// The other kind of object calls it `address`.
    #[serde(alias = "address")]
    ip: Option<String>,
}
