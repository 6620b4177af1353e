//! What `date +%s.%N` prints: a host's clock.

/// Milliseconds since 1970 of `1795403212.123456789`; of whole seconds where the program knows no
/// parts of one.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let (seconds, parts) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = seconds.parse().ok().filter(|seconds| *seconds > 0)?;
    let digits: String =
        parts.chars().take_while(char::is_ascii_digit).chain("000".chars()).take(3).collect();
    seconds.checked_mul(1000)?.checked_add(digits.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_milliseconds() {
        assert_eq!(parse("1795403212.123456789\n"), Some(1_795_403_212_123));
        assert_eq!(parse("1795403212.%N"), Some(1_795_403_212_000));
        assert_eq!(parse("1795403212"), Some(1_795_403_212_000));
        for text in ["", "now", "-5", "9999999999999999999", "9223372036854775807.5"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
