//! Services as destinations: their virtual address, and the endpoints that may answer.
//!
//! No Service answers a ping: its address is nobody's, a connection to it is rewritten. So a
//! port is connected to, and what is predicted is the way to each endpoint.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_forwarding::model::Cluster;
use lab_forwarding::trace::{Endpoint, Unresolved};

use crate::ends::Target;
use crate::parse::objects::{EndpointSlice, Service};

/// Every Service, and who is behind it.
#[derive(Clone, Debug, Default)]
pub struct Services {
    services: Vec<Service>,
    ready: BTreeMap<String, Vec<IpAddr>>,
}

impl Services {
    /// Joins Services and slices.
    pub fn new(services: Vec<Service>, slices: &[EndpointSlice]) -> Self {
        let mut ready: BTreeMap<String, Vec<IpAddr>> = BTreeMap::new();
        for slice in slices {
            if let Some(service) = slice.service() {
                ready.entry(service).or_default().extend(slice.ready());
            }
        }
        Self { services, ready }
    }

    /// The Service of a name, `namespace/name` or a bare name that only one has.
    ///
    /// # Errors
    /// No such Service, or several; one without an address or a TCP port.
    pub fn target(
        &self,
        cluster: &Cluster,
        name: &str,
        port: Option<u16>,
    ) -> Result<Target, Unresolved> {
        let is_meant = |service: &&Service| {
            let full = service.full_name();
            full == name || full.split_once('/').is_some_and(|(_, short)| short == name)
        };
        let mut meant = self.services.iter().filter(is_meant);
        match (meant.next(), meant.next()) {
            (Some(service), None) => {
                let address = service.addresses().next().ok_or_else(|| {
                    let full = service.full_name();
                    Unresolved(format!(
                        "service `{full}` has no address of its own: name one of its pods"
                    ))
                })?;
                self.made(cluster, service, address, port)
            }
            (Some(one), Some(other)) => Err(Unresolved(format!(
                "several services are named `{name}`: say `service/{}` or `service/{}`",
                one.full_name(),
                other.full_name()
            ))),
            _ => Err(Unresolved(format!("no service `{name}` was found"))),
        }
    }

    /// The Service that answers by an address, if there is one.
    pub fn target_at(
        &self,
        cluster: &Cluster,
        address: IpAddr,
        port: Option<u16>,
    ) -> Option<Result<Target, Unresolved>> {
        let has = |service: &&Service| service.addresses().any(|own| own == address);
        let service = self.services.iter().find(has)?;
        Some(self.made(cluster, service, address, port))
    }

    fn made(
        &self,
        cluster: &Cluster,
        service: &Service,
        address: IpAddr,
        port: Option<u16>,
    ) -> Result<Target, Unresolved> {
        let full = service.full_name();
        let port = port
            .or_else(|| service.tcp_port())
            .ok_or_else(|| Unresolved(format!("service `{full}` has no TCP port to connect to")))?;
        let ready = self.ready.get(&full).into_iter().flatten();
        let ends = ready.filter(|ip| ip.is_ipv4() == address.is_ipv4());
        // An address always means something, if only the outside.
        let ends = ends.filter_map(|ip| Endpoint::resolve(cluster, &ip.to_string()).ok());
        Ok(Target {
            name: format!("service/{full}:{port}"),
            ends: ends.collect(),
            address: Some(address),
            port: Some(port),
        })
    }
}

#[cfg(test)]
mod tests {
    use lab_forwarding::made::lab;
    use lab_forwarding::model::build;
    use serde_json::json;

    use super::*;

    fn services() -> Services {
        let service = |namespace: &str, ip: &str, protocol: &str| {
            json!({"metadata": {"name": "web", "namespace": namespace},
                "spec": {"clusterIP": ip, "ports": [{"port": 80, "protocol": protocol}]}})
        };
        let all = json!([service("x", "10.96.0.1", "TCP"), service("y", "None", "TCP"),
            {"metadata": {"name": "dns", "namespace": "x"},
                "spec": {"clusterIP": "10.96.0.2", "ports": [{"port": 53, "protocol": "UDP"}]}}]);
        let slices = json!([{"metadata": {"namespace": "x",
                "labels": {"kubernetes.io/service-name": "web"}},
            "endpoints": [{"addresses": ["10.1.0.5"]}, {"addresses": ["fd00::5"]}]}]);
        Services::new(
            serde_json::from_value(all).unwrap(),
            &serde_json::from_value::<Vec<EndpointSlice>>(slices).unwrap(),
        )
    }

    #[test]
    fn a_service_is_connected_to_and_its_endpoints_are_the_ends() {
        let cluster = build(lab().inputs);
        let target = services().target(&cluster, "x/web", None).unwrap();
        assert_eq!(target.name, "service/x/web:80");
        assert_eq!((target.port, target.ends.len()), (Some(80), 1));
        assert_eq!(target.address.unwrap().to_string(), "10.96.0.1");
        let at = services().target_at(&cluster, "10.96.0.1".parse().unwrap(), Some(81));
        assert_eq!(at.unwrap().unwrap().port, Some(81));
        assert!(services().target_at(&cluster, "10.96.0.9".parse().unwrap(), None).is_none());
    }

    #[test]
    fn what_cannot_be_connected_to_is_said() {
        let cluster = build(lab().inputs);
        let why = |name: &str| services().target(&cluster, name, None).unwrap_err().0;
        assert!(why("web").contains("`service/x/web` or `service/y/web`"));
        assert!(why("y/web").contains("no address of its own"));
        assert!(why("dns").contains("no TCP port"));
        assert!(why("x/none").contains("no service `x/none`"));
    }
}
