//! Every host in one row, compared with what kubectl and the hosts themselves say.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::answers::{findings, partial, rows, word};
use crate::cluster::{Cluster, NODES, ROUTER};

pub(crate) fn table(cluster: &Cluster) {
    let run = cluster.lab("nodes -o json").run().exits(0);
    assert_eq!(partial(&run), [], "every host answers, the router over ssh");
    let shown = rows(&run, "nodes");
    let hosts: BTreeSet<_> = shown.iter().map(|row| word(&row["host"])).collect();
    assert_eq!(hosts, NODES.into_iter().chain([ROUTER]).map(str::to_owned).collect());
    let objects: Value =
        serde_json::from_str(&cluster.kubectl("get nodes -o json")).expect("kubectl prints JSON");
    let cidrs = cluster.pod_cidrs();
    for object in objects["items"].as_array().expect("a list") {
        let name = word(&object["metadata"]["name"]);
        let row = of(&shown, &name);
        let internal = object["status"]["addresses"].as_array().expect("a list").iter();
        let mut internal = internal.filter(|address| address["type"] == "InternalIP");
        assert_eq!(word(&row["internalIP"]), word(&internal.next().expect("one")["address"]));
        assert_eq!(word(&row["podCIDR"]), word(&object["spec"]["podCIDR"]));
        assert_eq!(word(&row["ciliumPodCIDRs"]), cidrs[&name]);
        let info = &object["status"]["nodeInfo"];
        for (column, field) in
            [("kubelet", "kubeletVersion"), ("runtime", "containerRuntimeVersion")]
        {
            assert_eq!(word(&row[column]), word(&info[field]), "{row}");
        }
        assert_eq!(word(&row["kernel"]), cluster.on("k8s-ctr", "uname -r").trim());
        assert_eq!((word(&row["ready"]), word(&row["agent"])), ("ready".into(), "ready".into()));
        let pods = cluster.kubectl(&format!(
            "get pods -A -o name --field-selector \
             spec.nodeName={name},status.phase!=Succeeded,status.phase!=Failed"
        ));
        assert_eq!(row["pods"].as_u64(), u64::try_from(pods.lines().count()).ok(), "{row}");
        assert_eq!(word(&row["hostname"]), name, "the host's own word");
    }
    let router = of(&shown, ROUTER);
    assert_eq!(word(&router["role"]), "extra");
    assert_eq!(word(&router["hostname"]), ROUTER);
}

pub(crate) fn addresses(cluster: &Cluster) {
    let run = cluster.lab("nodes addr -o json").run().exits(0);
    let shown = rows(&run, "addresses");
    for host in NODES.into_iter().chain([ROUTER]) {
        let raw: BTreeSet<(String, String)> = cluster
            .on(host, "ip -br -4 addr")
            .lines()
            .flat_map(|line| {
                let mut words = line.split_whitespace();
                let device = words.next().unwrap_or_default();
                // A veth is shown with its peer: `cilium_host@cilium_net`.
                let device = device.split('@').next().unwrap_or_default().to_owned();
                let cidrs = words.skip(1).filter(|word| word.contains('/'));
                cidrs.map(|cidr| (device.clone(), cidr.to_owned())).collect::<Vec<_>>()
            })
            .collect();
        let of_host = shown.iter().filter(|row| row["host"] == host);
        let of_host: BTreeSet<_> =
            of_host.map(|row| (word(&row["device"]), word(&row["address"]))).collect();
        assert_eq!(of_host, raw, "{host}: as `ip -br -4 addr` prints it");
    }
}

pub(crate) fn facts(cluster: &Cluster) {
    let run = cluster.lab("nodes cluster -o json").run().exits(0);
    let facts = rows(&run, "facts");
    let values = |fact: &str| -> BTreeSet<String> {
        let of = facts.iter().filter(|row| row["fact"] == fact);
        of.map(|row| word(&row["value"])).collect()
    };
    let manager =
        cluster.on("k8s-ctr", "tr '\\0' '\\n' </proc/$(pidof kube-controller-manager)/cmdline");
    let flag = |name: &str| {
        let line = manager.lines().find_map(|line| line.strip_prefix(&format!("--{name}=")));
        line.unwrap_or_else(|| panic!("no --{name} in {manager}")).to_owned()
    };
    assert_eq!(values("service-cidr"), [flag("service-cluster-ip-range")].into());
    assert!(values("cluster-cidr").contains(&flag("cluster-cidr")), "{facts:#?}");
    assert_eq!(values("api-endpoint"), ["192.168.10.100:6443".to_owned()].into());
    let objects = cluster.kubectl("get servicecidrs -o name");
    assert!(objects.contains("kubernetes"), "{objects}");
    assert!(
        facts.iter().any(|row| row["fact"] == "service-cidr"
            && word(&row["source"]).contains("ServiceCIDR")
            && word(&row["value"]) != "?"),
        "the object is read: {facts:#?}"
    );
    assert!(findings(&run).iter().all(|found| found.level != "bad"), "{}", run.out);
}

/// The figures of the metrics API, where the lab has one.
pub(crate) fn top(cluster: &Cluster) {
    const NODE_METRICS: &str = "get --raw /apis/metrics.k8s.io/v1beta1/nodes";
    if !cluster.kubectl("get apiservices -o name").contains("metrics.k8s.io") {
        crate::say(format_args!("lab: no metrics API: tests/lab/up --metrics-server makes one"));
        let run = cluster.lab("nodes top -o json").run().exits(0);
        assert!(rows(&run, "top").iter().all(|row| word(&row["cpu"]) == "?"), "{}", run.out);
        assert!(findings(&run).iter().any(|found| found.code == "nodes/no-metrics"));
        return;
    }
    // A new sample comes every fifteen seconds: both must be of the same.
    for _ in 0..5 {
        let before = cluster.kubectl(NODE_METRICS);
        let run = cluster.lab("nodes top -o json").run().exits(0);
        if cluster.kubectl(NODE_METRICS) != before {
            continue;
        }
        let raw: Value = serde_json::from_str(&before).expect("the API answers in JSON");
        let shown = rows(&run, "top");
        for measured in raw["items"].as_array().expect("a list") {
            let name = word(&measured["metadata"]["name"]);
            let row = of(&shown, &name);
            let usage = &measured["usage"];
            let figure = |text: &str, unit: &str, factor: f64| {
                let digits = text.strip_suffix(unit).unwrap_or_else(|| panic!("{text} in {unit}"));
                digits.parse::<f64>().expect("digits") * factor
            };
            let cores = figure(&word(&usage["cpu"]), "n", 1e-9);
            let bytes = figure(&word(&usage["memory"]), "Ki", 1024.0);
            let near = |cell: &Value, value: f64| {
                let cell = cell.as_f64().unwrap_or_else(|| panic!("no figure: {row}"));
                assert!(
                    (cell - value).abs() <= value * 1e-6 + 1e-9,
                    "{cell} is not {value}: {row}"
                );
            };
            near(&row["cpu"], cores);
            near(&row["memory"], bytes);
            assert!(cores > 0.0 && bytes > 0.0, "{row}");
        }
        assert_eq!(shown.len(), NODES.len());
        let pods = rows(&cluster.lab("nodes top pods -o json").run().exits(0), "pods");
        let agents = pods.iter().filter(|row| word(&row["pod"]).starts_with("cilium-"));
        assert!(agents.clone().count() >= NODES.len(), "{pods:#?}");
        return;
    }
    panic!("five samples, and never the same before and after");
}

fn of<'r>(rows: &'r [Value], host: &str) -> &'r Value {
    let row = rows.iter().find(|row| row["host"] == host);
    row.unwrap_or_else(|| panic!("no row of {host}: {rows:#?}"))
}
