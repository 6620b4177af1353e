//! Finding a column by what somebody typed, and the nearest one when there is none.

use lab_types::Failure;

use crate::Column;

/// The place of a column by its id or header; case does not matter, an exact id wins.
pub(crate) fn find(columns: &[Column], name: &str) -> Option<usize> {
    columns
        .iter()
        .position(|column| column.id == name)
        .or_else(|| columns.iter().position(|column| column.id.eq_ignore_ascii_case(name)))
        .or_else(|| columns.iter().position(|column| column.title.eq_ignore_ascii_case(name)))
}

/// As [`find`], with an error that names the nearest column and lists them all.
pub(crate) fn find_or_fail(table: &str, columns: &[Column], name: &str) -> Result<usize, Failure> {
    find(columns, name)
        .ok_or_else(|| unknown("column", &format!(" in `{table}`"), name, ids(columns)))
}

/// The ids of columns, in order.
pub(crate) fn ids(columns: &[Column]) -> impl Iterator<Item = &str> {
    columns.iter().map(|column| column.id.as_str())
}

/// The failure for a name nobody knows: what is nearest, and what there is.
pub(crate) fn unknown<'a>(
    what: &str,
    place: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Failure {
    let known: Vec<&str> = known.collect();
    let nearest = known
        .iter()
        .map(|known| (distance(&name.to_lowercase(), &known.to_lowercase()), known))
        .filter(|(distance, known)| *distance <= (known.len().max(name.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance);
    let list = known.join(", ");
    let hint = match nearest {
        Some((_, nearest)) => format!("did you mean `{nearest}`? There are: {list}"),
        None => format!("there are: {list}"),
    };
    Failure::invalid(format!("unknown {what} `{name}`{place}")).hint(hint)
}

/// Edit distance: letters added, removed, replaced, or two neighbors swapped.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(64).collect();
    let right: Vec<char> = right.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, &l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &r) in right.iter().enumerate() {
            let mut best = (above[j] + usize::from(l != r)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && l == right[j - 1] && left[i - 1] == r {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("host", "host", 0),
            ("hsot", "host", 1),
            ("hop", "nextHop", 5),
            ("a", "", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let failure = unknown("column", "", "nxthop", ["host", "nextHop"].into_iter());
        assert_eq!(failure.message, "unknown column `nxthop`");
        assert_eq!(
            failure.hint.as_deref(),
            Some("did you mean `nextHop`? There are: host, nextHop")
        );
        let failure = unknown("column", "", "zzz", ["host"].into_iter());
        assert_eq!(failure.hint.as_deref(), Some("there are: host"));
    }
}
