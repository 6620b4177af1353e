//! Counts that agree with their noun.

/// `1 host`, `2 hosts`, `0 matches`, `3 entries`.
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        return format!("1 {noun}");
    }
    let consonant_y = noun.ends_with('y')
        && !["ay", "ey", "oy", "uy"].iter().any(|ending| noun.ends_with(ending));
    if consonant_y {
        format!("{n} {}ies", &noun[..noun.len() - 1])
    } else if ["s", "x", "ch", "sh"].iter().any(|ending| noun.ends_with(ending)) {
        format!("{n} {noun}es")
    } else {
        format!("{n} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_agree_with_their_number() {
        for (n, noun, expected) in [
            (0, "host", "0 hosts"),
            (1, "host", "1 host"),
            (2, "entry", "2 entries"),
            (2, "key", "2 keys"),
            (2, "address", "2 addresses"),
            (3, "match", "3 matches"),
            (2, "prefix", "2 prefixes"),
        ] {
            assert_eq!(count(n, noun), expected);
        }
    }
}
