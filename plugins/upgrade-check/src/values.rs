//! Values of a Helm release, as `helm get values` prints them or the release itself has them.

use std::collections::BTreeMap;

use lab_model::kubernetes::settings::parse_settings;
use lab_plugin::Failure;
use serde_json::Value;

/// Reads values, YAML in block style or JSON, into paths such as `hubble.relay.enabled`.
///
/// # Errors
/// [`Failure::InvalidInput`] with the line that cannot be read.
pub fn read(text: &str) -> Result<BTreeMap<String, String>, Failure> {
    if text.trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| Failure::InvalidInput(format!("--values: {error}")))?;
        let mut flat = BTreeMap::new();
        if value.as_object().is_some_and(|fields| !fields.is_empty()) {
            flatten("", &value, &mut flat);
        }
        return Ok(flat);
    }
    // The first line that helm prints for people.
    let text = text.strip_prefix("USER-SUPPLIED VALUES:").unwrap_or(text);
    let text = text.trim_start_matches('\n');
    if matches!(text.trim(), "" | "null" | "{}") {
        return Ok(BTreeMap::new());
    }
    let (settings, problems) = parse_settings(text);
    match problems.first() {
        Some(problem) => Err(Failure::InvalidInput(format!(
            "--values: {problem}; name a file with the values, as --values values.yaml"
        ))),
        None => Ok(settings.into_iter().map(|it| (it.key, it.value)).collect()),
    }
}

fn flatten(path: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(name, value)| flatten(&at(name), value, flat));
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), item, flat);
            }
        }
        Value::String(text) => {
            flat.insert(path.to_owned(), text.clone());
        }
        value => {
            flat.insert(path.to_owned(), value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_give_the_same_paths() {
        let yaml = "USER-SUPPLIED VALUES:\nhubble:\n  enabled: true\n  metrics:\n    enabled:\n\
            \x20   - dns\n    - drop\nkubeProxyReplacement: \"true\"\n";
        let json = r#"{"hubble":{"enabled":true,"metrics":{"enabled":["dns","drop"]}},
            "kubeProxyReplacement":"true"}"#;
        let (yaml, json) = (read(yaml).expect("yaml"), read(json).expect("json"));
        assert_eq!(yaml, json);
        assert_eq!(yaml["hubble.enabled"], "true");
        assert_eq!(yaml["kubeProxyReplacement"], "true");
        for nothing in ["null", "{}", "", "USER-SUPPLIED VALUES:\nnull\n"] {
            assert_eq!(read(nothing).expect("nothing"), BTreeMap::new(), "{nothing}");
        }
    }

    #[test]
    fn a_name_of_a_file_is_refused_with_a_way_out() {
        for text in ["values.yaml", "{", "- a\n- b: ]\n  c"] {
            let message = read(text).map_err(|failure| failure.message().to_owned());
            let message = message.err().unwrap_or_default();
            assert!(
                text.starts_with('-') || message.starts_with("--values: "),
                "{text}: {message}"
            );
        }
    }
}
