//! Metrics of all agents as rows of `status metrics`.

use std::collections::BTreeMap;

use lab_plugin::{Failure, Json};
use regex::Regex;

use crate::inputs::Inputs;
use crate::parse::metrics::{Labels, Sample, Value, joined};
use crate::rows::{MetricRow, Number};

/// What the user wants to see.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    name: Option<String>,
    pattern: Option<Regex>,
    /// A row for each node in place of their sum.
    pub per_node: bool,
    /// What is dropped and what fails first, and nothing that is 0.
    pub top: bool,
}

impl Filter {
    /// Reads `NAME`, a part of a name; `~RE`, an expression over name and labels; or `NAME~RE`, both.
    ///
    /// # Errors
    /// The expression is none.
    pub fn parse(text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text else { return Ok(Self::default()) };
        let (name, pattern) = match text.split_once('~') {
            Some((name, pattern)) => (name, Some(pattern)),
            None => (text, None),
        };
        let pattern = pattern.map(Regex::new).transpose().map_err(|error| {
            Failure::InvalidInput(format!(
                "`{text}`: what stands behind `~` is no regular expression: {error}"
            ))
        })?;
        let name = (!name.is_empty()).then(|| name.to_owned());
        Ok(Self { name, pattern, ..Self::default() })
    }

    fn takes(&self, sample: &Sample) -> bool {
        let has_name = self.name.as_ref().is_none_or(|name| sample.name.contains(name));
        has_name
            && self.pattern.as_ref().is_none_or(|pattern| {
                pattern.is_match(&format!("{}{{{}}}", sample.name, prometheus(&sample.labels)))
            })
    }
}

/// Labels as Prometheus writes them: `direction="EGRESS",reason="Policy denied"`.
fn prometheus(labels: &Labels) -> String {
    let pair = |(name, value): (&String, &String)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{name}=\"{value}\"")
    };
    labels.iter().map(pair).collect::<Vec<_>>().join(",")
}

/// Names of numbers that are not added up over nodes: shares, moments, and what has a limit.
fn is_greatest(name: &str) -> bool {
    const ENDS: [&str; 9] = [
        "_pressure",
        "_ratio",
        "_percent",
        "_ts",
        "_time_seconds",
        "_timestamp_seconds",
        "_capacity",
        "_revision",
        "_factor",
    ];
    ENDS.iter().any(|end| name.ends_with(end))
        || name.contains("_limit")
        || name.ends_with("_info")
        || name == "cilium_version"
}

/// What a metric is about, the worst first: drops, failures, other counters; nothing for what only
/// describes the agent.
fn class(name: &str, labels: &Labels) -> Option<u8> {
    const FAILURES: [&str; 7] =
        ["error", "fail", "unreachable", "degraded", "lost", "denied", "pressure"];
    let is_counter = name.ends_with("_total");
    let label = ["outcome", "status", "level", "result"].iter().find_map(|name| labels.get(*name));
    match label.map(|label| label.to_ascii_lowercase()).as_deref() {
        _ if name.contains("drop") => Some(0),
        Some("fail" | "failure" | "error" | "degraded" | "warn" | "warning") => Some(1),
        // Lines of the log are counted together with those that are no trouble.
        Some("debug" | "info") => is_counter.then_some(2),
        _ if FAILURES.iter().any(|word| name.contains(word)) => Some(1),
        _ => is_counter.then_some(2),
    }
}

/// Values of one metric with one set of labels, by node.
#[derive(Default)]
struct Series<'i> {
    labels: Option<&'i Labels>,
    values: Vec<(&'i str, Value)>,
}

type All<'i> = BTreeMap<(&'i str, String), Series<'i>>;

fn series<'i>(inputs: &'i Inputs, filter: &Filter) -> All<'i> {
    let mut all: All<'i> = BTreeMap::new();
    for (host, answers) in &inputs.answers {
        for sample in answers.metrics.known().into_iter().flatten().filter(|it| filter.takes(it)) {
            let of = all.entry((&sample.name, joined(&sample.labels))).or_default();
            of.labels = Some(&sample.labels);
            of.values.push((host, sample.value));
        }
    }
    all
}

/// What several nodes' numbers come to.
fn together(name: &str, values: &[f64]) -> Option<f64> {
    let first = values.first().copied()?;
    let rest = values.iter().skip(1);
    Some(if is_greatest(name) {
        // A value that is none does not hide the others.
        rest.fold(first, |most, value| most.max(*value))
    } else {
        rest.fold(first, |sum, value| sum + value)
    })
}

/// Rows of one look; with an earlier one and the seconds between them also what has changed.
pub fn metric_rows(
    inputs: &Inputs,
    before: Option<(&Inputs, f64)>,
    filter: &Filter,
) -> Vec<(String, MetricRow)> {
    let now = series(inputs, filter);
    let earlier = before.map(|(inputs, seconds)| (series(inputs, filter), seconds));
    let mut rows = Vec::new();
    for ((name, key), of) in &now {
        let then =
            earlier.as_ref().map(|(all, seconds)| (all.get(&(*name, key.clone())), *seconds));
        let parts: Vec<Vec<(&str, Value)>> = if filter.per_node {
            of.values.iter().map(|one| vec![*one]).collect()
        } else {
            vec![of.values.clone()]
        };
        for part in parts {
            let host = match part.as_slice() {
                [(host, _)] if filter.per_node => *host,
                _ => "*",
            };
            let changes = then.map(|(then, seconds)| rate(name, &part, then, seconds));
            let labels = of.labels.cloned().unwrap_or_default();
            let row = row(name, &labels, host, &part, changes.flatten());
            rows.push((format!("{name}{{{key}}}/{host}"), row));
        }
    }
    if filter.top {
        rows = top(rows);
    }
    rows
}

/// Those that are not 0, the worst first, and of a class the greatest.
fn top(rows: Vec<(String, MetricRow)>) -> Vec<(String, MetricRow)> {
    let ranked = rows.into_iter().filter(|(_, row)| is_above_zero(row));
    let mut ranked: Vec<_> =
        ranked.filter_map(|row| Some((class(&row.1.name, &labels_of(&row.1))?, row))).collect();
    ranked.sort_by(|(one, (_, row)), (other, (_, next))| {
        one.cmp(other).then(weight(next).total_cmp(&weight(row)))
    });
    ranked.into_iter().map(|(_, row)| row).collect()
}

fn is_above_zero(row: &MetricRow) -> bool {
    let number = row.rate.or(row.value).or(row.p99);
    number.is_some_and(|number| number.0 != 0.0)
}

fn labels_of(row: &MetricRow) -> Labels {
    serde_json::from_str(&row.label_set.0).unwrap_or_default()
}

fn weight(row: &MetricRow) -> f64 {
    let number = row.rate.or(row.value).or(row.p99).map_or(0.0, |number| number.0.abs());
    if number.is_nan() { f64::NEG_INFINITY } else { number }
}

/// Change in a second over all nodes of a row. A counter that has become less was started anew:
/// nobody knows how much it has counted.
fn rate(
    name: &str,
    part: &[(&str, Value)],
    then: Option<&Series<'_>>,
    seconds: f64,
) -> Option<f64> {
    if seconds <= 0.0 {
        return None;
    }
    let mut sum = None;
    for (host, value) in part {
        let Value::Number(value) = value else { return None };
        let earlier = then?.values.iter().find(|(known, _)| known == host);
        let Some((_, Value::Number(earlier))) = earlier else { continue };
        let change = value - earlier;
        if change.is_nan() || (change < 0.0 && name.ends_with("_total")) {
            continue;
        }
        *sum.get_or_insert(0.0) += change / seconds;
    }
    sum
}

fn row(
    name: &str,
    labels: &Labels,
    host: &str,
    part: &[(&str, Value)],
    rate: Option<f64>,
) -> MetricRow {
    let numbers: Vec<f64> = part
        .iter()
        .filter_map(|(_, value)| match value {
            Value::Number(number) => Some(*number),
            Value::Quantiles(..) => None,
        })
        .collect();
    let quantile = |take: fn(Value) -> Option<f64>| {
        let all = part.iter().filter_map(|(_, value)| take(*value));
        all.reduce(f64::max).map(Number)
    };
    let over = (part.len() > 1 && !numbers.is_empty())
        .then(|| if is_greatest(name) { "max" } else { "sum" });
    MetricRow {
        name: name.to_owned(),
        labels: prometheus(labels),
        host: host.to_owned(),
        value: together(name, &numbers).map(Number),
        over,
        p50: quantile(|value| match value {
            Value::Quantiles(p50, _, _) => Some(p50),
            Value::Number(_) => None,
        }),
        p90: quantile(|value| match value {
            Value::Quantiles(_, p90, _) => Some(p90),
            Value::Number(_) => None,
        }),
        p99: quantile(|value| match value {
            Value::Quantiles(_, _, p99) => Some(p99),
            Value::Number(_) => None,
        }),
        rate: rate.map(Number),
        n_hosts: i64::try_from(part.len()).unwrap_or(i64::MAX),
        label_set: Json(serde_json::to_string(labels).unwrap_or_else(|_| "{}".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Answers;
    use crate::parse::metrics;
    use lab_plugin::Fact;

    fn inputs(hosts: &[(&str, &str)]) -> Inputs {
        let mut inputs = Inputs::default();
        for (host, text) in hosts {
            let answers =
                Answers { metrics: Fact::Known(metrics::parse(text).0), ..Answers::default() };
            inputs.answers.insert((*host).to_owned(), answers);
        }
        inputs
    }

    fn find<'r>(rows: &'r [(String, MetricRow)], name: &str) -> &'r MetricRow {
        &rows.iter().find(|(_, row)| row.name == name).unwrap().1
    }

    #[test]
    fn counters_are_summed_and_shares_are_not() {
        let one = r#"[{"name":"a_total","labels":{"r":"x \"y\""},"value":3},{"name":"m_pressure","value":0.4},
            {"name":"n","value":"NaN"},{"name":"zero"}]"#;
        let two = r#"[{"name":"a_total","labels":{"r":"x \"y\""},"value":4},{"name":"m_pressure","value":0.9},
            {"name":"n","value":2},{"name":"i","value":"+Inf"}]"#;
        let inputs = inputs(&[("a", one), ("b", two)]);
        let rows = metric_rows(&inputs, None, &Filter::default());
        let total = find(&rows, "a_total");
        assert_eq!((total.value, total.over, total.n_hosts), (Some(Number(7.0)), Some("sum"), 2));
        assert_eq!(total.labels, r#"r="x \"y\"""#);
        assert_eq!(find(&rows, "m_pressure").value, Some(Number(0.9)));
        assert!(find(&rows, "n").value.unwrap().0.is_nan());
        assert_eq!(find(&rows, "i").value, Some(Number(f64::INFINITY)));
        let per_node = Filter { per_node: true, ..Filter::parse(Some("a_total")).unwrap() };
        let rows = metric_rows(&inputs, None, &per_node);
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1].1.host.as_str(), rows[1].1.value), ("b", Some(Number(4.0))));
    }

    #[test]
    fn rates_are_per_second_and_restarts_are_left_out() {
        let earlier = inputs(&[
            ("a", r#"[{"name":"c_total","value":10}]"#),
            ("b", r#"[{"name":"c_total","value":50}]"#),
        ]);
        let later = inputs(&[
            ("a", r#"[{"name":"c_total","value":30}]"#),
            ("b", r#"[{"name":"c_total","value":2}]"#),
        ]);
        let rows = metric_rows(&later, Some((&earlier, 10.0)), &Filter::default());
        assert_eq!(find(&rows, "c_total").rate, Some(Number(2.0)));
        assert_eq!(find(&metric_rows(&later, None, &Filter::default()), "c_total").rate, None);
    }

    #[test]
    fn what_fails_comes_first() {
        let inputs = inputs(&[(
            "a",
            r#"[{"name":"big","value":1e9},{"name":"much_total","value":9},{"name":"x_errors_total","value":2},
            {"name":"errors_warnings_total","labels":{"level":"DEBUG"},"value":8},{"name":"drop_count_total","value":1},
            {"name":"ops_total","labels":{"outcome":"fail"},"value":7},{"name":"zero_errors"}]"#,
        )]);
        let filter = Filter { top: true, ..Filter::default() };
        let rows = metric_rows(&inputs, None, &filter);
        let names: Vec<&str> = rows.iter().map(|(_, row)| row.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "drop_count_total",
                "ops_total",
                "x_errors_total",
                "much_total",
                "errors_warnings_total"
            ]
        );
    }

    #[test]
    fn names_and_expressions_choose() {
        let inputs = inputs(&[(
            "a",
            r#"[{"name":"drop_total","labels":{"reason":"Policy denied"},"value":1},{"name":"drop_bytes","value":1}]"#,
        )]);
        let count =
            |text: &str| metric_rows(&inputs, None, &Filter::parse(Some(text)).unwrap()).len();
        assert_eq!(
            (count("drop"), count("drop~denied"), count("~^drop_b"), count("x")),
            (2, 1, 1, 0)
        );
        assert!(Filter::parse(Some("a~(")).is_err());
    }
}
