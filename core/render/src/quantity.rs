//! Bytes, cores, percent and plain numbers as a table draws them: few digits, the unit at hand.

/// Bytes with binary units: `512`, `1.2Gi`.
pub(crate) fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let mut value = bytes;
    let mut unit = 0;
    // 1023.95 would round to 1024.0, which is one of the next unit.
    while value.abs() >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(unit > 0 && value.abs() < 99.95);
    format!("{}{}", decimal(value, digits), UNITS[unit])
}

/// Cores: whole ones as they are, parts in thousandths: `2`, `250m`.
#[expect(clippy::float_cmp, reason = "whole numbers are exact")]
pub(crate) fn cores(cores: f64) -> String {
    if cores == cores.trunc() {
        return decimal(cores, 0);
    }
    let milli = cores * 1000.0;
    format!("{}m", decimal(milli, usize::from(milli.abs() < 1.0)))
}

/// A share of one: `83%`; a tenth is kept next to 0 and 100, so that nothing seems empty or full
/// that is not.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let near_end = (percent > 0.0 && percent < 1.0) || (percent > 99.0 && percent < 100.0);
    if near_end {
        // Not rounded over the end.
        let tenths =
            if percent > 50.0 { (percent * 10.0).floor() } else { (percent * 10.0).ceil() };
        return format!("{}%", decimal(tenths / 10.0, 1));
    }
    format!("{}%", decimal(percent, 0))
}

/// A number with at most so many digits after the point, and no zeros at the end.
pub(crate) fn decimal(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short() {
        for (bytes_in, expected) in [
            (0.0, "0"),
            (512.0, "512"),
            (1024.0, "1Ki"),
            (1_288_490_188.0, "1.2Gi"),
            (1_048_575.0, "1Mi"),
            (200.0 * 1024.0, "200Ki"),
            (-2048.0, "-2Ki"),
        ] {
            assert_eq!(bytes(bytes_in), expected);
        }
        for (cores_in, expected) in
            [(0.0, "0"), (2.0, "2"), (0.25, "250m"), (1.5, "1500m"), (0.0004, "0.4m")]
        {
            assert_eq!(cores(cores_in), expected);
        }
        for (share, expected) in [
            (0.0, "0%"),
            (0.83, "83%"),
            (1.0, "100%"),
            (0.9999, "99.9%"),
            (0.001, "0.1%"),
            (0.00001, "0.1%"),
            (1.2, "120%"),
        ] {
            assert_eq!(percent(share), expected);
        }
        assert_eq!(decimal(1.2345, 3), "1.234");
        assert_eq!(decimal(10.0, 3), "10");
        assert_eq!(decimal(-0.0001, 2), "0");
    }
}
