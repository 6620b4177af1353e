//! Tests of folding.

use proptest::prelude::*;

use crate::ColumnKind;
use crate::testing::column;
use crate::testing::keyed;
use crate::testing::table;

use super::*;

const TEXT: ColumnKind = ColumnKind::Text;

fn plain(table: &Table) -> Vec<Vec<String>> {
    let rows = table.rows().iter();
    rows.map(|row| row.cells.iter().map(|cell| cell.plain().into_owned()).collect()).collect()
}

#[test]
fn rows_of_different_hosts_become_one_in_order_of_appearance() {
    let columns = vec![column("prefix", TEXT), column("host", TEXT), column("mtu", TEXT)];
    let rows = [["a", "w2", "1500"], ["b", "w2", "1500"], ["a", "w1", "1500"], ["a", "w3", "9000"]];
    let folded = Fold::default().apply(table(columns, rows), |_| true).unwrap();
    assert_eq!(plain(&folded), [["a", "w2, w1", "1500"], ["b", "w2", "1500"], ["a", "w3", "9000"]]);
    assert!(matches!(&folded.rows()[0].cells[1], Cell::Many(hosts, 3) if hosts.len() == 2));
}

#[test]
fn columns_that_are_not_compared_list_their_values() {
    let columns = vec![column("node", TEXT), column("prefix", TEXT), column("line", TEXT)];
    let rows = [["w1", "a", "x"], ["w2", "a", "y"], ["w3", "b", "z"], ["w4", "b", "z"]];
    let compared = |column: &Column| column.id != "line";
    let folded = Fold::default().apply(table(columns, rows), compared).unwrap();
    assert_eq!(plain(&folded), [["w1, w2", "a", "x, y"], ["w3, w4", "b", "z"]]);
}

#[test]
fn a_repeated_value_is_listed_once_and_a_group_has_no_key() {
    let cells = |host: &str| vec![Cell::Text(host.into()), Cell::Decimal(f64::NAN)];
    let rows = [("1".into(), cells("w1")), ("2".into(), cells("w1")), ("3".into(), cells("w2"))];
    let columns = vec![column("host", TEXT), column("load", ColumnKind::Decimal)];
    let folded = Fold::default().apply(keyed("t", columns, rows), |_| true).unwrap();
    assert_eq!(plain(&folded), [["w1, w2", ""]]);
    assert_eq!(folded.rows()[0].key, "");
}

#[test]
fn the_column_can_be_named() {
    let columns = || vec![column("a", TEXT), column("zone", TEXT)];
    let rows = [["x", "1"], ["x", "2"]];
    let fold = Fold { column: Some("ZONE".into()) };
    let folded = fold.apply(table(columns(), rows), |_| true).unwrap();
    assert_eq!(plain(&folded), [["x", "1, 2"]]);

    let failure = Fold::default().apply(table(columns(), rows), |_| true).unwrap_err();
    assert_eq!(failure.message, "--fold: `t` has no column `host`, `node` or `from`");
    let fold = Fold { column: Some("zon".into()) };
    let failure = fold.apply(table(columns(), rows), |_| true).unwrap_err();
    assert_eq!(failure.message, "unknown column `zon` in `t`");
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_equal_afterward(
        rows in prop::collection::vec((0_u8..4, 0_u8..3), 0..30)
    ) {
        let columns = vec![column("host", TEXT), column("v", TEXT)];
        let cells = rows.iter().map(|(host, v)| {
            (String::new(), vec![Cell::Text(host.to_string().into()), Cell::Text(v.to_string().into())])
        });
        let folded = Fold::default().apply(keyed("t", columns, cells), |_| true).unwrap();
        let mut pairs: Vec<(String, String)> = plain(&folded)
            .into_iter()
            .flat_map(|row| {
                let hosts: Vec<String> = row[0].split(", ").map(str::to_owned).collect();
                hosts.into_iter().map(move |host| (host, row[1].clone()))
            })
            .collect();
        pairs.sort();
        let mut expected: Vec<(String, String)> =
            rows.iter().map(|(host, v)| (host.to_string(), v.to_string())).collect();
        expected.sort();
        expected.dedup();
        // A single row stays as it is, even if it is there only once.
        pairs.dedup();
        prop_assert_eq!(pairs, expected);
        let mut values: Vec<_> = folded.rows().iter().map(|row| row.cells[1].plain()).collect();
        let n_values = values.len();
        values.sort();
        values.dedup();
        prop_assert_eq!(values.len(), n_values);
    }
}
