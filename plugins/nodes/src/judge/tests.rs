//! Each check over the smallest cluster that shows it: one that fires, one that nearly fires,
//! one with unknown input.

use std::collections::BTreeSet;

use lab_plugin::{Fact, Finding, Level};
use serde_json::json;

use crate::explain::EXPLANATIONS;
use crate::judge;
use crate::made::{Made, agent, made};

/// Level, code without the plugin's name, and subject of every finding.
fn named(found: &[Finding]) -> Vec<(Level, String, String)> {
    let code = |finding: &Finding| finding.code.trim_start_matches("nodes/").to_owned();
    found.iter().map(|it| (it.level, code(it), it.subject.clone())).collect()
}

fn check(made: Made, expected: &[(Level, &str, &str)]) -> Vec<Finding> {
    compare(made.of_hosts(), expected)
}

fn check_cluster(made: Made, expected: &[(Level, &str, &str)]) -> Vec<Finding> {
    compare(made.of_cluster(), expected)
}

fn compare(found: Vec<Finding>, expected: &[(Level, &str, &str)]) -> Vec<Finding> {
    let expected: Vec<_> =
        expected.iter().map(|(l, c, s)| (*l, (*c).to_owned(), (*s).to_owned())).collect();
    assert_eq!(named(&found), expected, "{found:#?}");
    for finding in &found {
        assert!(!finding.evidence.is_empty() && !finding.fixes.is_empty(), "{finding:#?}");
        assert!(EXPLANATIONS.iter().any(|it| it.code == finding.code), "{finding:#?}");
    }
    found
}

fn unknown<T>() -> Fact<T> {
    Fact::Unknown("timeout".to_owned())
}

use Level::{Bad, Info, Unknown, Warn};

#[test]
fn a_cluster_in_order_has_no_findings() {
    check(made(), &[]);
    check_cluster(made(), &[]);
}

#[test]
fn every_code_is_explained_once() {
    let codes: BTreeSet<&str> = EXPLANATIONS.iter().map(|it| it.code).collect();
    assert_eq!(codes.len(), EXPLANATIONS.len());
    for explained in EXPLANATIONS {
        for part in
            ["Checks: ", "\nWhy: ", "\nSee for yourself: ", "\nFix: ", "\nSince: ", "\nSource: "]
        {
            assert!(explained.text.contains(part), "{}: {part}", explained.code);
        }
    }
}

#[test]
fn a_node_is_ready_by_its_kubelets_word_only() {
    let with = |status: &str| {
        made().change(|it| it.nodes[1]["status"]["conditions"][0]["status"] = json!(status))
    };
    check(with("True"), &[]);
    check(with("False"), &[(Bad, "not-ready", "b")]);
    let found = check(with("Unknown"), &[(Bad, "not-ready", "b")]);
    assert!(found[0].message.contains("not heard"), "{found:?}");
    let silent = made().change(|it| it.nodes[1]["status"]["conditions"] = json!([]));
    check(silent, &[(Unknown, "not-ready", "b")]);
}

#[test]
fn pressure_is_a_condition_that_is_true() {
    let with = |kind: &str, status: &str| {
        let condition = json!({"type": kind, "status": status, "reason": "R", "message": "m"});
        made().change(|it| {
            it.nodes[0]["status"]["conditions"].as_array_mut().unwrap().push(condition);
        })
    };
    let found = check(with("DiskPressure", "True"), &[(Warn, "condition", "a")]);
    assert_eq!(found[0].evidence[0].1, "DiskPressure=True R: m");
    check(with("DiskPressure", "False"), &[]);
    check(with("DiskPressure", "Unknown"), &[]);
    check(with("NetworkUnavailable", "True"), &[(Bad, "condition", "a")]);
}

#[test]
fn one_internal_ip_on_two_nodes_is_the_hypervisors_address() {
    let with = |ip: &str| {
        made().change(|it| {
            for node in &mut it.nodes {
                node["status"]["addresses"][0]["address"] = json!(ip);
            }
        })
    };
    let found = check(with("10.0.2.15"), &[(Bad, "internal-ip-shared", "10.0.2.15")]);
    // The cure names the only other address of the node.
    assert!(found[0].fixes[0].contains("--node-ip=192.168.1.1 "), "{found:?}");
    let unlisted = made().change(|it| it.inputs.nodes = unknown());
    check(unlisted, &[]);
}

#[test]
fn a_shared_address_is_found_though_one_of_the_nodes_is_not_shown() {
    let hidden = made().change(|it| {
        it.nodes[0]["status"]["addresses"][0]["address"] = json!("192.168.1.2");
        it.inputs.hosts.remove(0);
        it.inputs.names = vec!["b".to_owned(), "r".to_owned(), "a".to_owned()];
    });
    check(hidden, &[(Bad, "internal-ip-shared", "192.168.1.2")]);
}

#[test]
fn a_node_needs_an_internal_ip_that_it_has() {
    let none = made().change(|it| it.nodes[0]["status"]["addresses"] = json!([]));
    check(none, &[(Bad, "internal-ip-missing", "a")]);
    let moved = |it: &mut Made| {
        it.nodes[0]["status"]["addresses"][0]["address"] = json!("192.168.1.7");
    };
    let found = check(made().change(moved), &[(Warn, "internal-ip-elsewhere", "a")]);
    assert_eq!(found[0].evidence[1].1, "eth0 10.0.2.15, eth1 192.168.1.1");
    let silent = made().change(moved).change(|it| it.inputs.hosts[0].devices = unknown());
    check(silent, &[(Unknown, "unanswered", "a")]);
}

#[test]
fn names_in_etc_hosts_have_the_apis_addresses() {
    let right = "127.0.0.1 localhost\n127.0.1.1 a\n192.168.1.1 a\n192.168.1.2 b\n192.168.1.9 r\n";
    let cluster = made().hosts_file(0, right).cluster();
    let agreement = judge::agreement(&cluster, 0, &cluster.hosts[0]);
    assert_eq!(agreement, Fact::Known(judge::Agreement { agree: 3, differ: 0, of: 3 }));
    check(made().hosts_file(0, right), &[]);
    let wrong = "192.168.1.77 b\n192.168.1.2 b\n";
    let found =
        check(made().hosts_file(0, wrong).hosts_file(2, wrong), &[(Warn, "etc-hosts", "b")]);
    assert!(found[0].message.starts_with("a, r resolves it to 192.168.1.77"), "{found:?}");
    // Another node at a loopback address is nobody's convention.
    check(made().hosts_file(0, "127.0.1.1 b\n"), &[(Warn, "etc-hosts", "b")]);
    // An address of the host that the API does not name leads elsewhere than the API.
    check(made().hosts_file(0, "10.0.2.15 b\n"), &[(Warn, "etc-hosts", "b")]);
    // Of a host beside the cluster every address is right.
    check(made().hosts_file(0, "10.0.2.15 r\n"), &[]);
    let cluster = made().cluster();
    assert!(matches!(judge::agreement(&cluster, 0, &cluster.hosts[0]), Fact::Unknown(_)));
}

#[test]
fn an_address_of_a_family_the_api_does_not_name_is_not_judged_unseen() {
    let file = "fd00::2 b\n";
    check(made().hosts_file(0, file), &[(Warn, "etc-hosts", "b")]);
    let silent = made().hosts_file(0, file).change(|it| it.inputs.hosts[1].devices = unknown());
    check(silent, &[(Unknown, "unanswered", "b")]);
}

#[test]
fn a_host_calls_itself_by_its_name() {
    let named = |name: &str| {
        let name = Fact::Known(name.to_owned());
        made().change(|it| it.inputs.hosts[2].hostname = name)
    };
    check(named("R.example.org"), &[]);
    check(named("gateway"), &[(Info, "hostname", "r")]);
    let found = check(named("b"), &[(Warn, "hostname", "r")]);
    assert!(found[0].message.contains("another host (b)"), "{found:?}");
    check(made().change(|it| it.inputs.hosts[2].hostname = unknown()), &[]);
    // A node may be registered by another name than its own.
    let other = made().change(|it| {
        it.nodes[0]["status"]["addresses"][1]["address"] = json!("machine-1");
        it.inputs.hosts[0].hostname = Fact::Known("machine-1".to_owned());
    });
    check(other, &[]);
}

#[test]
fn every_node_has_an_agent_that_is_ready() {
    let not_ready = |status: &str| {
        made().change(|it| it.agents[1]["status"]["conditions"][0]["status"] = json!(status))
    };
    check(not_ready("False"), &[(Bad, "agent-not-ready", "b")]);
    check(not_ready("Unknown"), &[(Unknown, "agent-not-ready", "b")]);
    let without = || made().change(|it| drop(it.agents.remove(1)));
    check(without(), &[(Bad, "agent-not-ready", "b")]);
    let windows = without()
        .change(|it| it.nodes[1]["status"]["nodeInfo"]["operatingSystem"] = json!("windows"))
        .change(|it| it.inputs.hosts[1].devices = Fact::Unknown("not asked".to_owned()));
    check(windows, &[]);
    check(made().change(|it| it.agents.push(agent("b"))), &[(Info, "agent-not-ready", "b")]);
    check(made().change(|it| it.inputs.agents = unknown()), &[]);
    let foreign = made().change(|it| {
        it.inputs.agents = Fact::Absent;
        it.inputs.cilium_nodes = Fact::Absent;
        it.inputs.config = Fact::Absent;
    });
    check(foreign, &[]);
}

#[test]
fn agents_run_what_their_daemon_set_asks_for() {
    let set = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "cilium-agent", "image": "quay.io/cilium/cilium:v1.18.0"}]}}}});
    let rolling = |version: Fact<String>| {
        made().change(|it| {
            it.inputs.daemon_set = Fact::Known(serde_json::from_value(set.clone()).unwrap());
            it.inputs.hosts[1].agent_version = version;
        })
    };
    check(rolling(Fact::Known("1.18.0".to_owned())), &[]);
    let found =
        check(rolling(Fact::Known("1.17.6".to_owned())), &[(Warn, "agent-version", "1.17.6")]);
    assert!(found[0].message.starts_with("runs on b, and 1.18.0 "), "{found:?}");
    check(rolling(unknown()), &[]);
}

#[test]
fn which_pod_cidr_counts_depends_on_the_ipam_mode() {
    let differ = |ipam: &str| {
        let ipam = ipam.to_owned();
        made().change(|it| {
            it.nodes[0]["spec"] = json!({"podCIDR": "10.244.0.0/24"});
            if let Fact::Known(config) = &mut it.inputs.config {
                config.insert("ipam".to_owned(), ipam);
            }
        })
    };
    let found = check(differ("cluster-pool"), &[(Info, "pod-cidr-differs", "podCIDR")]);
    assert!(found[0].message.contains("CiliumNodes count"), "{found:?}");
    check(differ("kubernetes"), &[(Bad, "pod-cidr-differs", "podCIDR")]);
    check(differ("cluster-pool").change(|it| it.inputs.config = unknown()), &[]);
    check(differ("kubernetes").change(|it| it.inputs.cilium_nodes = unknown()), &[]);
}

#[test]
fn pod_cidrs_lie_in_a_pool() {
    let moved = |cidr: &str| {
        let cidr = json!([cidr]);
        made().change(|it| {
            it.cilium_nodes[1]["spec"]["ipam"]["podCIDRs"] = cidr.clone();
            it.nodes[1]["spec"]["podCIDRs"] = cidr;
        })
    };
    check(moved("172.20.255.0/24"), &[]);
    check(moved("10.244.1.0/24"), &[(Warn, "pod-cidr-outside", "b")]);
    check(moved("fd00::/64"), &[]);
    check(moved("10.244.1.0/24").change(|it| it.inputs.config = unknown()), &[]);
}

#[test]
fn kubelets_stay_near_the_api_server_and_each_other() {
    let with = |version: &str| {
        made().change(|it| {
            it.nodes[1]["status"]["nodeInfo"]["kubeletVersion"] = json!(version);
        })
    };
    check(with("v1.33.1"), &[(Info, "kubelet-differs", "kubelet")]);
    check(with("v1.30.9"), &[(Warn, "kubelet-differs", "kubelet")]);
    let old = [(Bad, "kubelet-skew", "v1.29.9"), (Warn, "kubelet-differs", "kubelet")];
    check(with("v1.29.9"), &old);
    let new = [(Bad, "kubelet-skew", "v1.34.0"), (Warn, "kubelet-differs", "kubelet")];
    check(with("v1.34.0"), &new);
    check(with(""), &[]);
    let unread = with("v1.34.0").change(|it| it.inputs.server = unknown());
    check(unread, &[(Warn, "kubelet-differs", "kubelet")]);
}

#[test]
fn kubelets_keep_the_same_amounts_back() {
    let with =
        |pods: &str| made().change(|it| it.nodes[1]["status"]["capacity"]["pods"] = json!(pods));
    check_cluster(with("110"), &[]);
    let found = check_cluster(with("250"), &[(Info, "kubelet-config", "max pods")]);
    assert_eq!(found[0].evidence[1], ("b".to_owned(), "250".to_owned()));
    check_cluster(with("many"), &[]);
}

#[test]
fn a_node_is_nearly_full_at_nine_tenths() {
    let with = |pods: u32| {
        made().change(|it| {
            it.inputs.pods = Fact::Known([("a".to_owned(), pods)].into_iter().collect());
        })
    };
    check(with(98), &[]);
    check(with(99), &[(Warn, "pods-full", "a")]);
    check(with(110), &[(Bad, "pods-full", "a")]);
    check(made().change(|it| it.inputs.pods = unknown()), &[]);
}

#[test]
fn use_that_is_not_known_is_told() {
    let without = made().change(|it| it.inputs.metrics = Fact::Absent);
    check(without, &[(Info, "no-metrics", "metrics.k8s.io")]);
    let unread = made().change(|it| it.inputs.metrics = unknown());
    let found = check(unread, &[(Info, "no-metrics", "metrics.k8s.io")]);
    assert_eq!(found[0].evidence[0].1, "timeout");
}

#[test]
fn ranges_that_contradict_each_other_are_named_with_their_places() {
    let other = "networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.97.0.0/16\n";
    let wrong = made().change(|it| it.kubeadm = other);
    let found = check_cluster(wrong, &[(Warn, "cidr-conflict", "service CIDR")]);
    assert!(found[0].message.starts_with("kubeadm-config networking.serviceSubnet"), "{found:?}");
    assert_eq!(found[0].evidence.len(), 3);
    // Two ranges in another order are the same ranges.
    let both = "networking:\n  podSubnet: fd00::/56,10.244.0.0/16\n  serviceSubnet: 10.96.0.0/16\n";
    let dual = made().change(|it| {
        it.kubeadm = both;
        it.components[1]["spec"]["containers"][0]["command"][1] =
            json!("--cluster-cidr=10.244.0.0/16,fd00::/56");
    });
    check_cluster(dual, &[]);
    let silent = made().change(|it| {
        it.kubeadm = other;
        it.inputs.cluster.components = unknown();
    });
    check_cluster(silent, &[]);
}

#[test]
fn service_cidrs_hold_what_the_flags_say_and_may_hold_more() {
    let with = |ranges: &[&str]| {
        let objects = ranges.iter().zip(0..).map(|(range, idx)| {
            let name = format!("range-{idx}");
            serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"cidrs": [range]}}))
        });
        let items = objects.collect::<Result<_, _>>().unwrap();
        let list = crate::model::inputs::List { items, lost: None };
        made().change(|it| it.inputs.cluster.service_cidrs = Fact::Known(list))
    };
    check_cluster(with(&["10.96.0.0/16", "10.97.0.0/16"]), &[]);
    check_cluster(with(&["10.97.0.0/16"]), &[(Warn, "cidr-conflict", "service CIDR")]);
    check_cluster(with(&[]).change(|it| it.inputs.cluster.service_cidrs = unknown()), &[]);
}

#[test]
fn the_apis_service_lies_in_the_service_cidr() {
    let with = |ip: &str| {
        let service = json!({"spec": {"clusterIP": ip, "clusterIPs": [ip]}});
        let service = serde_json::from_value(service).unwrap();
        made().change(|it| it.inputs.cluster.api_service = Fact::Known(service))
    };
    check_cluster(with("10.96.0.1"), &[]);
    check_cluster(with("fd00::1"), &[]);
    check_cluster(with("10.112.0.1"), &[(Warn, "cidr-conflict", "service CIDR")]);
}

#[test]
fn ranges_have_no_address_in_common() {
    let pool = |pool: &str| {
        let pool = pool.to_owned();
        made().change(|it| {
            if let Fact::Known(config) = &mut it.inputs.config {
                config.insert("cluster-pool-ipv4-cidr".to_owned(), pool);
            }
        })
    };
    let services =
        check_cluster(pool("10.0.0.0/8,172.20.0.0/16"), &[(Bad, "cidr-overlap", "10.0.0.0/8")]);
    assert!(services[0].message.contains("the service CIDR 10.96.0.0/16"), "{services:?}");
    let nodes = check_cluster(
        pool("172.20.0.0/16 192.168.0.0/16"),
        &[(Bad, "cidr-overlap", "192.168.0.0/16")],
    );
    assert!(nodes[0].message.contains("the InternalIP of a, b"), "{nodes:?}");
    // A cluster CIDR that no pod uses harms nobody.
    let unused = made().change(|it| {
        it.kubeadm = "networking:\n  podSubnet: 192.168.0.0/16\n  serviceSubnet: 10.96.0.0/16\n";
        it.components[1]["spec"]["containers"][0]["command"][1] =
            json!("--cluster-cidr=192.168.0.0/16");
    });
    check_cluster(unused, &[]);
    check_cluster(pool("10.0.0.0/8").change(|it| it.inputs.config = unknown()), &[]);
}
