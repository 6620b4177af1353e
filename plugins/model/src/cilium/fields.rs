//! The fields that an agent prints of its settings, from JSON or from text.
//!
//! Apart from the settings because this reads a form, and they give the fields a meaning.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Problem;

/// Reads the fields of `cilium-dbg config --all`, with `-o json` or without.
///
/// - Shape: one JSON object; or lines `Name   : value`, headings that begin with `#`, and lists
///   in brackets with spaces between. A field with parts stands on a line of its own, its parts
///   below are indented. `<nil>` is no value. In the text a number is a string, like any word.
/// - Errors: never fails; text without any field is one [`Problem`].
/// - Source: Cilium 1.17.6 and 1.18.0.
pub fn parse_agent_fields(text: &str) -> (BTreeMap<String, Value>, Vec<Problem>) {
    if text.trim_start().starts_with('{') || text.trim().is_empty() {
        return match serde_json::from_str(text) {
            Ok(fields) => (fields, Vec::new()),
            Err(error) => {
                let problem = Problem::new("the answer", text, error.to_string());
                (BTreeMap::new(), vec![problem])
            }
        };
    }
    let mut fields: BTreeMap<String, Value> = BTreeMap::new();
    let mut outer: Option<String> = None;
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (name, value) = match line.split_once(':') {
            Some((name, value)) => (name.trim(), Some(scalar(value.trim()))),
            None => (line.trim(), None),
        };
        // Words in front of a colon are a sentence, such as an error's.
        if name.is_empty() || name.contains(char::is_whitespace) {
            continue;
        }
        let is_part = line.starts_with([' ', '\t']);
        match (is_part, value) {
            (false, Some(value)) => {
                fields.insert(name.to_owned(), value);
            }
            (false, None) => {
                fields.insert(name.to_owned(), Value::Object(Map::new()));
                outer = Some(name.to_owned());
            }
            (true, value) => {
                let parts = outer.as_ref().and_then(|outer| fields.get_mut(outer));
                if let Some(Value::Object(parts)) = parts {
                    parts.insert(name.to_owned(), value.unwrap_or_default());
                }
            }
        }
    }
    // One line with a colon in it may be anything.
    if fields.values().all(|value| matches!(value, Value::Object(_))) {
        return (
            BTreeMap::new(),
            vec![Problem::new("the answer", text, "there is no field in it")],
        );
    }
    (fields, Vec::new())
}

fn scalar(word: &str) -> Value {
    match word {
        "<nil>" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(items) => {
                items.split_whitespace().map(|item| Value::String(item.to_owned())).collect()
            }
            None => Value::String(word.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_of_the_text_form() {
        let text = "#### Read-only configurations ####\nDevices    : [eth0 eth1]\n\
            IPv4NativeRoutingCIDR\n\tIP    : 172.20.0.0\n\tMask  : //8AAA==\n\
            IPv6NativeRoutingCIDR   : <nil>\nMTU  : 0\nA:b:c\nEnableIPv4 : true\nk8s-endpoint :\n";
        let (fields, problems) = parse_agent_fields(text);
        assert_eq!(problems, []);
        assert_eq!(fields["Devices"], serde_json::json!(["eth0", "eth1"]));
        assert_eq!(fields["IPv4NativeRoutingCIDR"]["Mask"], "//8AAA==");
        assert_eq!(fields["IPv6NativeRoutingCIDR"], Value::Null);
        assert_eq!((&fields["EnableIPv4"], &fields["A"]), (&Value::Bool(true), &"b:c".into()));
        assert_eq!(fields["MTU"], "0");
    }

    #[test]
    fn what_has_no_field_is_told() {
        for text in ["", "{", "no such command", "Error: cannot connect: refused", "\u{0}"] {
            let (fields, problems) = parse_agent_fields(text);
            assert!(problems.len() == 1 || fields.len() == 1, "{text}: {fields:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(?s)[\\[\\]{}: \t\n#<>a-z]{0,120}") {
            let _ = parse_agent_fields(&text);
        }
    }
}
