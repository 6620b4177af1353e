//! Tests of filtering.

use crate::Cell;
use crate::ColumnKind;
use crate::Level;
use crate::testing::column;
use crate::testing::keyed;

use super::*;

fn compile(pattern: &str) -> Result<Matcher, String> {
    let regex = regex::Regex::new(pattern).map_err(|error| error.to_string())?;
    Ok(Box::new(move |text| regex.is_match(text)))
}

const NOW: i64 = 3_600_000;

/// Which of the cells, by their place, a filter on the column `v` keeps.
fn check(kind: ColumnKind, cells: &[Cell], filter: &str, expected: &[usize]) {
    let columns = vec![column("v", kind), column("n", ColumnKind::Integer)];
    let rows = cells.iter().enumerate().map(|(n, cell)| {
        (String::new(), vec![cell.clone(), Cell::Integer(i64::try_from(n).unwrap())])
    });
    let filter_text = filter;
    let filter = Filter::parse(filter, compile).unwrap();
    let kept = filter.apply(keyed("t", columns, rows), NOW).unwrap();
    let kept: Vec<usize> =
        kept.rows().iter().map(|row| row.cells[1].plain().parse().unwrap()).collect();
    assert_eq!(kept, expected, "{filter_text}");
}

fn texts(texts: &[&str]) -> Vec<Cell> {
    texts.iter().map(|text| Cell::Text((*text).into())).collect()
}

#[test]
fn words_match_by_pattern_and_by_equality() {
    let cells =
        [texts(&["k8s-w0", "k8s-w1", "router", "10.0.0.2", "10.0.0.10"]), vec![Cell::Absent]]
            .concat();
    let check = |filter, expected: &[usize]| check(ColumnKind::Text, &cells, filter, expected);
    check("v~^k8s-", &[0, 1]);
    check("v!~^k8s-", &[2, 3, 4, 5]);
    check("V=router", &[2]);
    check("v==router", &[2]);
    check("v!=router", &[0, 1, 3, 4, 5]);
    check("v=", &[5]);
    check("v!=", &[0, 1, 2, 3, 4]);
    check("v>10.0.0.2", &[0, 1, 2, 4]);
    check("v<=10.0.0.2", &[3]);
}

#[test]
fn numbers_compare_with_the_unit_of_their_column() {
    let cells =
        [Cell::Integer(1024), Cell::Integer(1_048_576), Cell::Text("?".into()), Cell::Absent];
    let check = |filter, expected: &[usize]| check(ColumnKind::Bytes, &cells, filter, expected);
    check("v>1Ki", &[1]);
    check("v>=1Ki", &[0, 1]);
    check("v<1Mi", &[0]);
    check("v=1Mi", &[1]);
    check("v=1024", &[0]);
    check("v!=1Ki", &[1, 2, 3]);
    check("v=?", &[2]);
}

#[test]
fn shares_durations_and_ages_compare() {
    check(ColumnKind::Percent, &[Cell::Decimal(0.83), Cell::Decimal(0.5)], "v>80%", &[0]);
    check(ColumnKind::Duration, &[Cell::Duration(90_000_000_000)], "v>1m", &[0]);
    let times = [Cell::Timestamp(0), Cell::Timestamp(NOW - 1000), Cell::Timestamp(NOW + 1000)];
    check(ColumnKind::Timestamp, &times, "v>5m", &[0]);
    check(ColumnKind::Timestamp, &times, "v<5m", &[1, 2]);
    check(ColumnKind::Timestamp, &times, "v>1970-01-01T00:30:00Z", &[1, 2]);
}

#[test]
fn health_and_booleans_have_two_names() {
    let health =
        [Cell::Health(Level::Bad, "missing".into()), Cell::Health(Level::Good, "ok".into())];
    for filter in ["v=bad", "v=missing", "v~^miss", "v!=ok"] {
        check(ColumnKind::Health, &health, filter, &[0]);
    }
    let yes = [Cell::Boolean(true), Cell::Boolean(false)];
    for filter in ["v=yes", "v=true", "v!=no"] {
        check(ColumnKind::Boolean, &yes, filter, &[0]);
    }
}

#[test]
fn a_changed_value_matches_by_either_side() {
    let changed = Cell::Changed(Box::new((Cell::Text("a".into()), Cell::Text("b".into()))));
    for filter in ["v=a", "v=b"] {
        check(ColumnKind::Text, std::slice::from_ref(&changed), filter, &[0]);
    }
    check(ColumnKind::Text, &[changed], "v!=a", &[]);
}

#[test]
fn malformed_filters_say_what_is_right() {
    for (text, message) in [
        ("host", "--filter: `host` has no operator"),
        ("host!x", "--filter: `host!x` has no operator"),
        ("=x", "--filter: `=x` names no column"),
        ("v~(", "--filter: bad regular expression `(`: unclosed group"),
    ] {
        assert_eq!(Filter::parse(text, compile).unwrap_err().message, message);
    }
    let table = keyed("t", vec![column("v", ColumnKind::Bytes)], []);
    let failure = Filter::parse("v>lots", compile).unwrap().apply(table, 0).unwrap_err();
    assert_eq!(failure.message, "--filter: `v` cannot be compared with `lots`");
    assert_eq!(failure.hint.as_deref(), Some("write a value such as `1.5Gi`"));
}
