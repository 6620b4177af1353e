//! Whether a setting as it is written and one as it is in force are the same.
//!
//! Apart because a flag's text and the field that an agent makes of it are spelled differently:
//! time spans are nanoseconds there, lists are lists, networks are an address and a mask.

use std::fmt::Write;

use lab_model::Prefix;
use lab_model::cilium::go_network;
use serde_json::Value;

use crate::parse::quantity;

/// A switch, in the spellings that the agent's flag library takes.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Whether text and field are the same; `None` where that cannot be told.
pub fn same(text: &str, field: &Value) -> Option<bool> {
    let text = text.trim();
    match field {
        Value::Bool(on) => boolean(text).map(|wanted| wanted == *on),
        Value::Null => text.is_empty().then_some(true),
        Value::Number(number) => {
            if let Ok(wanted) = text.parse::<f64>() {
                return number.as_f64().map(|number| is_near(number, wanted));
            }
            let wanted = quantity::go_duration(text)?;
            number.as_i64().map(|number| number == wanted)
        }
        // In the text form some switches that can be thrown at run time have a setting's name.
        Value::String(word) if matches!(word.as_str(), "Enabled" | "Disabled") => {
            boolean(text).is_none().then(|| text == word)
        }
        Value::String(word) => Some(same_words(text, word)),
        Value::Array(items) => {
            let mut words: Vec<String> = items.iter().map(shown).collect();
            words.sort();
            let mut wanted: Vec<String> = text
                .split([',', ' ', '\n'])
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect();
            wanted.sort();
            // An empty object in a list stands for something that is not shown.
            if items.iter().any(Value::is_object) {
                return (words == wanted).then_some(true);
            }
            Some(words == wanted)
        }
        Value::Object(parts) if parts.is_empty() => text.is_empty().then_some(true),
        Value::Object(_) => {
            let network = go_network(field)?;
            Prefix::parse(text).map(|wanted| wanted == network)
        }
    }
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= one.abs().max(other.abs()) * 1e-9
}

/// Words that mean the same number, span or switch are the same: the text form of an answer has
/// nothing but words.
pub(super) fn same_words(wanted: &str, word: &str) -> bool {
    // Agents write some of their words in another case.
    if wanted.eq_ignore_ascii_case(word) {
        return true;
    }
    if let (Some(one), Some(other)) = (boolean(wanted), boolean(word)) {
        return one == other;
    }
    let number = |text: &str| -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "spans are compared, not counted with")]
        text.parse().ok().or_else(|| quantity::go_duration(text).map(|span| span as f64))
    };
    matches!((number(wanted), number(word)), (Some(one), Some(other)) if is_near(one, other))
}

/// A field as one line.
pub fn shown(field: &Value) -> String {
    match field {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Object(parts) if parts.is_empty() => String::new(),
        Value::Object(parts) => match go_network(field) {
            Some(network) => network.to_string(),
            // A network that is not set has an address without digits and no mask.
            None if parts.get("IP").and_then(Value::as_str) == Some("") => String::new(),
            None => {
                let parts = parts.iter().map(|(name, value)| format!("{name}={}", shown(value)));
                parts.collect::<Vec<_>>().join(" ")
            }
        },
        other => other.to_string(),
    }
}

/// A field as it would be written in the `ConfigMap`: a span where the written value is one.
pub fn shown_like(written: Option<&str>, field: &Value) -> String {
    let is_span = |text: &&str| {
        quantity::go_duration(text).is_some()
            && text.ends_with(|last: char| last.is_ascii_lowercase())
    };
    match (written.filter(is_span), field.as_i64()) {
        (Some(_), Some(nanoseconds)) => span(nanoseconds),
        _ => shown(field),
    }
}

fn span(nanoseconds: i64) -> String {
    let units =
        [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000)];
    let mut rest = nanoseconds;
    let mut out = String::new();
    for (unit, size) in units {
        if rest >= size {
            // Writing to a string cannot fail.
            let _ = write!(out, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    match (out.is_empty(), rest) {
        (true, 0) => "0s".to_owned(),
        (false, 0) => out,
        _ => format!("{out}{rest}ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn spellings_of_the_same_value_are_the_same() {
        let check = |text: &str, field: Value, wanted: Option<bool>| {
            assert_eq!(same(text, &field), wanted, "{text} and {field}");
        };
        check("true", json!(true), Some(true));
        check("True", json!(false), Some(false));
        check("maybe", json!(false), None);
        check("15s", json!(15_000_000_000_i64), Some(true));
        check("0s", json!(0), Some(true));
        check("0.0025", json!(0.0025), Some(true));
        check("24", json!(25), Some(false));
        check("all", json!(255), None);
        check("172.20.0.0/16", json!({"IP": "172.20.0.0", "Mask": "//8AAA=="}), Some(true));
        check("172.20.0.0/17", json!({"IP": "172.20.0.0", "Mask": "//8AAA=="}), Some(false));
        check("", json!([]), Some(true));
        check("eth1 eth0", json!(["eth0", "eth1"]), Some(true));
        check("", Value::Null, Some(true));
        check("x", Value::Null, None);
        check("native", json!("native"), Some(true));
        check("native", json!("tunnel"), Some(false));
        check("15s", json!("15000000000"), Some(true));
        check("true", json!("Disabled"), None);
    }

    #[test]
    fn fields_are_shown_as_they_are_written() {
        assert_eq!(shown_like(Some("15s"), &json!(15_000_000_000_i64)), "15s");
        assert_eq!(shown_like(Some("5m0s"), &json!(300_000_000_000_i64)), "5m");
        assert_eq!(shown_like(Some("15"), &json!(15)), "15");
        assert_eq!(shown_like(None, &json!({"IP": "", "Mask": null})), "");
        assert_eq!(shown(&json!(["a", "b"])), "a b");
        assert_eq!(span(0), "0s");
        assert_eq!(span(1_500_000_001), "1s500ms1ns");
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(text in "\\PC{0,20}", number in any::<i64>()) {
            let _ = same(&text, &json!(number));
            let _ = same(&text, &json!({"IP": text, "Mask": text}));
            let _ = shown_like(Some(&text), &json!(number));
        }
    }
}
