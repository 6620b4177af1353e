//! Tests of comparing.

use lab_types::Failure;

use crate::testing::column;
use crate::testing::keyed;
use crate::testing::named;

use super::*;

const TEXT: ColumnKind = ColumnKind::Text;

fn report(table: Table) -> Report {
    Report { tables: vec![table], ..Report::default() }
}

fn routes<const N: usize>(rows: [[&'static str; N]; 2]) -> Table {
    let ids = ["host", "prefix", "hop"];
    named("routes", ids[..N].iter().map(|id| column(id, TEXT)).collect(), rows)
}

fn with_keys(rows: &[(&str, [&str; 2])]) -> Table {
    let columns = vec![column("host", TEXT), column("hop", TEXT)];
    let rows = rows.iter().map(|(key, cells)| {
        ((*key).to_owned(), cells.iter().map(|text| Cell::Text((*text).into())).collect())
    });
    keyed("routes", columns, rows)
}

fn plain(report: &Report) -> Vec<Vec<String>> {
    let rows = report.tables[0].rows().iter();
    rows.map(|row| row.cells.iter().map(|cell| cell.plain().into_owned()).collect()).collect()
}

#[test]
fn keyed_rows_are_matched_by_key_and_show_both_values() {
    let before = with_keys(&[("a", ["w1", "x"]), ("b", ["w1", "x"]), ("c", ["w2", "x"])]);
    let after = with_keys(&[("d", ["w3", "x"]), ("a", ["w1", "y"]), ("b", ["w1", "x"])]);
    let compared = against(report(before), report(after));
    assert_eq!(compared.tables[0].columns()[0].title, "CHANGE");
    assert_eq!(
        plain(&compared),
        [["added", "w3", "x"], ["changed", "w1", "x → y"], ["removed", "w2", "x"]]
    );
}

#[test]
fn rows_without_a_key_are_matched_whole_and_counted() {
    let before = routes([["w1", "a", "x"], ["w1", "a", "x"]]);
    let after = routes([["w1", "a", "x"], ["w1", "b", "x"]]);
    let compared = against(report(before), report(after));
    assert_eq!(plain(&compared), [["added", "w1", "b", "x"], ["removed", "w1", "a", "x"]]);
}

#[test]
fn equal_reports_have_no_rows_whatever_their_order() {
    let before = routes([["w1", "a", "x"], ["w2", "b", "y"]]);
    let after = routes([["w2", "b", "y"], ["w1", "a", "x"]]);
    assert!(plain(&against(report(before), report(after))).is_empty());
}

#[test]
fn a_new_column_changes_no_row() {
    let before = routes([["w1", "a"], ["w2", "b"]]);
    let after = routes([["w1", "a", "x"], ["w2", "c", "y"]]);
    let compared = against(report(before.clone()), report(after.clone()));
    assert_eq!(plain(&compared), [["added", "w2", "c", "y"], ["removed", "w2", "b", ""]]);
    let compared = against(report(after), report(before));
    assert_eq!(plain(&compared), [["added", "w2", "b", ""], ["removed", "w2", "c", "y"]]);
}

#[test]
fn a_hidden_column_changes_no_row() {
    let table = |hop: String| {
        let mut hidden = column("line", TEXT);
        hidden.hidden = true;
        let cells = vec![Cell::Text("w1".into()), Cell::Text(hop.into())];
        keyed("t", vec![column("host", TEXT), hidden], [("k".to_owned(), cells)])
    };
    let compared = against(report(table("x".into())), report(table("y".into())));
    assert!(plain(&compared).is_empty());
}

#[test]
fn a_table_that_is_new_or_gone_is_all_added_or_removed() {
    let table = || routes([["w1", "a"], ["w2", "b"]]);
    let compared = against(Report::default(), report(table()));
    assert!(plain(&compared).iter().all(|row| row[0] == "added"));
    let compared = against(report(table()), Report::default());
    assert!(plain(&compared).iter().all(|row| row[0] == "removed"));
}

#[test]
fn rows_of_a_host_without_an_answer_are_not_removed() {
    let partial = Partial { subject: "w2".into(), why: Failure::timeout("no answer") };
    let full = || report(routes([["w1", "a"], ["w2", "b"]]));
    let cut = || {
        let table = named("routes", full().tables[0].columns().to_vec(), [["w1", "a"]]);
        Report { partials: vec![partial.clone()], ..report(table) }
    };
    let compared = against(full(), cut());
    assert!(plain(&compared).is_empty());
    assert_eq!(compared.partials.len(), 1);
    let compared = against(cut(), full());
    assert!(plain(&compared).is_empty());
    assert_eq!(compared.partials[0].why.message, "in the report compared against: no answer");
}

#[test]
fn findings_are_new_gone_or_of_another_level() {
    let finding = |level, subject: &str| Finding {
        level,
        code: "routes/x".into(),
        subject: subject.into(),
        message: "m".into(),
        evidence: Vec::new(),
        fixes: vec!["f".into()],
    };
    let findings = |findings| Report { findings, ..Report::default() };
    let before = vec![
        finding(Level::Warn, "same"),
        finding(Level::Warn, "worse"),
        finding(Level::Bad, "gone"),
    ];
    let after = vec![
        finding(Level::Warn, "same"),
        finding(Level::Bad, "worse"),
        finding(Level::Warn, "new"),
    ];
    let compared = against(findings(before.clone()), findings(after));
    let told: Vec<_> = compared
        .findings
        .iter()
        .map(|finding| (finding.level, finding.subject.as_str(), finding.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Level::Bad, "worse", "was warn: m"),
            (Level::Warn, "new", "new: m"),
            (Level::Good, "gone", "gone: m")
        ]
    );
    let partial = Partial { subject: "w2".into(), why: Failure::stopped() };
    let after = Report { partials: vec![partial], ..Report::default() };
    let compared = against(findings(before), after);
    assert!(compared.findings.iter().all(|finding| finding.level == Level::Unknown));
}
