//! The texts behind `kubectl lab explain status/…`, one for each code a finding can carry.
//!
//! Apart from the checks, because the card carries them all before anything is judged. A test
//! holds the two lists together.

/// A finding's code and its text.
pub struct Explanation {
    /// Stable for life.
    pub code: &'static str,
    /// Checks · Why · See for yourself · Fix · Since · Source.
    pub text: &'static str,
}

/// Every code, in the order of the README.
pub const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        code: "status/crash-loop",
        text: "Checks: no pod of Cilium starts and ends again and again.
Why: while its agent is down a node keeps its rules as they are: no new pod starts, and no policy or Service changes. The reason stands in one line near the end of the log: settings that exclude each other, an API server out of reach, too little memory.
See for yourself: `kubectl --namespace kube-system logs POD --container cilium-agent --previous`.
Fix: what the line says. installNoConntrackIptablesRules needs native routing, kube-proxy replacement and BPF masquerading, all three.
Since: 0.1.0.
Source: Pod.status.containerStatuses; the log of the run before.",
    },
    Explanation {
        code: "status/agent-not-ready",
        text: "Checks: each node has an agent, and it passes its readiness check.
Why: a node without one gives new pods no network, and rules on it are no longer brought up to date.
See for yourself: `kubectl --namespace kube-system get pods --selector k8s-app=cilium --output wide`.
Fix: `kubectl describe` on the pod tells what it waits for: an image, a volume, a taint, a probe.
Since: 0.1.0.
Source: Pod.status, Node.",
    },
    Explanation {
        code: "status/agent-state",
        text: "Checks: what an agent says of itself, of the API server and of a key-value store is `Ok` or `Disabled`, and its own checks come to an end.
Why: an agent may pass its readiness check and still have lost the API server; it then works with what it knew last.
See for yourself: `cilium-dbg status --verbose` in the agent. With `-o json` its exit code is 0 even then.
Fix: the message names the part. A check that hangs for minutes needs a restart of the agent.
Since: 0.1.0.
Source: `cilium-dbg status`, fields cilium, kubernetes, kvstore and stale.",
    },
    Explanation {
        code: "status/component-not-ready",
        text: "Checks: operator, hubble-relay, Envoy and the like have as many ready pods as they ought to have.
Why: without an operator new nodes get no podCIDR and identities are not cleaned up; without Envoy policies of HTTP drop everything they select; without a relay there are no flows of the whole cluster.
See for yourself: `kubectl --namespace kube-system get deployments,daemonsets`.
Fix: `kubectl describe` on its pods.
Since: 0.1.0.
Source: DaemonSet.status, Deployment.status.",
    },
    Explanation {
        code: "status/version-skew",
        text: "Checks: all agents have one version, and the operator has the same.
Why: during an upgrade they differ for minutes; for longer it means a rollout that is stuck. Only one minor version of difference is tested. The operator writes the definitions of Cilium's objects, so a newer one may know fields that agents do not.
See for yourself: `kubectl lab status --columns host,version --fold`.
Fix: `kubectl rollout status` tells which node it waits for.
Since: 0.1.0.
Source: `cilium-dbg status`, else the image of the pod; Deployment cilium-operator.",
    },
    Explanation {
        code: "status/config-drift",
        text: "Checks: agents run with what cilium-config, CiliumNodeConfigs and, where agents heed them, annotations of Nodes say now.
Why: agents read their settings when they start. `helm upgrade` of values alone changes the ConfigMap and restarts nobody, so nodes run on with the old settings, and each gets the new ones whenever it happens to restart.
See for yourself: `kubectl lab status config --filter verdict=drift`; metric cilium_drift_checker_config_delta.
Fix: `kubectl --namespace kube-system rollout restart daemonset/cilium`; rollOutCiliumPods=true in the chart's values does it by itself.
Since: 0.1.0.
Source: ConfigMap cilium-config, CiliumNodeConfig, annotations and labels config.cilium.io/… of Nodes, the files an agent has read, `cilium-dbg config --all`.",
    },
    Explanation {
        code: "status/legacy-masquerade",
        text: "Checks: where BPF masquerading was asked for, agents do it.
Why: older agents fall back to iptables where something they need is missing, and say so in one line of their log. Packets then go through netfilter, and BPF host routing is off as well.
See for yourself: `cilium-dbg status`, line Masquerading; `grep -i 'falling back'` in the agent's log.
Fix: give it what the line names: NodePort or kube-proxy replacement, socket load balancing with a tunnel, devices.
Since: 0.1.0.
Source: cilium-config enable-bpf-masquerade; `cilium-dbg status`; the agent's log.",
    },
    Explanation {
        code: "status/legacy-host-routing",
        text: "Checks: pods' packets are forwarded by BPF and not through the host's network stack, unless the latter was asked for.
Why: the agent turns BPF host routing off by itself where a condition is not met: no IPsec, BPF masquerading, kube-proxy replacement, a kernel from 5.10 on. It works all the same, through netfilter and the routing tables, and is slower.
See for yourself: `cilium-dbg status`, line Routing; `grep -i 'falling back'` in the agent's log.
Fix: bpf.masquerade=true and kubeProxyReplacement=true; or enable-host-legacy-routing=true to say that it is meant so.
Since: 0.1.0.
Source: `cilium-dbg status`, field routing; cilium-config; the agent's log.",
    },
    Explanation {
        code: "status/peer-off-segment",
        text: "Checks: with auto-direct-node-routes no agent fails to install a route because a node is on another link.
Why: such a route needs a next hop on the same link. The agent stays ready all the same; only the health of its modules and a line of its log tell that pods of that node are out of reach.
See for yourself: `cilium-dbg shell -- db/show health` in the agent; `kubectl lab routes`.
Fix: routes on the router between the links, by hand or by BGP, and directRoutingSkipUnreachable=true; or a tunnel.
Since: 0.1.0.
Source: health of modules node-manager and orchestrator.",
    },
    Explanation {
        code: "status/module-degraded",
        text: "Checks: no part of an agent's modules reports that it does not work.
Why: an agent is ready as long as it answers; parts of it may fail over and over, such as the reconciliation of load balancing, iptables or sysctls.
See for yourself: `cilium-dbg shell -- db/show health` in the agent; metric cilium_hive_status.
Fix: the error of the module.
Since: 0.1.0.
Source: health of modules; `cilium-dbg statedb dump` in older recordings.",
    },
    Explanation {
        code: "status/controller-failing",
        text: "Checks: no controller of an agent has failed since it last succeeded.
Why: controllers are tasks that are tried again and again: writing CiliumEndpoints, resolving identities, syncing policy tables. One that keeps failing leaves something undone for good.
See for yourself: `cilium-dbg status --all-controllers` in the agent.
Fix: the error of the controller; often rights that are missing after an upgrade, or an API server out of reach.
Since: 0.1.0.
Source: `cilium-dbg status -o json`, field controllers.",
    },
    Explanation {
        code: "status/map-pressure",
        text: "Checks: no BPF map is used beyond --map-pressure-at percent.
Why: a full connection table throws out old connections, a full NAT table refuses new ones, a full policy table drops what its missing rules would let through.
See for yourself: `kubectl lab status metrics bpf_map_pressure --per-node`.
Fix: larger maps: bpf.mapDynamicSizeRatio, bpf.policyMapMax, bpf.lbMapMax. A map of another size is made anew, so go node by node.
Since: 0.1.0.
Source: metric cilium_bpf_map_pressure.",
    },
    Explanation {
        code: "status/peer-unreachable",
        text: "Checks: each node is reached by the probes of all agents, itself and its health endpoint, which stands for its pods.
Why: a probe by ICMP and HTTP each minute or so; what fails there fails for pods too, unless a firewall stops the probes alone. A node that was not probed yet is unknown and not down.
See for yourself: `cilium-health status` in the agent.
Fix: TCP port 4240 and ICMP between nodes; routes or tunnel ports between them.
Since: 0.1.0.
Source: `cilium-health status -o json`; only where enable-health-checking is on.",
    },
    Explanation {
        code: "status/rp-filter",
        text: "Checks: the kernel does not check the way back strictly on devices of pods and of Cilium, nor on the device that answers of NodePorts leave by with DSR.
Why: BPF programs take packets past the routing tables, so answers leave by another device than the kernel would choose. With rp_filter=1 such packets are dropped without a count that anybody looks at. The greater of `all` and the device's own value is in force; some distributions set it for every new device.
See for yourself: `grep -r . /proc/sys/net/ipv4/conf --include=rp_filter` on the node.
Fix: a file in /etc/sysctl.d that sets 0 for all and for lxc*.
Since: 0.1.0.
Source: /proc/sys/net/ipv4/conf; Linux, Documentation/networking/ip-sysctl.rst.",
    },
    Explanation {
        code: "status/clock-skew",
        text: "Checks: clocks of nodes are within five seconds of each other.
Why: leases of the operator, certificates of Hubble and of cluster meshes, and the order of flows go by the clock.
See for yourself: `kubectl lab each -- date`.
Fix: chronyd or systemd-timesyncd on the node.
Since: 0.1.0.
Source: `date` on each node; a recording has no time, so there it is unknown.",
    },
];
