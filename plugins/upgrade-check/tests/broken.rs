//! A good cluster, broken in exactly one way for each thing that objects bear: what asks for it is
//! told, and nothing else beside what the good one tells.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::collections::BTreeSet;

use serde_json::json;
use support::{Cluster, codes, text};

const CNP: &str = "cilium.io/v2/CiliumNetworkPolicy";
const CCNP: &str = "cilium.io/v2/CiliumClusterwideNetworkPolicy";
const SETS: &str = "apps/v1/DaemonSet";
const DEPLOYMENTS: &str = "apps/v1/Deployment";

/// The newest patch before a minor, and that of it.
fn way(minor: u32) -> (String, String) {
    let newest = |minor: u32| {
        let known = upgrade_check::releases::MINORS.iter().find(|it| it.minor == minor);
        known.unwrap().newest().to_string()
    };
    (newest(minor - 1), newest(minor))
}

fn check(name: &str, minor: u32, change: impl FnOnce(&mut Cluster), expected: &[&str]) {
    let (from, to) = way(minor);
    with(name, &from, &to, change, expected);
}

fn with(name: &str, from: &str, to: &str, change: impl FnOnce(&mut Cluster), expected: &[&str]) {
    let told = |name: &str, cluster: &Cluster| {
        let run = cluster.run(name, &["upgrade-check"], &[text("to", to)]);
        assert_eq!(run.result, Ok(()), "{name}");
        assert!(run.report.partials.is_empty(), "{name}: {:?}", run.report.partials);
        for finding in &run.report.findings {
            assert!(!finding.evidence.is_empty() && !finding.fixes.is_empty(), "{finding:?}");
        }
        codes(&run)
    };
    let mut cluster = Cluster::good(from);
    let before = told(&format!("good-{name}"), &cluster);
    change(&mut cluster);
    let after = told(&format!("broken-{name}"), &cluster);
    let new: BTreeSet<&str> = after.difference(&before).map(String::as_str).collect();
    assert_eq!(new, expected.iter().copied().collect(), "{name}");
    let gone: Vec<&String> = before.difference(&after).collect();
    assert_eq!(gone, Vec::<&String>::new(), "{name}");
}

#[test]
fn the_good_one_passes_but_for_what_is_so() {
    let told = |minor: u32| {
        let (from, to) = way(minor);
        let cluster = Cluster::good(&from);
        let run = cluster.run(&format!("good-{minor}"), &["upgrade-check"], &[text("to", &to)]);
        codes(&run).into_iter().collect::<Vec<_>>().join(" ")
    };
    // The settings are those of a chart of 1.17, with endpoint routes and without a proxy.
    assert_eq!(told(15), "115-local-node-route kubernetes-version");
    assert_eq!(told(16), "116-nodeport-addresses kubernetes-version");
    assert_eq!(told(17), "");
    assert_eq!(told(18), "118-external-workloads-left 118-l2-neighbours");
    assert_eq!(told(19), "");
    assert_eq!(told(20), "kubernetes-version");
}

#[test]
fn policies_are_broken_one_by_one() {
    let ingress = |rule: serde_json::Value| json!({"ingress": [rule]});
    let ports = |rules: serde_json::Value| ingress(json!({"toPorts": [{"rules": rules}]}));
    check(
        "init",
        15,
        |it| it.add(CNP, &json!({"endpointSelector": {"matchLabels": {"reserved:init": ""}}})),
        &["115-policy-init"],
    );
    let names = json!({"egress": [{"toFQDNs": [{"matchName": "example.org"}]}]});
    with("fqdn", "1.15.5", "1.16.19", |it| it.add(CNP, &names), &["116-fqdn"]);
    check("fqdn-new", 16, |it| it.add(CNP, &names), &[]);
    check("empty", 16, |it| it.add(CNP, &ingress(json!({"fromCIDR": []}))), &["116-empty-peers"]);
    check(
        "group",
        16,
        |it| it.add(CCNP, &ingress(json!({"fromCIDRSet": [{"cidrGroupRef": "gone"}]}))),
        &["116-cidr-group"],
    );
    let many = vec![json!({"port": "80"}); 41];
    check(
        "ports",
        16,
        |it| it.add(CNP, &ingress(json!({"toPorts": [{"ports": many}]}))),
        &["116-policy-size"],
    );
    check(
        "several",
        16,
        |it| it.add(CNP, &ports(json!({"http": [{}], "dns": [{}]}))),
        &["116-policy-size"],
    );
    check(
        "tls",
        16,
        |it| it.add(CNP, &ingress(json!({"toPorts": [{"terminatingTLS": {}}]}))),
        &["116-terminating-tls"],
    );
    check("parser", 17, |it| it.add(CNP, &ports(json!({"l7proto": "r2d2"}))), &["117-l7-going"]);
    check("kafka-18", 19, |it| it.add(CNP, &ports(json!({"kafka": []}))), &["119-kafka-going"]);
    check(
        "kafka-20",
        20,
        |it| it.add(CNP, &ports(json!({"kafka": []}))),
        &["120-proxylib", "120-nodeport-at-client"],
    );
    check(
        "requires",
        19,
        |it| it.add(CCNP, &ingress(json!({"fromRequires": [{}]}))),
        &["119-requires"],
    );
    let deep = json!({"egress": [{"toFQDNs": [{"matchPattern": "**.example.org"}]}]});
    check("deep", 19, |it| it.add(CNP, &deep), &["119-fqdn-deep"]);
    let auth = ingress(json!({"authentication": {"mode": "required"}}));
    check("auth", 19, |it| it.add(CNP, &auth), &["119-authentication"]);
    let place = json!({"endpointSelector": {"matchLabels": {"topology.kubernetes.io/zone": "a"}}});
    with("place", "1.18.6", "1.18.14", |it| it.add(CNP, &place), &["topology-labels"]);
    with("place-new", "1.18.7", "1.18.14", |it| it.add(CNP, &place), &[]);
    let both = |it: &mut Cluster| {
        it.add(CNP, &json!({"endpointSelector": {}, "ingress": [{}]}));
        it.of(CNP, "added")["specs"] = json!([{"nodeSelector": {}, "ingress": [{}]}]);
    };
    with("nodes", "1.18.1", "1.18.14", both, &["policy-node-selector"]);
    let nothing = json!(null);
    check(
        "no-spec",
        20,
        |it| it.add(CNP, &nothing),
        &["120-empty-policy", "120-nodeport-at-client"],
    );
    check(
        "mesh",
        19,
        |it| {
            it.add(CNP, &json!({"ingress": [{}]}));
            it.set("cluster-id", "7");
            it.set("policy-default-local-cluster", "false");
        },
        &["119-mesh-policies", "mesh-one-by-one"],
    );
}

#[test]
fn resources_are_broken_one_by_one() {
    let pool = "cilium.io/v2alpha1/CiliumLoadBalancerIPPool";
    let no_ends = json!({"blocks": [], "allowFirstLastIPs": "No"});
    check(
        "pool-cidrs",
        16,
        |it| it.add(pool, &json!({"cidrs": [{}], "allowFirstLastIPs": "No"})),
        &["116-pool-cidrs"],
    );
    check("pool-ends", 16, |it| it.add(pool, &json!({"blocks": []})), &["116-pool-ends"]);
    check("pool-v2", 19, |it| it.add(pool, &no_ends), &["119-pool-v2"]);
    let group = "cilium.io/v2alpha1/CiliumCIDRGroup";
    check("group-v2", 18, |it| it.add(group, &json!({})), &["118-cidr-group-v2"]);
    let peering = "cilium.io/v2alpha1/CiliumBGPPeeringPolicy";
    check("peering-18", 18, |it| it.add(peering, &json!({})), &["118-peering-policy"]);
    check("peering-19", 19, |it| it.add(peering, &json!({})), &["119-peering-policy"]);
    check(
        "bgp-v2",
        18,
        |it| {
            it.add("cilium.io/v2alpha1/CiliumBGPClusterConfig", &json!({}));
            it.define("ciliumbgpclusterconfigs.cilium.io", &["v2alpha1"], &json!({}));
        },
        &["118-bgp-v2"],
    );
    check(
        "bgp-port",
        18,
        |it| {
            let spec = json!({"transport": {"localPort": 1790}});
            it.add("cilium.io/v2alpha1/CiliumBGPPeerConfig", &spec);
            it.define("ciliumbgppeerconfigs.cilium.io", &["v2"], &json!({}));
        },
        &["118-bgp-local-port"],
    );
    let workload = "cilium.io/v2/CiliumExternalWorkload";
    check("workload-15", 15, |it| it.add(workload, &json!({})), &["115-external-workloads"]);
    check("workload-17", 17, |it| it.add(workload, &json!({})), &["117-external-workloads"]);
    let redirect = "cilium.io/v2/CiliumLocalRedirectPolicy";
    check("redirect", 16, |it| it.add(redirect, &json!({})), &["116-local-redirect"]);
    let of_address = |port: &str| {
        json!({"redirectFrontend": {"addressMatcher":
            {"ip": "10.96.0.1", "toPorts": [{"port": port, "protocol": "TCP"}]}}})
    };
    with(
        "redirect-of-service",
        "1.17.15",
        "1.17.18",
        |it| it.add(redirect, &of_address("443")),
        &["redirect-of-service"],
    );
    let (from, to) = ("1.17.15", "1.17.18");
    with("redirect-beside", from, to, |it| it.add(redirect, &of_address("80")), &[]);
    check(
        "eni",
        20,
        |it| {
            it.set("ipam", "eni");
            it.of("cilium.io/v2/CiliumNode", "k8s-w1")["spec"]["eni"] = json!({"pre-allocate": 8});
        },
        &["120-eni-fields"],
    );
    check(
        "tls-route",
        20,
        |it| {
            it.define("tlsroutes.gateway.networking.k8s.io", &["v1alpha2"], &json!({}));
            it.add("gateway.networking.k8s.io/v1alpha2/TLSRoute", &json!({}));
        },
        &["120-tls-routes"],
    );
    let bundle = json!({"gateway.networking.k8s.io/bundle-version": "v1.4.0"});
    check(
        "bundle",
        20,
        |it| {
            it.define("gateways.gateway.networking.k8s.io", &["v1"], &bundle);
            it.set("enable-gateway-api", "true");
        },
        &["120-gateway-bundle"],
    );
    check(
        "node-config",
        20,
        |it| it.define("ciliumnodeconfigs.cilium.io", &["v2alpha1", "v2"], &json!({})),
        &["120-node-config"],
    );
    check(
        "stored",
        19,
        |it| it.define("ciliumpodippools.cilium.io", &["v2alpha0"], &json!({})),
        &["crd-stored-gone"],
    );
    check(
        "alert",
        18,
        |it| {
            let expr = "rate(cilium_node_connectivity_status[5m]) > 0";
            let spec = json!({"groups": [{"rules": [{"expr": expr}, {"expr": 5}]}]});
            it.add("monitoring.coreos.com/v1/PrometheusRule", &spec);
        },
        &["118-metrics"],
    );
    check(
        "budget",
        19,
        |it| {
            let budget = json!({"metadata": {"name": "relay", "namespace": "kube-system"},
                "status": {"disruptionsAllowed": 0, "expectedPods": 1}});
            it.items("policy/v1/PodDisruptionBudget").push(budget);
        },
        &["pdb-blocking"],
    );
    check(
        "shared-port",
        17,
        |it| {
            let ports = json!([{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]);
            it.items("v1/Service").retain(|service| service["metadata"]["name"] != "kube-dns");
            it.add("v1/Service", &json!({"ports": ports}));
        },
        &["117-shared-port"],
    );
    check(
        "affinity",
        18,
        |it| {
            it.add("v1/Service", &json!({"sessionAffinity": "ClientIP", "ports": []}));
            it.set("enable-session-affinity", "false");
        },
        &["118-session-affinity"],
    );
    check(
        "identities",
        18,
        |it| {
            let one = json!({"metadata": {"name": "1"}});
            *it.items("cilium.io/v2/CiliumIdentity") = vec![one; 50_001];
        },
        &["118-identities-many"],
    );
}

#[test]
fn nodes_are_broken_one_by_one() {
    let node = |it: &mut Cluster, path: &str, value: serde_json::Value| {
        *it.of("v1/Node", "k8s-w1").pointer_mut(path).unwrap() = value;
    };
    check(
        "kernel",
        18,
        |it| node(it, "/status/nodeInfo/kernelVersion", json!("5.4.0-216-generic")),
        &["118-kernel"],
    );
    check(
        "kernel-16",
        16,
        |it| node(it, "/status/nodeInfo/kernelVersion", json!("4.19.0-27-amd64")),
        &["116-kernel"],
    );
    check(
        "kernel-rhel",
        18,
        |it| node(it, "/status/nodeInfo/kernelVersion", json!("4.18.0-553.el8_10.x86_64")),
        &[],
    );
    check(
        "kernel-rhel-old",
        18,
        |it| node(it, "/status/nodeInfo/kernelVersion", json!("4.18.0-372.9.1.el8.x86_64")),
        &["rhel-kernel"],
    );
    check(
        "cordoned",
        19,
        |it| it.of("v1/Node", "k8s-w1")["spec"]["unschedulable"] = json!(true),
        &["node-cordoned"],
    );
    let condition = |it: &mut Cluster, kind: &str, status: &str| {
        let node = it.of("v1/Node", "k8s-w1");
        let mut all = node["status"]["conditions"].as_array_mut().unwrap().iter_mut();
        all.find(|it| it["type"] == kind).unwrap()["status"] = json!(status);
    };
    check("not-ready", 19, |it| condition(it, "Ready", "Unknown"), &["node-not-ready"]);
    check("pressure", 19, |it| condition(it, "DiskPressure", "True"), &["node-pressure"]);
    check("full", 16, |it| node(it, "/status/allocatable/pods", json!("2")), &["116-node-full"]);
    check(
        "visible",
        15,
        |it| {
            let name = "policy.cilium.io/proxy-visibility";
            it.of("v1/Pod", "curl-pod")["metadata"]["annotations"][name] =
                json!("<Egress/80/TCP/HTTP>");
        },
        &["115-proxy-visibility"],
    );
    with(
        "kubernetes",
        "1.17.18",
        "1.18.14",
        |it| it.kubernetes = "v1.29.0".to_owned(),
        &["kubernetes-version"],
    );
}

#[test]
fn what_runs_is_broken_one_by_one() {
    check(
        "agent-not-ready",
        19,
        |it| {
            it.of("v1/Pod", "cilium-c8kz4")["status"]["containerStatuses"][0]["ready"] =
                json!(false);
        },
        &["agent-not-ready"],
    );
    check(
        "agent-missing",
        19,
        |it| it.items("v1/Pod").retain(|pod| pod["metadata"]["name"] != "cilium-c8kz4"),
        &["agent-missing"],
    );
    check(
        "agent-other",
        19,
        |it| {
            it.of("v1/Pod", "cilium-c8kz4")["spec"]["containers"][0]["image"] =
                json!("quay.io/cilium/cilium:v1.18.13");
        },
        // The oldest agent is what the way begins with, and then the rest differs from it.
        &["agent-versions", "old-patch", "operator-version", "relay-version"],
    );
    check(
        "pending",
        19,
        |it| it.of(SETS, "cilium")["status"]["updatedNumberScheduled"] = json!(2),
        &["rollout-pending"],
    );
    check(
        "generation",
        19,
        |it| it.of(SETS, "cilium")["metadata"]["generation"] = json!(99),
        &["rollout-pending"],
    );
    check(
        "on-delete",
        19,
        |it| it.of(SETS, "cilium")["spec"]["updateStrategy"] = json!({"type": "OnDelete"}),
        &["rollout-on-delete"],
    );
    check(
        "mirrored",
        19,
        |it| it.agent()["image"] = json!("registry.example.org/cilium:v1.18.14"),
        &["images-mirrored"],
    );
    check(
        "no-tag",
        19,
        |it| it.agent()["image"] = json!("quay.io/cilium/cilium@sha256:dfea"),
        &["image-without-version"],
    );
    check(
        "env",
        18,
        |it| {
            let env = json!({"name": "KUBE_CLIENT_BACKOFF_BASE", "value": "2"});
            it.agent()["env"].as_array_mut().unwrap().push(env);
        },
        &["118-backoff-env"],
    );
    check(
        "arg",
        18,
        |it| it.agent()["args"].as_array_mut().unwrap().push(json!("--join-cluster=true")),
        &["118-removed-args"],
    );
    check(
        "operator-none",
        19,
        |it| it.items(DEPLOYMENTS).retain(|it| it["metadata"]["name"] != "cilium-operator"),
        &["operator-none"],
    );
    check(
        "operator-not-ready",
        19,
        |it| it.of(DEPLOYMENTS, "cilium-operator")["status"]["readyReplicas"] = json!(0),
        &["operator-not-ready"],
    );
    for (name, code) in [("cilium-operator", "operator-version"), ("hubble-relay", "relay-version")]
    {
        check(
            code,
            19,
            |it| {
                it.of(DEPLOYMENTS, name)["spec"]["template"]["spec"]["containers"][0]["image"] =
                    json!(format!("quay.io/cilium/{name}:v1.18.3"));
            },
            &[code],
        );
    }
    let mesh = |version: &str| {
        json!({"metadata": {"name": "clustermesh-apiserver", "namespace": "kube-system"},
            "spec": {"template": {"spec": {"containers": [{"name": "apiserver",
                "image": format!("quay.io/cilium/clustermesh-apiserver:v{version}")}]}}},
            "status": {"readyReplicas": 1}})
    };
    check(
        "mesh-server",
        19,
        |it| it.items(DEPLOYMENTS).push(mesh("1.18.14")),
        &["119-mesh-users", "mesh-one-by-one"],
    );
    check(
        "mesh-version",
        20,
        |it| it.items(DEPLOYMENTS).push(mesh("1.18.14")),
        &["120-mesh-validity", "mesh-one-by-one", "mesh-version"],
    );
    check(
        "preflight",
        19,
        |it| {
            it.items(SETS).push(json!({"metadata":
                {"name": "cilium-pre-flight-check", "namespace": "kube-system"}}));
        },
        &["preflight-left"],
    );
    check(
        "git-ops",
        19,
        |it| {
            it.of(SETS, "cilium")["metadata"]["labels"]["argocd.argoproj.io/instance"] =
                json!("net");
        },
        &["git-ops"],
    );
    check(
        "not-helm",
        19,
        |it| {
            it.of(SETS, "cilium")["metadata"]["labels"]["app.kubernetes.io/managed-by"] =
                json!("x");
        },
        &["not-helm"],
    );
    let kube_proxy = json!({"metadata": {"name": "kube-proxy", "namespace": "kube-system"},
        "status": {"desiredNumberScheduled": 3}});
    check("kube-proxy", 19, |it| it.items(SETS).push(kube_proxy), &["kube-proxy-beside"]);
    check(
        "no-kube-proxy",
        19,
        |it| it.set("kube-proxy-replacement", "false"),
        &["kube-proxy-neither"],
    );
    check("name", 17, |it| it.set("cluster-name", "EU_1"), &["117-cluster-name"]);
    check("envoy", 16, |it| it.set("enable-l7-proxy", "true"), &["116-envoy-daemon-set"]);
    check(
        "tcx",
        16,
        |it| {
            let config = it.of("v1/ConfigMap", "cilium-config");
            config["data"].as_object_mut().unwrap().remove("enable-tcx");
        },
        &["116-tcx"],
    );
}

#[test]
fn agents_that_were_not_restarted_are_told_with_deep_alone() {
    let mut cluster = Cluster::good("1.18.14");
    for host in ["k8s-ctr", "k8s-w0", "k8s-w1"] {
        let mode = if host == "k8s-w0" { "tunnel" } else { "native" };
        let out = json!({"RoutingMode": mode, "EnableIPv4": true}).to_string();
        let words = "cilium-dbg config --all -o json".to_owned();
        cluster.commands.push((host.to_owned(), "agent", words, out));
    }
    let to = text("to", "1.19");
    let run = cluster.run("drift", &["upgrade-check"], std::slice::from_ref(&to));
    assert!(!codes(&run).contains("config-drift"));
    let deep = [to, ("deep", lab_types::Value::Boolean(true))];
    let run = cluster.run("drift-deep", &["upgrade-check"], &deep);
    let drift = run.report.findings.iter().find(|it| it.code == "upgrade-check/config-drift");
    let drift = drift.unwrap();
    assert_eq!(drift.subject, "k8s-w0");
    assert!(drift.evidence[0].text.contains("routing-mode: tunnel"), "{drift:?}");
}
