//! Flags of a control plane component, out of its container's command.

/// The value of `--name=value` or `--name value`; of several the last, as the component takes
/// it.
pub fn flag<'a>(words: &'a [String], name: &str) -> Option<&'a str> {
    let mut found = None;
    for (idx, word) in words.iter().enumerate() {
        let Some(rest) = word.strip_prefix("--").and_then(|word| word.strip_prefix(name)) else {
            continue;
        };
        if let Some(value) = rest.strip_prefix('=') {
            found = Some(value);
        } else if rest.is_empty() {
            let next = words.get(idx + 1).map(String::as_str);
            found = next.filter(|next| !next.starts_with("--"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_the_last_one_counts() {
        let words: Vec<String> = [
            "kube-controller-manager",
            "--cluster-cidr=10.0.0.0/8",
            "--cluster-cidr-x=1",
            "--service-cluster-ip-range",
            "10.96.0.0/16",
            "--leader-elect",
            "--cluster-cidr=10.244.0.0/16",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(flag(&words, "cluster-cidr"), Some("10.244.0.0/16"));
        assert_eq!(flag(&words, "service-cluster-ip-range"), Some("10.96.0.0/16"));
        assert_eq!(flag(&words, "leader-elect"), None);
        assert_eq!(flag(&words, "allocate-node-cidrs"), None);
    }
}
