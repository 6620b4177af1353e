//! What is kept of a live command's tables, findings and missing answers, for the next picture or
//! for the end.

use std::collections::HashMap;

use lab_output::Change;
use lab_output::Column;
use lab_output::Finding;
use lab_output::Packed;
use lab_output::Partial;
use lab_output::Plan;
use lab_output::Row;
use lab_output::Table;
use lab_output::View;
use lab_render::live::Part;
use lab_render::live::Scene;
use lab_render::live::Status;
use lab_types::Failure;

/// So many findings, and so many missing answers, are kept; nobody reads more.
const MOST: usize = 10_000;

/// What happens to rows with a key when rows are wanted as lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyed {
    /// They are lines too.
    Lines,
    /// They are kept for the end.
    Kept,
}

/// Everything that is kept.
#[derive(Default)]
pub(crate) struct Kept {
    tables: Vec<Table>,
    /// What is asked of each table; of fewer than there are when more were declared since.
    plans: Vec<Option<Plan>>,
    counts: Vec<Counts>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) partials: Vec<Partial>,
    /// Places of findings by code and subject: told again, a finding replaces what it said.
    places: HashMap<(String, String), usize>,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    /// Rows without a key that passed the filters, kept or not.
    appended: usize,
    is_keyed: bool,
    is_committed: bool,
}

impl Kept {
    pub(crate) fn declare(&mut self, name: &str, columns: &[Column]) {
        self.tables.push(Table::new(name, columns.to_vec()));
        self.counts.push(Counts::default());
    }

    /// Works out what is asked of each table.
    pub(crate) fn plan(&mut self, view: &View) -> Result<(), Failure> {
        if self.plans.len() != self.tables.len() {
            self.plans = view.plan(&self.tables)?;
        }
        Ok(())
    }

    pub(crate) fn committed(&mut self, table: usize) {
        self.counts[table].is_committed = true;
    }

    /// Whether every table was committed.
    pub(crate) fn is_complete(&self) -> bool {
        self.counts.iter().all(|counts| counts.is_committed)
    }

    /// Whether as many rows came as were asked for, and none of them can change.
    pub(crate) fn is_enough(&self, view: &View) -> bool {
        let shown = self.counts.iter().zip(&self.plans).filter(|(_, plan)| plan.is_some());
        let is_enough = |counts: &Counts| {
            view.limit.is_some_and(|limit| !counts.is_keyed && counts.appended >= limit)
        };
        // Which rows come first is not known before all are there.
        view.sort.is_none()
            && view.fold.is_none()
            && !self.plans.is_empty()
            && shown.map(|(counts, _)| counts).all(is_enough)
    }

    /// How many rows are kept.
    pub(crate) fn rows(&self) -> usize {
        self.tables.iter().map(|table| table.rows().len()).sum()
    }

    /// A table of the same columns.
    fn like(&self, table: usize, rows: Vec<Row>) -> Result<Table, Failure> {
        let table = &self.tables[table];
        let mut like = Table::new(table.name(), table.columns().to_vec());
        like.append(rows).map_err(|error| Failure::other(error.0))?;
        Ok(like)
    }

    /// Whether all rows of a table are shown, as they come.
    pub(crate) fn shows_all(&self, view: &View, table: usize) -> bool {
        self.plans[table].as_ref().is_some_and(|plan| view.shows_all(plan))
    }

    /// Counts rows that are shown as they come and not kept; the columns that they have.
    pub(crate) fn passed_on(&mut self, table: usize, rows: &Packed) -> &[Column] {
        let counts = &mut self.counts[table];
        counts.appended += rows.appended;
        counts.is_keyed |= rows.keyed > 0;
        self.tables[table].columns()
    }

    /// Rows one by one.
    pub(crate) fn unpack(&self, table: usize, rows: &Packed) -> Result<Vec<Row>, Failure> {
        let rows = self.tables[table].unpack(rows.reader());
        rows.map_err(|error| Failure::other(error.0))
    }

    /// Rows without a key that pass the filters, no more than are wanted.
    fn wanted(
        &mut self,
        view: &View,
        (table, plan): (usize, &Plan),
        rows: Vec<Row>,
        now: i64,
    ) -> Result<Table, Failure> {
        let mut rows = view.filter(plan, self.like(table, rows)?, now)?.take_rows();
        let counts = &mut self.counts[table];
        if let (Some(limit), None, None) = (view.limit, &view.sort, &view.fold) {
            rows.truncate(limit.saturating_sub(counts.appended));
        }
        counts.appended += rows.len();
        self.like(table, rows)
    }

    /// Rows as lines show them; those with a key among them, or kept.
    pub(crate) fn lines(
        &mut self,
        view: &View,
        table: usize,
        rows: Vec<Row>,
        keyed: Keyed,
        now: i64,
    ) -> Result<Table, Failure> {
        let Some(plan) = self.plans[table].clone() else { return self.like(table, Vec::new()) };
        let (appended, changed) = split(rows);
        if !changed.is_empty() {
            self.counts[table].is_keyed = true;
        }
        let lines = match keyed {
            Keyed::Kept => {
                self.upsert(table, changed)?;
                appended
            }
            Keyed::Lines if changed.is_empty() => appended,
            Keyed::Lines => {
                let changed = view.filter(&plan, self.like(table, changed)?, now)?;
                let appended = self.wanted(view, (table, &plan), appended, now)?;
                let mut all = changed;
                all.append(appended.into_parts().2).map_err(|error| Failure::other(error.0))?;
                return view.select(&plan, all);
            }
        };
        let wanted = self.wanted(view, (table, &plan), lines, now)?;
        view.select(&plan, wanted)
    }

    /// Keeps rows: all with a key, and the latest of the others.
    pub(crate) fn keep(
        &mut self,
        view: &View,
        table: usize,
        rows: Vec<Row>,
        latest: usize,
        now: i64,
    ) -> Result<(), Failure> {
        let Some(plan) = self.plans[table].clone() else { return Ok(()) };
        let (appended, changed) = split(rows);
        self.counts[table].is_keyed |= !changed.is_empty();
        self.upsert(table, changed)?;
        if !appended.is_empty() {
            let mut wanted = self.wanted(view, (table, &plan), appended, now)?;
            self.upsert(table, wanted.take_rows())?;
            // Not at every row: dropping the first moves all others.
            if self.tables[table].rows().len() > latest.saturating_mul(2) {
                self.tables[table].keep_latest(latest);
            }
        }
        Ok(())
    }

    fn upsert(&mut self, table: usize, rows: Vec<Row>) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        self.tables[table].change(Change::Rows(rows)).map_err(|error| Failure::other(error.0))
    }

    pub(crate) fn remove(&mut self, table: usize, keys: &[String]) {
        self.tables[table].remove(keys);
    }

    /// The tables that are shown, as far as they may fit into so many lines.
    pub(crate) fn parts(
        &self,
        view: &View,
        now: i64,
        most: usize,
        shown: impl Fn(&Column) -> bool,
    ) -> Result<Vec<Part>, Failure> {
        let mut parts = Vec::new();
        for ((table, plan), counts) in self.tables.iter().zip(&self.plans).zip(&self.counts) {
            let Some(plan) = plan else { continue };
            // Of what only comes, the end is what people look at, unless they ordered it.
            let latest = !counts.is_keyed && view.sort.is_none() && view.limit.is_none();
            let (table, of) = view.picture(plan, table, now, (most, latest), &shown)?;
            let of = if counts.is_keyed { of } else { of.max(counts.appended) };
            parts.push(Part { table, of, latest });
        }
        Ok(parts)
    }

    /// What is to be seen now.
    pub(crate) fn scene<'a>(&'a self, parts: &'a [Part], status: &'a Status) -> Scene<'a> {
        Scene { parts, findings: &self.findings, partials: &self.partials, status }
    }

    /// Takes out the tables that are shown, as they are drawn at the end.
    pub(crate) fn finish(
        &mut self,
        view: &View,
        now: i64,
        shown: impl Fn(&Column) -> bool,
    ) -> Result<Vec<(usize, Table)>, Failure> {
        self.plan(view)?;
        let tables = std::mem::take(&mut self.tables).into_iter().enumerate();
        tables
            .zip(&self.plans)
            .filter_map(|((place, table), plan)| {
                let table = view.table(plan.as_ref()?, table, now, &shown);
                Some(table.map(|table| (place, table)))
            })
            .collect()
    }

    pub(crate) fn finding(&mut self, finding: Finding) {
        let key = (finding.code.clone(), finding.subject.clone());
        if let Some(&place) = self.places.get(&key) {
            self.findings[place] = finding;
        } else if self.findings.len() < MOST {
            self.places.insert(key, self.findings.len());
            self.findings.push(finding);
        }
    }

    pub(crate) fn partial(&mut self, partial: Partial) {
        let known = self.partials.iter().position(|known| known.subject == partial.subject);
        match known {
            Some(place) => self.partials[place] = partial,
            None if self.partials.len() < MOST => self.partials.push(partial),
            None => {}
        }
    }
}

/// Rows without a key, and rows with one. Nearly always all are of one sort.
fn split(rows: Vec<Row>) -> (Vec<Row>, Vec<Row>) {
    if rows.iter().all(|row| row.key.is_empty()) {
        (rows, Vec::new())
    } else {
        rows.into_iter().partition(|row| row.key.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use lab_output::Cell;
    use lab_output::ColumnKind;
    use lab_output::Filter;
    use lab_output::Level;

    use super::*;

    fn kept() -> Kept {
        let column = Column {
            id: "n".into(),
            title: "N".into(),
            kind: ColumnKind::Integer,
            wide: false,
            hidden: false,
            lines: false,
            subject: false,
            about: String::new(),
        };
        let mut kept = Kept::default();
        kept.declare("t", &[column]);
        kept
    }

    fn rows(key: &str, numbers: std::ops::Range<i64>) -> Vec<Row> {
        let row = |n| Row { key: key.into(), cells: vec![Cell::Integer(n)] };
        numbers.map(row).collect()
    }

    fn numbers(table: &Table) -> Vec<String> {
        table.rows().iter().map(|row| row.cells[0].plain().into_owned()).collect()
    }

    #[test]
    fn of_rows_without_a_key_the_latest_are_kept_and_all_are_counted() {
        let (mut kept, view) = (kept(), View::default());
        kept.plan(&view).unwrap();
        for start in [0, 10, 20] {
            kept.keep(&view, 0, rows("", start..start + 10), 5, 0).unwrap();
        }
        let parts = kept.parts(&view, 0, 3, |_| true).unwrap();
        assert_eq!(
            (numbers(&parts[0].table), parts[0].of),
            (["27", "28", "29"].map(str::to_owned).to_vec(), 30)
        );
        assert!(parts[0].latest && kept.rows() == 5);
    }

    #[test]
    fn a_limit_counts_rows_that_pass_the_filters() {
        let filter = Filter::parse("n>2", |_| Err("not used".into())).unwrap();
        let view = View { filters: vec![filter], limit: Some(3), ..View::default() };
        let mut kept = kept();
        kept.plan(&view).unwrap();
        let first = kept.lines(&view, 0, rows("", 0..4), Keyed::Kept, 0).unwrap();
        assert_eq!((numbers(&first), kept.is_enough(&view)), (vec!["3".to_owned()], false));
        let second = kept.lines(&view, 0, rows("", 4..9), Keyed::Kept, 0).unwrap();
        assert_eq!((numbers(&second), kept.is_enough(&view)), (vec!["4".into(), "5".into()], true));
        assert_eq!(kept.rows(), 0, "what was written is not kept");
    }

    #[test]
    fn a_table_that_changes_is_never_enough() {
        let view = View { limit: Some(1), ..View::default() };
        let mut kept = kept();
        kept.plan(&view).unwrap();
        kept.keep(&view, 0, rows("a", 0..5), usize::MAX, 0).unwrap();
        assert!(!kept.is_enough(&view));
        assert_eq!(kept.rows(), 1, "each replaced the one before");
    }

    #[test]
    fn a_finding_told_again_replaces_what_it_said() {
        let finding = |subject: &str, message: &str| Finding {
            level: Level::Warn,
            code: "t/c".into(),
            subject: subject.into(),
            message: message.into(),
            evidence: Vec::new(),
            fixes: Vec::new(),
        };
        let mut kept = Kept::default();
        for (subject, message) in [("a", "1"), ("b", "2"), ("a", "3")] {
            kept.finding(finding(subject, message));
        }
        assert_eq!(kept.findings, [finding("a", "3"), finding("b", "2")]);
    }
}
