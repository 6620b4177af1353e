//! Reads what the program answered in JSON.
//!
//! Apart so that the scenarios say what they expect and not where it stands.

use lab_tests::Run;
use serde_json::Value;

/// A finding.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) code: String,
    pub(crate) level: String,
    pub(crate) subject: String,
    pub(crate) message: String,
    /// Place and line.
    pub(crate) evidence: Vec<(String, String)>,
    pub(crate) fixes: Vec<String>,
}

impl Finding {
    /// The commands of a fix: the lines that can be pasted.
    pub(crate) fn commands(&self, program: &str) -> Vec<&str> {
        let lines = self.fixes.iter().flat_map(|fix| fix.lines());
        lines.map(str::trim).filter(|line| line.starts_with(program)).collect()
    }
}

/// The findings of a run with `-o json`.
#[track_caller]
pub(crate) fn findings(run: &Run) -> Vec<Finding> {
    let answer = run.json();
    let list = answer["findings"].as_array().expect("findings are a list");
    list.iter()
        .map(|finding| Finding {
            code: word(&finding["code"]),
            level: word(&finding["level"]),
            subject: word(&finding["subject"]),
            message: word(&finding["message"]),
            evidence: items(&finding["evidence"])
                .map(|item| (word(&item["place"]), word(&item["text"])))
                .collect(),
            fixes: items(&finding["fixes"]).map(word).collect(),
        })
        .collect()
}

/// The one finding of a code.
#[track_caller]
pub(crate) fn finding(run: &Run, code: &str) -> Finding {
    let found = findings(run);
    let mut of = found.iter().filter(|finding| finding.code == code);
    match (of.next(), of.next()) {
        (Some(finding), None) => finding.clone(),
        _ => panic!("not exactly one {code}: {found:#?}\n{}", run.err),
    }
}

/// The rows of a table.
pub(crate) fn rows(run: &Run, table: &str) -> Vec<Value> {
    run.json()[table].as_array().unwrap_or_else(|| panic!("no table {table}: {}", run.out)).clone()
}

/// The row of a host for a range.
#[track_caller]
pub(crate) fn row(run: &Run, host: &str, destination: &str) -> Value {
    let rows = rows(run, "routes");
    let row = rows.iter().find(|row| row["host"] == host && row["destination"] == destination);
    row.unwrap_or_else(|| panic!("{host} has no row for {destination}: {}", run.out)).clone()
}

/// A cell as text: the text of a judged one.
pub(crate) fn word(cell: &Value) -> String {
    let text = cell.get("text").unwrap_or(cell);
    text.as_str().unwrap_or_default().to_owned()
}

/// The names of the hosts that gave no full answer, and why.
pub(crate) fn partial(run: &Run) -> Vec<(String, String)> {
    let answer = run.json();
    items(&answer["partial"]).map(|item| (word(&item["subject"]), item.to_string())).collect()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
