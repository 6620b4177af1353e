//! The texts behind `kubectl lab explain routes/…`, one for each code a finding can carry.
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
        code: "routes/black-hole",
        text: "Checks: a packet between pods of two nodes is sent out of a default route whose gateway knows nothing of podCIDRs, on a node or on a router between them.
Why: nobody sends an error back. Kubernetes and Cilium look healthy, a Service with one backend on each node times out for some connections, and monitor shows the packet as forwarded.
See for yourself: `kubectl lab routes trace NS/POD NS/POD`; `ip route get POD-IP` on the host that is named; `tcpdump -ni any icmp` there shows the packet come in by one device and leave by the uplink.
Fix: routes to every podCIDR on the router, all of them, for request and answer are looked up apart; or tunnel mode; or BGP between the nodes and the router. autoDirectNodeRoutes installs routes to peers on the same link only.
Since: 0.1.0.
Source: Cilium's routing guide; pkg/datapath/linux/node.go (createDirectRouteSpec).",
    },
    Explanation {
        code: "routes/loop",
        text: "Checks: a packet to a podCIDR comes back to a host that already sent it on.
Why: two hosts point to each other for the same destination. The packet circles until its time to live is used up.
See for yourself: `kubectl lab routes trace` shows the circle; `tracepath -n POD-IP` repeats two addresses.
Fix: give one of the hosts the route to the node that owns the podCIDR.
Since: 0.1.0.
Source: the walk over the routing tables of every known host.",
    },
    Explanation {
        code: "routes/unreachable",
        text: "Checks: pods of two nodes cannot reach each other for another reason than a black hole: no route, a refusing route, or a next hop that does not answer.
Why: the sender gets an error or nothing at all, whatever the pods and Services look like.
See for yourself: `kubectl lab routes trace NS/POD NS/POD`; `ip route get POD-IP` and `ip neigh` on the host that is named.
Fix: repair the route or the link that the evidence shows.
Since: 0.1.0.
Source: the walk over the routing tables of every known host.",
    },
    Explanation {
        code: "routes/missing",
        text: "Checks: a route that the agent installs in this routing mode is not in the main table, and no other route does its work.
Why: the agent was down when the podCIDR appeared, the installation failed (`Unable to install direct node route` in its log), or somebody deleted the route. It is put back minutes later at the earliest.
See for yourself: `ip route show PODCIDR` on the host; the log of the agent on it.
Fix: restart the agent of that node, or add the route that is shown until it does.
Since: 0.1.0.
Source: pkg/datapath/linux/node.go (updateDirectRoutes, nodeUpdate); cilium/cilium#26588.",
    },
    Explanation {
        code: "routes/stale",
        text: "Checks: a route to a range that no node owns, or one of another routing mode that was left behind.
Why: podCIDRs that go away while an agent is down leave their routes; nothing purges them. When the range is given to another node, packets go to the old one.
See for yourself: `ip route show RANGE` on the host; `kubectl get ciliumnodes -o yaml`.
Fix: delete the route with the command shown.
Since: 0.1.0.
Source: cilium/cilium#28137.",
    },
    Explanation {
        code: "routes/wrong-next-hop",
        text: "Checks: the route to a podCIDR exists and its gateway is not the node that owns the range.
Why: the node's address changed, or a route was made by hand. Packets reach the wrong machine.
See for yourself: `ip route show PODCIDR` on the host; `kubectl get ciliumnode NODE -o yaml`.
Fix: replace the route with the command shown; the agent repeats its own routes when it restarts.
Since: 0.1.0.
Source: cilium/cilium#31066.",
    },
    Explanation {
        code: "routes/wrong-device",
        text: "Checks: the route to a podCIDR names the right gateway and another device than the one on which that gateway is reached.
Why: a node with several links answers on one and is asked on another.
See for yourself: `ip route show PODCIDR` and `ip route get NODE-IP` on the host.
Fix: replace the route with the command shown.
Since: 0.1.0.
Source: cilium/cilium#16424.",
    },
    Explanation {
        code: "routes/shadowed",
        text: "Checks: a longer route of somebody else lies inside a podCIDR.
Why: the longest prefix wins, so part of the range goes elsewhere: a container bridge, a VPN, another network plugin.
See for yourself: `ip route show root PODCIDR` on the host.
Fix: remove the longer route, or move the other network out of the pod range.
Since: 0.1.0.
Source: longest prefix match of the kernel's tables.",
    },
    Explanation {
        code: "routes/conflict",
        text: "Checks: two nodes claim ranges that overlap.
Why: every other node can hold one route only; pods of the other node are out of reach. The operator writes an error into one CiliumNode's status and nothing else tells.
See for yourself: `kubectl get ciliumnodes -o yaml`, fields spec.ipam.podCIDRs and status.ipam.
Fix: take the range away from the node that got it last, and recreate its pods.
Since: 0.1.0.
Source: CiliumNode objects.",
    },
    Explanation {
        code: "routes/unexpected",
        text: "Checks: a direct route to a podCIDR whose node is behind a router.
Why: the gateway is not on the link, so the route cannot resolve there; the agent itself refuses to make it.
See for yourself: `ip route get NODE-IP` on the host shows the router; `ip route show PODCIDR` the direct route.
Fix: delete the route, and see `routes/black-hole` for ways across the router.
Since: 0.1.0.
Source: pkg/datapath/linux/node.go (createDirectRouteSpec).",
    },
    Explanation {
        code: "routes/outside-native-cidr",
        text: "Checks: a podCIDR that is not inside ipv4-native-routing-cidr while routing is native and masquerading is on.
Why: packets to that range get the sending node's address. Policies and logs see the node, and answers depend on translation.
See for yourself: `kubectl -n kube-system get cm cilium-config -o yaml`; `kubectl get ciliumnodes`.
Fix: widen ipv4NativeRoutingCIDR so that it holds every podCIDR, and restart the agents.
Since: 0.1.0.
Source: bpf/lib/nat.h (snat_v4_needs_masquerade).",
    },
    Explanation {
        code: "routes/mtu",
        text: "Checks: a way between two nodes is narrower than the MTU the sending pods are given.
Why: small packets pass and large ones vanish where nobody sends, or nobody lets through, the message that they are too big. Pings and health checks stay green.
See for yourself: `ping -M do -s 1472 POD-IP` from a pod; `ip link` on the host that is named.
Fix: set the same MTU on every device of the way, or lower Cilium's MTU value, and restart the agents.
Since: 0.1.0.
Source: pkg/mtu; cilium/cilium#43072.",
    },
    Explanation {
        code: "routes/one-way",
        text: "Checks: pods of one node reach pods of another, and the answer does not come back.
Why: request and answer are looked up apart. One missing route on the way back looks like a dead peer.
See for yourself: `kubectl lab routes trace` in both directions; the peer's tcpdump shows requests and answers.
Fix: add the route of the way back that the evidence shows.
Since: 0.1.0.
Source: the walk over the routing tables of every known host.",
    },
    Explanation {
        code: "routes/unused-pod-cidr",
        text: "Checks: a route to Node.spec.podCIDR although pods get their addresses from another range.
Why: kube-controller-manager stamps every Node with a podCIDR; in cluster-pool and multi-pool mode no pod uses it. Routes written from that field look like the cure and carry no packet.
See for yourself: `kubectl get nodes -o custom-columns=N:.metadata.name,CIDR:.spec.podCIDR` beside `kubectl get ciliumnodes`.
Fix: replace them with routes to the podCIDRs of the CiliumNodes.
Since: 0.1.0.
Source: CiliumNode.spec.ipam.podCIDRs is what the agent uses outside ipam=kubernetes.",
    },
    Explanation {
        code: "routes/local-rule",
        text: "Checks: `ip rule` looks up the local table: at priority 100 and not at 0 where the L7 proxy is on, at either otherwise.
Why: Cilium moves that rule to make room for its own; with the old one back in front the proxy's rules are never reached, and with none a host refuses its own packets.
See for yourself: `ip rule` on the host.
Fix: restart the agent of that node, and look for the tool that writes the rule.
Since: 0.1.0.
Source: pkg/datapath/linux/node.go (NodeEnsureLocalRoutingRule), called when enable-l7-proxy is true.",
    },
    Explanation {
        code: "routes/missing-pod-route",
        text: "Checks: with endpoint routes on, every pod of the node has a route to its own device.
Why: without it the host's packets to that pod leave by the covering route.
See for yourself: `ip route show POD-IP` on the node.
Fix: recreate the pod, or restart the agent of that node.
Since: 0.1.0.
Source: pkg/datapath/loader (endpoint routes).",
    },
    Explanation {
        code: "routes/stale-pod-route",
        text: "Checks: with endpoint routes on, a route to a pod's device whose address no pod has.
Why: it was left behind by a pod that is gone, and catches the address when it is used again elsewhere.
See for yourself: `ip route show ADDRESS` on the node; `kubectl get pods -A -o wide`.
Fix: delete the route with the command shown.
Since: 0.1.0.
Source: pkg/datapath/loader (endpoint routes).",
    },
    Explanation {
        code: "routes/node-address",
        text: "Checks: the InternalIP of the Node is the one of its CiliumNode.
Why: other nodes use the CiliumNode's as gateway. After a change of address they keep sending to the old one.
See for yourself: `kubectl get node,ciliumnode NAME -o yaml`.
Fix: restart the agent of that node so that it writes its CiliumNode again.
Since: 0.1.0.
Source: cilium/cilium#31066.",
    },
    Explanation {
        code: "routes/agent-not-ready",
        text: "Checks: the agent of a node answers, and its datapath is in order.
Why: routes that it has not installed yet are not missing; its rows are `unknown` until it is ready.
See for yourself: `kubectl -n kube-system get pods -o wide -l k8s-app=cilium`; `cilium-dbg status` in it.
Fix: bring the agent up and ask again.
Since: 0.1.0.
Source: cilium-dbg status.",
    },
    Explanation {
        code: "routes/unanswered",
        text: "Checks: every host's routing tables can be read.
Why: nothing is said about a host that does not answer. Its rows are `unknown`, and traces through it end there.
See for yourself: `kubectl lab routes --host NAME`.
Fix: what the failure in the evidence asks for: a right, a login, a longer `--request-timeout`.
Since: 0.1.0.
Source: the answers of this run.",
    },
];
