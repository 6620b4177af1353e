//! Spans of time as kubectl prints them.

/// An age in milliseconds as kubectl's `HumanDuration`: fewer digits the older it gets.
///
/// - A time in the future, such as an expiry, has a negative age; kubectl says `<invalid>`, which
///   would hide it.
/// - Source: k8s.io/apimachinery, `pkg/util/duration/duration.go`.
pub(crate) fn age(ms: i64) -> String {
    if ms < -1999 {
        return format!("-{}", age(ms.saturating_neg()));
    }
    let seconds = ms.max(0) / 1000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let days = hours / 24;
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        two(minutes, "m", seconds % 60, "s")
    } else if minutes < 180 {
        format!("{minutes}m")
    } else if hours < 8 {
        two(hours, "h", minutes % 60, "m")
    } else if hours < 48 {
        format!("{hours}h")
    } else if days < 8 {
        two(days, "d", hours % 24, "h")
    } else if days < 365 * 2 {
        format!("{days}d")
    } else if days < 365 * 8 {
        two(days / 365, "y", days % 365, "d")
    } else {
        format!("{}y", days / 365)
    }
}

/// A duration in nanoseconds: `1m3s`, `2h5m`, `250ms`; at most two units.
pub(crate) fn duration(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let seconds = ns / 1_000_000_000;
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let text = if ns == 0 {
        "0s".to_owned()
    } else if ns < 1_000 {
        format!("{ns}ns")
    } else if ns < 1_000_000 {
        format!("{}µs", tenths(ns / 100))
    } else if seconds == 0 {
        format!("{}ms", tenths(ns / 100_000))
    } else if seconds < 60 {
        format!("{}s", tenths(ns / 100_000_000))
    } else if minutes < 60 {
        two(minutes, "m", seconds % 60, "s")
    } else if hours < 48 {
        two(hours, "h", minutes % 60, "m")
    } else {
        two(hours / 24, "d", hours % 24, "h")
    };
    format!("{sign}{text}")
}

/// A unit and the next smaller one, which is left out when there is none of it.
fn two<T: Into<i128>>(big: T, unit: &str, small: T, of: &str) -> String {
    let (big, small): (i128, i128) = (big.into(), small.into());
    if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{of}") }
}

/// A number of tenths; tenths are left out where there are none, or ten and more wholes.
fn tenths(n: u64) -> String {
    if n >= 100 || n.is_multiple_of(10) {
        (n / 10).to_string()
    } else {
        format!("{}.{}", n / 10, n % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1000;
    const M: i64 = 60 * S;
    const H: i64 = 60 * M;
    const D: i64 = 24 * H;

    #[test]
    fn ages_read_as_in_kubectl() {
        for (ms, expected) in [
            (0, "0s"),
            (-S, "0s"),
            (119 * S, "119s"),
            (2 * M, "2m"),
            (2 * M + 5 * S, "2m5s"),
            (10 * M + 5 * S, "10m"),
            (179 * M, "179m"),
            (3 * H, "3h"),
            (7 * H + 59 * M, "7h59m"),
            (47 * H, "47h"),
            (2 * D, "2d"),
            (3 * D + 4 * H, "3d4h"),
            (8 * D + 4 * H, "8d"),
            (729 * D, "729d"),
            (731 * D, "2y1d"),
            (9 * 365 * D, "9y"),
            (-5 * M, "-5m"),
        ] {
            assert_eq!(age(ms), expected, "{ms}");
        }
        assert!(age(i64::MIN).starts_with('-'));
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (ns, expected) in [
            (0, "0s"),
            (999, "999ns"),
            (1_500, "1.5µs"),
            (250_000_000, "250ms"),
            (1_250_000, "1.2ms"),
            (1_000_000_000, "1s"),
            (12_340_000_000, "12s"),
            (63_000_000_000, "1m3s"),
            (7_500_000_000_000, "2h5m"),
            (-63_000_000_000, "-1m3s"),
            (100 * 3600 * 1_000_000_000, "4d4h"),
        ] {
            assert_eq!(duration(ns), expected);
        }
    }
}
