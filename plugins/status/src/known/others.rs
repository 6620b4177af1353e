//! Settings of what runs beside the agent's datapath: operator, Hubble, Envoy, metrics.

use super::{Known, known, unwritten};

pub(super) const TABLE: &[Known] = &[
    known(
        "cilium-endpoint-gc-interval",
        "5m0s",
        "how often CiliumEndpoints without a pod are deleted (operator)",
    ),
    known(
        "clustermesh-enable-endpoint-sync",
        "false",
        "make EndpointSlices of other clusters' backends",
    ),
    known("clustermesh-enable-mcs-api", "false", "heed the Multi-Cluster Services API"),
    known(
        "default-lb-service-ipam",
        "lbipam",
        "who gives load balancers their addresses unless a class says so",
    ),
    known("enable-hubble", "true", "remember flows and serve them to Hubble"),
    known(
        "enable-lb-ipam",
        "true",
        "give load balancers addresses of CiliumLoadBalancerIPPools (operator)",
    ),
    known("enable-metrics", "true", "serve metrics of the operator"),
    known("envoy-access-log-buffer-size", "4096", "bytes of an entry of Envoy's access log"),
    known("envoy-base-id", "0", "shared memory that Envoy uses, for several on one host"),
    known("envoy-keep-cap-netbindservice", "false", "let Envoy bind to ports below 1024"),
    known("external-envoy-proxy", "true", "run Envoy in a DaemonSet of its own"),
    known("http-retry-count", "3", "times that Envoy tries a request again"),
    known("hubble-disable-tls", "false", "serve flows without TLS"),
    unwritten("hubble-event-buffer-capacity", "flows that an agent remembers"),
    unwritten("hubble-export-file-max-backups", "old files of exported flows that are kept"),
    unwritten(
        "hubble-export-file-max-size-mb",
        "size at which a file of exported flows is put away",
    ),
    known("hubble-listen-address", ":4244", "where an agent serves flows to the relay"),
    unwritten("hubble-metrics", "metrics that are made of flows"),
    unwritten("hubble-metrics-server", "where they are served"),
    known(
        "hubble-network-policy-correlation-enabled",
        "true",
        "name the policy that let a flow through or dropped it",
    ),
    known(
        "hubble-socket-path",
        "/var/run/cilium/hubble.sock",
        "where an agent serves flows to its own host",
    ),
    known(
        "hubble-tls-cert-file",
        "/var/lib/cilium/tls/hubble/server.crt",
        "certificate of Hubble's server",
    ),
    known(
        "hubble-tls-client-ca-files",
        "/var/lib/cilium/tls/hubble/client-ca.crt",
        "authorities that Hubble's clients are checked with",
    ),
    known("hubble-tls-key-file", "/var/lib/cilium/tls/hubble/server.key", "key of Hubble's server"),
    known("metrics-sampling-interval", "5m", "how often the agent samples its own metrics"),
    unwritten("metrics", "metrics that are switched on or off besides the usual ones"),
    known(
        "nodes-gc-interval",
        "5m0s",
        "how often CiliumNodes without a node are deleted (operator)",
    ),
    known("operator-api-serve-addr", "127.0.0.1:9234", "where the operator answers health checks"),
    known("operator-prometheus-serve-addr", ":9963", "where the operator serves metrics"),
    unwritten("prometheus-serve-addr", "where the agent serves metrics"),
    known("proxy-connect-timeout", "2", "seconds in which Envoy must connect"),
    known("proxy-idle-timeout-seconds", "60", "seconds that a connection of Envoy may be idle"),
    known("proxy-initial-fetch-timeout", "30", "seconds in which Envoy must get its configuration"),
    known("proxy-max-concurrent-retries", "128", "requests that Envoy tries again at once"),
    known(
        "proxy-max-connection-duration-seconds",
        "0",
        "seconds that a connection of Envoy may last; 0 is for ever",
    ),
    known(
        "proxy-max-requests-per-connection",
        "0",
        "requests on one connection of Envoy; 0 is any number",
    ),
    known("proxy-prometheus-port", "9964", "where Envoy serves metrics"),
    known(
        "proxy-xff-num-trusted-hops-egress",
        "0",
        "hops of X-Forwarded-For that are trusted on the way out",
    ),
    known(
        "proxy-xff-num-trusted-hops-ingress",
        "0",
        "hops of X-Forwarded-For that are trusted on the way in",
    ),
    known(
        "remove-cilium-node-taints",
        "true",
        "take the taint away once the agent is ready (operator)",
    ),
    known("set-cilium-is-up-condition", "true", "tell the Node that its network is up (operator)"),
    known("set-cilium-node-taints", "true", "taint nodes whose agent is not ready (operator)"),
    known("synchronize-k8s-nodes", "true", "tell a cluster mesh of Kubernetes' nodes (operator)"),
    known(
        "unmanaged-pod-watcher-interval",
        "15",
        "seconds between looks for pods of kube-dns that Cilium does not manage (operator)",
    ),
];
