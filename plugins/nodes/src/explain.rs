//! The texts behind `kubectl lab explain nodes/…`, one for each code a finding can carry.
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
        code: "nodes/not-ready",
        text: "Checks: the condition Ready of every node is True.
Why: on a node that is not ready no pod starts; five minutes after its kubelet fell silent its pods are deleted and made anew elsewhere.
See for yourself: `kubectl describe node NODE`; `journalctl --unit kubelet` on it.
Fix: what the condition's message asks for: a network plugin, a container runtime, disk space, or a kubelet that runs.
Since: 0.1.0.
Source: Node.status.conditions.",
    },
    Explanation {
        code: "nodes/condition",
        text: "Checks: no node reports MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable.
Why: under pressure a kubelet evicts pods and takes no new ones. NetworkUnavailable keeps a taint on the node until a network plugin reports itself.
See for yourself: `kubectl describe node NODE`, part Conditions.
Fix: free what is short; for NetworkUnavailable look at the agent of that node.
Since: 0.1.0.
Source: Node.status.conditions.",
    },
    Explanation {
        code: "nodes/internal-ip-shared",
        text: "Checks: no two nodes have the same InternalIP.
Why: machines behind one hypervisor often share the address of their first interface, such as 10.0.2.15. A kubelet without node-ip takes it, and then packets to either node reach one of them at best: logs, exec, tunnels and direct routes go to the wrong machine.
See for yourself: `kubectl get nodes -o wide`; `kubectl lab nodes addr` shows the addresses that every host has.
Fix: give each kubelet its own address with --node-ip and restart it; then restart the agents, which keep the old address in their CiliumNode.
Since: 0.1.0.
Source: Node.status.addresses; kubernetes/kubeadm#203.",
    },
    Explanation {
        code: "nodes/internal-ip-missing",
        text: "Checks: every node has an InternalIP.
Why: other nodes, the API server and Cilium look for it first. Without it there is no route to the node's pods and no log of them.
See for yourself: `kubectl get node NODE -o jsonpath='{.status.addresses}'`.
Fix: give the kubelet its address with --node-ip, or look why the cloud controller does not set it.
Since: 0.1.0.
Source: Node.status.addresses.",
    },
    Explanation {
        code: "nodes/internal-ip-elsewhere",
        text: "Checks: the InternalIP of a node is on one of its devices.
Why: the address changed, or belongs to a translation in front of the machine. Cilium picks devices and the direct route's source by that address, and peers send to it.
See for yourself: `ip -br addr` on the node beside `kubectl get node NODE -o wide`.
Fix: give the kubelet an address that the machine has, restart it, and restart its agent.
Since: 0.1.0.
Source: Node.status.addresses against `ip -j addr`.",
    },
    Explanation {
        code: "nodes/etc-hosts",
        text: "Checks: names of the cluster's hosts in /etc/hosts have the addresses that the API knows. A host's own name at a loopback address is left alone: some installers write it.
Why: the file is asked before any DNS. ssh, scripts and components that use names reach another machine, and everything that uses the API looks right.
See for yourself: `getent ahosts NAME` on the host; `kubectl get nodes -o wide`.
Fix: correct the line. Where the file is the copy in an agent's pod, it is as old as that pod: look on the host itself.
Since: 0.1.0.
Source: `cat /etc/hosts` against Node.status.addresses and the addresses of extra hosts.",
    },
    Explanation {
        code: "nodes/hostname",
        text: "Checks: a host calls itself by the name it is asked by.
Why: the name of another host means that commands reach another machine than the one meant, or that two machines are clones. Another name altogether may be meant so.
See for yourself: `kubectl lab nodes -o wide`, column HOSTNAME; `ssh HOST hostname`.
Fix: correct the address or the name in the settings of extra hosts, or set the hostname.
Since: 0.1.0.
Source: `hostname`.",
    },
    Explanation {
        code: "nodes/agent-not-ready",
        text: "Checks: every node has one Cilium agent and it is ready.
Why: without an agent new pods get no network, routes to new nodes are not made, and policies are not renewed. Pods that already run mostly go on, so it shows late.
See for yourself: `kubectl -n kube-system get pods -o wide -l k8s-app=cilium`; `kubectl -n kube-system logs POD`.
Fix: what the pod's state says: an image, a crash in the log, a taint that it does not tolerate.
Since: 0.1.0.
Source: the pods labelled k8s-app=cilium.",
    },
    Explanation {
        code: "nodes/agent-version",
        text: "Checks: every agent runs the version that its DaemonSet asks for.
Why: a roll that stopped half way leaves two versions, which is meant for the time of an upgrade only.
See for yourself: `kubectl -n kube-system rollout status daemonset/cilium`; `cilium-dbg version` in each agent.
Fix: finish the roll, or undo it.
Since: 0.1.0.
Source: `cilium-dbg version`, or the image's tag, against the DaemonSet.",
    },
    Explanation {
        code: "nodes/pod-cidr-differs",
        text: "Checks: Node.spec.podCIDRs against the podCIDRs of the CiliumNode.
Why: kube-controller-manager stamps every Node with a podCIDR when --allocate-node-cidrs is on. With ipam=cluster-pool or multi-pool Cilium's operator hands out ranges of its own, and only the CiliumNode counts: that is worth knowing and no fault. With ipam=kubernetes both must be the same.
See for yourself: `kubectl get nodes -o custom-columns=N:.metadata.name,CIDR:.spec.podCIDR` beside `kubectl get ciliumnodes -o yaml`.
Fix: none outside ipam=kubernetes, but never write routes from Node.spec.podCIDR. With ipam=kubernetes restart the agent, which writes its CiliumNode anew.
Since: 0.1.0.
Source: ipam of cilium-config.",
    },
    Explanation {
        code: "nodes/pod-cidr-outside",
        text: "Checks: podCIDRs in use lie in one of the pools.
Why: they were handed out by another pool or another IPAM mode. Masquerading, routes and firewalls that go by the pool leave these pods out.
See for yourself: `kubectl get ciliumnodes -o yaml`; cluster-pool-ipv4-cidr in cilium-config.
Fix: one node after the other: drain it, delete its CiliumNode, restart its agent, recreate its pods. Changing the IPAM mode of a running cluster is not supported.
Since: 0.1.0.
Source: CiliumNode.spec.ipam against cilium-config and CiliumPodIPPool.",
    },
    Explanation {
        code: "nodes/cidr-conflict",
        text: "Checks: every place that states the cluster CIDR or the service CIDR states the same: kubeadm-config, the flags of kube-apiserver and kube-controller-manager, ServiceCIDR objects; and the API's own Service lies in the service CIDR.
Why: a range that was changed in one place only shows when the next node joins, the next upgrade writes the flags anew, or a Service gets an address that another part does not expect.
See for yourself: `kubectl lab nodes cluster --only facts`; `kubectl cluster-info dump | grep -m1 cluster-cidr`.
Fix: the flags of what runs count. Correct the other places.
Since: 0.1.0.
Source: kubeadm-config, the pods of the control plane, ServiceCIDR.",
    },
    Explanation {
        code: "nodes/cidr-overlap",
        text: "Checks: ranges of pods, ranges of Services and InternalIPs of nodes have no address in common. A cluster CIDR that no pod uses is left out.
Why: an address with two meanings goes to one of them, depending on the order of lookups: pods cannot reach some nodes, or a Service hides a pod.
See for yourself: `kubectl lab nodes cluster --only facts`; `ip route get ADDRESS` on a node.
Fix: move one of the ranges. Pools can be extended while pods run; the nodes' network rarely can.
Since: 0.1.0.
Source: the ranges of `nodes cluster` against each other and Node.status.addresses.",
    },
    Explanation {
        code: "nodes/kubelet-skew",
        text: "Checks: no kubelet is newer than the API server, or more than three minor versions older (two before 1.28).
Why: outside these bounds nobody tests; fields vanish silently and features fail late.
See for yourself: `kubectl get nodes`; `kubectl version`.
Fix: the control plane first, then kubelets, one minor version after the other.
Since: 0.1.0.
Source: Kubernetes' version skew policy.",
    },
    Explanation {
        code: "nodes/kubelet-differs",
        text: "Checks: all kubelets have the same version.
Why: an upgrade that was not finished is forgotten easily, and a fault on some nodes alone is often theirs.
See for yourself: `kubectl get nodes`; `kubectl lab nodes cluster --only kubelets`.
Fix: upgrade the nodes that are behind.
Since: 0.1.0.
Source: Node.status.nodeInfo.",
    },
    Explanation {
        code: "nodes/kubelet-config",
        text: "Checks: max pods and the amounts that kubelets keep back are the same on all nodes.
Why: kubelet-config is what new nodes get; each node keeps a copy of its own, so a change reaches only those where it was repeated. Machines of different size may differ on purpose.
See for yourself: `kubectl get --raw /api/v1/nodes/NODE/proxy/configz`; /var/lib/kubelet/config.yaml on the node.
Fix: `kubeadm upgrade node phase kubelet-config` on the node, then restart its kubelet.
Since: 0.1.0.
Source: Node.status.capacity and allocatable.",
    },
    Explanation {
        code: "nodes/pods-full",
        text: "Checks: less than nine tenths of the pods that a node takes are in use; at all of them it is bad.
Why: the scheduler passes a full node by, and pods bound to it stay Pending, DaemonSets among them. The default is 110.
See for yourself: `kubectl describe node NODE`, parts Allocatable and Non-terminated Pods.
Fix: remove pods, add nodes, or raise maxPods where the podCIDR has addresses for it.
Since: 0.1.0.
Source: Node.status.allocatable.pods against pods that have not ended.",
    },
    Explanation {
        code: "nodes/no-metrics",
        text: "Checks: the metrics API answers.
Why: without it CPU and memory in use are not known; they are shown as `?`, never as 0. Autoscalers and `kubectl top` miss it too.
See for yourself: `kubectl get apiservice v1beta1.metrics.k8s.io`; `kubectl top nodes`.
Fix: install metrics-server, or look why its pod does not answer: one that runs where pods are out of reach fails like one that is not there.
Since: 0.1.0.
Source: metrics.k8s.io/v1beta1.",
    },
    Explanation {
        code: "nodes/unanswered",
        text: "Checks: the addresses of every host can be read.
Why: nothing is said about a host that does not answer; its values are `?`.
See for yourself: `kubectl lab nodes --host NAME`.
Fix: what the failure in the evidence asks for: a right, a login, a longer `--timeout`.
Since: 0.1.0.
Source: the answers of this run.",
    },
];
