//! `CiliumNodeConfig`: settings for some nodes, over those of all.

use std::collections::BTreeMap;

use lab_model::kubernetes::{Metadata, or_default};
use serde::Deserialize;

/// Settings for some nodes.
///
/// - Source: `ciliumnodeconfigs`, cilium.io/v2 and v2alpha1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeConfig {
    /// Its name; of several, the one whose name comes later counts.
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: NodeConfigSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeConfigSpec {
    #[serde(deserialize_with = "or_default")]
    defaults: BTreeMap<String, String>,
    node_selector: Option<Selector>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    #[serde(deserialize_with = "or_default")]
    match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    match_expressions: Vec<Expression>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Expression {
    key: String,
    operator: String,
    #[serde(deserialize_with = "or_default")]
    values: Vec<String>,
}

impl NodeConfig {
    /// Keys and values, as in the `ConfigMap`.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.spec.defaults
    }

    /// Whether it is in that namespace, and has that name where one is asked for.
    pub fn is(&self, namespace: &str, name: Option<&str>) -> bool {
        self.metadata.namespace == namespace && name.is_none_or(|name| self.metadata.name == name)
    }

    /// Whether it is meant for a node with such labels. Without a selector it is meant for none, with
    /// an empty one for all; an operator that is not known matches nothing.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let Some(selector) = &self.spec.node_selector else { return false };
        let all_labels =
            selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        all_labels
            && selector.match_expressions.iter().all(|it| {
                let value = labels.get(&it.key);
                match it.operator.as_str() {
                    "In" => value.is_some_and(|value| it.values.contains(value)),
                    "NotIn" => value.is_none_or(|value| !it.values.contains(value)),
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    _ => false,
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_configs_choose_nodes_by_labels() {
        let config: NodeConfig = serde_json::from_str(
            r#"{"metadata":{"name":"a"},"spec":{"defaults":{"debug":"true"},"nodeSelector":{
            "matchLabels":{"zone":"1"},"matchExpressions":[{"key":"gpu","operator":"DoesNotExist"},
            {"key":"zone","operator":"In","values":["1","2"]}]}}}"#,
        )
        .unwrap();
        let labels = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert!(config.matches(&labels(&[("zone", "1")])));
        assert!(!config.matches(&labels(&[("zone", "1"), ("gpu", "")])));
        assert!(!config.matches(&labels(&[("zone", "2")])));
        assert!(!NodeConfig::default().matches(&BTreeMap::new()));
        let of_all: NodeConfig = serde_json::from_str(r#"{"spec":{"nodeSelector":{}}}"#).unwrap();
        assert!(of_all.matches(&BTreeMap::new()));
        assert_eq!(config.settings().len(), 1);
    }
}
