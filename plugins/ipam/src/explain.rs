//! The texts behind `kubectl lab explain ipam/…`, one for each code a finding can carry.
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
        code: "ipam/unknown-mode",
        text: "Checks: the mode of IPAM is one of those whose objects are known here, and Cilium itself hands out addresses.
Why: behind a delegated plugin or with CNI chaining Cilium does not know which addresses there are, so what is left cannot be told. In a mode that is not known the ranges of the CiliumNodes are shown as they are.
See for yourself: `kubectl --namespace kube-system get configmap cilium-config -o jsonpath='{.data.ipam}'`; /etc/cni/net.d on a node.
Fix: ask the program that hands the addresses out.
Since: 0.1.0.
Source: cilium-config, keys ipam and cni-chaining-mode.",
    },
    Explanation {
        code: "ipam/node-pod-cidr",
        text: "Checks: which of the two ranges of a node counts: Node.spec.podCIDRs or that of its CiliumNode. With ipam=kubernetes both must be equal.
Why: kube-controller-manager stamps every Node with a podCIDR, whoever hands out addresses. With cluster-pool and multi-pool no pod gets an address from it, and routes or firewall rules written for it lead nowhere.
See for yourself: `kubectl get nodes -o custom-columns=NAME:.metadata.name,CIDR:.spec.podCIDR` beside `kubectl get ciliumnodes -o yaml`.
Fix: none where it is ignored. With ipam=kubernetes restart the agent, which writes its CiliumNode anew.
Since: 0.1.0.
Source: Node.spec.podCIDRs, CiliumNode.spec.ipam, cilium-config key ipam.",
    },
    Explanation {
        code: "ipam/operator-error",
        text: "Checks: no CiliumNode carries an error of the operator.
Why: the operator writes there what it could not do: no range left, a range that another node has, a cloud's refusal. Nothing else says so, and the agent waits.
See for yourself: `kubectl get ciliumnodes -o jsonpath='{range .items[*]}{.metadata.name}{\" \"}{.status.ipam.operator-status.error}{\"\\n\"}{end}'`.
Fix: what the text asks for; the operator's log has more.
Since: 0.1.0.
Source: CiliumNode.status.ipam.operator-status.error.",
    },
    Explanation {
        code: "ipam/no-range",
        text: "Checks: every CiliumNode has a range, a pool's range or a list of addresses.
Why: until it has, the agent waits at its start and no pod of the node gets an address. The operator may be down, or the pool is used up.
See for yourself: `kubectl get ciliumnode NODE -o yaml`, part spec.ipam.
Fix: start the operator, or add a range to the pool.
Since: 0.1.0.
Source: CiliumNode.spec.ipam.",
    },
    Explanation {
        code: "ipam/node-without-cilium-node",
        text: "Checks: every Node has a CiliumNode.
Why: the agent makes it; without it no agent has ever run there, and pods get no address from Cilium.
See for yourself: `kubectl get ciliumnodes`; the agent's pod on that node.
Fix: look why the agent of the node does not start.
Since: 0.1.0.
Source: Node, CiliumNode.",
    },
    Explanation {
        code: "ipam/cilium-node-without-node",
        text: "Checks: every CiliumNode has a Node.
Why: what is left of a deleted node keeps its range, so the pool runs out sooner, and its peers keep routes to it. The operator collects such objects after five minutes.
See for yourself: `kubectl get ciliumnodes` beside `kubectl get nodes`.
Fix: kubectl delete ciliumnode NODE, once the machine is really gone.
Since: 0.1.0.
Source: Node, CiliumNode; nodes-gc-interval.",
    },
    Explanation {
        code: "ipam/pool-request",
        text: "Checks: multi-pool: what a node holds of a pool is at least what it asks for.
Why: the agent asks for what its pods use and eight more. When the operator does not give it, pods of that pool soon get no address.
See for yourself: `kubectl get ciliumnode NODE -o yaml`, spec.ipam.pools.requested and allocated.
Fix: add a range to the CiliumPodIPPool.
Since: 0.1.0.
Source: CiliumNode.spec.ipam.pools.",
    },
    Explanation {
        code: "ipam/unknown-pool",
        text: "Checks: multi-pool: every pool that a pod or namespace asks for exists.
Why: a pod whose annotation names a pool that is not there never gets an address.
See for yourself: `kubectl get ciliumpodippools`; the annotation ipam.cilium.io/ip-pool.
Fix: make the pool or correct the annotation.
Since: 0.1.0.
Source: Pod and Namespace annotations, CiliumPodIPPool.",
    },
    Explanation {
        code: "ipam/malformed",
        text: "Checks: every range in the objects and settings can be read.
Why: an agent or operator that cannot read a range leaves it out or does not start. The rest of the object is shown.
See for yourself: the object that the evidence names.
Fix: correct the text.
Since: 0.1.0.
Source: CiliumNode, CiliumPodIPPool, cilium-config.",
    },
    Explanation {
        code: "ipam/pool-unusable",
        text: "Checks: each pool can be cut into ranges of its mask size.
Why: the operator refuses a mask size shorter than the pool's own length, and for IPv6 one more than 16 bits longer, and ends.
See for yourself: cilium-config, cluster-pool-ipv4-cidr and cluster-pool-ipv4-mask-size.
Fix: choose a mask size that fits.
Since: 0.1.0.
Source: cilium-config, CiliumPodIPPool; pkg/ipam/cidrset of Cilium 1.18.",
    },
    Explanation {
        code: "ipam/outside-pool",
        text: "Checks: each node's range lies in a pool.
Why: a range outside was given before the pool or the mode was changed, which Cilium does not support in place: it stays, and whatever is written for the pool leaves it out.
See for yourself: `kubectl lab ipam -o wide`.
Fix: drain the node, delete its CiliumNode, restart its agent, recreate its pods; or put the range back.
Since: 0.1.0.
Source: CiliumNode.spec.ipam, cilium-config; cilium/cilium#13766.",
    },
    Explanation {
        code: "ipam/outside-native-routing",
        text: "Checks: with native routing and masquerading, each range of pods lies in ipv4-native-routing-cidr (ipv6 likewise).
Why: packets to an address outside of it are taken for packets to the outside: they leave with the node's address, policies by pod no longer see the pod, and the receiver sees the node.
See for yourself: `cilium-dbg status` in an agent, line Masquerading.
Fix: make native-routing-cidr hold all pools and restart the agents.
Since: 0.1.0.
Source: cilium-config.",
    },
    Explanation {
        code: "ipam/overlap-nodes",
        text: "Checks: no two nodes have addresses in common.
Why: two pods get the same address, and packets to it go to one node or the other. It comes from two operators, or from objects that were copied.
See for yourself: `kubectl get ciliumnodes -o yaml`.
Fix: make the younger CiliumNode anew and recreate its pods.
Since: 0.1.0.
Source: CiliumNode.spec.ipam; cilium/cilium#17277.",
    },
    Explanation {
        code: "ipam/overlap-pools",
        text: "Checks: no two pools have addresses in common.
Why: each pool is cut without looking at the others, so two nodes get the same range.
See for yourself: `kubectl get ciliumpodippools -o yaml`.
Fix: leave each address in one pool.
Since: 0.1.0.
Source: CiliumPodIPPool, cilium-config.",
    },
    Explanation {
        code: "ipam/overlap-node-network",
        text: "Checks: no node's own address lies in a range of pods.
Why: once a pod or a node's range takes that address, the node is out of reach from pods and peers. The default pool 10.0.0.0/8 holds many private networks.
See for yourself: `kubectl get nodes -o wide` beside `kubectl lab ipam`.
Fix: choose another range for pods.
Since: 0.1.0.
Source: Node.status.addresses; cilium/cilium#13955.",
    },
    Explanation {
        code: "ipam/overlap-services",
        text: "Checks: no range of pods has addresses in common with that of Services.
Why: a pod and a Service may then have the same address, and the Service wins.
See for yourself: `kubectl get servicecidrs`; flags of kube-apiserver.
Fix: choose another range for pods.
Since: 0.1.0.
Source: ServiceCIDR, kube-apiserver, kubeadm-config.",
    },
    Explanation {
        code: "ipam/overlap-extra-route",
        text: "Checks: no host beside the cluster is in a network that pods use, or sends part of it elsewhere.
Why: such a host never sends to those pods: it looks for their addresses on its own link, or hands them to somebody who does not know them.
See for yourself: `ip route` on that host.
Fix: choose another range for pods, or take the route away.
Since: 0.1.0.
Source: `ip -j route show table all`.",
    },
    Explanation {
        code: "ipam/pool-full",
        text: "Checks: less than --warn-at percent of a pool's ranges are taken.
Why: the node that joins after the last one gets no range: it becomes Ready late or never, and no pod starts on it.
See for yourself: `kubectl lab ipam`, table pools.
Fix: add a range to the pool; those that are there stay.
Since: 0.1.0.
Source: cilium-config, CiliumPodIPPool, CiliumNode.",
    },
    Explanation {
        code: "ipam/node-full",
        text: "Checks: less than --warn-at percent of a node's addresses are in use.
Why: the pod after the last address waits in ContainerCreating with `range is full`.
See for yourself: `kubectl lab ipam`; `cilium-dbg status` on that node, line IPAM.
Fix: cordon the node; give new nodes larger ranges.
Since: 0.1.0.
Source: CiliumNode, Pods, CiliumEndpoints.",
    },
    Explanation {
        code: "ipam/duplicate",
        text: "Checks: no address is held twice: by two pods, a pod and a node, a pod and the router, health or ingress address of a node.
Why: packets reach one of them at best, and policies of one hold for the other.
See for yourself: `kubectl lab ipam who ADDRESS`.
Fix: recreate the younger pod.
Since: 0.1.0.
Source: Pod.status.podIPs, CiliumEndpoint, CiliumNode.",
    },
    Explanation {
        code: "ipam/endpoint-differs",
        text: "Checks: a pod and its CiliumEndpoint have the same addresses.
Why: other nodes know the pod's identity by the endpoint's address: with another one its policies hold for somebody else.
See for yourself: `kubectl get pod,ciliumendpoint -o wide`.
Fix: recreate the pod.
Since: 0.1.0.
Source: Pod.status.podIPs, CiliumEndpoint.status.networking; cilium/cilium#19931.",
    },
    Explanation {
        code: "ipam/endpoint-node",
        text: "Checks: a CiliumEndpoint names the node that its pod runs on.
Why: peers encapsulate packets to that node, and they are lost there.
See for yourself: `kubectl get ciliumendpoint NAME -o jsonpath='{.status.networking.node}'`.
Fix: recreate the pod; restart the agent when the node's address has changed.
Since: 0.1.0.
Source: CiliumEndpoint.status.networking.node.",
    },
    Explanation {
        code: "ipam/pod-outside",
        text: "Checks: each pod's address is in what its node holds.
Why: routes and tunnels lead by the node's range: a pod outside of it is found by nobody. It is left over from before the node got another range.
See for yourself: `kubectl get pods -o wide` beside `kubectl lab ipam`.
Fix: recreate the pod.
Since: 0.1.0.
Source: Pod.status.podIPs, CiliumNode.spec.ipam.",
    },
    Explanation {
        code: "ipam/not-allocated",
        text: "Checks: each address that a pod uses is handed out by its agent (--deep) or in the node's list of used addresses.
Why: what is in use and counts as free is given to another pod.
See for yourself: `cilium-dbg status --all-addresses` on the node.
Fix: recreate the pod.
Since: 0.1.0.
Source: agent's status, CiliumNode.status.ipam.used.",
    },
    Explanation {
        code: "ipam/no-endpoint",
        text: "Checks: each pod that runs has a CiliumEndpoint of its own.
Why: it was started before Cilium, or lost when an agent was restored: no policy holds for it and its identity is unknown. Pods younger than 30 seconds are left out.
See for yourself: `kubectl get ciliumendpoints --all-namespaces`.
Fix: recreate the pod.
Since: 0.1.0.
Source: Pod, CiliumEndpoint; cilium/cilium#27123.",
    },
    Explanation {
        code: "ipam/suspect",
        text: "Checks: each address that is handed out has a holder: compared by address and by the pod's uid, never by name alone.
Why: a leaked address is gone until the agent starts anew. Between a pod's end and the release of its address lies a while, so one look proves nothing: only what has nobody after --cooling, or throughout it with --watch, is a warning. Nothing is released.
See for yourself: `kubectl lab ipam who ADDRESS --deep`.
Fix: delete the CiliumEndpoint that was left, or restart the agent of the node.
Since: 0.1.0.
Source: CiliumEndpoint, CiliumNode.status.ipam.used, agent's status.",
    },
    Explanation {
        code: "ipam/ended-counted",
        text: "Checks: no pod that has succeeded or failed still has an address.
Why: a finished Job keeps its address in its status, but its agent must have taken it back. Where it has not, the node fills up.
See for yourself: `kubectl get pods --all-namespaces --field-selector status.phase=Succeeded -o wide`.
Fix: delete the pod.
Since: 0.1.0.
Source: Pod.status.phase against CiliumEndpoint and agent.",
    },
    Explanation {
        code: "ipam/plan-too-few-ranges",
        text: "Checks: the planned pools have a range for each node.
Why: the nodes beyond get none.
See for yourself: `kubectl lab ipam plan`.
Fix: a longer mask size, or one more range.
Since: 0.1.0.
Source: the plan.",
    },
    Explanation {
        code: "ipam/plan-too-few-addresses",
        text: "Checks: a node's range has an address for each pod, those of the node itself not counted.
Why: the pods beyond get none.
See for yourself: `kubectl lab ipam plan`.
Fix: a shorter mask size.
Since: 0.1.0.
Source: the plan.",
    },
    Explanation {
        code: "ipam/plan-mask-size",
        text: "Checks: a plan does not change the mask size of a pool in use.
Why: Cilium does not support it in place: nodes keep the range they have until their CiliumNode is made anew.
See for yourself: Cilium's documentation of cluster scope IPAM.
Fix: add a second pool, or go node by node.
Since: 0.1.0.
Source: the plan, CiliumNode.",
    },
];
