//! The smallest cluster that tests change: nodes `a` and `b`, and `r` beside them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lab_plugin::{Fact, Finding};
use serde_json::{Value, json};

use crate::judge;
use crate::model::inputs::{HostInput, Inputs, List};
use crate::model::{Cluster, build, facts};
use crate::parse::{devices::parse_devices, hosts_file::parse_hosts_file};

/// Answers that a test changes before they become a cluster.
pub(crate) struct Made {
    pub(crate) nodes: Vec<Value>,
    pub(crate) cilium_nodes: Vec<Value>,
    pub(crate) agents: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) kubeadm: &'static str,
    pub(crate) hosts_files: [Option<String>; 3],
    pub(crate) inputs: Inputs,
}

const NAMES: [&str; 3] = ["a", "b", "r"];

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn made() -> Made {
    let node = |name: &str, ip: &str, cidr: &str| {
        json!({"metadata": {"name": name},
            "spec": {"podCIDR": cidr, "podCIDRs": [cidr]},
            "status": {
                "addresses": [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}],
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
                "capacity": {"cpu": "2", "memory": "4Gi", "pods": "110"},
                "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
                "nodeInfo": {"kubeletVersion": "v1.33.2", "operatingSystem": "linux"}}})
    };
    let cilium = |name: &str, ip: &str, cidr: &str| {
        json!({"metadata": {"name": name}, "spec": {
            "addresses": [{"type": "InternalIP", "ip": ip}], "ipam": {"podCIDRs": [cidr]}}})
    };
    let component = |name: &str, flag: &str| {
        json!({"metadata": {"name": format!("{name}-a"), "labels": {"component": name}},
            "spec": {"nodeName": "a", "containers": [{"name": name, "command": [name, flag,
                "--service-cluster-ip-range=10.96.0.0/16"]}]}})
    };
    let host = |name: &str, uplink: &str| {
        let address = |ip: &str| json!({"local": ip, "prefixlen": 24, "scope": "global"});
        let text = json!([
            {"ifindex": 2, "ifname": "eth0", "operstate": "UP", "addr_info": [address("10.0.2.15")]},
            {"ifindex": 3, "ifname": "eth1", "operstate": "UP", "addr_info": [address(uplink)]}]);
        HostInput {
            name: name.to_owned(),
            is_node: name != "r",
            known: if name == "r" { vec![ip(uplink)] } else { Vec::new() },
            devices: Fact::Known(parse_devices(&text.to_string()).0),
            hostname: Fact::Known(name.to_owned()),
            agent_version: Fact::Known("1.18.0".to_owned()),
            ..HostInput::default()
        }
    };
    let config = [("ipam", "cluster-pool"), ("cluster-pool-ipv4-cidr", "172.20.0.0/16")];
    let config = config.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let mut inputs = Inputs {
        hosts: vec![host("a", "192.168.1.1"), host("b", "192.168.1.2"), host("r", "192.168.1.9")],
        names: NAMES.map(str::to_owned).to_vec(),
        pods: Fact::Known([("a".to_owned(), 12), ("b".to_owned(), 3)].into_iter().collect()),
        config: Fact::Known(config.into_iter().collect()),
        server: Fact::Known(r#"{"gitVersion":"v1.33.2"}"#.to_owned()),
        metrics: Fact::Known(BTreeMap::new()),
        daemon_set: Fact::Absent,
        ..Inputs::default()
    };
    inputs.cluster.service_cidrs = Fact::Absent;
    Made {
        nodes: vec![
            node("a", "192.168.1.1", "172.20.0.0/24"),
            node("b", "192.168.1.2", "172.20.1.0/24"),
        ],
        cilium_nodes: vec![
            cilium("a", "192.168.1.1", "172.20.0.0/24"),
            cilium("b", "192.168.1.2", "172.20.1.0/24"),
        ],
        agents: ["a", "b"].map(agent).to_vec(),
        components: vec![
            component("kube-apiserver", "--advertise-address=192.168.1.1"),
            component("kube-controller-manager", "--cluster-cidr=10.244.0.0/16"),
        ],
        kubeadm: "networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/16\n",
        hosts_files: [const { None }; 3],
        inputs,
    }
}

pub(crate) fn agent(node: &str) -> Value {
    json!({"metadata": {"name": format!("cilium-{node}"), "namespace": "kube-system"},
        "spec": {"nodeName": node}, "status": {"phase": "Running",
        "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn list<T: serde::de::DeserializeOwned>(values: &[Value]) -> Fact<List<T>> {
    let read = |value: &Value| serde_json::from_value(value.clone()).unwrap();
    Fact::Known(List { items: values.iter().map(read).collect(), lost: None })
}

impl Made {
    pub(crate) fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What `cat /etc/hosts` prints on a host.
    pub(crate) fn hosts_file(mut self, host: usize, text: &str) -> Self {
        self.hosts_files[host] = Some(text.to_owned());
        self
    }

    /// Only what is not set to a failure by hand is filled in.
    fn fill(mut self) -> Inputs {
        fn asked<T>(fact: &Fact<T>) -> bool {
            !matches!(fact, Fact::Unknown(why) if why == "not asked")
        }
        if !asked(&self.inputs.nodes) {
            self.inputs.nodes = list(&self.nodes);
        }
        if !asked(&self.inputs.cilium_nodes) {
            self.inputs.cilium_nodes = list(&self.cilium_nodes);
        }
        if !asked(&self.inputs.agents) {
            self.inputs.agents = list(&self.agents);
        }
        let cluster = &mut self.inputs.cluster;
        if !asked(&cluster.components) {
            cluster.components = list(&self.components);
        }
        let data = [("ClusterConfiguration".to_owned(), self.kubeadm.to_owned())];
        cluster.kubeadm = Fact::Known(data.into_iter().collect());
        let names = NAMES.iter().enumerate().map(|(idx, name)| ((*name).to_owned(), idx)).collect();
        for (host, text) in self.inputs.hosts.iter_mut().zip(&self.hosts_files) {
            if let Some(text) = text {
                host.hosts_file = Fact::Known(parse_hosts_file(text, &names));
            }
        }
        self.inputs
    }

    pub(crate) fn cluster(self) -> Cluster {
        build::build(&self.fill())
    }

    /// Findings of `nodes`.
    pub(crate) fn of_hosts(self) -> Vec<Finding> {
        judge::hosts(&self.cluster())
    }

    /// Findings of `nodes cluster`.
    pub(crate) fn of_cluster(self) -> Vec<Finding> {
        let inputs = self.fill();
        let cluster = build::build(&inputs);
        let documents = facts::documents(&inputs.cluster);
        judge::cluster(&cluster, &facts::facts(&inputs, &cluster, &documents))
    }
}
