//! `--limit N`: the first rows only.

use crate::Table;

/// Keeps the first `n` rows and says how many were cut off.
pub fn limit(table: Table, n: usize) -> (Table, usize) {
    let cut = table.rows().len().saturating_sub(n);
    if cut == 0 {
        return (table, 0);
    }
    let (name, columns, mut rows) = table.into_parts();
    rows.truncate(n);
    (Table::from_parts(name, columns, rows), cut)
}

#[cfg(test)]
mod tests {
    use crate::testing::column;
    use crate::testing::table;

    use super::*;

    #[test]
    fn the_first_rows_stay_and_the_rest_is_counted() {
        for (n, rows, cut) in [(0, 0, 2), (1, 1, 1), (2, 2, 0), (9, 2, 0)] {
            let table = table(vec![column("a", crate::ColumnKind::Text)], [["x"], ["y"]]);
            let (table, was_cut) = limit(table, n);
            assert_eq!((table.rows().len(), was_cut), (rows, cut));
        }
    }
}
