//! One object's text: which it is, and what is taken away before anybody sees it.
//!
//! Apart because it is pure. Copies what it does not know as it stands, so numbers and order
//! survive.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Drops `managedFields`, which nobody reads and which is half of many objects, and says what the
/// object is: the items of a list come without `apiVersion` and `kind`. As `kubectl get -o json`.
pub(crate) fn tidy(text: &str, api_version: &str, kind: &str) -> Result<String, serde_json::Error> {
    let members: Members<'_> = serde_json::from_str(text)?;
    let mut out = String::with_capacity(text.len() + 64);
    for (key, value) in [("apiVersion", api_version), ("kind", kind)] {
        if !members.0.iter().any(|(name, _)| name == key) {
            push(&mut out, key, &serde_json::to_string(value)?)?;
        }
    }
    for (key, value) in &members.0 {
        if key == "metadata" && value.get().starts_with('{') {
            let metadata: Members<'_> = serde_json::from_str(value.get())?;
            let mut kept = String::with_capacity(value.get().len());
            for (key, value) in metadata.0.iter().filter(|(key, _)| key != "managedFields") {
                push(&mut kept, key, value.get())?;
            }
            push(&mut out, key, &close(kept))?;
        } else {
            push(&mut out, key, value.get())?;
        }
    }
    Ok(close(out))
}

fn push(out: &mut String, key: &str, value: &str) -> Result<(), serde_json::Error> {
    out.push(if out.is_empty() { '{' } else { ',' });
    out.push_str(&serde_json::to_string(key)?);
    out.push(':');
    out.push_str(value);
    Ok(())
}

fn close(mut out: String) -> String {
    out.push_str(if out.is_empty() { "{}" } else { "}" });
    out
}

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// What identifies an object.
#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// An object of which only the metadata is read.
#[derive(Deserialize)]
pub(crate) struct Named {
    metadata: Metadata,
}

impl Named {
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Where it stands in a list: lists come in this order.
    pub(crate) fn key(&self) -> String {
        match &self.metadata.namespace {
            Some(namespace) => format!("{namespace}/{}", self.metadata.name),
            None => self.metadata.name.clone(),
        }
    }
}

/// The resource version of an object; a bookmark has nothing else.
pub(crate) fn version(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        resource_version: String,
    }
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    let object: Object = serde_json::from_str(text).ok()?;
    Some(object.metadata.resource_version).filter(|version| !version.is_empty())
}

/// Which container kubectl would take: the annotated one, else the first.
pub(crate) fn default_container(pod: &str) -> Result<Option<String>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Container {
        name: String,
    }
    #[derive(Deserialize)]
    struct Spec {
        containers: Vec<Container>,
    }
    #[derive(Deserialize)]
    struct Pod {
        metadata: Metadata,
        spec: Spec,
    }
    let mut pod: Pod = serde_json::from_str(pod)?;
    let annotated = pod.metadata.annotations.remove("kubectl.kubernetes.io/default-container");
    Ok(annotated
        .filter(|name| pod.spec.containers.iter().any(|container| &container.name == name))
        .or_else(|| pod.spec.containers.into_iter().next().map(|container| container.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_say_what_they_are_and_keep_the_rest_as_it_stands() {
        for (text, expected) in [
            (
                r#"{"metadata":{"managedFields":[1]}}"#,
                r#"{"apiVersion":"v1","kind":"Pod","metadata":{}}"#,
            ),
            (
                r#"{"kind":"Pod","apiVersion":"v1","a\"b":1.0,"metadata":null}"#,
                r#"{"kind":"Pod","apiVersion":"v1","a\"b":1.0,"metadata":null}"#,
            ),
        ] {
            assert_eq!(tidy(text, "v1", "Pod").unwrap(), expected);
        }
        assert!(tidy("[]", "v1", "Pod").is_err());
    }

    #[test]
    fn the_container_is_the_annotated_or_the_first() {
        let pod = |annotation: &str| {
            format!(
                r#"{{"metadata":{{"name":"p","annotations":{{"kubectl.kubernetes.io/default-container":"{annotation}"}}}},
                "spec":{{"containers":[{{"name":"a"}},{{"name":"b"}}]}}}}"#
            )
        };
        assert_eq!(default_container(&pod("b")).unwrap().as_deref(), Some("b"));
        assert_eq!(default_container(&pod("gone")).unwrap().as_deref(), Some("a"));
    }
}
