//! Times as Go writes them.
//!
//! Apart because it is the one thing here that a calendar is needed for. It must not read the
//! clock.

/// Milliseconds since 1970 in UTC of `2026-11-23T03:03:49.190392553Z`, or with an offset such
/// as `+01:00`.
///
/// - Source: RFC 3339. Seconds of 60 are those that a leap second has.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| -> Option<i64> {
        text.as_bytes().get(from..to)?.iter().copied().try_fold(0, with_digit)
    };
    let is = |at: usize, wanted: &[u8]| text.as_bytes().get(at).is_some_and(|b| wanted.contains(b));
    let punctuated = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if !punctuated
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let (fraction, zone) = match text.get(19..)?.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
            let mut padded = rest.as_bytes()[..end].iter().chain(b"000").take(3).copied();
            (padded.try_fold(0, with_digit)?, &rest[end..])
        }
        None => (0, text.get(19..)?),
    };
    let offset = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), ..] if zone.len() == 6 && zone.as_bytes()[3] == b':' => {
            let minutes =
                zone.get(1..3)?.parse::<i64>().ok()? * 60 + zone.get(4..6)?.parse::<i64>().ok()?;
            if *sign == b'+' { minutes } else { -minutes }
        }
        _ => return None,
    };
    // Days of the civil calendar, in eras of 400 years that begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let minutes = (days * 24 + hour) * 60 + minute - offset;
    Some((minutes * 60 + second) * 1000 + fraction)
}

fn with_digit(number: i64, digit: u8) -> Option<i64> {
    digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_offsets() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-11-23T03:03:49.190392553Z", Some(1_795_403_029_190)),
            ("2026-11-23T04:03:49.19+01:00", Some(1_795_403_029_190)),
            ("2000-02-29T23:59:59.9Z", Some(951_868_799_900)),
            ("1969-12-31T23:59:59Z", Some(-1000)),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-23T03:03:49", None),
            ("2026-11-23T03:03:49.", None),
            ("2026-11-23é03:03:49Z", None),
            ("", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
