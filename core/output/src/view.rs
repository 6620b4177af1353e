//! Everything a person may ask of a finished report, in the one order in which it makes sense:
//! table, filter, sort, columns, fold, limit.
//!
//! Sorting comes before columns, so that a column can decide the order without being shown, and
//! folding after them, so that rows which differ only in what is not shown become one.

use lab_types::Failure;

use crate::Column;
use crate::Filter;
use crate::Fold;
use crate::Report;
use crate::Sort;
use crate::Table;
use crate::limit;
use crate::nearest;
use crate::select_columns;

/// What to show of a report.
///
/// In a report of several tables an operation works on each table that has the columns it names,
/// and leaves the others as they are; it fails if none has them.
#[derive(Debug, Default)]
pub struct View {
    /// Only this table.
    pub table: Option<String>,
    /// All must match.
    pub filters: Vec<Filter>,
    /// The order of rows.
    pub sort: Option<Sort>,
    /// The columns, by id or header.
    pub columns: Option<Vec<String>>,
    /// Whether equal rows become one.
    pub fold: Option<Fold>,
    /// How many rows of each table.
    pub limit: Option<usize>,
}

impl View {
    /// Applies everything; `now` is Unix time in milliseconds, `shown` tells which columns the
    /// chosen format draws (a table draws no hidden ones).
    ///
    /// # Errors
    /// A table or a column that does not exist, or a value that does not fit its column.
    pub fn apply(
        &self,
        mut report: Report,
        now: i64,
        shown: impl Fn(&Column) -> bool,
    ) -> Result<Report, Failure> {
        if let Some(name) = &self.table {
            report.tables = only(report.tables, name)?;
        }
        for filter in &self.filters {
            let names = [filter.column_name()];
            report.tables = each(report.tables, &names, |table| filter.apply(table, now))?;
        }
        if let Some(sort) = &self.sort {
            let names: Vec<&str> = sort.column_names().collect();
            report.tables = each(report.tables, &names, |table| sort.apply(table))?;
        }
        if let Some(columns) = &self.columns {
            let names: Vec<&str> = columns.iter().map(|name| name.trim()).collect();
            report.tables = each(report.tables, &names, |table| select_columns(table, &names))?;
        }
        if let Some(fold) = &self.fold {
            let any = report.tables.iter().any(|table| fold.column_of(table.columns()).is_some());
            report.tables = report
                .tables
                .into_iter()
                .map(|table| match fold.column_of(table.columns()) {
                    None if any => Ok(table),
                    _ => fold.apply(table, &shown),
                })
                .collect::<Result<_, _>>()?;
        }
        if let Some(n) = self.limit {
            report.tables = report.tables.into_iter().map(|table| limit(table, n).0).collect();
        }
        Ok(report)
    }
}

/// The table of that name.
fn only(tables: Vec<Table>, name: &str) -> Result<Vec<Table>, Failure> {
    match tables.iter().position(|table| table.name().eq_ignore_ascii_case(name)) {
        Some(place) => Ok(tables.into_iter().skip(place).take(1).collect()),
        None => Err(nearest::unknown("table", "", name, tables.iter().map(Table::name))),
    }
}

/// Works on every table that has all these columns, or fails as the first table does.
fn each(
    tables: Vec<Table>,
    names: &[&str],
    mut work: impl FnMut(Table) -> Result<Table, Failure>,
) -> Result<Vec<Table>, Failure> {
    let has =
        |table: &Table| names.iter().all(|name| nearest::find(table.columns(), name).is_some());
    let any = tables.iter().any(has);
    tables
        .into_iter()
        .map(|table| if any && !has(&table) { Ok(table) } else { work(table) })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::Cell;
    use crate::testing::column;
    use crate::testing::named;

    use super::*;

    fn report() -> Report {
        let text = crate::ColumnKind::Text;
        let routes = named(
            "routes",
            vec![column("host", text), column("prefix", text), column("rank", text)],
            [["w1", "10.0.0.10", "1"], ["w2", "10.0.0.10", "0"], ["w1", "10.0.0.2", "2"]],
        );
        let hosts = named("hosts", vec![column("name", text)], [["w1"], ["w2"]]);
        Report { tables: vec![routes, hosts], ..Report::default() }
    }

    fn compile(_: &str) -> Result<crate::Matcher, String> {
        Err("not used".into())
    }

    #[test]
    fn operations_run_in_their_order() {
        let view = View {
            table: Some("Routes".into()),
            filters: vec![Filter::parse("prefix!=x", compile).unwrap()],
            sort: Some(Sort::parse("rank").unwrap()),
            columns: Some(vec!["prefix".into(), "host".into()]),
            fold: Some(Fold::default()),
            limit: Some(1),
        };
        let report = view.apply(report(), 0, |_| true).unwrap();
        assert_eq!(report.tables.len(), 1);
        let rows = report.tables[0].rows();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].cells[0], Cell::Text("10.0.0.10".into()));
        assert_eq!(rows[0].cells[1].plain(), "w2, w1");
    }

    #[test]
    fn a_table_without_the_column_is_left_alone() {
        let view =
            View { filters: vec![Filter::parse("host=w2", compile).unwrap()], ..View::default() };
        let report = view.apply(report(), 0, |_| true).unwrap();
        assert_eq!(report.tables[0].rows().len(), 1);
        assert_eq!(report.tables[1].rows().len(), 2);
    }

    #[test]
    fn what_no_table_has_is_an_error() {
        let view = View { sort: Some(Sort::parse("hsot").unwrap()), ..View::default() };
        let failure = view.apply(report(), 0, |_| true).unwrap_err();
        assert_eq!(failure.message, "unknown column `hsot` in `routes`");
        let view = View { table: Some("route".into()), ..View::default() };
        let failure = view.apply(report(), 0, |_| true).unwrap_err();
        assert_eq!(
            failure.hint.as_deref(),
            Some("did you mean `routes`? There are: routes, hosts")
        );
    }
}
