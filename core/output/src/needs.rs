//! Which columns anybody will look at: a cell that nobody sees does not have to be made.
//!
//! Decided before there are rows, and so for a table by itself: a column that may turn out to be
//! looked at is needed.

use std::fmt;
use std::sync::Arc;

use crate::Column;
use crate::Fold;
use crate::nearest;

/// Which columns of a table are needed; [`View::needs`](crate::View::needs) makes it. By default
/// all are.
#[derive(Clone, Default)]
pub struct Needs(Option<Arc<Known>>);

type Shown = Box<dyn Fn(&Column) -> bool + Send + Sync>;

pub(crate) struct Known {
    /// What the format draws.
    pub(crate) shown: Shown,
    /// Columns that were chosen instead.
    pub(crate) chosen: Option<Vec<String>>,
    /// Columns that rows are filtered and sorted by.
    pub(crate) named: Vec<String>,
    pub(crate) fold: Option<Fold>,
}

impl fmt::Debug for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.as_ref();
        f.debug_tuple("Needs").field(&known.map(|known| (&known.chosen, &known.named))).finish()
    }
}

impl From<Known> for Needs {
    fn from(known: Known) -> Self {
        Self(Some(Arc::new(known)))
    }
}

impl Needs {
    /// For each of a table's columns whether it is needed.
    pub fn of(&self, columns: &[Column]) -> Vec<bool> {
        let Some(Known { shown, chosen, named, fold }) = self.0.as_deref() else {
            return vec![true; columns.len()];
        };
        let places =
            |names: &[String]| names.iter().map(|name| nearest::find(columns, name)).collect();
        // A table that lacks one of them is shown as it is.
        let chosen: Option<Vec<usize>> = chosen.as_deref().and_then(places);
        let mut needed: Vec<bool> = match chosen {
            Some(chosen) => (0..columns.len()).map(|place| chosen.contains(&place)).collect(),
            None => columns.iter().map(shown).collect(),
        };
        let named = named.iter().filter_map(|name| nearest::find(columns, name));
        for place in named.chain(fold.as_ref().and_then(|fold| fold.column_of(columns))) {
            needed[place] = true;
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use crate::ColumnKind;
    use crate::Filter;
    use crate::Sort;
    use crate::View;
    use crate::testing::column;

    use super::*;

    fn needed(view: &View) -> Vec<String> {
        let mut columns =
            ["host", "route", "mtu", "line", "flags"].map(|id| column(id, ColumnKind::Text));
        columns[3].wide = true;
        columns[4].wide = true;
        let needed = view.needs(|column| !column.wide).of(&columns);
        let named = columns.iter().zip(needed).filter(|(_, needed)| *needed);
        named.map(|(column, _)| column.id.clone()).collect()
    }

    #[test]
    fn what_is_drawn_is_needed_and_what_rows_are_filtered_sorted_and_folded_by() {
        assert_eq!(needed(&View::default()), ["host", "route", "mtu"]);
        let compile = |_: &str| Err::<crate::Matcher, _>(String::new());
        let filters = vec![Filter::parse("FLAGS=onlink", compile).unwrap()];
        assert_eq!(needed(&View { filters, ..View::default() }), ["host", "route", "mtu", "flags"]);
        let sort = Some(Sort::parse("line").unwrap());
        assert_eq!(needed(&View { sort, ..View::default() }), ["host", "route", "mtu", "line"]);
        let columns = Some(vec![" line".to_owned()]);
        let fold = Some(Fold::default());
        assert_eq!(needed(&View { columns, fold, ..View::default() }), ["host", "line"]);
        let columns = Some(vec!["of another table".to_owned()]);
        assert_eq!(needed(&View { columns, ..View::default() }), ["host", "route", "mtu"]);
        assert_eq!(Needs::default().of(&[column("a", ColumnKind::Text)]), [true]);
    }
}
