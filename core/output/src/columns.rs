//! `--columns host,nextHop,…`: which columns, in which order.

use lab_types::Failure;

use crate::Column;
use crate::Table;
use crate::nearest;

/// Keeps the named columns, in the order in which they are named.
///
/// A named column is shown even if it is otherwise wide or hidden: somebody asked for it.
///
/// # Errors
/// A column that the table does not have, or one that is named twice.
pub fn select_columns(table: Table, names: &[impl AsRef<str>]) -> Result<Table, Failure> {
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let name = name.as_ref().trim();
        let place = nearest::find_or_fail(table.name(), table.columns(), name)?;
        if places.contains(&place) {
            return Err(Failure::invalid(format!("--columns: `{name}` is named twice")));
        }
        places.push(place);
    }
    Ok(pick(table, &places, true))
}

/// Keeps the columns that `shown` accepts, in their order.
pub fn show_columns(table: Table, shown: impl Fn(&Column) -> bool) -> Table {
    let columns = table.columns().iter().enumerate();
    let places: Vec<usize> =
        columns.filter(|(_, column)| shown(column)).map(|(place, _)| place).collect();
    pick(table, &places, false)
}

fn pick(table: Table, places: &[usize], asked: bool) -> Table {
    let (name, columns, mut rows) = table.into_parts();
    let columns = places
        .iter()
        .map(|&place| {
            let mut column = columns[place].clone();
            if asked {
                (column.wide, column.hidden) = (false, false);
            }
            column
        })
        .collect();
    for row in &mut rows {
        let mut cells: Vec<_> = std::mem::take(&mut row.cells).into_iter().map(Some).collect();
        row.cells = places.iter().filter_map(|&place| cells[place].take()).collect();
    }
    Table::from_parts(name, columns, rows)
}

#[cfg(test)]
mod tests {
    use crate::Cell;
    use crate::testing::column;
    use crate::testing::table;

    use super::*;

    fn ids(table: &Table) -> Vec<&str> {
        nearest::ids(table.columns()).collect()
    }

    #[test]
    fn columns_are_named_by_id_or_header_in_any_case() {
        let mut hidden = column("nextHop", crate::ColumnKind::Text);
        (hidden.title, hidden.hidden) = ("NEXT-HOP".into(), true);
        let columns = vec![column("host", crate::ColumnKind::Text), hidden];
        let rows = [["a", "b"]];
        let selected = select_columns(table(columns, rows), &["next-hop", "HOST"]).unwrap();
        assert_eq!(ids(&selected), ["nextHop", "host"]);
        assert!(!selected.columns()[0].hidden);
        assert_eq!(selected.rows()[0].cells, [Cell::Text("b".into()), Cell::Text("a".into())]);
    }

    #[test]
    fn unknown_and_repeated_columns_are_errors() {
        let make = || table(vec![column("host", crate::ColumnKind::Text)], [["a"]]);
        let failure = select_columns(make(), &["hots"]).unwrap_err();
        assert_eq!(failure.message, "unknown column `hots` in `t`");
        assert!(failure.hint.unwrap().starts_with("did you mean `host`?"));
        assert!(select_columns(make(), &["host", "HOST"]).is_err());
    }

    #[test]
    fn wide_columns_can_be_left_out() {
        let mut wide = column("mtu", crate::ColumnKind::Text);
        wide.wide = true;
        let columns = vec![column("host", crate::ColumnKind::Text), wide];
        let shown = show_columns(table(columns, [["a", "b"]]), |column| !column.wide);
        assert_eq!(ids(&shown), ["host"]);
    }
}
