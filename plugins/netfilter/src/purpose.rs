//! What a rule is for and whose it is, in words.
//!
//! Apart from [`crate::walk`] because it reads habits of those who write rules, not what a kernel
//! does. It must not know a host.

use crate::spec::{self, Clause, Part, WordList};

/// Who wrote a rule, by its chain, or by its comment in a chain of the kernel.
pub fn owner(chain: &str, spec: &str) -> &'static str {
    let of_name = |name: &str| {
        Some(match name {
            _ if name.starts_with("CILIUM_") || name.starts_with("OLD_CILIUM_") => "cilium",
            "KUBE-FIREWALL" | "KUBE-KUBELET-CANARY" | "KUBE-IPTABLES-HINT" => "kubelet",
            _ if name.starts_with("KUBE-") => "kube-proxy",
            _ if name.starts_with("cali-") => "calico",
            _ if name.starts_with("FLANNEL-") => "flannel",
            _ if name.starts_with("DOCKER") => "docker",
            _ if name.starts_with("CNI-") => "cni",
            _ if name.starts_with("ufw") => "ufw",
            _ if name.starts_with("f2b-") => "fail2ban",
            _ => return None,
        })
    };
    of_name(chain)
        .or_else(|| spec::target(spec).and_then(of_name))
        .or_else(|| {
            let comment = spec::comment(spec)?;
            (comment.starts_with("cilium-feeder:") || comment.starts_with("cilium"))
                .then_some("cilium")
        })
        .unwrap_or("user")
}

/// Beginnings and parts of comments, and what their rules are for.
const COMMENTS: [(&str, &str); 36] = [
    ("NOTRACK for pod traffic", "notrack: pods' packets skip conntrack, BPF tracks them itself"),
    ("NOTRACK for proxy return", "notrack: what the proxy sends back to pods skips conntrack"),
    ("NOTRACK for proxy forward", "notrack: what the proxy sends on through IPsec skips conntrack"),
    ("NOTRACK for L7 proxy upstream", "notrack: the proxy's own connections skip conntrack"),
    ("NOTRACK for proxy traffic", "notrack: packets on their way to the proxy skip conntrack"),
    ("NOTRACK for tunnel", "notrack: packets of the tunnel skip conntrack"),
    ("NOTRACK for wireguard", "notrack: packets of WireGuard skip conntrack"),
    ("no-track-host-ports", "notrack: ports that were annotated skip conntrack"),
    ("ACCEPT for proxy traffic", "lets packets of the proxy pass, whatever rules follow"),
    ("ACCEPT for l7 proxy upstream", "lets the proxy's own connections pass"),
    ("ACCEPT for tunnel", "lets packets of the tunnel pass"),
    ("ACCEPT for wireguard", "lets packets of WireGuard pass"),
    ("host->any mark as from host", "mark: packets of the host get the identity host"),
    (
        "redirect proxied traffic to host proxy",
        "mark: packets of a proxied connection go to the proxy",
    ),
    ("TPROXY to host", "tproxy: hands packets to the proxy's socket"),
    ("forward accept (nodeport)", "forward: lets packets of NodePort services pass"),
    ("forward accept", "forward: lets packets from and to pods pass, whatever the policy is"),
    (
        "exclude traffic to cluster nodes from masquerade",
        "masquerade: packets to nodes keep the pod's address",
    ),
    (
        "cilium masquerade non-cluster",
        "masquerade: pods that leave the cluster get the node's address",
    ),
    (
        "cilium snat non-cluster via source route",
        "masquerade: pods that leave the cluster get the route's source",
    ),
    (
        "exclude proxy return traffic from masquerade",
        "masquerade: what the proxy sends back keeps its address",
    ),
    (
        "cilium host->cluster masquerade",
        "masquerade: the host reaches pods with the router's address",
    ),
    (
        "host->cluster from 127.0.0.1 masquerade",
        "masquerade: from loopback pods are reached with the router's address",
    ),
    ("hairpin traffic", "masquerade: a pod that reaches itself through a service gets an answer"),
    ("xfrm", "IPsec: packets with its marks pass"),
    ("encrypt/decrypt marks", "IPsec: packets with its marks pass"),
    ("primary ENI", "routes answers back through the first network interface of the machine"),
    ("block incoming localnet", "kubelet: nobody outside reaches services of loopback"),
    ("kubernetes service nodeports", "kube-proxy: NodePort services, behind all others"),
    ("kubernetes service portals", "kube-proxy: connections to services"),
    ("kubernetes externally-visible", "kube-proxy: connections to services from outside"),
    ("kubernetes load balancer firewall", "kube-proxy: source ranges of load balancers"),
    ("kubernetes postrouting rules", "kube-proxy: masquerades what it marked"),
    (
        "kubernetes service traffic requiring SNAT",
        "masquerade: packets to services that were marked for it",
    ),
    ("kubernetes forwarding", "kube-proxy: lets packets to and from services pass"),
    ("kubernetes forwarding conntrack", "kube-proxy: lets answers pass"),
];

/// What a rule is for, in one line; none where nobody can tell from the rule alone.
pub fn purpose(table: &str, chain: &str, spec: &str) -> Option<String> {
    let comment = spec::comment(spec).unwrap_or_default();
    let target = spec::target(spec).unwrap_or_default();
    if let Some(fed) = comment.strip_prefix("cilium-feeder: ") {
        return Some(if target == fed {
            format!("feeder: leads from {chain} to Cilium's rules")
        } else {
            format!("feeder: was made for {fed} and leads to {target}")
        });
    }
    if let Some((_, words)) = COMMENTS.iter().find(|(part, _)| comment.contains(part)) {
        return Some((*words).to_owned());
    }
    let words = match (chain, target) {
        (_, "KUBE-MARK-MASQ") => "kube-proxy: marks packets that need another source address",
        ("KUBE-MARK-MASQ", "MARK") => "kube-proxy: the mark itself",
        (_, "KUBE-FIREWALL") => "kubelet: leads to its firewall",
        (_, "MASQUERADE") => "masquerade: the source becomes the address of the device",
        (_, "SNAT") => "masquerade: the source becomes one address",
        (_, "DNAT") if comment.contains("hostport") || chain.starts_with("CNI-") => {
            "hostPort: leads to a pod"
        }
        (chain, "DNAT") if chain.starts_with("KUBE-SEP-") => {
            "kube-proxy: leads to one endpoint of a service"
        }
        (_, "DNAT" | "REDIRECT") => "leads to another destination",
        (chain, target) if chain.starts_with("KUBE-SVC-") && target.starts_with("KUBE-SEP-") => {
            "kube-proxy: chooses an endpoint of a service"
        }
        ("KUBE-SERVICES", target) if target.starts_with("KUBE-") => "kube-proxy: one service",
        (_, "TPROXY") => "tproxy: hands packets to a proxy's socket",
        (_, "NOTRACK") => "notrack: packets skip conntrack",
        (_, "CT") if spec.contains("--notrack") => "notrack: packets skip conntrack",
        (_, "TCPMSS") => "makes segments fit the path",
        (_, "LOG" | "NFLOG") => "writes to the log",
        (_, "DROP" | "REJECT") if table == "filter" => "firewall: refuses packets",
        (_, "ACCEPT") if spec.contains("RELATED,ESTABLISHED") => "firewall: lets answers pass",
        _ => return None,
    };
    Some(words.to_owned())
}

/// What a packet must be for a rule to match, in words; `every packet` where it need be nothing.
pub fn conditions(spec: &str) -> String {
    let list = WordList::of(spec);
    let mut words = Vec::new();
    for clause in list.clauses() {
        if let Some(condition) = condition(&clause) {
            words.push(condition);
        }
    }
    if words.is_empty() { "every packet".to_owned() } else { words.join(", ") }
}

fn condition(clause: &Clause<'_>) -> Option<String> {
    let values: Vec<_> = clause.values.iter().map(|word| word.text()).collect();
    let value = values.join(" ");
    let value = value.strip_suffix("/32").unwrap_or(&value);
    let not = if clause.is_negated { "not " } else { "" };
    let name = match (clause.part, clause.option) {
        (Part::Target | Part::Match("comment", _), _) => return None,
        (_, "-s" | "--source" | "--src") => "from",
        (_, "-d" | "--destination" | "--dst") => "to",
        (_, "-i" | "--in-interface") => "in by",
        (_, "-o" | "--out-interface") => "out by",
        (_, "-p" | "--protocol" | "--proto")
        | (Part::Match("socket" | "rpfilter", _), "-m" | "--match") => "",
        (_, "-m" | "--match") => return None,
        (Part::Match("socket", _), "--transparent") => {
            return Some("of a transparent one".to_owned());
        }
        (_, "--dport" | "--dports") => "to port",
        (_, "--sport" | "--sports") => "from port",
        (_, "--mark") => "mark",
        (_, "--ctstate" | "--state") => "state",
        (_, "--match-set") => {
            let side = match values.get(1).map(AsRef::as_ref) {
                Some("src") => "from",
                _ => "to",
            };
            let set = values.first().map(AsRef::as_ref).unwrap_or_default();
            return Some(format!("{not}{side} set {set}"));
        }
        (_, "--dst-type") => "to type",
        (_, "--src-type") => "from type",
        (_, option) => {
            let option = option.trim_start_matches('-');
            return Some(format!("{not}{option} {value}").trim_end().to_owned());
        }
    };
    let gap = if name.is_empty() { "" } else { " " };
    Some(format!("{not}{name}{gap}{value}"))
}

/// The sets that a rule asks.
pub fn sets(spec: &str) -> Vec<String> {
    let list = WordList::of(spec);
    let clauses = list.clauses();
    let names =
        clauses.iter().filter(|it| it.option == "--match-set").filter_map(|it| it.values.first());
    names.map(|word| word.text().into_owned()).collect()
}

/// The target with its options, as it was printed.
pub fn action(spec: &str) -> String {
    let list = WordList::of(spec);
    let clauses = list.clauses();
    let mut words = Vec::new();
    for clause in clauses.iter().filter(|it| it.part == Part::Target) {
        if matches!(clause.option, "-g" | "--goto") {
            words.push("goto");
        } else if !matches!(clause.option, "-j" | "--jump") {
            words.push(clause.option);
        }
        words.extend(clause.values.iter().map(|word| word.raw));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn owners_are_known_by_chain_target_or_comment() {
        for (chain, spec, expected) in [
            ("CILIUM_INPUT", "-j ACCEPT", "cilium"),
            ("OLD_CILIUM_INPUT", "-j ACCEPT", "cilium"),
            (
                "INPUT",
                "-m comment --comment \"cilium-feeder: CILIUM_INPUT\" -j CILIUM_INPUT",
                "cilium",
            ),
            ("INPUT", "-j KUBE-FIREWALL", "kubelet"),
            ("KUBE-SVC-AAAA", "-j KUBE-SEP-BBBB", "kube-proxy"),
            ("FORWARD", "-j DOCKER-USER", "docker"),
            ("FORWARD", "-s 10.0.0.0/8 -j ACCEPT", "user"),
        ] {
            assert_eq!(owner(chain, spec), expected, "{chain} {spec}");
        }
    }

    #[test]
    fn rules_are_explained_in_words() {
        let check = |chain: &str, spec: &str, part: &str| {
            let words = purpose("nat", chain, spec).unwrap_or_default();
            assert!(words.contains(part) && !part.is_empty(), "{spec}: {words}");
        };
        check(
            "PREROUTING",
            "-m comment --comment \"cilium-feeder: CILIUM_PRE_nat\" -j CILIUM_PRE_nat",
            "feeder: leads from PREROUTING",
        );
        check(
            "INPUT",
            "-m comment --comment \"cilium-feeder: CILIUM_INPUT\" -j OLD_CILIUM_INPUT",
            "leads to OLD_CILIUM_INPUT",
        );
        check(
            "CILIUM_POST_nat",
            "-m comment --comment \"cilium masquerade non-cluster\" -j MASQUERADE",
            "leave the cluster",
        );
        check(
            "CILIUM_PRE_raw",
            "-m comment --comment \"cilium: NOTRACK for proxy traffic\" -j CT --notrack",
            "to the proxy skip",
        );
        check("X", "-j CT --notrack", "notrack");
        assert_eq!(purpose("nat", "X", "-j ACCEPT"), None);
    }

    #[test]
    fn conditions_and_actions_read_as_words() {
        for (spec, words, does) in [
            ("-j ACCEPT", "every packet", "ACCEPT"),
            (
                "! -s 127.0.0.0/8 -d 10.0.0.1/32 -o lxc+ -p tcp -m tcp --dport 80 -j DROP",
                "not from 127.0.0.0/8, to 10.0.0.1, out by lxc+, tcp, to port 80",
                "DROP",
            ),
            (
                "-m mark ! --mark 0xe00/0xf00 -m comment --comment \"a b\" -j MARK --set-xmark 0xc00/0xf00",
                "not mark 0xe00/0xf00",
                "MARK --set-xmark 0xc00/0xf00",
            ),
            (
                "-m set --match-set cilium_node_set_v4 dst -g X",
                "to set cilium_node_set_v4",
                "goto X",
            ),
            ("-m socket --transparent -j X", "socket, of a transparent one", "X"),
            ("-m statistic --mode random -j X", "mode random", "X"),
        ] {
            assert_eq!(conditions(spec), words);
            assert_eq!(action(spec), does);
        }
        assert_eq!(sets("-m set --match-set a dst -m set ! --match-set b src"), ["a", "b"]);
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>(), other in "[-!a-z0-9 \"\\\\é./]{0,40}") {
            for spec in [&text, &other] {
                conditions(spec);
                action(spec);
                sets(spec);
                purpose("nat", spec, spec);
                owner(spec, spec);
            }
        }
    }
}
