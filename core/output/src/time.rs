//! Points in time as RFC 3339 text, both ways, and durations as people type them.
//!
//! Only UTC and the proleptic Gregorian calendar; no clock is read here.

const DAY_MS: i64 = 86_400_000;

/// Writes Unix time in milliseconds as RFC 3339 in UTC; milliseconds only where there are some.
pub fn rfc3339(unix_ms: i64) -> String {
    let (year, month, day) = civil(unix_ms.div_euclid(DAY_MS));
    let ms = unix_ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let mut text = String::with_capacity("2026-11-23T03:39:13.190Z".len());
    if (0..=9999).contains(&year) {
        push_digits(year, 4, &mut text);
    } else {
        // RFC 3339 ends at the year 9999; ISO 8601 asks for a sign beyond it.
        text = format!("{}{year:04}", if year > 9999 { "+" } else { "" });
    }
    for (mark, number) in [('-', month), ('-', day), ('T', hour), (':', minute), (':', second)] {
        text.push(mark);
        push_digits(number, 2, &mut text);
    }
    if ms % 1000 != 0 {
        text.push('.');
        push_digits(ms % 1000, 3, &mut text);
    }
    text.push('Z');
    text
}

/// Appends a number with its zeros: a stream has a time in every row, and formatting costs more
/// than everything else that is done for it.
fn push_digits(number: i64, n_digits: u32, text: &mut String) {
    for place in (0..n_digits).rev() {
        let digit = number / 10_i64.pow(place) % 10;
        text.extend(u32::try_from(digit).ok().and_then(|digit| char::from_digit(digit, 10)));
    }
}

/// Reads `2026-11-23`, `2026-11-23T03:39:13Z` and the same with a fraction or an offset.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    let (date, clock) = match text.split_once(['T', 't', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let year: i64 = digits(parts.next()?, 4)?;
    let (month, day) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day) * DAY_MS;
    let Some(clock) = clock else { return Some(midnight) };
    let at = clock.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = clock.split_at(at);
    let offset_ms = match zone {
        "Z" | "z" => 0,
        _ => {
            let (hour, minute) = zone[1..].split_once(':')?;
            let ms = (digits(hour, 2)? * 60 + digits(minute, 2)?) * 60_000;
            if zone.starts_with('-') { -ms } else { ms }
        }
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = clock.splitn(3, ':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = digits(parts.next()?, 2)?;
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "at most 999")]
    let fraction_ms = (fraction * 1000.0) as i64;
    Some(midnight + ((hour * 60 + minute) * 60 + second) * 1000 + fraction_ms - offset_ms)
}

/// Reads `1d2h3m4.5s`, `300ms`, or a bare number of seconds, as nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return seconds.is_finite().then_some(seconds * 1e9);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..at].parse().ok()?;
        rest = &rest[at..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            "d" => 86_400e9,
            _ => return None,
        };
        total += number * unit;
        rest = &rest[end..];
    }
    (!text.is_empty()).then_some(total)
}

fn digits(text: &str, len: usize) -> Option<i64> {
    let plain = text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// - Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let yoe = year.rem_euclid(400);
    let mp = if month > 2 { month - 3 } else { month + 9 };
    let doy = (153 * mp + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times_are_written_as_rfc_3339() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_404_000_250, "2026-11-23T03:20:00.250Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
            assert_eq!(parse_rfc3339(text), Some(ms));
        }
        assert_eq!(parse_rfc3339("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse_rfc3339("1970-01-02"), Some(DAY_MS));
        assert_eq!(parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn durations_are_read_as_people_type_them() {
        for (text, seconds) in
            [("90", 90.0), ("1m30s", 90.0), ("2h", 7200.0), ("1d", 86_400.0), ("250ms", 0.25)]
        {
            assert_eq!(parse_duration(text), Some(seconds * 1e9), "{text}");
        }
        for text in ["", "m", "5x", "5 m", "NaN"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_of_a_time_reads_back(ms in -60_000_000_000_000_i64..250_000_000_000_000) {
            prop_assert_eq!(parse_rfc3339(&rfc3339(ms)), Some(ms));
        }

        #[test]
        fn foreign_text_never_panics(text in "\\PC{0,24}") {
            let _ = parse_rfc3339(&text);
            let _ = parse_duration(&text);
        }
    }
}
