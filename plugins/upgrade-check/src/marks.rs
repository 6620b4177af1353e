//! What can be found in objects and is worth a rule, each under a name for life.
//!
//! A mark is the small, typed thing that a rule asks for; which object bears it is decided in the
//! files below, one for each family of objects, which are pure.

pub mod policies;
pub mod resources;
pub mod workloads;

use std::fmt;
use std::str::FromStr;

macro_rules! marks {
    ($($variant:ident = $name:literal, $about:literal;)*) => {
        /// One kind of thing that objects bear.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mark {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl Mark {
            /// Every mark.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As rules write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it stands for, in a line.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

marks! {
    AnyPolicy = "policy/any", "a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy";
    PolicyKafka = "policy/kafka", "a policy with rules for Kafka";
    PolicyParser = "policy/l7-parser", "a policy with `l7` or `l7proto`";
    PolicyRequires = "policy/requires", "a policy with fromRequires or toRequires";
    PolicyFqdn = "policy/fqdn", "a policy with toFQDNs";
    PolicyFqdnDeep = "policy/fqdn-deep", "a policy with a matchPattern that begins with `**.`";
    PolicyEmptyPeers = "policy/empty-peers", "a policy with an empty list of peers";
    PolicyInit = "policy/init", "a CiliumNetworkPolicy that selects reserved:init";
    PolicySeveralL7 = "policy/several-l7", "a policy with several L7 protocols on the same ports";
    PolicyTooMany = "policy/too-many", "a policy with more than 40 ports or ICMP types in one rule";
    PolicyTerminatingTls = "policy/terminating-tls", "a policy with terminatingTLS";
    PolicyAuthentication = "policy/authentication", "a policy that requires authentication";
    PolicyL7 = "policy/l7", "a policy whose traffic goes through a proxy";
    PolicyNoSpec = "policy/no-spec", "a policy without spec and specs";
    PolicyNodeSelector = "policy/node-selector", "a CiliumNetworkPolicy with a nodeSelector in specs beside other rules";
    PolicyTopology = "policy/topology-label", "a policy that selects pods by a label of topology.kubernetes.io";
    PolicyNoCidrGroup = "policy/no-cidr-group", "a policy that names a CiliumCIDRGroup that is not there";
    PoolCidrs = "lb-pool/cidrs", "a CiliumLoadBalancerIPPool with spec.cidrs";
    PoolEnds = "lb-pool/ends-unset", "a CiliumLoadBalancerIPPool without allowFirstLastIPs";
    BgpPeeringPolicy = "bgp/peering-policy", "a CiliumBGPPeeringPolicy";
    CidrGroups = "object/cidr-group", "a CiliumCIDRGroup";
    Pools = "object/lb-pool", "a CiliumLoadBalancerIPPool";
    BgpObjects = "object/bgp", "a CiliumBGPClusterConfig or CiliumBGPPeerConfig";
    BgpLocalPort = "bgp/local-port", "a CiliumBGPPeerConfig with spec.transport.localPort";
    ExternalWorkload = "object/external-workload", "a CiliumExternalWorkload";
    EnvoyConfig = "object/envoy-config", "a CiliumEnvoyConfig or CiliumClusterwideEnvoyConfig";
    LocalRedirect = "object/local-redirect", "a CiliumLocalRedirectPolicy";
    LocalRedirectBackend = "object/local-redirect-backend", "one without skipRedirectFromBackend";
    LocalRedirectService = "object/local-redirect-service", "a CiliumLocalRedirectPolicy whose addressMatcher has address and port of a Service";
    EgressGateway = "object/egress-gateway", "a CiliumEgressGatewayPolicy";
    EniOldFields = "cilium-node/eni-old-fields", "a CiliumNode with a field of spec.eni that moved";
    TlsRoute = "gateway/tls-route", "a TLSRoute of the Gateway API";
    SessionAffinity = "service/session-affinity", "a Service with sessionAffinity ClientIP";
    SharedPort = "service/shared-port", "a Service with one port for TCP and UDP";
    ProxyVisibility = "pod/proxy-visibility", "a pod annotated with policy.cilium.io/proxy-visibility";
    NodeCordoned = "node/cordoned", "a node that takes no new pods";
    NodeNotReady = "node/not-ready", "a node that is not ready";
    NodePressure = "node/pressure", "a node that is short of disk, memory or process ids";
    NodeFull = "node/full", "a node without room for one more pod";
    NodeOldRhel = "node/old-rhel", "a node with a kernel of RHEL 8 before 8.10";
    AgentNotReady = "agent/not-ready", "an agent that is not ready";
    AgentMissing = "agent/missing", "a node without an agent";
    AgentOther = "agent/other-version", "an agent of another version than the DaemonSet's";
    AgentPending = "agent/pending-rollout", "a rollout of the DaemonSet that has not ended";
    AgentOnDelete = "agent/on-delete", "a DaemonSet that restarts no agent by itself";
    AgentMirrored = "agent/mirrored", "an image of the agents that is not from quay.io/cilium";
    AgentDrift = "agent/config-drift", "an agent that runs with another setting than cilium-config";
    AgentUnknownImage = "agent/no-tag", "an image that does not say its version";
    OperatorNone = "operator/none", "no operator";
    OperatorNotReady = "operator/not-ready", "an operator that is not ready";
    OperatorOther = "operator/other-version", "an operator of another version than the agents";
    RelayOther = "relay/other-version", "a hubble-relay of another version than the agents";
    MeshOther = "mesh/other-version", "a clustermesh-apiserver of another version than the agents";
    MeshServer = "mesh/api-server", "a clustermesh-apiserver";
    MeshNoUsers = "mesh/no-remote-users", "a clustermesh-apiserver without the ConfigMap clustermesh-remote-users";
    EnvoyDaemonSet = "envoy/daemon-set", "the DaemonSet cilium-envoy";
    KubeProxyRunning = "kube-proxy/running", "kube-proxy on the nodes";
    KubeProxyNone = "kube-proxy/none", "no kube-proxy";
    PdbBlocking = "pdb/blocking", "a PodDisruptionBudget of Cilium's pods that allows no disruption";
    Preflight = "preflight/left", "an object of the preflight check that was left behind";
    GitOps = "owner/git-ops", "a DaemonSet that Argo CD or Flux owns";
    NotHelm = "owner/not-helm", "a DaemonSet that was not installed with Helm";
    ClusterName = "config/cluster-name", "a cluster-name that is not allowed";
    ClusterMesh = "config/cluster-mesh", "a cluster-id other than 0";
    IdentitiesMany = "identity/many", "more than 50000 CiliumIdentities";
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mark {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|mark| mark.name() == name);
        found.copied().ok_or_else(|| {
            format!("`{name}` is no mark: rules/README.md lists them, such as policy/kafka")
        })
    }
}
