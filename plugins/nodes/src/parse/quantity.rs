//! Quantities as Kubernetes writes them: `2`, `250m`, `24684096Ki`, `1.5G`, `1e3`.

/// Reads a quantity in its base unit: cores, bytes or pieces.
///
/// - Errors: `None` for text that is no quantity, and for one that is negative or not finite.
/// - Source: `k8s.io/apimachinery/pkg/api/resource`.
pub fn parse_quantity(text: &str) -> Option<f64> {
    let text = text.trim();
    let suffix = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(suffix);
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0_f64.powi(4),
        "Pi" => 1024.0_f64.powi(5),
        "Ei" => 1024.0_f64.powi(6),
        _ => return exponent(text),
    };
    plain(number).map(|number| number * factor)
}

fn exponent(text: &str) -> Option<f64> {
    let (number, power) = text.split_once(['e', 'E'])?;
    let power: i32 = power.parse().ok()?;
    let value = plain(number)? * 10.0_f64.powi(power);
    value.is_finite().then_some(value)
}

fn plain(text: &str) -> Option<f64> {
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == '+');
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<f64>) {
        match (parse_quantity(text), expected) {
            (Some(read), Some(expected)) => {
                assert!((read - expected).abs() <= expected * 1e-12, "{text}: {read}");
            }
            (read, expected) => assert_eq!(read, expected, "{text}"),
        }
    }

    #[test]
    fn every_suffix_is_read() {
        check("2", Some(2.0));
        check("250m", Some(0.25));
        check("132456789n", Some(0.132_456_789));
        check("1500u", Some(0.0015));
        check("24684096Ki", Some(25_276_514_304.0));
        check("1.5Gi", Some(1_610_612_736.0));
        check("1.5G", Some(1.5e9));
        check("1e3", Some(1000.0));
        check("2E2", Some(200.0));
        check("2E", Some(2e18));
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for text in ["", "x", "-1", "1Zi", "inf", "nan", "e", "1e999", "1 Gi", "²"] {
            check(text, None);
        }
    }
}
