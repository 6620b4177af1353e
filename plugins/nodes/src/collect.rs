//! Asks: objects of the cluster and commands on every host, all at once.
//!
//! The only stage that waits. An answer becomes records the moment it comes and its text is
//! dropped. A failed answer stays a value; it never ends the run.

mod objects;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lab_model::kubernetes::Node;
use lab_plugin::hosts::{self, Kind};
use lab_plugin::{Batch, Fact, Failure, Place, log, partial};

use crate::model::Device;
use crate::model::inputs::{HostInput, Inputs, List};
use crate::parse::{devices, hosts_file, release, version};

pub use objects::{node_usage, nodes, pod_usage, pods};

// Waiting is asking: the stages after this one do not name the inbox.
pub use lab_plugin::inbox::repeat;

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every host in one row.
    Nodes,
    /// Addresses alone.
    Addresses,
    /// What the whole cluster has in common; no host is asked.
    Cluster,
}

/// One command and where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Addresses,
    HostsFile,
    Hostname,
    Kernel,
    Release,
    AgentVersion,
}

const EVERY: [Question; 6] = [
    Question::Addresses,
    Question::HostsFile,
    Question::Hostname,
    Question::Kernel,
    Question::Release,
    Question::AgentVersion,
];

/// Commands of hosts and agents with the reason for each, as the card declares them: first the
/// form that is asked, behind it those in which captures and sysdumps may have the same answer.
pub const COMMANDS: [(&str, &str); 6] = [
    ("host: ip -j addr | ip addr", "every interface address of every host"),
    ("host: cat /etc/hosts", "names are compared with the API's addresses"),
    ("host: hostname", "a host is compared with the name it is asked by"),
    ("host: uname -a", "the kernel of hosts that are no nodes"),
    ("host: cat /etc/os-release", "the operating system of hosts that are no nodes"),
    (
        "agent: cilium-dbg version | cilium-dbg status --verbose",
        "the version of the agent that runs",
    ),
];

/// Kinds of objects with the reason for each, as the card declares them.
pub const KINDS: [(&str, &str); 11] = [
    ("v1/Node", "readiness, addresses, versions and amounts of every node"),
    ("v1/Pod", "pods of each node are counted; agents and the control plane's flags are read"),
    ("v1/ConfigMap", "cilium-config, kubeadm-config and kubelet-config"),
    ("v1/Service", "the addresses of the API and of DNS"),
    ("apps/v1/DaemonSet", "the version agents ought to have, and the API endpoint they use"),
    ("discovery.k8s.io/v1/EndpointSlice", "the endpoints of the API"),
    ("networking.k8s.io/v1/ServiceCIDR", "the ranges of ClusterIPs"),
    ("cilium.io/v2/CiliumNode", "the podCIDRs that pods get addresses from"),
    ("cilium.io/v2alpha1/CiliumPodIPPool", "the pools of multi-pool IPAM"),
    ("metrics.k8s.io/v1beta1/NodeMetrics", "CPU and memory in use on nodes"),
    ("metrics.k8s.io/v1beta1/PodMetrics", "CPU and memory in use by pods"),
];

impl Question {
    fn command(self) -> &'static str {
        let (forms, _) = COMMANDS[EVERY.iter().position(|known| *known == self).unwrap_or(0)];
        forms.split_once(" | ").map_or(forms, |(first, _)| first)
    }

    fn is_asked(self, scope: Scope, kind: Kind) -> bool {
        match self {
            Self::Addresses => scope != Scope::Cluster,
            Self::HostsFile | Self::Hostname => scope == Scope::Nodes,
            // Of nodes the kubelet tells both, and in an agent's container the file would be
            // that of its image.
            Self::Kernel | Self::Release => scope == Scope::Nodes && kind == Kind::Extra,
            Self::AgentVersion => scope == Scope::Nodes && kind == Kind::Node,
        }
    }
}

/// Asks what a table of hosts needs and hands over what came.
///
/// # Errors
/// Only when the hosts themselves cannot be listed.
pub fn collect(scope: Scope) -> Result<Inputs, Failure> {
    let mut inputs = objects::objects(scope);
    if scope == Scope::Nodes {
        inputs.metrics = objects::node_usage();
    }
    let listed = hosts::list()?;
    let mut names: Vec<String> = listed.iter().map(|host| host.name.clone()).collect();
    let nodes = List::items_of(&inputs.nodes);
    let shown: BTreeSet<&str> = listed.iter().map(|host| host.name.as_str()).collect();
    let others = nodes.iter().map(Node::name).filter(|name| !shown.contains(name));
    names.extend(others.map(str::to_owned));
    let known: BTreeMap<String, usize> =
        names.iter().enumerate().map(|(idx, name)| (name.to_ascii_lowercase(), idx)).collect();

    let mut batch = Batch::new();
    let mut asked = Vec::new();
    let windows: BTreeSet<&str> = nodes
        .iter()
        .filter(|node| node.info().operating_system == "windows")
        .map(Node::name)
        .collect();
    let mut inputs_of_hosts = Vec::with_capacity(listed.len());
    for (idx, host) in listed.iter().enumerate() {
        // Windows has none of these commands; its silence is no failure.
        let is_asked =
            |it: &Question| it.is_asked(scope, host.kind) && !windows.contains(host.name.as_str());
        for question in EVERY.into_iter().filter(is_asked) {
            let (place, command) = question.command().split_once(": ").unwrap_or_default();
            let place = match place {
                "agent" => Place::agent(&host.name),
                _ => Place::host(&host.name),
            };
            batch.add(&place, &command.split(' ').collect::<Vec<_>>());
            asked.push((idx, question));
        }
        inputs_of_hosts.push(HostInput {
            name: host.name.clone(),
            is_node: host.kind == Kind::Node,
            known: host.addresses.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()).collect(),
            ..HostInput::default()
        });
    }
    inputs.names = names;
    inputs.hosts = inputs_of_hosts;
    for (index, answer) in batch.as_they_come() {
        let Some(&(host, question)) = asked.get(index as usize) else { continue };
        let text = answer.and_then(|outcome| {
            outcome.success().map(|out| String::from_utf8_lossy(out).into_owned())
        });
        take(&mut inputs.hosts[host], question, text, &known);
    }
    Ok(inputs)
}

fn take(
    host: &mut HostInput,
    question: Question,
    text: Result<String, Failure>,
    known: &BTreeMap<String, usize>,
) {
    let command = question.command();
    let told = |host: &HostInput, failure: &Failure| {
        let why = format!("`{command}`: {}", failure.message());
        if question == Question::Addresses {
            partial(&host.name, failure);
        } else {
            log::debug(&format!("{}: {why}", host.name));
        }
        why
    };
    let text = text.map_err(|failure| told(host, &failure));
    let read = |value: Option<String>| match value {
        Some(value) => Fact::Known(value),
        None => Fact::Unknown(format!("`{command}`: its output cannot be read")),
    };
    let word = |parse: fn(&str) -> Option<String>| match &text {
        Ok(text) => read(parse(text)),
        Err(why) => Fact::Unknown(why.clone()),
    };
    match question {
        Question::Hostname => host.hostname = word(hostname),
        Question::Kernel => host.kernel = word(release::parse_kernel),
        Question::Release => host.os = word(release::parse_os),
        Question::AgentVersion => host.agent_version = word(version::daemon_version),
        Question::HostsFile => {
            host.hosts_file = match text {
                Ok(text) => Fact::Known(hosts_file::parse_hosts_file(&text, known)),
                Err(why) => Fact::Unknown(why),
            };
        }
        Question::Addresses => {
            host.devices = match text {
                Ok(text) => addresses(host, &text),
                Err(why) => Fact::Unknown(why),
            };
        }
    }
}

fn addresses(host: &HostInput, text: &str) -> Fact<Vec<Device>> {
    let command = Question::Addresses.command();
    let (read, problems) = devices::parse_devices(text);
    for problem in &problems {
        log::warn(&format!("{}: `{command}`: {problem}", host.name));
    }
    if read.is_empty() {
        // Every host has a loopback device: nothing was understood, and that says nothing about
        // the host's addresses.
        let why =
            problems.first().map_or("no device in its output".to_owned(), ToString::to_string);
        let why = format!("`{command}`: {why}");
        partial(&host.name, &Failure::Other(why.clone()));
        return Fact::Unknown(why);
    }
    Fact::Known(read)
}

/// One word; a prompt or an error page is no name.
fn hostname(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let name = words.next()?.to_owned();
    words.next().is_none().then_some(name)
}

/// Names of the nodes that are shown; `--host` leaves others out.
///
/// # Errors
/// The hosts cannot be listed.
pub fn shown_nodes() -> Result<Vec<String>, Failure> {
    let nodes = hosts::list()?.into_iter().filter(|host| host.kind == Kind::Node);
    Ok(nodes.map(|host| host.name).collect())
}
