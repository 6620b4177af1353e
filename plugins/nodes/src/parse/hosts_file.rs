//! `/etc/hosts`: which names a host resolves to which addresses before it asks any DNS.
//!
//! Only names of known hosts are kept, so that a thousand files of a thousand lines stay small.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

/// The entries of one file that name a known host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostsFile {
    /// Index of the known name, and the address, in the order of the file.
    pub entries: Vec<(usize, IpAddr)>,
    /// The file is the copy that a kubelet gives to pods of the host's network: as old as the
    /// pod.
    pub is_copy: bool,
}

/// Reads the file.
///
/// - Shape: an address and one name or more on a line, `#` to the end of a line is a comment.
///   Names are compared without regard to case.
/// - Errors: never fails; a line that does not start with an address is no entry, as for the
///   resolver. A scope such as `fe80::1%eth0` is cut off.
/// - Source: hosts(5).
pub fn parse_hosts_file(text: &str, known: &BTreeMap<String, usize>) -> HostsFile {
    let mut file = HostsFile::default();
    let mut seen = HashSet::new();
    for line in text.lines() {
        if line.starts_with("# Kubernetes-managed hosts file (host network)") {
            file.is_copy = true;
        }
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let address = words.next().and_then(|word| word.split('%').next());
        let Some(Ok(address)) = address.map(str::parse::<IpAddr>) else { continue };
        for word in words {
            let idx = known.get(word).or_else(|| known.get(&word.to_ascii_lowercase()));
            let Some(&idx) = idx else { continue };
            if seen.insert((idx, address)) {
                file.entries.push((idx, address));
            }
        }
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(usize, &str)]) -> HostsFile {
        let known = [("k8s-ctr".to_owned(), 0), ("k8s-w1".to_owned(), 1)].into_iter().collect();
        let file = parse_hosts_file(text, &known);
        let entries: Vec<(usize, String)> =
            file.entries.iter().map(|(idx, ip)| (*idx, ip.to_string())).collect();
        let expected: Vec<_> = expected.iter().map(|(idx, ip)| (*idx, (*ip).to_owned())).collect();
        assert_eq!(entries, expected, "{text}");
        file
    }

    #[test]
    fn a_node_of_the_lab_names_itself_twice_and_its_neighbors_once() {
        // As k8s-ctr of the lab prints it.
        let text = "127.0.0.1 localhost\n127.0.1.1 k8s-ctr k8s-ctr\n\
            ::1 localhost ip6-localhost ip6-loopback\n192.168.10.100 k8s-ctr\n\
            192.168.10.200 router\n192.168.10.101 k8s-w1\n";
        let file = check(text, &[(0, "127.0.1.1"), (0, "192.168.10.100"), (1, "192.168.10.101")]);
        assert!(!file.is_copy);
    }

    #[test]
    fn comments_cases_and_garbage_do_no_harm() {
        check("", &[]);
        check("# 10.0.0.1 k8s-w1\n\t10.0.0.2\tK8S-W1 # k8s-ctr\n", &[(1, "10.0.0.2")]);
        check("999.0.0.1 k8s-w1\nk8s-w1 10.0.0.1\n\u{0}\u{1b}[2J k8s-w1\n10.0.0.1", &[]);
        check("fe80::1%eth0 k8s-w1", &[(1, "fe80::1")]);
        check("10.0.0.1 k8s-w1 k8s-w1\n10.0.0.1 k8s-w1", &[(1, "10.0.0.1")]);
    }

    #[test]
    fn the_copy_in_a_pod_is_known_by_its_head() {
        let text = "# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n";
        assert!(check(text, &[]).is_copy);
    }
}
