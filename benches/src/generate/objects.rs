//! The objects of the cluster, as the API server lists them.

use super::Node;

/// The API server's `/version` document.
pub(super) const VERSION: &str = r#"{
 "major": "1",
 "minor": "33",
 "gitVersion": "v1.33.13",
 "platform": "linux/amd64"
}
"#;

const CILIUM_CONFIG: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"creationTimestamp":"2026-01-01T00:00:00Z","name":"cilium-config","namespace":"kube-system"},"data":{"auto-direct-node-routes":"true","cluster-id":"0","cluster-name":"default","cluster-pool-ipv4-cidr":"10.128.0.0/9","cluster-pool-ipv4-mask-size":"24","datapath-mode":"veth","devices":"eth0","direct-routing-skip-unreachable":"false","enable-bpf-masquerade":"true","enable-endpoint-routes":"false","enable-ipv4":"true","enable-ipv4-masquerade":"true","enable-ipv6":"false","enable-l7-proxy":"false","ipam":"cluster-pool","ipv4-native-routing-cidr":"10.128.0.0/9","kube-proxy-replacement":"true","routing-mode":"native"}}"#;

/// Every kind: `apiVersion`, kind, and the objects.
pub(super) fn lists(nodes: &[Node]) -> Vec<(&'static str, &'static str, Vec<String>)> {
    let all = |object: fn(Node) -> String| nodes.iter().copied().map(object).collect();
    vec![
        ("v1", "Node", all(node)),
        ("v1", "Pod", all(pod)),
        ("v1", "ConfigMap", vec![CILIUM_CONFIG.to_owned()]),
        ("cilium.io/v2", "CiliumNode", all(cilium_node)),
        ("cilium.io/v2", "CiliumEndpoint", Vec::new()),
        ("cilium.io/v2", "CiliumNodeConfig", Vec::new()),
    ]
}

fn node(node: Node) -> String {
    let (name, address) = (node.name(), node.address());
    format!(
        r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"creationTimestamp":"2026-01-01T00:00:00Z","labels":{{"kubernetes.io/arch":"amd64","kubernetes.io/hostname":"{name}","kubernetes.io/os":"linux"}},"name":"{name}"}},"spec":{{}},"status":{{"addresses":[{{"address":"{address}","type":"InternalIP"}},{{"address":"{name}","type":"Hostname"}}],"allocatable":{{"cpu":"8","memory":"32684096Ki","pods":"110"}},"capacity":{{"cpu":"8","memory":"32684096Ki","pods":"110"}},"conditions":[{{"lastHeartbeatTime":"2026-01-01T00:00:00Z","lastTransitionTime":"2026-01-01T00:00:00Z","message":"kubelet is posting ready status","reason":"KubeletReady","status":"True","type":"Ready"}}]}}}}"#
    )
}

fn pod(node: Node) -> String {
    let (name, address, ip) = (node.name(), node.address(), node.pod());
    let number = node.number;
    format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"creationTimestamp":"2026-01-01T00:00:00Z","labels":{{"app":"web"}},"name":"web-{number:05}","namespace":"default"}},"spec":{{"containers":[{{"image":"localhost/whoami:lab","name":"web"}}],"nodeName":"{name}"}},"status":{{"hostIP":"{address}","phase":"Running","podIP":"{ip}","podIPs":[{{"ip":"{ip}"}}]}}}}"#
    )
}

fn cilium_node(node: Node) -> String {
    let (name, address, router) = (node.name(), node.address(), node.router());
    let pod_cidr = node.pod_cidr();
    format!(
        r#"{{"apiVersion":"cilium.io/v2","kind":"CiliumNode","metadata":{{"creationTimestamp":"2026-01-01T00:00:00Z","generation":3,"labels":{{"kubernetes.io/hostname":"{name}"}},"name":"{name}"}},"spec":{{"addresses":[{{"ip":"{address}","type":"InternalIP"}},{{"ip":"{router}","type":"CiliumInternalIP"}}],"encryption":{{}},"eni":{{}},"health":{{}},"ingress":{{}},"ipam":{{"podCIDRs":["{pod_cidr}"],"pools":{{}}}}}},"status":{{"ipam":{{"operator-status":{{}}}}}}}}"#
    )
}
