//! What objects of the cluster say of names.
//!
//! Apart from [`names`](crate::names), which knows no object. It must not ask for any.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_model::AddressFamily;
use lab_model::cilium::{CiliumEndpoint, CiliumNode};
use lab_model::kubernetes::{Metadata, Node, Pod, Service};
use serde::Deserialize;

use crate::names::{Fact, Names, Origin, labels};

/// An object that names something.
pub trait Naming {
    /// Which kind.
    const ORIGIN: Origin;
    /// Name and namespace.
    fn metadata(&self) -> &Metadata;
    /// What it is called, and what is called so; nothing while it has no address.
    fn facts(&self) -> (String, Vec<Fact>);
    /// Hands it over.
    fn upsert(&self, names: &mut Names) {
        let (name, facts) = self.facts();
        names.upsert(Self::ORIGIN, &key(self.metadata()), &name, facts);
    }
    /// It is gone.
    fn remove(&self, names: &mut Names) {
        names.remove(Self::ORIGIN, &key(self.metadata()));
    }
}

fn key(of: &Metadata) -> String {
    if of.namespace.is_empty() { of.name.clone() } else { format!("{}/{}", of.namespace, of.name) }
}

fn addresses(all: impl Iterator<Item = IpAddr>) -> Vec<Fact> {
    all.map(Fact::Address).collect()
}

impl Naming for Pod {
    const ORIGIN: Origin = Origin::Pod;
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn facts(&self) -> (String, Vec<Fact>) {
        // On the host's network its address is the node's, and when it has ended another pod's.
        let own = !self.has_host_network() && !self.has_ended();
        (key(&self.metadata), if own { addresses(self.ips()) } else { Vec::new() })
    }
}

impl Naming for CiliumEndpoint {
    const ORIGIN: Origin = Origin::Endpoint;
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn facts(&self) -> (String, Vec<Fact>) {
        let mut facts = addresses(self.ips());
        let id = self.id().and_then(|id| u32::try_from(id).ok());
        facts.extend(self.node_ip().zip(id).map(|(node, id)| Fact::Endpoint(node, id)));
        (key(&self.metadata), facts)
    }
}

impl Naming for Service {
    const ORIGIN: Origin = Origin::Service;
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn facts(&self) -> (String, Vec<Fact>) {
        // Services are named apart from pods: both are `namespace/name`.
        (format!("service {}", key(&self.metadata)), addresses(self.cluster_ips()))
    }
}

impl Naming for Node {
    const ORIGIN: Origin = Origin::Node;
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn facts(&self) -> (String, Vec<Fact>) {
        let all = self.addresses().iter().filter_map(|entry| entry.address.parse().ok());
        (self.name().to_owned(), addresses(all))
    }
}

impl Naming for CiliumNode {
    const ORIGIN: Origin = Origin::CiliumNode;
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn facts(&self) -> (String, Vec<Fact>) {
        let families = [AddressFamily::V4, AddressFamily::V6];
        let all = families
            .into_iter()
            .flat_map(|family| [self.router_ip(family), self.health_ip(family)]);
        (self.name().to_owned(), addresses(all.flatten()))
    }
}

/// An identity that the cluster allocated.
///
/// - Source: `ciliumidentities`, cilium.io/v2.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Identity {
    metadata: Metadata,
    #[serde(rename = "security-labels")]
    labels: BTreeMap<String, String>,
}

impl Naming for Identity {
    const ORIGIN: Origin = Origin::Identity;
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    fn facts(&self) -> (String, Vec<Fact>) {
        let pairs: Vec<String> = self
            .labels
            .iter()
            .map(
                |(name, value)| {
                    if value.is_empty() { name.clone() } else { format!("{name}={value}") }
                },
            )
            .collect();
        let number = self.metadata.name.parse().ok().map(Fact::Identity);
        (labels(pairs.iter().map(String::as_str)), number.into_iter().collect())
    }
}
