//! What a native program would do with the objects that `ipam` reads: read their fields, and
//! nothing else.
//!
//! Fields are owned strings, the way one would write it on an afternoon; everything that was read
//! is kept, as a program that compares objects with each other would have to.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

/// What tells an object.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read, and kept")]
struct Metadata {
    name: String,
    namespace: Option<String>,
    uid: Option<String>,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Owner {
    kind: String,
    uid: String,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Pod {
    metadata: Metadata,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read, and kept")]
struct PodSpec {
    node_name: Option<String>,
    #[serde(default)]
    host_network: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is read, and kept")]
struct PodStatus {
    phase: Option<String>,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs", default)]
    pod_ips: Vec<Address>,
    start_time: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Address {
    #[serde(alias = "address", alias = "ipv4", alias = "ipv6")]
    ip: String,
    #[serde(rename = "type")]
    of: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Endpoint {
    metadata: Metadata,
    status: EndpointStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct EndpointStatus {
    networking: Networking,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Networking {
    addressing: Vec<Address>,
    node: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Node {
    metadata: Metadata,
    status: NodeStatus,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct NodeStatus {
    addresses: Vec<Address>,
    allocatable: Allocatable,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Allocatable {
    pods: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct CiliumNode {
    metadata: Metadata,
    spec: CiliumNodeSpec,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct CiliumNodeSpec {
    addresses: Vec<Address>,
    ipam: Ipam,
}

#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "it is read, and kept")]
struct Ipam {
    #[serde(rename = "podCIDRs", default)]
    pod_cidrs: Vec<String>,
}

/// Reads pods, endpoints and nodes of a capture's folder; the answer is how many objects.
///
/// - Errors: the disk's, or an object that lacks a field.
pub fn objects(capture: &str) -> Result<usize, String> {
    let objects = Path::new(capture).join("objects");
    let n_objects = read::<Node>(&objects.join("v1/Node.json"))?
        + read::<CiliumNode>(&objects.join("cilium.io/v2/CiliumNode.json"))?
        + read::<Pod>(&objects.join("v1/Pod.json"))?
        + read::<Endpoint>(&objects.join("cilium.io/v2/CiliumEndpoint.json"))?;
    Ok(n_objects)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<usize, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let bytes = std::fs::read(path).map_err(|error| wrong(&error))?;
    let list: List<T> = serde_json::from_slice(&bytes).map_err(|error| wrong(&error))?;
    // Freeing is left to the end of the process: a peer should not pay for that.
    let items = std::mem::ManuallyDrop::new(list.items);
    Ok(std::hint::black_box(&items).len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_needed_and_every_object_counts() {
        let folder = std::env::temp_dir().join(format!("lab-addresses-{}", std::process::id()));
        let write = |name: &str, item: &str| {
            let path = folder.join("objects").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!(r#"{{"items":[{item}]}}"#)).unwrap();
        };
        write(
            "v1/Node.json",
            r#"{"metadata":{"name":"n"},"status":{"addresses":[{"address":"10.0.0.1","type":"InternalIP"}],"allocatable":{"pods":"110"}}}"#,
        );
        write(
            "cilium.io/v2/CiliumNode.json",
            r#"{"metadata":{"name":"n"},"spec":{"addresses":[{"ip":"10.0.0.1","type":"InternalIP"}],"ipam":{"podCIDRs":["10.1.0.0/24"]}}}"#,
        );
        write(
            "v1/Pod.json",
            r#"{"metadata":{"name":"p","namespace":"d"},"spec":{"nodeName":"n"},"status":{"podIPs":[{"ip":"10.1.0.2"}]}}"#,
        );
        let path = folder.display().to_string();
        assert!(objects(&path).is_err());
        write(
            "cilium.io/v2/CiliumEndpoint.json",
            r#"{"metadata":{"name":"p","namespace":"d"},"status":{"networking":{"addressing":[{"ipv4":"10.1.0.2"}],"node":"10.0.0.1"}}}"#,
        );
        assert_eq!(objects(&path), Ok(4));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
