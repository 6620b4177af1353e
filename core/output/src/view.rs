//! Everything a person may ask of a report, finished or growing, in the one order in which it makes sense:
//! table, filter, sort, columns, fold, limit.
//!
//! Sorting comes before columns, so that a column can decide the order without being shown, and
//! folding after them, so that rows which differ only in what is not shown become one.

use lab_types::Failure;

use crate::Column;
use crate::Filter;
use crate::Fold;
use crate::Needs;
use crate::Report;
use crate::Row;
use crate::Sort;
use crate::Table;
use crate::limit;
use crate::nearest;
use crate::needs::Known;
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

/// What of a view concerns one table: a report's tables have different columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    filters: Vec<usize>,
    sort: bool,
    columns: bool,
    fold: bool,
}

impl View {
    /// Which columns anybody will look at, where the chosen format draws those that `shown` tells.
    pub fn needs(&self, shown: impl Fn(&Column) -> bool + Send + Sync + 'static) -> Needs {
        let mut named: Vec<String> =
            self.filters.iter().map(|filter| filter.column_name().to_owned()).collect();
        named.extend(self.sort.iter().flat_map(Sort::column_names).map(str::to_owned));
        let trimmed =
            |names: &Vec<String>| names.iter().map(|name| name.trim().to_owned()).collect();
        let chosen = self.columns.as_ref().map(trimmed);
        Needs::from(Known { shown: Box::new(shown), chosen, named, fold: self.fold.clone() })
    }

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
        let plans = self.plan(&report.tables)?;
        report.tables = report
            .tables
            .into_iter()
            .zip(plans)
            .filter_map(|(table, plan)| Some(self.table(&plan?, table, now, &shown)))
            .collect::<Result<_, _>>()?;
        Ok(report)
    }

    /// What concerns each of these tables; none for a table that is not shown.
    ///
    /// # Errors
    /// A table or a column that does not exist.
    pub fn plan(&self, tables: &[Table]) -> Result<Vec<Option<Plan>>, Failure> {
        let is_shown = |table: &Table| {
            self.table.as_ref().is_none_or(|name| table.name().eq_ignore_ascii_case(name))
        };
        if let Some(name) = self.table.as_ref().filter(|_| !tables.iter().any(is_shown)) {
            return Err(nearest::unknown("table", "", name, tables.iter().map(Table::name)));
        }
        let shown: Vec<&Table> = tables.iter().filter(|table| is_shown(table)).collect();
        let mut plans = vec![Plan::default(); shown.len()];
        for (place, filter) in self.filters.iter().enumerate() {
            for idx in concerned(&shown, &[filter.column_name()])? {
                plans[idx].filters.push(place);
            }
        }
        if let Some(sort) = &self.sort {
            let names: Vec<&str> = sort.column_names().collect();
            for idx in concerned(&shown, &names)? {
                plans[idx].sort = true;
            }
        }
        if let Some(columns) = &self.columns {
            let names: Vec<&str> = columns.iter().map(|name| name.trim()).collect();
            for idx in concerned(&shown, &names)? {
                plans[idx].columns = true;
            }
        }
        if let Some(fold) = &self.fold {
            let mut has = Vec::new();
            for (table, plan) in shown.iter().zip(&plans) {
                // What is folded over must still be there after columns were chosen.
                let bare = Table::new(table.name(), table.columns().to_vec());
                has.push(fold.column_of(self.select(plan, bare)?.columns()).is_some());
            }
            let any = has.contains(&true);
            for (has, plan) in has.iter().zip(&mut plans) {
                plan.fold = *has || !any;
            }
        }
        let mut plans = plans.into_iter();
        Ok(tables.iter().map(|table| if is_shown(table) { plans.next() } else { None }).collect())
    }

    /// Applies what concerns one table.
    ///
    /// # Errors
    /// As [`View::apply`].
    pub fn table(
        &self,
        plan: &Plan,
        table: Table,
        now: i64,
        shown: impl Fn(&Column) -> bool,
    ) -> Result<Table, Failure> {
        let mut table = self.filter(plan, table, now)?;
        if let Some(sort) = self.sort.as_ref().filter(|_| plan.sort) {
            table = sort.apply(table)?;
        }
        table = self.select(plan, table)?;
        if let Some(fold) = self.fold.as_ref().filter(|_| plan.fold) {
            table = fold.apply(table, shown)?;
        }
        Ok(match self.limit {
            Some(n) => limit(table, n).0,
            None => table,
        })
    }

    /// At most `most` of the rows that [`View::table`] would give, and how many that would be.
    /// Only these rows are copied: a live view draws what fits, of a table that may be large.
    /// With `latest` they are the last ones.
    ///
    /// # Errors
    /// As [`View::apply`].
    pub fn picture(
        &self,
        plan: &Plan,
        table: &Table,
        now: i64,
        (most, latest): (usize, bool),
        shown: impl Fn(&Column) -> bool,
    ) -> Result<(Table, usize), Failure> {
        let mut rows: Vec<&Row> = table.rows().iter().collect();
        for &filter in &plan.filters {
            let test = self.filters[filter].test(table, now)?;
            rows.retain(|row| test(row));
        }
        let copied = |rows: Vec<Row>| {
            Table::from_parts(table.name().to_owned(), table.columns().to_vec(), rows)
        };
        if plan.fold {
            let all = copied(rows.into_iter().cloned().collect());
            let (folded, cut) = limit(self.table(plan, all, now, shown)?, most);
            let of = folded.rows().len() + cut;
            return Ok((folded, of));
        }
        if let Some(sort) = self.sort.as_ref().filter(|_| plan.sort) {
            let order = sort.order(table, &rows)?;
            rows = order.into_iter().map(|place| rows[place]).collect();
        }
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        let of = rows.len();
        let first = if latest { of.saturating_sub(most) } else { 0 };
        let rows = rows.into_iter().skip(first).take(most).cloned().collect();
        Ok((self.select(plan, copied(rows))?, of))
    }

    /// Whether every row of a table is shown, with all its columns.
    pub fn shows_all(&self, plan: &Plan) -> bool {
        self.limit.is_none() && plan.filters.is_empty() && !plan.columns
    }

    /// Keeps the rows that pass what was asked of one table: the part of it that looks at each
    /// row alone.
    ///
    /// # Errors
    /// As [`View::apply`].
    pub fn filter(&self, plan: &Plan, mut table: Table, now: i64) -> Result<Table, Failure> {
        for &filter in &plan.filters {
            table = self.filters[filter].apply(table, now)?;
        }
        Ok(table)
    }

    /// Keeps the columns that were asked for of one table.
    ///
    /// # Errors
    /// As [`View::apply`].
    pub fn select(&self, plan: &Plan, table: Table) -> Result<Table, Failure> {
        match self.columns.as_ref().filter(|_| plan.columns) {
            Some(columns) => select_columns(table, columns),
            None => Ok(table),
        }
    }
}

/// Places of the tables that have all these columns; if none has, the failure of the first.
fn concerned(tables: &[&Table], names: &[&str]) -> Result<Vec<usize>, Failure> {
    let has =
        |table: &Table| names.iter().all(|name| nearest::find(table.columns(), name).is_some());
    let places: Vec<usize> = (0..tables.len()).filter(|&place| has(tables[place])).collect();
    if let (true, Some(first)) = (places.is_empty(), tables.first()) {
        for name in names {
            nearest::find_or_fail(first.name(), first.columns(), name)?;
        }
    }
    Ok(places)
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

    #[test]
    fn a_picture_is_the_beginning_or_the_end_of_the_whole() {
        let view = View {
            filters: vec![Filter::parse("host=w1", compile).unwrap()],
            sort: Some(Sort::parse("rank:desc").unwrap()),
            columns: Some(vec!["rank".into()]),
            ..View::default()
        };
        let tables = report().tables;
        let plans = view.plan(&tables).unwrap();
        let plan = plans[0].as_ref().unwrap();
        let whole = view.table(plan, tables[0].clone(), 0, |_| true).unwrap();
        assert_eq!(whole.rows().len(), 2);
        for (most, latest, rows) in [(5, false, 0..2), (1, false, 0..1), (1, true, 1..2)] {
            let (some, of) = view.picture(plan, &tables[0], 0, (most, latest), |_| true).unwrap();
            assert_eq!((some.rows(), of), (&whole.rows()[rows], 2));
        }
        let folded = View { fold: Some(Fold::default()), ..View::default() };
        let plans = folded.plan(&tables).unwrap();
        let (some, of) = folded
            .picture(plans[0].as_ref().unwrap(), &tables[0], 0, (1, false), |_| true)
            .unwrap();
        assert_eq!((some.rows().len(), of), (1, 3));
        assert_eq!(plans[1], Some(Plan::default()), "it has no hosts to fold");
    }
}
