//! From a kind of object to the files that hold it.

/// A kind, and where its objects are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The API versions under which plugins ask for it. With several, the objects say which one
    /// it is.
    pub(super) versions: &'static [&'static str],
    pub(super) kind: &'static str,
    /// Names without time and ending; none of them has to be there.
    pub(super) stems: &'static [&'static str],
    /// Whether the files hold all objects of the kind, or some that are known by name.
    pub(super) whole: bool,
}

const fn all(
    versions: &'static [&'static str],
    kind: &'static str,
    stems: &'static [&'static str],
) -> Row {
    Row { versions, kind, stems, whole: true }
}

const fn some(
    versions: &'static [&'static str],
    kind: &'static str,
    stems: &'static [&'static str],
) -> Row {
    Row { versions, kind, stems, whole: false }
}

const CILIUM: &[&str] = &["cilium.io/v2", "cilium.io/v2alpha1"];
const GATEWAY: &[&str] = &[
    "gateway.networking.k8s.io/v1",
    "gateway.networking.k8s.io/v1beta1",
    "gateway.networking.k8s.io/v1alpha2",
];

/// Source: the names of cilium-cli 0.15.0 to 0.19.7.
const KINDS: &[Row] = &[
    all(&["v1"], "Node", &["k8s-nodes"]),
    all(&["v1"], "Namespace", &["k8s-namespaces"]),
    all(&["v1"], "Pod", &["k8s-pods"]),
    all(&["v1"], "Service", &["k8s-services"]),
    all(&["v1"], "Endpoints", &["k8s-endpoints"]),
    all(&["v1"], "Event", &["k8s-events"]),
    all(&["discovery.k8s.io/v1"], "EndpointSlice", &["k8s-endpointslices"]),
    all(&["networking.k8s.io/v1"], "NetworkPolicy", &["k8s-networkpolicies"]),
    all(&["networking.k8s.io/v1"], "IngressClass", &["ingressclasses"]),
    all(&["coordination.k8s.io/v1"], "Lease", &["k8s-leases"]),
    all(CILIUM, "CiliumNode", &["ciliumnodes"]),
    all(CILIUM, "CiliumEndpoint", &["ciliumendpoints"]),
    all(CILIUM, "CiliumEndpointSlice", &["ciliumendpointslices"]),
    all(CILIUM, "CiliumIdentity", &["ciliumidentities"]),
    all(CILIUM, "CiliumNodeConfig", &["ciliumnodeconfigs"]),
    all(CILIUM, "CiliumPodIPPool", &["ciliumpodippools"]),
    all(CILIUM, "CiliumCIDRGroup", &["ciliumcidrgroups"]),
    all(CILIUM, "CiliumNetworkPolicy", &["ciliumnetworkpolicies"]),
    all(CILIUM, "CiliumClusterwideNetworkPolicy", &["ciliumclusterwidenetworkpolicies"]),
    all(CILIUM, "CiliumEgressGatewayPolicy", &["ciliumegressgatewaypolicies"]),
    all(CILIUM, "CiliumLocalRedirectPolicy", &["ciliumlocalredirectpolicies"]),
    all(CILIUM, "CiliumEnvoyConfig", &["ciliumenvoyconfigs"]),
    all(CILIUM, "CiliumClusterwideEnvoyConfig", &["ciliumclusterwideenvoyconfigs"]),
    all(CILIUM, "CiliumLoadBalancerIPPool", &["ciliumloadbalancerippools"]),
    all(CILIUM, "CiliumBGPPeeringPolicy", &["ciliumbgppeeringpolicies"]),
    all(CILIUM, "CiliumBGPClusterConfig", &["ciliumbgpclusterconfigs"]),
    all(CILIUM, "CiliumBGPPeerConfig", &["ciliumbgppeerconfigs"]),
    all(CILIUM, "CiliumBGPAdvertisement", &["ciliumbgpadvertisements"]),
    all(CILIUM, "CiliumBGPNodeConfig", &["ciliumbgpnodeconfigs"]),
    all(CILIUM, "CiliumBGPNodeConfigOverride", &["ciliumbgpnodeconfigoverrides"]),
    all(CILIUM, "CiliumL2AnnouncementPolicy", &["ciliuml2announcementpolicies"]),
    all(CILIUM, "CiliumGatewayClassConfig", &["ciliumgatewayclassconfigs"]),
    all(CILIUM, "CiliumEgressNATPolicy", &["ciliumegressnatpolicies"]),
    all(CILIUM, "CiliumExternalWorkload", &["ciliumexternalworkload"]),
    all(GATEWAY, "GatewayClass", &["gatewayapi-gatewayclasses"]),
    all(GATEWAY, "Gateway", &["gatewayapi-gateways"]),
    all(GATEWAY, "HTTPRoute", &["gatewayapi-httproutes"]),
    all(GATEWAY, "GRPCRoute", &["gatewayapi-grpcroutes"]),
    all(GATEWAY, "TLSRoute", &["gatewayapi-tlsroutes"]),
    // The collecting tool misspells it.
    all(GATEWAY, "TCPRoute", &["gatewayapi-tcroutes", "gatewayapi-tcproutes"]),
    all(GATEWAY, "UDPRoute", &["gatewayapi-udproutes"]),
    all(GATEWAY, "ReferenceGrant", &["gatewayapi-referencegrants"]),
    some(
        &["v1"],
        "ConfigMap",
        &[
            "cilium-configmap",
            "cni-configmap",
            "cilium-envoy-configmap",
            "hubble-relay-configmap",
            "gke-cilium-hubble-config",
            "gke-cilium-override-config",
        ],
    ),
    some(
        &["apps/v1"],
        "DaemonSet",
        &[
            "cilium-daemonset",
            "cilium-envoy-daemonset",
            "cilium-node-init-daemonset",
            "hubble-daemonset",
            "aws-node-daemonset",
        ],
    ),
    some(
        &["apps/v1"],
        "Deployment",
        &[
            "cilium-operator-deployment",
            "clustermesh-apiserver-deployment",
            "hubble-relay-deployment",
            "hubble-ui-deployment",
        ],
    ),
    some(
        &["batch/v1"],
        "CronJob",
        &["hubble-generate-certs-cronjob", "clustermesh-generate-certs-cronjob"],
    ),
];

/// The row of a kind.
pub(super) fn row(api_version: &str, kind: &str) -> Option<&'static Row> {
    KINDS.iter().find(|row| row.kind == kind && row.versions.contains(&api_version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_has_two_rows_and_secrets_none() {
        for (position, row_) in KINDS.iter().enumerate() {
            for version in row_.versions {
                let first = KINDS
                    .iter()
                    .position(|row| row.kind == row_.kind && row.versions.contains(version));
                assert_eq!(first, Some(position), "{version}/{}", row_.kind);
            }
        }
        assert!(row("v1", "Secret").is_none());
        assert!(row("v1", "CiliumNode").is_none());
    }
}
