//! Numbers with the units of a column, as people type them after `>` and `=`.

use crate::ColumnKind;
use crate::time::parse_duration;

/// Reads a number in the unit of the column: `1.5Gi`, `250m`, `83%`, `1m30s`, or plain.
///
/// - Units: the answer is in base units (bytes, cores, 0–1, nanoseconds).
pub(crate) fn parse_number(text: &str, kind: ColumnKind) -> Option<f64> {
    let number = match kind {
        ColumnKind::Duration | ColumnKind::Timestamp => parse_duration(text),
        ColumnKind::Percent => match text.strip_suffix('%') {
            Some(percent) => percent.parse::<f64>().ok().map(|percent| percent / 100.0),
            None => text.parse().ok(),
        },
        ColumnKind::Bytes | ColumnKind::Cores | ColumnKind::Integer | ColumnKind::Decimal => {
            parse_quantity(text)
        }
        _ => text.parse().ok(),
    };
    number.filter(|number| number.is_finite())
}

/// Kubernetes quantities: decimal and binary suffixes, and `m` for a thousandth.
fn parse_quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 12] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("k", 1e3),
        ("K", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("m", 1e-3),
    ];
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    SUFFIXES.iter().find_map(|(suffix, factor)| {
        text.strip_suffix(suffix)?.parse::<f64>().ok().map(|number| number * factor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_the_column_are_understood() {
        use ColumnKind as K;
        for (text, kind, expected) in [
            ("12", K::Integer, Some(12.0)),
            ("-1.5", K::Decimal, Some(-1.5)),
            ("1.5Gi", K::Bytes, Some(1_610_612_736.0)),
            ("2k", K::Bytes, Some(2000.0)),
            ("250m", K::Cores, Some(0.25)),
            ("83%", K::Percent, Some(0.83)),
            ("0.5", K::Percent, Some(0.5)),
            ("1m", K::Duration, Some(60e9)),
            ("many", K::Integer, None),
            ("", K::Integer, None),
            ("NaN", K::Decimal, None),
        ] {
            assert_eq!(parse_number(text, kind), expected, "{text}");
        }
    }
}
