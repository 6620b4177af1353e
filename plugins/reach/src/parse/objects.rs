//! Services and who is behind them, as far as a probe needs it.

use std::net::IpAddr;

use serde::Deserialize;

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    metadata: Named,
    spec: ServiceSpec,
    status: ServiceStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    namespace: String,
    labels: std::collections::BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpec {
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Vec<String>,
    #[serde(rename = "externalIPs")]
    external_ips: Vec<String>,
    ports: Vec<Port>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Port {
    port: u16,
    protocol: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceStatus {
    load_balancer: LoadBalancer,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Vec<Ingress>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Ingress {
    ip: String,
}

impl Service {
    /// `namespace/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.metadata.namespace, self.metadata.name)
    }

    /// Every address it answers by, the cluster's own first; none where it is headless.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let ingress = self.status.load_balancer.ingress.iter().map(|ingress| &ingress.ip);
        let spec = &self.spec;
        std::iter::once(&spec.cluster_ip)
            .chain(&spec.cluster_ips)
            .chain(&spec.external_ips)
            .chain(ingress)
            .filter_map(|ip| ip.parse().ok())
    }

    /// Its first TCP port.
    pub fn tcp_port(&self) -> Option<u16> {
        let is_tcp = |port: &&Port| port.protocol.is_empty() || port.protocol == "TCP";
        self.spec.ports.iter().find(is_tcp).map(|port| port.port)
    }
}

/// A slice of a Service's endpoints.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointSlice {
    metadata: Named,
    endpoints: Vec<Backend>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Backend {
    addresses: Vec<String>,
    conditions: Conditions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Conditions {
    ready: Option<bool>,
}

impl EndpointSlice {
    /// `namespace/name` of the Service it belongs to.
    pub fn service(&self) -> Option<String> {
        let name = self.metadata.labels.get("kubernetes.io/service-name")?;
        Some(format!("{}/{name}", self.metadata.namespace))
    }

    /// Addresses that take connections. A condition that is not there means ready.
    pub fn ready(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.endpoints
            .iter()
            .filter(|backend| backend.conditions.ready != Some(false))
            .flat_map(|backend| &backend.addresses)
            .filter_map(|ip| ip.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_addresses_and_a_port() {
        let service: Service = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "web", "namespace": "x"},
            "spec": {"clusterIP": "10.96.0.9", "clusterIPs": ["10.96.0.9"],
                "ports": [{"port": 53, "protocol": "UDP"}, {"port": 80, "protocol": "TCP"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}))
        .unwrap();
        assert_eq!(service.full_name(), "x/web");
        assert_eq!(service.tcp_port(), Some(80));
        assert!(service.addresses().any(|ip| ip.to_string() == "192.0.2.1"));
        let headless: Service =
            serde_json::from_str(r#"{"spec": {"clusterIP": "None", "clusterIPs": ["None"]}}"#)
                .unwrap();
        assert_eq!(headless.addresses().count(), 0);
    }

    #[test]
    fn only_ready_endpoints_take_connections() {
        let slice: EndpointSlice = serde_json::from_value(serde_json::json!({
            "metadata": {"namespace": "x", "labels": {"kubernetes.io/service-name": "web"}},
            "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": true}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
                {"addresses": ["10.0.0.3"]}]}))
        .unwrap();
        assert_eq!(slice.service().as_deref(), Some("x/web"));
        let ready: Vec<String> = slice.ready().map(|ip| ip.to_string()).collect();
        assert_eq!(ready, ["10.0.0.1", "10.0.0.3"]);
    }
}
