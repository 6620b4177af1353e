//! Columns: where answers become cells.
//!
//! Column ids and their order are a promise: add at the end only.

use lab_plugin::{Cell, Column, ColumnKind, IntoCell, Json, TableRow, row};

use crate::diff::Diff;
use crate::document::{Kind, Shape};
use crate::fold::Group;
use crate::text;

/// So many names stand in a cell; of more, the first ones and how many there are.
const NAMED: usize = 8;
const FIRST: usize = 3;

row! {
    /// One answer and who gave it.
    pub struct AnswerRow {
        /// Hosts that gave this answer; of many, the first and how many more.
        pub hosts: String,
        /// How many they are.
        pub count: u32,
        /// Exit code of the command.
        pub exit: i32,
        /// What is not whole or no text, and with --diff what else differs.
        pub note: Option<String>,
        /// What it wrote to standard error.
        pub stderr: Option<String> as lines,
        /// With --diff, how standard output differs from that of most hosts.
        pub diff: Option<String> as lines,
        /// What it wrote to standard output.
        pub output: Option<String> as lines,
        /// Every host that gave this answer.
        pub host_names: Json as hidden,
    }
}

/// Names on one line, not more than can be read.
pub fn shortened(names: &[&str]) -> String {
    if names.len() <= NAMED {
        return names.join(", ");
    }
    format!("{} and {} more", names[..FIRST].join(", "), names.len() - FIRST)
}

/// A row for each group, largest first.
pub fn answers(groups: Vec<Group>, diffs: Vec<Diff>, hosts: &[String]) -> Vec<AnswerRow> {
    let diffs = diffs.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    groups.into_iter().zip(diffs).map(|(group, diff)| answer(&group, diff, hosts)).collect()
}

fn answer(group: &Group, diff: Option<Diff>, hosts: &[String]) -> AnswerRow {
    let names: Vec<&str> = group.hosts.iter().map(|&host| hosts[host].as_str()).collect();
    let answer = &group.answer;
    let (out, err) = (text::of(&answer.out), text::of(&answer.err));
    let diff = diff.unwrap_or_default();
    let mut notes: Vec<String> = diff.note.into_iter().chain(out.note).collect();
    if answer.truncated {
        notes.push("cut at the size limit".to_owned());
    }
    notes.extend(err.note.map(|note| format!("stderr: {note}")));
    AnswerRow {
        hosts: shortened(&names),
        count: u32::try_from(names.len()).unwrap_or(u32::MAX),
        exit: answer.code,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        stderr: err.text,
        diff: diff.text,
        output: out.text,
        host_names: Json(serde_json::to_string(&names).unwrap_or_default()),
    }
}

/// The row's identity, which is who it is about, and its cells.
pub fn keyed(row: AnswerRow) -> (String, Vec<Cell>) {
    (row.host_names.0.clone(), row.cells())
}

/// The columns, those left out of the table for which no answer has anything to say.
pub fn columns(rows: &[AnswerRow], compares: bool) -> Vec<Column> {
    let mut columns = AnswerRow::columns();
    for column in &mut columns {
        match column.id.as_str() {
            "note" => column.wide = rows.iter().all(|row| row.note.is_none()),
            "stderr" => column.wide = rows.iter().all(|row| row.stderr.is_none()),
            "diff" => column.hidden = !compares,
            "output" => column.wide = compares,
            _ => {}
        }
    }
    columns
}

/// Columns of JSON rows: the host, then the keys as they first came.
pub fn columns_of(shape: &Shape) -> Vec<Column> {
    let column = |id: String, kind, about: &str| Column {
        title: title(&id),
        id,
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: about.to_owned(),
    };
    let mut columns = vec![column("host".to_owned(), ColumnKind::Text, "Host that printed it.")];
    for (key, kind) in shape.columns() {
        let kind = match kind {
            Kind::Nothing | Kind::Text => ColumnKind::Text,
            Kind::Integer => ColumnKind::Integer,
            Kind::Decimal => ColumnKind::Decimal,
            Kind::Boolean => ColumnKind::Boolean,
            Kind::Json => ColumnKind::Json,
        };
        // Two columns of one name would be a fault; the command's own gives way.
        let mut id = if key.is_empty() { ".".to_owned() } else { key.to_owned() };
        while columns.iter().any(|known| known.id == id) {
            id.insert(0, '.');
        }
        columns.push(column(id, kind, "Key of what the command printed."));
    }
    columns
}

/// A row of [`columns_of`].
pub fn with_host(host: &str, mut cells: Vec<Cell>) -> Vec<Cell> {
    cells.insert(0, host.into_cell());
    cells
}

/// `linkType` and `link_type` → `LINK-TYPE`.
fn title(id: &str) -> String {
    let mut title = String::with_capacity(id.len() + 4);
    let mut before = ' ';
    for c in id.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            title.push('-');
        }
        if c == '_' {
            title.push('-');
        } else {
            title.extend(c.to_uppercase());
        }
        before = c;
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_shortened() {
        let names: Vec<String> = (1..=9).map(|n| format!("w{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(shortened(&names[..2]), "w1, w2");
        assert_eq!(shortened(&names[..8]), "w1, w2, w3, w4, w5, w6, w7, w8");
        assert_eq!(shortened(&names), "w1, w2, w3 and 6 more");
    }

    #[test]
    fn keys_become_headers_of_their_own() {
        for (id, expected) in
            [("ifname", "IFNAME"), ("linkType", "LINK-TYPE"), ("a_b", "A-B"), ("MTU", "MTU")]
        {
            assert_eq!(title(id), expected);
        }
        let mut shape = Shape::default();
        shape.learn(r#"[{"host":1,".host":2,"":3,".":4}]"#).unwrap();
        let ids: Vec<String> = columns_of(&shape).into_iter().map(|column| column.id).collect();
        assert_eq!(ids, ["host", ".host", "..host", ".", ".."]);
    }
}
