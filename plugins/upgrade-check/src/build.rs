//! Makes facts of what came.

use std::collections::BTreeMap;

use lab_plugin::Fact;

use crate::facts::{Facts, NodeFact};
use crate::inputs::Inputs;
use crate::marks::{resources, workloads};
use crate::objects::Workload;
use crate::version::Version;

/// Everything that rules look at.
pub fn build(inputs: &Inputs, from: Version, to: Version) -> Facts {
    let mut facts = Facts::new(from, to);
    facts.kubernetes = inputs.kubernetes.clone();
    facts.config = inputs.config.clone();
    facts.crds = inputs.crds.clone();
    facts.values = inputs.values.clone();
    facts.nodes = inputs.nodes.map(|nodes| {
        let facts = nodes.iter().map(|node| {
            NodeFact::new(node.name(), &node.info().kernel_version, &node.info().os_image)
        });
        facts.collect()
    });
    let agent = inputs.agent_set();
    let no_agent = || match &inputs.daemon_sets {
        Fact::Unknown(why) => Fact::Unknown(why.clone()),
        _ => Fact::Unknown("no DaemonSet of the agents".to_owned()),
    };
    facts.max_unavailable = agent.and_then(Workload::max_unavailable);
    facts.env = agent.map_or_else(no_agent, |set| Fact::Known(env(set)));
    let operator = inputs.deployments.known().into_iter().flatten();
    let operator = operator.filter(|it| it.metadata.name == "cilium-operator");
    let args = agent.into_iter().chain(operator).flat_map(args);
    facts.args = if agent.is_some() { Fact::Known(args.collect()) } else { no_agent() };
    facts.metrics = match &inputs.alerts {
        // Without the Prometheus operator there are no such rules.
        Fact::Absent => Fact::Known(BTreeMap::new()),
        alerts => alerts.map(|all| {
            let words = all.iter().flat_map(|it| {
                let place = format!("PrometheusRule {}", it.metadata.path());
                let names = it.metrics().flat_map(|word| [word, metric(word)]);
                names.map(|name| (name.to_owned(), place.clone())).collect::<Vec<_>>()
            });
            words.collect()
        }),
    };
    workloads::look(inputs, &facts.from, &mut facts.marks);
    resources::look(inputs, &mut facts.marks);
    facts
}

/// A metric's name without what a histogram adds to it.
fn metric(word: &str) -> &str {
    let ends = ["_bucket", "_sum", "_count"];
    let short = ends.iter().find_map(|end| word.strip_suffix(end));
    short.unwrap_or(word)
}

fn env(set: &Workload) -> BTreeMap<String, String> {
    let env = set.container("cilium-agent").into_iter().flat_map(|container| &container.env);
    env.map(|it| (it.name.clone(), it.value.clone())).collect()
}

fn args(workload: &Workload) -> Vec<(String, String)> {
    let container =
        workload.container("cilium-agent").or_else(|| workload.container("cilium-operator"));
    let words = container.into_iter().flat_map(|container| &container.args);
    let flags = words.filter_map(|word| word.strip_prefix("--"));
    flags
        .map(|flag| {
            let (name, value) = flag.split_once('=').unwrap_or((flag, "true"));
            (name.to_owned(), value.to_owned())
        })
        .collect()
}
