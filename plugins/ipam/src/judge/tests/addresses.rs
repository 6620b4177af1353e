//! Single addresses: who has them, and who says so.

use super::*;

#[test]
fn an_address_that_two_have_is_told_with_both() {
    let twice = || {
        good().change(|made| {
            made.pods.push(pod("r", "a", "172.20.0.10"));
            made.endpoints.push(endpoint("r", "192.168.1.1", "172.20.0.10"));
        })
    };
    twice().check(&[(Bad, "duplicate", "172.20.0.10")]);
    let found = twice().findings();
    let found = found.iter().find(|it| it.code == "ipam/duplicate").unwrap();
    assert_eq!(found.message, "n/p and n/r have it: packets reach one of them at best");
    // A finished pod keeps its address in its status, and the address goes to the next one.
    twice()
        .change(|made| {
            made.pods[2]["status"]["phase"] = json!("Succeeded");
            made.endpoints.pop();
        })
        .check(&[]);
    // A pod on its way out, likewise.
    twice()
        .change(|made| {
            made.pods[2]["metadata"]["deletionTimestamp"] = json!("2026-11-23T03:06:59Z");
        })
        .check(&[]);
    // Pods on the host's network share the node's address by design.
    good()
        .change(|made| {
            for name in ["h1", "h2"] {
                let mut pod = pod(name, "a", "192.168.1.1");
                pod["spec"]["hostNetwork"] = json!(true);
                made.pods.push(pod);
            }
        })
        .check(&[]);
    good()
        .change(|made| {
            made.cilium[1]["spec"]["addresses"][1]["ip"] = json!("172.20.0.10");
        })
        .check(&[(Bad, "duplicate", "172.20.0.10")]);
}

#[test]
fn a_pod_with_the_address_of_a_node_is_told() {
    good()
        .change(|made| {
            made.cilium[0]["spec"]["ipam"]["podCIDRs"] = json!(["172.20.0.0/24", "192.168.1.2/32"]);
            made.pods[0] = pod("p", "a", "192.168.1.2");
            made.endpoints[0] = endpoint("p", "192.168.1.1", "192.168.1.2");
        })
        .set("ipam", "other")
        .check(&[
            (Unknown, "unknown-mode", "ipam"),
            (Warn, "outside-native-routing", "172.20.0.0/16"),
            (Bad, "overlap-node-network", "192.168.1.2/32"),
            (Bad, "duplicate", "192.168.1.2"),
        ]);
}

#[test]
fn a_router_may_have_the_address_of_its_own_node() {
    let router = |node: &'static str| {
        good().change(move |made| made.cilium[0]["spec"]["addresses"][1]["ip"] = json!(node))
    };
    router("192.168.1.1").check(&[]);
    router("192.168.1.2").check(&[(Bad, "duplicate", "192.168.1.2")]);
}

#[test]
fn a_pod_with_several_addresses_is_one_holder() {
    good()
        .change(|made| {
            made.pods[0]["status"]["podIPs"] =
                json!([{"ip": "172.20.0.10"}, {"ip": "::ffff:172.20.0.10"}]);
        })
        .check(&[]);
}

#[test]
fn pod_and_endpoint_must_agree() {
    let differing =
        || good().change(|made| made.endpoints[0] = endpoint("p", "192.168.1.1", "172.20.0.77"));
    differing().check(&[(Bad, "endpoint-differs", "n/p")]);
    // A pod that ends is on its way: nothing is told of what it leaves.
    let leaving = differing().change(|made| {
        made.pods[0]["metadata"]["deletionTimestamp"] = json!("2026-11-23T03:06:59Z");
    });
    let found = leaving.findings();
    assert!(found.iter().all(|it| it.level == Info), "{found:?}");
}

#[test]
fn an_endpoint_names_the_node_of_its_pod() {
    good()
        .change(|made| made.endpoints[0] = endpoint("p", "192.168.1.2", "172.20.0.10"))
        .check(&[(Bad, "endpoint-node", "n/p")]);
}

#[test]
fn a_pod_outside_of_its_nodes_range_is_found_by_nobody() {
    let at = |ip: &str| {
        let ip = ip.to_owned();
        good().change(move |made| {
            made.pods[0] = pod("p", "a", &ip);
            made.endpoints[0] = endpoint("p", "192.168.1.1", &ip);
        })
    };
    at("10.244.0.5").check(&[(Bad, "pod-outside", "n/p")]);
    at("172.20.1.99").check(&[(Bad, "pod-outside", "n/p")]);
    let found = at("172.20.1.99").findings();
    let found = found.iter().find(|it| it.code == "ipam/pod-outside").unwrap();
    assert!(found.message.contains("is not a's but b's"), "{}", found.message);
}

fn agent(allocations: &Value) -> Agent {
    let text = json!({"ipam": {"allocations": allocations, "status": "IPv4: 2/254 allocated from 172.20.0.0/24"}});
    Agent {
        ipam: Fact::Known(parse_agent_ipam(&text.to_string()).0),
        endpoints: Fact::Known(parse_agent_endpoints("[]").0),
    }
}

#[test]
fn what_is_in_use_must_be_handed_out() {
    let deep = |allocations: Value| {
        good().change(move |made| {
            made.inputs.agents = [("a".to_owned(), agent(&allocations))].into();
        })
    };
    deep(json!({"172.20.0.2": "router", "172.20.0.10": "n/p"})).check(&[]);
    deep(json!({"172.20.0.2": "router"})).check(&[(Bad, "not-allocated", "n/p")]);
    // An agent that says nothing of addresses proves nothing.
    deep(json!({})).check(&[]);
    // Lists that say what is used.
    let listed = |used: Value| {
        good().set("ipam", "crd").change(move |made| {
            made.pods.pop();
            made.endpoints.pop();
            made.cilium[0]["spec"]["ipam"] =
                json!({"pool": {"172.20.0.10": {}, "172.20.0.11": {}}});
            made.cilium[0]["status"]["ipam"]["used"] = used;
            made.cilium[1]["spec"]["ipam"] = json!({"pool": {"172.20.1.10": {}}});
        })
    };
    listed(json!({"172.20.0.10": {"owner": "n/p"}})).check(&[]);
    listed(json!({"172.20.0.11": {"owner": "router"}}))
        .check(&[(Bad, "node-full", "a"), (Bad, "not-allocated", "n/p")]);
}

#[test]
fn a_pod_that_cilium_does_not_know_is_told() {
    let unknown = || good().change(|made| drop(made.endpoints.remove(0)));
    unknown().check(&[(Bad, "no-endpoint", "n/p")]);
    // An endpoint of a predecessor of the same name is no endpoint of this pod.
    good().change(|made| made.pods[0]["metadata"]["uid"] = json!("uid-new")).check(&[(
        Bad,
        "no-endpoint",
        "n/p",
    )]);
    // Too young, not running, on its way out, on the host's network.
    let young = || {
        unknown().change(|made| {
            made.pods[0]["status"]["startTime"] = json!("1970-01-01T00:01:00Z");
            made.inputs.now = Some(70_000);
        })
    };
    young().check(&[]);
    young().change(|made| made.inputs.now = Some(100_000)).check(&[(Bad, "no-endpoint", "n/p")]);
    unknown().change(|made| made.pods[0]["status"]["phase"] = json!("Pending")).check(&[]);
    unknown()
        .change(|made| {
            made.pods[0]["spec"]["hostNetwork"] = json!(true);
            made.pods[0]["status"]["podIPs"] = json!([{"ip": "192.168.1.1"}]);
        })
        .check(&[]);
    // Endpoints that could not be read are not missing.
    for fact in [Fact::Absent, Fact::Unknown("denied".to_owned())] {
        let cluster = Cluster { endpoints: fact, ..unknown().cluster() };
        let found = all(&cluster, &Options::default());
        assert!(found.iter().all(|it| it.code != "ipam/no-endpoint"), "{found:?}");
    }
}

#[test]
fn an_address_that_nobody_has_is_suspect_after_a_while() {
    let left = || {
        good().change(|made| {
            made.endpoints.push(endpoint("gone", "192.168.1.1", "172.20.0.50"));
        })
    };
    left().check(&[(Info, "suspect", "172.20.0.50")]);
    let cluster = left().cluster();
    assert_eq!((cluster.ranges[0].used, cluster.ranges[0].leaked), (3, 1));
    let options = Options { cooled: ["172.20.0.50".parse().unwrap()].into(), ..Options::default() };
    let found = all(&cluster, &options);
    assert_eq!(found.iter().find(|it| it.code == "ipam/suspect").unwrap().level, Warn);
    // An agent that names a pod which has another address by now: the name alone proves nothing.
    good()
        .change(|made| {
            let allocations =
                json!({"172.20.0.2": "router", "172.20.0.10": "n/p", "172.20.0.9": "n/p"});
            made.inputs.agents = [("a".to_owned(), agent(&allocations))].into();
        })
        .check(&[(Info, "suspect", "172.20.0.9")]);
    // A pod whose status does not have its address yet will have it.
    good()
        .change(|made| {
            made.pods[0]["status"]["podIPs"] = json!([]);
        })
        .check(&[]);
    // Pods that could not be read leave nobody without an owner.
    let cluster = Cluster { pods_known: Fact::Unknown("denied".to_owned()), ..left().cluster() };
    let found = all(&cluster, &Options::default());
    assert!(found.iter().all(|it| it.code != "ipam/suspect"), "{found:?}");
}

#[test]
fn a_pod_that_has_ended_must_not_be_counted() {
    let ended = || good().change(|made| made.pods[0]["status"]["phase"] = json!("Failed"));
    ended().check(&[(Warn, "ended-counted", "n/p")]);
    ended().change(|made| drop(made.endpoints.remove(0))).check(&[]);
}
