//! Who can be asked: the cluster's nodes and the machines that the settings name.
//!
//! Apart because it is where two sources of names meet. Pure.

use lab_backend::{Answer, Host, HostKind};
use lab_types::Failure;
use serde::Deserialize;

use crate::ExtraHost;

/// Nodes first, each kind by name. A name that is both is an error: nobody could tell which answered.
pub(crate) fn merge(nodes: &[String], extra: &[ExtraHost]) -> Answer<Vec<Host>> {
    let mut hosts = nodes
        .iter()
        .map(|node| read(node).map_err(|error| crate::failures::unreadable("list `nodes`", &error)))
        .collect::<Answer<Vec<Host>>>()?;
    for host in extra {
        if let Some(known) = hosts.iter().find(|known| known.name == host.name) {
            let of = match known.kind {
                HostKind::Node => format!("node `{}` ({})", known.name, known.addresses.join(", ")),
                HostKind::Extra => format!("another extra host ({})", known.addresses.join(", ")),
            };
            return Err(Failure::invalid(format!(
                "extra host `{}` ({}) has the name of {of}",
                host.name, host.ssh
            ))
            .hint("give the extra host another name in the settings"));
        }
        hosts.push(Host {
            name: host.name.clone(),
            kind: HostKind::Extra,
            addresses: host.addresses.clone(),
        });
    }
    hosts.sort_by(|a, b| {
        (a.kind == HostKind::Extra, &a.name).cmp(&(b.kind == HostKind::Extra, &b.name))
    });
    Ok(hosts)
}

fn read(text: &str) -> Result<Host, serde_json::Error> {
    #[derive(Deserialize)]
    struct Metadata {
        name: String,
    }
    #[derive(Deserialize)]
    struct Address {
        r#type: String,
        address: String,
    }
    #[derive(Deserialize, Default)]
    struct Status {
        #[serde(default)]
        addresses: Vec<Address>,
    }
    #[derive(Deserialize)]
    struct Node {
        metadata: Metadata,
        #[serde(default)]
        status: Status,
    }
    let node: Node = serde_json::from_str(text)?;
    Ok(Host {
        name: node.metadata.name,
        kind: HostKind::Node,
        addresses: node
            .status
            .addresses
            .into_iter()
            .filter(|address| address.r#type == "InternalIP")
            .map(|address| address.address)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const W1: &str = r#"{"metadata":{"name":"w1"},"status":{"addresses":[
        {"type":"InternalIP","address":"192.168.10.101"},{"type":"Hostname","address":"w1"},
        {"type":"InternalIP","address":"fd00::1"}]}}"#;

    fn extra(name: &str) -> ExtraHost {
        ExtraHost { name: name.into(), ssh: "vagrant@10.0.0.9".into(), ..ExtraHost::default() }
    }

    #[test]
    fn nodes_come_first_each_kind_by_name() {
        let nodes = [W1.to_owned(), r#"{"metadata":{"name":"ctr"}}"#.to_owned()];
        let hosts = merge(&nodes, &[extra("router"), extra("a")]).unwrap();
        let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
        assert_eq!(names, ["ctr", "w1", "a", "router"]);
        assert_eq!(hosts[1].addresses, ["192.168.10.101", "fd00::1"]);
    }

    #[test]
    fn a_name_that_is_both_is_an_error_that_names_both() {
        let failure = merge(&[W1.to_owned()], &[extra("w1")]).unwrap_err();
        assert_eq!(
            failure.message,
            "extra host `w1` (vagrant@10.0.0.9) has the name of node `w1` (192.168.10.101, fd00::1)"
        );
        assert!(merge(&[], &[extra("r"), extra("r")]).is_err());
    }
}
