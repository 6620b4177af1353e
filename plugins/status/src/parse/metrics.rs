//! Metrics of an agent: one sample for each name and set of labels.
//!
//! The document has exact numbers and one quantile of a histogram, the text has three quantiles
//! and six decimals: [`merge`] takes the better of both.

use std::collections::BTreeMap;
use std::rc::Rc;

use lab_model::Problem;
use serde_json::Value as Json;

use super::{metrics_text, quantity};

/// What a sample is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A counter or a gauge.
    Number(f64),
    /// A histogram: the 50th, 90th and 99th percentile of everything it has seen.
    Quantiles(f64, f64, f64),
}

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// One sample. Many agents have the same names and labels, so these can be shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its name, such as `cilium_drop_count_total`.
    pub name: Rc<str>,
    /// Its labels.
    pub labels: Rc<Labels>,
    /// What it is worth, in the unit that the name ends with.
    pub value: Value,
}

impl Sample {
    /// A label's value.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// The number; none of a histogram.
    pub fn number(&self) -> Option<f64> {
        match self.value {
            Value::Number(number) => Some(number),
            Value::Quantiles(..) => None,
        }
    }
}

/// Reads `cilium-dbg metrics list`, as JSON or as text.
///
/// - Shape: `[{"name":…,"labels":{…},"value":…}]`. A value of 0 is left out by the agent; one that
///   is a text may be `NaN` or an infinity, which JSON has no number for.
/// - Errors: never fails; an entry that cannot be read is a [`Problem`], the others are kept.
/// - Source: Cilium 1.17.6 and 1.18.0, model `Metric`.
pub fn parse(text: &str) -> (Vec<Sample>, Vec<Problem>) {
    if !text.trim_start().starts_with('[') {
        return metrics_text::parse(text);
    }
    let entries: Vec<Json> = match serde_json::from_str(text) {
        Ok(entries) => entries,
        Err(error) => {
            let line = text.lines().next().unwrap_or_default();
            let problem = Problem::new("the metrics", line, format!("it is no JSON: {error}"));
            return (Vec::new(), vec![problem]);
        }
    };
    let mut samples = Vec::with_capacity(entries.len());
    let mut problems = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        match sample(entry) {
            Ok(sample) => samples.push(sample),
            Err(what) => {
                problems.push(Problem::new(format!("entry {}", at + 1), &entry.to_string(), what));
            }
        }
    }
    (samples, problems)
}

fn sample(entry: &Json) -> Result<Sample, &'static str> {
    let name = entry.get("name").and_then(Json::as_str).ok_or("it has no name")?;
    let number = match entry.get("value") {
        None | Some(Json::Null) => 0.0,
        Some(Json::Number(number)) => number.as_f64().ok_or("its value is no number")?,
        Some(Json::String(text)) => {
            quantity::special(text).or_else(|| text.parse().ok()).ok_or("its value is no number")?
        }
        Some(_) => return Err("its value is no number"),
    };
    let mut labels = BTreeMap::new();
    if let Some(pairs) = entry.get("labels").and_then(Json::as_object) {
        for (label, value) in pairs {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            labels.insert(label.clone(), value);
        }
    }
    Ok(Sample { name: name.into(), labels: Rc::new(labels), value: Value::Number(number) })
}

/// The document's samples with quantiles out of the text's: what both call the same is one.
pub fn merge(mut exact: Vec<Sample>, text: Vec<Sample>) -> Vec<Sample> {
    let mut quantiles: BTreeMap<(Rc<str>, Rc<Labels>), Value> = BTreeMap::new();
    for sample in text {
        if matches!(sample.value, Value::Quantiles(..)) {
            quantiles.insert((sample.name, sample.labels), sample.value);
        }
    }
    for sample in &mut exact {
        if let Some(value) = quantiles.get(&(sample.name.clone(), sample.labels.clone())) {
            sample.value = *value;
        }
    }
    exact
}

/// Labels as one line: `direction=EGRESS reason=Unsupported L3 protocol`.
pub fn joined(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_left_out_by_the_agent() {
        let (samples, problems) = parse(
            r#"[{"name":"a"},{"name":"b","value":1.5,"labels":{"x":"y z","n":7}},
            {"name":"c","value":"NaN"},{"name":"d","value":"+Inf"},{"value":3},{"name":"e","value":[]}]"#,
        );
        assert_eq!(problems.len(), 2);
        assert_eq!(samples.len(), 4);
        assert_eq!(samples[0].number(), Some(0.0));
        assert_eq!(joined(&samples[1].labels), "n=7 x=y z");
        assert!(samples[2].number().unwrap().is_nan());
        assert_eq!(samples[3].number(), Some(f64::INFINITY));
    }

    #[test]
    fn quantiles_come_from_the_text() {
        let (exact, _) = parse(
            r#"[{"name":"t_seconds","labels":{"a":"b c"},"value":0.0045},{"name":"n","value":0.123456789}]"#,
        );
        let text = "Metric      Labels    Value\nt_seconds   a=b c     2.5ms / 4.5ms / 4.95ms\nn                     0.123457\n";
        let (text, problems) = parse(text);
        assert_eq!(problems, []);
        let merged = merge(exact, text);
        assert!(matches!(merged[0].value, Value::Quantiles(..)));
        assert_eq!(merged[1].number(), Some(0.123_456_789));
    }
}
