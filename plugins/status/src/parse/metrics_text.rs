//! The table that `cilium-dbg metrics list` prints.
//!
//! Apart from the document for its columns: values of labels have spaces in them, so only the
//! places of the header's words say where a column begins.

use std::rc::Rc;

use lab_model::Problem;

use super::metrics::{Labels, Sample, Value};
use super::quantity;

/// Reads the table.
///
/// - Shape: `Metric  Labels  Value`; labels are `name=value` with a space between, quantiles
///   `50th / 90th / 99th`.
/// - Errors: never fails; a line that cannot be read is a [`Problem`], the others are kept.
/// - Source: Cilium 1.17.6 and 1.18.0.
pub(super) fn parse(text: &str) -> (Vec<Sample>, Vec<Problem>) {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| !line.starts_with("Metric "));
    let header = lines.next().map(|(_, line)| line).unwrap_or_default();
    let at = |word: &str| header.find(word).map(|byte| header[..byte].chars().count());
    let (Some(labels_at), Some(value_at)) = (at("Labels"), at("Value")) else {
        let line = text.lines().next().unwrap_or_default();
        return (Vec::new(), vec![Problem::new("the metrics", line, "it is no table of metrics")]);
    };
    let mut samples = Vec::new();
    let mut problems = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let letters: Vec<char> = line.chars().collect();
        let part = |from: usize, to: usize| -> String {
            let to = to.min(letters.len());
            letters
                .get(from.min(to)..to)
                .unwrap_or_default()
                .iter()
                .collect::<String>()
                .trim()
                .to_owned()
        };
        let (name, labels) = (part(0, labels_at), part(labels_at, value_at));
        let text = part(value_at, letters.len());
        match value(&text) {
            Some(value) if !name.is_empty() => {
                samples.push(Sample { name: name.into(), labels: Rc::new(pairs(&labels)), value });
            }
            _ => problems.push(Problem::new(
                format!("line {}", number + 1),
                line,
                "its value is no number",
            )),
        }
    }
    (samples, problems)
}

fn value(text: &str) -> Option<Value> {
    if let Some(number) = quantity::special(text).or_else(|| text.parse().ok()) {
        return Some(Value::Number(number));
    }
    let mut parts = text.split(" / ").map(quantity::prefixed);
    if let (Some(Some(p50)), Some(Some(p90)), Some(Some(p99)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    {
        return Some(Value::Quantiles(p50, p90, p99));
    }
    summary(text)
}

/// `p0(1.2ms) p50(3ms) p100(9ms)`: a summary names the quantiles it has. Those that are wanted
/// and not there are the next smaller ones.
fn summary(text: &str) -> Option<Value> {
    let mut known = Vec::new();
    for part in text.split_whitespace() {
        let (quantile, value) = part.strip_prefix('p')?.strip_suffix(')')?.split_once('(')?;
        known.push((quantile.parse::<u32>().ok()?, quantity::prefixed(value)?));
    }
    let at =
        |wanted: u32| known.iter().rev().find(|(quantile, _)| *quantile <= wanted).map(|it| it.1);
    Some(Value::Quantiles(at(50)?, at(90)?, at(99)?))
}

/// Labels of a line. A word without `=` belongs to the value in front of it.
fn pairs(text: &str) -> Labels {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for word in text.split(' ') {
        match (word.split_once('='), pairs.last_mut()) {
            (Some((name, value)), _) => pairs.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(' ');
                value.push_str(word);
            }
            (None, None) => {}
        }
    }
    pairs.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table as the agent's writer pads it.
    fn table(rows: &[(&str, &str, &str)]) -> String {
        let lines = std::iter::once(&("Metric", "Labels", "Value")).chain(rows);
        let padded: Vec<String> =
            lines.map(|(name, labels, value)| format!("{name:<20}{labels:<60}{value}")).collect();
        padded.join("\n")
    }

    #[test]
    fn columns_are_where_the_header_says() {
        let (samples, problems) = parse(&table(&[
            ("drop_count_total", "direction=EGRESS reason=Unsupported L3 protocol", "3.000000"),
            ("pressure", "map_name=x", "NaN"),
            ("inf", "", "+Inf"),
            ("go_seconds", "", "p0(1.2ms) p50(3ms) p100(9s)"),
            ("broken", "", "many"),
        ]));
        assert_eq!(problems.len(), 1, "{samples:?}");
        assert_eq!(samples[0].label("reason"), Some("Unsupported L3 protocol"));
        assert_eq!(samples[0].number(), Some(3.0));
        assert!(samples[1].number().unwrap().is_nan());
        assert_eq!(samples[2].number(), Some(f64::INFINITY));
        assert!(
            matches!(samples[3].value, Value::Quantiles(p50, ..) if (p50 - 0.003).abs() < 1e-9)
        );
    }

    #[test]
    fn what_is_no_table_is_told() {
        for text in ["", "Error: refused", "Metric Value"] {
            assert_eq!(parse(text).1.len(), 1, "{text}");
        }
    }
}
