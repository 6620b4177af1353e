//! Single values out of words: durations, numbers, and what a card's argument takes.

use lab_types::{Argument, Kind, Value};
use std::fmt::Write;
use std::time::Duration;

/// What a duration looks like, for hints.
pub(crate) const DURATION_HINT: &str = "a duration looks like `10s`, `5m`, `1h30m` or `500ms`";

/// Units, longest name first, with their length in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
    ("d", 86_400 * 1_000_000_000),
];

/// Reads a duration.
///
/// - Shape: Go's and so kubectl's, `1h30m` or `1.5h`, plus days as in ages; a bare `0` is zero.
/// - Units: up to 584 years, in nanoseconds; a fraction below one is cut.
/// - Errors: none for an empty text, a number without unit, an unknown unit, a sign, overflow.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() {
        return None;
    }
    let (mut rest, mut total) = (text, 0_u64);
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, after) = rest.split_at(number);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(digits, *nanos)?)?;
        rest = after;
    }
    Some(Duration::from_nanos(total))
}

/// `1.5` times a unit, without the rounding of floating point.
fn scaled(digits: &str, nanos: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()? };
    // More than 15 digits are below one nanosecond even for days.
    let kept = &fraction[..fraction.len().min(15)];
    let part = match kept {
        "" => 0,
        kept => {
            if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let power = 10_u128.pow(u32::try_from(kept.len()).ok()?);
            u64::try_from(kept.parse::<u128>().ok()? * u128::from(nanos) / power).ok()?
        }
    };
    whole.checked_mul(nanos)?.checked_add(part)
}

/// A duration as it can be typed again: `1h30m`, `500ms`, `0s`.
pub(crate) fn show_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for unit in ["h", "m", "s", "ms", "us", "ns"] {
        let nanos = UNITS.iter().find(|(name, _)| *name == unit).map_or(1, |(_, nanos)| *nanos);
        if rest >= nanos {
            let _ = write!(text, "{}{unit}", rest / nanos);
            rest %= nanos;
        }
    }
    text
}

/// Reads one word as the kind an argument wants.
///
/// Errors: the words that follow "`x` is" in a message, such as "not a whole number".
pub(crate) fn parse_value(kind: Kind, word: &str) -> Result<Value, &'static str> {
    match kind {
        Kind::Text | Kind::Path => Ok(Value::Text(word.to_owned())),
        Kind::Integer => word.parse().map(Value::Integer).map_err(|_| "not a whole number"),
        Kind::Decimal => match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Decimal(number)),
            _ => Err("not a number"),
        },
        Kind::Boolean => match word {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err("neither `true` nor `false`"),
        },
        Kind::Duration => parse_duration(word)
            .and_then(|duration| u64::try_from(duration.as_nanos()).ok())
            .map(Value::Duration)
            .ok_or("not a duration"),
    }
}

/// The placeholder of an argument's value in help.
pub(crate) fn placeholder(argument: &Argument) -> String {
    match argument.kind {
        Kind::Boolean => String::new(),
        Kind::Text => argument.name.to_uppercase(),
        Kind::Integer => "N".to_owned(),
        Kind::Decimal => "NUMBER".to_owned(),
        Kind::Duration => "DURATION".to_owned(),
        Kind::Path => "PATH".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_read_as_in_kubectl() {
        for (text, nanos) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("10s", Some(10_000_000_000)),
            ("500ms", Some(500_000_000)),
            ("1h30m", Some(5_400_000_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            (".5s", Some(500_000_000)),
            ("2d", Some(172_800_000_000_000)),
            ("3us", Some(3_000)),
            ("3µs", Some(3_000)),
            ("1.0000000000000000000000001s", Some(1_000_000_000)),
            ("", None),
            ("10", None),
            ("s", None),
            (".s", None),
            ("-1s", None),
            ("1.2.3s", None),
            ("1y", None),
            ("5 m", None),
            ("99999999999d", None),
            ("18446744073709551616ns", None),
        ] {
            assert_eq!(parse_duration(text), nanos.map(Duration::from_nanos), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_shown_duration_reads_as_the_same(nanos: u64) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse_duration(&show_duration(duration)), Some(duration));
        }
        #[test]
        fn no_text_makes_a_duration_panic(text: String, digits in "[0-9.]{0,30}[a-zµ]{0,2}") {
            let _ = (parse_duration(&text), parse_duration(&digits));
        }
    }
}
