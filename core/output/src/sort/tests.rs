//! Tests of sorting.

use lab_types::ObjectRef;
use proptest::prelude::*;

use crate::Cell;
use crate::ColumnKind;
use crate::Level;
use crate::testing::column;
use crate::testing::keyed;

use super::*;

fn check(kind: ColumnKind, sort: &str, cells: Vec<Cell>, expected: &[&str]) {
    let rows = cells.into_iter().map(|cell| (String::new(), vec![cell]));
    let table = keyed("t", vec![column("v", kind)], rows);
    let sorted = Sort::parse(sort).unwrap().apply(table).unwrap();
    let texts: Vec<_> = sorted.rows().iter().map(|row| row.cells[0].plain()).collect();
    assert_eq!(texts, expected);
}

fn texts(texts: &[&str]) -> Vec<Cell> {
    texts.iter().map(|text| Cell::Text((*text).into())).collect()
}

#[test]
fn addresses_and_prefixes_sort_by_number() {
    check(
        ColumnKind::Text,
        "v",
        texts(&[
            "10.0.0.10",
            "default",
            "fd00::1",
            "10.0.0.2/32",
            "10.0.0.0/24",
            "10.0.0.0/8",
            "9.1.1.1",
        ]),
        &["9.1.1.1", "10.0.0.0/8", "10.0.0.0/24", "10.0.0.2/32", "10.0.0.10", "fd00::1", "default"],
    );
}

#[test]
fn words_sort_by_the_numbers_inside() {
    check(ColumnKind::Text, "v", texts(&["w10", "w2", "w02", "ctr"]), &["ctr", "w02", "w2", "w10"]);
}

#[test]
fn numbers_come_before_words_and_nothing_comes_last_in_both_directions() {
    let cells = || {
        vec![
            Cell::Absent,
            Cell::Text("?".into()),
            Cell::Integer(10),
            Cell::Decimal(2.5),
            Cell::Integer(-1),
        ]
    };
    check(ColumnKind::Decimal, "v", cells(), &["-1", "2.5", "10", "?", ""]);
    check(ColumnKind::Decimal, "v:desc", cells(), &["10", "2.5", "-1", "?", ""]);
}

#[test]
fn integers_that_a_float_cannot_tell_apart_are_told_apart() {
    let big = 9_007_199_254_740_993;
    check(
        ColumnKind::Integer,
        "v",
        vec![Cell::Integer(big), Cell::Integer(big - 1)],
        &["9007199254740992", "9007199254740993"],
    );
}

#[test]
fn health_sorts_worst_first() {
    let health = |level, text: &str| Cell::Health(level, text.into());
    check(
        ColumnKind::Health,
        "v",
        vec![health(Level::Good, "ok"), health(Level::Unknown, "?"), health(Level::Bad, "missing")],
        &["missing", "?", "ok"],
    );
}

#[test]
fn times_sort_oldest_first_and_objects_by_name() {
    check(
        ColumnKind::Timestamp,
        "v",
        vec![Cell::Timestamp(60_000), Cell::Timestamp(0)],
        &["1970-01-01T00:00:00Z", "1970-01-01T00:01:00Z"],
    );
    let pod = |name: &str| {
        Cell::Object(ObjectRef {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: Some("a".into()),
            name: name.into(),
        })
    };
    check(ColumnKind::Object, "v", vec![pod("web-10"), pod("web-9")], &["a/web-9", "a/web-10"]);
}

#[test]
fn several_columns_decide_in_turn_and_equal_rows_keep_their_order() {
    let columns = vec![
        column("a", ColumnKind::Text),
        column("b", ColumnKind::Text),
        column("n", ColumnKind::Text),
    ];
    let rows =
        [["x", "1", "first"], ["y", "2", "second"], ["x", "1", "third"], ["x", "9", "fourth"]];
    let table = crate::testing::table(columns, rows);
    let sorted = Sort::parse("a, b:desc").unwrap().apply(table).unwrap();
    let order: Vec<_> = sorted.rows().iter().map(|row| row.cells[2].plain()).collect();
    assert_eq!(order, ["fourth", "first", "third", "second"]);
}

#[test]
fn keyed_rows_can_still_be_replaced_after_sorting() {
    let rows = [("b", "2"), ("a", "1")].map(|(key, v)| (key.into(), vec![Cell::Text(v.into())]));
    let table = keyed("t", vec![column("v", ColumnKind::Text)], rows);
    let mut sorted = Sort::parse("v").unwrap().apply(table).unwrap();
    let row = crate::Row { key: "b".into(), cells: vec![Cell::Text("3".into())] };
    sorted.upsert([row]).unwrap();
    assert_eq!(sorted.rows()[1].cells[0].plain(), "3");
    assert_eq!(sorted.rows().len(), 2);
}

#[test]
fn malformed_sorts_say_what_is_right() {
    for text in ["", "a,,b", "a:down", ":desc"] {
        assert!(Sort::parse(text).unwrap_err().hint.is_some(), "{text}");
    }
    let table = keyed("t", vec![column("v", ColumnKind::Text)], []);
    let failure = Sort::parse("w").unwrap().apply(table).unwrap_err();
    assert_eq!(failure.message, "unknown column `w` in `t`");
}

fn any_cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Absent),
        any::<i64>().prop_map(Cell::Integer),
        any::<f64>().prop_map(Cell::Decimal),
        "[a-c0-3./:]{0,6}".prop_map(|text| Cell::Text(text.into())),
        (0_u8..3, 0_u8..40).prop_map(|(a, len)| Cell::Text(format!("10.0.0.{a}/{len}").into())),
    ]
}

proptest! {
    #[test]
    fn the_order_is_total(a in any_cell(), b in any_cell(), c in any_cell(), descending: bool) {
        let (a, b, c) = (Key::of(&a), Key::of(&b), Key::of(&c));
        prop_assert_eq!(a.order(&b, descending), b.order(&a, descending).reverse());
        if a.order(&b, descending).is_le() && b.order(&c, descending).is_le() {
            prop_assert!(a.order(&c, descending).is_le());
        }
    }
}
