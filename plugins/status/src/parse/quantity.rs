//! Numbers and time spans as Cilium and Go write them.

/// A number with an SI prefix and perhaps a unit of seconds: `4.5ms`, `218µ`, `1.2k`, `+Inf`.
///
/// - Units: those of the metric; the prefix is worked in.
/// - Source: Cilium 1.18 (`metrics list`), where quantiles are written so.
pub fn prefixed(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Some(number) = special(text) {
        return Some(number);
    }
    let text = text.strip_suffix('s').unwrap_or(text);
    if let Some(number) = special(text) {
        return Some(number);
    }
    let (digits, factor) = match text.chars().next_back()? {
        'T' => (1, 1e12),
        'G' => (1, 1e9),
        'M' => (1, 1e6),
        'k' => (1, 1e3),
        'm' => (1, 1e-3),
        'µ' | 'μ' => (2, 1e-6),
        'n' => (1, 1e-9),
        'p' => (1, 1e-12),
        _ => (0, 1.0),
    };
    let number: f64 = text.get(..text.len() - digits)?.parse().ok()?;
    Some(number * factor)
}

/// `NaN`, `+Inf`, `-Inf` in the spellings of Go.
pub fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" | "nan" => Some(f64::NAN),
        "+Inf" | "Inf" | "inf" | "+inf" => Some(f64::INFINITY),
        "-Inf" | "-inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Nanoseconds of a time span as Go writes it: `15s`, `5m0s`, `1h30m`, `100ms`, `0s`.
pub fn go_duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum = 0.0;
    if rest == "0" {
        return Some(0);
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let units = [
            ("ns", 1.0),
            ("us", 1e3),
            ("µs", 1e3),
            ("ms", 1e6),
            ("s", 1e9),
            ("m", 6e10),
            ("h", 3.6e12),
        ];
        let (unit, factor) = units.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        sum += number * factor;
        rest = &rest[unit.len()..];
    }
    #[expect(clippy::cast_possible_truncation, reason = "a float is cut at the ends of its range")]
    (!text.is_empty()).then_some(sum.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str, wanted: f64) {
        let number = prefixed(text).unwrap();
        assert!((number - wanted).abs() <= wanted.abs() * 1e-9, "{text}: {number}");
    }

    #[test]
    fn prefixes_are_worked_in() {
        near("4.5ms", 0.0045);
        near("218µs", 0.000_218);
        near("3.75s", 3.75);
        near("1.2k", 1200.0);
        near("0", 0.0);
        near("0s", 0.0);
        near("2.5m", 0.0025);
        assert_eq!(prefixed("+Infs"), Some(f64::INFINITY));
        assert!(prefixed("NaNs").unwrap().is_nan());
        for text in ["", "s", "ms", "x", "1x", "µ"] {
            assert_eq!(prefixed(text), None, "{text}");
        }
    }

    #[test]
    fn time_spans_are_nanoseconds() {
        assert_eq!(go_duration("15s"), Some(15_000_000_000));
        assert_eq!(go_duration("1h30m"), Some(5_400_000_000_000));
        assert_eq!(go_duration("5m0s"), Some(300_000_000_000));
        assert_eq!(go_duration("100ms"), Some(100_000_000));
        assert_eq!(go_duration("0"), Some(0));
        for text in ["", "15", "s", "1x", "true"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
    }
}
