//! CPU and memory in use as rows of `nodes top` and `nodes top pods`.

use std::collections::BTreeMap;

use lab_model::kubernetes::{self, Pod};
use lab_plugin::{Bytes, Cores, Fact};

use crate::model::build::node;
use crate::model::inputs::List;
use crate::model::{Node, Usage};
use crate::parse::objects::PodMetrics;
use crate::parse::quantity::parse_quantity;
use crate::report_nodes::{reported, share};
use crate::rows::{TopPodRow, TopRow};

/// One row for each node that is shown.
pub fn node_rows(
    names: &[String],
    nodes: &Fact<List<kubernetes::Node>>,
    metrics: &Fact<BTreeMap<String, Usage>>,
) -> Vec<TopRow> {
    let by_name: BTreeMap<&str, Node> =
        List::items_of(nodes).iter().map(|it| (it.name(), node(it))).collect();
    let row = |name: &String| {
        let usage = match metrics {
            Fact::Known(all) => all.get(name).copied(),
            _ => None,
        };
        let used =
            |pick: fn(&Usage) -> Option<f64>| reported(Fact::Known(usage.and_then(|it| pick(&it))));
        let allocatable = |pick: fn(&Node) -> Option<f64>| {
            reported(Fact::Known(by_name.get(name.as_str()).and_then(pick)))
        };
        let (cpu, memory) = (used(|usage| usage.cpu), used(|usage| usage.memory));
        let cpu_allocatable = allocatable(|node| node.allocatable.cpu);
        let memory_allocatable = allocatable(|node| node.allocatable.memory);
        TopRow {
            host: name.clone(),
            cpu_share: share(&cpu, &cpu_allocatable),
            memory_share: share(&memory, &memory_allocatable),
            cpu: cpu.map(|cores| Cores(*cores)),
            memory: memory.map(|bytes| Bytes(*bytes)),
            cpu_allocatable: cpu_allocatable.map(|cores| Cores(*cores)),
            memory_allocatable: memory_allocatable.map(|bytes| Bytes(*bytes)),
        }
    };
    names.iter().map(row).collect()
}

/// One row for each pod that runs or is measured.
pub fn pod_rows(pods: &Fact<List<Pod>>, metrics: &Fact<List<PodMetrics>>) -> Vec<TopPodRow> {
    let mut rows = BTreeMap::<(&str, &str), TopPodRow>::new();
    let bare = |namespace: &str, name: &str, host| TopPodRow {
        namespace: namespace.to_owned(),
        pod: name.to_owned(),
        host,
        cpu: unmeasured(),
        memory: unmeasured(),
        largest: unmeasured(),
    };
    for pod in List::items_of(pods) {
        let host = pod.node_name().map_or(Fact::Absent, |node| Fact::Known(node.to_owned()));
        let key = (pod.namespace(), pod.name());
        rows.insert(key, bare(pod.namespace(), pod.name(), host));
    }
    for measured in List::items_of(metrics) {
        let (namespace, name) = (&*measured.metadata.namespace, &*measured.metadata.name);
        let row = rows.entry((namespace, name)).or_insert_with(|| {
            // Measured and not listed: it ended between the two answers, or pods were not read.
            bare(namespace, name, Fact::Unknown("its Pod is not known".to_owned()))
        });
        row.cpu = sum(measured, |it| &it.usage.cpu).map(|cores| Cores(*cores));
        row.memory = sum(measured, |it| &it.usage.memory).map(|bytes| Bytes(*bytes));
        let of_memory = |it: &&crate::parse::objects::ContainerMetrics| {
            parse_quantity(&it.usage.memory).unwrap_or_default()
        };
        let most = measured.containers.iter().max_by(|a, b| of_memory(a).total_cmp(&of_memory(b)));
        row.largest = most.map_or(Fact::Absent, |it| Fact::Known(it.name.clone()));
    }
    rows.into_values().collect()
}

fn unmeasured<T>() -> Fact<T> {
    Fact::Unknown("the metrics API has no values of it".to_owned())
}

/// The sum over all containers; unknown when one of them cannot be read.
fn sum(
    pod: &PodMetrics,
    pick: fn(&crate::parse::objects::ContainerMetrics) -> &String,
) -> Fact<f64> {
    let parts = pod.containers.iter().map(|container| parse_quantity(pick(container)));
    match parts.sum::<Option<f64>>() {
        Some(total) if !pod.containers.is_empty() => Fact::Known(total),
        _ => unmeasured(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list<T: serde::de::DeserializeOwned>(text: &str) -> Fact<List<T>> {
        Fact::Known(List { items: serde_json::from_str(text).unwrap(), lost: None })
    }

    #[test]
    fn shares_are_of_what_pods_may_use() {
        let nodes = list(
            r#"[{"metadata":{"name":"a"},"status":{"allocatable":{"cpu":"2","memory":"4Gi"},
                "capacity":{"cpu":"4","memory":"8Gi"}}},{"metadata":{"name":"b"}}]"#,
        );
        let usage = Usage { cpu: Some(0.5), memory: Some(1024.0 * 1024.0 * 1024.0) };
        let metrics = Fact::Known([("a".to_owned(), usage)].into_iter().collect());
        let rows = node_rows(&["a".to_owned(), "b".to_owned()], &nodes, &metrics);
        assert_eq!(rows[0].cpu, Fact::Known(Cores(0.5)));
        assert_eq!(rows[0].cpu_share, Fact::Known(lab_plugin::Percent(0.25)));
        assert_eq!(rows[0].memory_share, Fact::Known(lab_plugin::Percent(0.25)));
        assert!(matches!(rows[1].cpu, Fact::Unknown(_)), "{:?}", rows[1]);
        assert!(matches!(rows[1].cpu_share, Fact::Unknown(_)));
    }

    #[test]
    fn a_pod_uses_what_its_containers_use() {
        let pods = list(
            r#"[{"metadata":{"namespace":"n","name":"a"},"spec":{"nodeName":"k8s-w1"}},
                {"metadata":{"namespace":"n","name":"new"}}]"#,
        );
        let metrics = list(
            r#"[{"metadata":{"namespace":"n","name":"a"},"containers":[
                {"name":"x","usage":{"cpu":"250m","memory":"10Mi"}},
                {"name":"y","usage":{"cpu":"1500000n","memory":"30Mi"}}]},
                {"metadata":{"namespace":"n","name":"gone"},"containers":[
                {"name":"x","usage":{"cpu":"1","memory":"garbage"}}]}]"#,
        );
        let rows = pod_rows(&pods, &metrics);
        let names: Vec<&str> = rows.iter().map(|row| row.pod.as_str()).collect();
        assert_eq!(names, ["a", "gone", "new"]);
        assert_eq!(rows[0].cpu, Fact::Known(Cores(0.2515)));
        assert_eq!(rows[0].memory, Fact::Known(Bytes(40.0 * 1024.0 * 1024.0)));
        assert_eq!(rows[0].largest, Fact::Known("y".to_owned()));
        assert!(matches!(rows[1].memory, Fact::Unknown(_)));
        assert!(matches!(rows[1].host, Fact::Unknown(_)));
        assert_eq!(rows[2].host, Fact::Absent);
        assert!(matches!(rows[2].cpu, Fact::Unknown(_)));
    }
}
