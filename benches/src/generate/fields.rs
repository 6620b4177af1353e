//! `managedFields` as the API server keeps them: who wrote which field of an object.
//!
//! Apart because recordings leave them out, while every server sends them: they are up to half
//! of an object's text, and whoever reads objects has to get past them.

use serde_json::{Map, Value, json};

/// What tells the elements of a list apart, in the order in which it is looked for.
const KEYS: [&str; 6] = ["mountPath", "containerPort", "uid", "name", "type", "ip"];

/// One writer: its name, what it wrote at the top of the object, and through which subresource.
pub(super) struct Writer {
    pub(super) name: &'static str,
    pub(super) parts: &'static [&'static str],
    pub(super) subresource: Option<&'static str>,
}

/// Adds the entries of all writers to an object's metadata.
pub(super) fn add(object: &mut Value, writers: &[Writer]) {
    let time = object.pointer("/metadata/creationTimestamp").cloned();
    let entries: Vec<Value> = writers
        .iter()
        .map(|writer| {
            let mut fields = Map::new();
            for part in writer.parts {
                if let Some(value) = object.get(part) {
                    fields.insert(format!("f:{part}"), tree(part, value));
                }
            }
            let mut entry = json!({
                "apiVersion": object["apiVersion"], "fieldsType": "FieldsV1",
                "fieldsV1": fields, "manager": writer.name, "operation": "Update", "time": time,
            });
            if let Some(subresource) = writer.subresource {
                entry["subresource"] = subresource.into();
            }
            entry
        })
        .collect();
    object["metadata"]["managedFields"] = Value::Array(entries);
}

/// The fields below one.
fn tree(name: &str, value: &Value) -> Value {
    let mut fields = Map::new();
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                // The server sets those itself.
                let is_own = name == "metadata"
                    && ["creationTimestamp", "name", "namespace", "uid", "generation"]
                        .contains(&key.as_str());
                if !is_own {
                    fields.insert(format!("f:{key}"), tree(key, value));
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let Some(key) = KEYS.iter().find(|key| item.get(**key).is_some()) else {
                    return json!({});
                };
                let mut below = tree("", item);
                below["."] = json!({});
                fields.insert(format!("k:{}", json!({ *key: item[*key] })), below);
            }
        }
        _ => {}
    }
    if !fields.is_empty() && name != "metadata" && name != "spec" && name != "status" {
        fields.insert(".".to_owned(), json!({}));
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_and_elements_by_what_tells_them_apart() {
        let mut object = json!({
            "apiVersion": "v1", "metadata": {"name": "a", "labels": {"x": "y"}},
            "status": {"podIPs": [{"ip": "10.0.0.1"}], "plain": ["a", "b"]},
        });
        let writer =
            Writer { name: "kubelet", parts: &["metadata", "status"], subresource: Some("status") };
        add(&mut object, &[writer]);
        assert_eq!(
            object["metadata"]["managedFields"][0]["fieldsV1"],
            json!({
                "f:metadata": {"f:labels": {".": {}, "f:x": {}}},
                "f:status": {
                    "f:podIPs": {".": {}, "k:{\"ip\":\"10.0.0.1\"}": {".": {}, "f:ip": {}}},
                    "f:plain": {},
                },
            })
        );
    }
}
