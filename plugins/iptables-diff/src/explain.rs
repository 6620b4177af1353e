//! The long texts behind the codes of findings.

/// A code and its text.
pub struct Explained {
    /// The code.
    pub code: &'static str,
    /// The text.
    pub text: &'static str,
}

/// Every code of this plugin.
pub const EXPLANATIONS: &[Explained] = &[
    Explained {
        code: "iptables-diff/missing-rule",
        text: "Checks: every node has the rules that most nodes have, or those of --base. Counters, values that are each node's own, ports of proxies and spellings do not count; the order in a chain does.\n\
               Why: nodes are made alike. A rule that one lacks was deleted by hand, by another firewall or by a flush, and packets meet another fate there than everywhere else.\n\
               See for yourself: `iptables-save` on both nodes; `kubectl lab iptables-diff diff`.\n\
               Fix: rules of Cilium come back when its agent restarts, and at the latest after half an hour; others where they were made.\n\
               Since: 0.1.0.\n\
               Source: `iptables-save -c` and `ip6tables-save -c`.",
    },
    Explained {
        code: "iptables-diff/extra-rule",
        text: "Checks: no node has a rule that most nodes, or --base, have not.\n\
               Why: it was added by hand or by a program that runs there alone. In front of other rules it may take packets from them.\n\
               See for yourself: `iptables -t TABLE -S CHAIN` on the node.\n\
               Fix: delete it, or add it everywhere.\n\
               Since: 0.1.0.\n\
               Source: `iptables-save -c` and `ip6tables-save -c`.",
    },
    Explained {
        code: "iptables-diff/other-rule",
        text: "Checks: rules that nodes have in common stand in the same order, once, with the same words, and chains of the kernel have the same policy.\n\
               Why: the first rule that matches decides. A feeder that stands behind a firewall's rules is met by what these let through only.\n\
               See for yourself: `kubectl lab iptables-diff diff`.\n\
               Fix: put it where the others have it.\n\
               Since: 0.1.0.\n\
               Source: `iptables-save -c` and `ip6tables-save -c`.",
    },
    Explained {
        code: "iptables-diff/duplicated-feeder",
        text: "Checks: each of Cilium's chains is called once from a chain of the kernel.\n\
               Why: an agent that ended in the middle of replacing its rules, or iptables of two versions, left the old call. Packets pass the chain twice; marks are set twice, and the cost is.\n\
               See for yourself: `iptables-save | grep cilium-feeder`.\n\
               Fix: delete one of them, or restart the agent.\n\
               Since: 0.1.0.\n\
               Source: `iptables-save -c`.",
    },
    Explained {
        code: "iptables-diff/shadowed",
        text: "Checks: no rule stands behind another one of its chain that takes all of its packets and does something else with them.\n\
               Why: it is never reached. Whoever wrote it believes that it works.\n\
               See for yourself: its counters stay at zero: `iptables -t TABLE -vnL CHAIN`.\n\
               Fix: move it in front of the other one, or delete it.\n\
               Since: 0.1.0.\n\
               Source: `iptables-save -c`.",
    },
    Explained {
        code: "iptables-diff/two-backends",
        text: "Checks: rules are in one of the two backends of iptables only.\n\
               Why: the kernel passes packets through both. What one tool shows is half of the truth, and what it deletes goes on in the other. It happens when the host's tool and the one in a container choose differently.\n\
               See for yourself: `iptables-nft-save` and `iptables-legacy-save` on the node.\n\
               Fix: use one everywhere (`update-alternatives --config iptables`), and flush the other or start the node anew.\n\
               Since: 0.1.0.\n\
               Source: both tools; cilium/cilium#20123.",
    },
    Explained {
        code: "iptables-diff/forward-drop",
        text: "Checks: where the policy of FORWARD is DROP, rules accept packets from and to pods. Where they do and packets still met the policy, their number is told.\n\
               Why: Docker and firewalls set that policy. Cilium's rules accept packets of pods, as long as they are there.\n\
               See for yourself: `iptables -vnL FORWARD`.\n\
               Fix: restart the agent, which puts its rules back, or accept forwarding: `iptables -P FORWARD ACCEPT`.\n\
               Since: 0.1.0.\n\
               Source: `iptables-save -c`.",
    },
    Explained {
        code: "iptables-diff/pod-masquerade",
        text: "Checks: no rule gives packets from a pod of one node to a pod of another one a new source address.\n\
               Why: the other pod sees the node: policies that go by the pod's identity fail, and so do logs of who connected.\n\
               See for yourself: `kubectl lab iptables-diff path PODIP OTHER-PODIP --host NODE`.\n\
               Fix: exclude the range of pods in that rule, or delete it.\n\
               Since: 0.1.0.\n\
               Source: `iptables-save -c` and the podCIDRs of CiliumNodes.",
    },
    Explained {
        code: "iptables-diff/unreadable",
        text: "Checks: dumps are whole, and every line is a rule.\n\
               Why: a dump that was cut, an error message or a table that only nft can show hides rules; a part that is printed as `[unsupported revision]` was written by a newer tool. Nothing is said about what cannot be read.\n\
               See for yourself: `kubectl lab each -- iptables-save`.\n\
               Fix: what the line says; for unsupported revisions use the version of iptables that the agent's image has.\n\
               Since: 0.1.0.\n\
               Source: lines of `iptables-save -c`.",
    },
    Explained {
        code: "iptables-diff/versions",
        text: "Checks: the tools of all nodes have one version and one backend.\n\
               Why: versions print and understand other things; an older one drops options that a newer one wrote, and then writes the rule back without them.\n\
               See for yourself: `kubectl lab iptables-diff hosts`.\n\
               Fix: install the same version.\n\
               Since: 0.1.0.\n\
               Source: the first line of the dumps, and `iptables --version`; cilium/cilium#25473.",
    },
    Explained {
        code: "iptables-diff/not-expected",
        text: "Checks: Cilium's chains hold what its release installs with the cluster's configuration, and nothing of a replacement that did not end or of kube-proxy where Cilium replaces it.\n\
               Why: a missing NOTRACK or ACCEPT rule is felt as lost packets; a stale one of kube-proxy still translates services that Cilium serves.\n\
               See for yourself: `kubectl lab iptables-diff show NODE --grep CILIUM`.\n\
               Fix: restart the agent of the node, which installs all anew; for kube-proxy's rules `kube-proxy --cleanup`.\n\
               Since: 0.1.0.\n\
               Source: Cilium 1.17 and 1.18 as recorded; other releases from what their code installs or from their source, which is told.",
    },
    Explained {
        code: "iptables-diff/as-expected",
        text: "Checks: every rule in Cilium's chains on these nodes was read, and is one that the model has; none of the model is missing.\n\
               Why: a table without rows does not say what was compared.\n\
               See for yourself: `kubectl lab iptables-diff show NODE --grep CILIUM`.\n\
               Fix: nothing to do.\n\
               Since: 0.1.0.\n\
               Source: as of iptables-diff/not-expected.",
    },
    Explained {
        code: "iptables-diff/no-model",
        text: "Checks: what ought to be installed is known: the agent's release, its configuration and the values that rules hold.\n\
               Why: nothing is called missing or unexpected where that is not known.\n\
               See for yourself: `kubectl -n kube-system get pods -l k8s-app=cilium -o wide`; `kubectl -n kube-system get configmap cilium-config -o yaml`.\n\
               Fix: none needed, unless a right is missing.\n\
               Since: 0.1.0.\n\
               Source: pods labelled k8s-app=cilium and cilium-config.",
    },
];
