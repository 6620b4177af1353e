//! From a command to the file that holds its output: bugtool's rule for names, and a table of
//! commands that are recorded under other words with the same output.

use crate::spelling;

/// Commands and the words under which bugtool runs them; `*` stands for any one word. The
/// output is the same to the letter. Whatever is not listed is recorded under its own words,
/// or not at all.
///
/// Source: `bugtool/cmd/configuration.go` of Cilium 1.11 to 1.20.
const SAME: &[(&str, &[&str])] = &[
    ("ip addr", &["ip a"]),
    ("ip addr show", &["ip a"]),
    ("ip address", &["ip a"]),
    ("ip route", &["ip -4 r"]),
    ("ip route show", &["ip -4 r"]),
    ("ip route show table main", &["ip -4 r"]),
    ("ip -4 route", &["ip -4 r"]),
    ("ip -4 route show", &["ip -4 r"]),
    ("ip -4 route show table main", &["ip -4 r"]),
    ("ip -6 route", &["ip -6 r"]),
    ("ip -6 route show", &["ip -6 r"]),
    ("ip -6 route show table main", &["ip -6 r"]),
    ("ip route show table *", &["ip -4 route show table *"]),
    ("ip -4 neigh", &["ip -4 n"]),
    ("ip -6 neigh", &["ip -6 n"]),
    ("ip -d -s link", &["ip -d -s l"]),
    ("ip -d -s -s link", &["ip -d -s -s l"]),
    ("ip -d rule show", &["ip -d rule"]),
    ("ip rule show", &["ip rule"]),
    ("cilium-dbg config --all", &["cilium-dbg config -a", "cilium-config"]),
    ("cilium-dbg config -a", &["cilium-dbg config -a", "cilium-config"]),
    ("cilium-dbg statedb dump", &["cilium-dbg statedb dump", "cilium-dbg statedb"]),
    ("cat /proc/net/xfrm_stat", &["cat /proc/net/xfrm_stat", "cat -u /proc/net/xfrm_stat"]),
];

/// Programs whose output is about the host, although the agent's container ran them. Others
/// (`hostname`, `cat /etc/…`) speak of the container.
const OF_THE_HOST: [&str; 16] = [
    "ip",
    "ss",
    "tc",
    "bpftool",
    "sysctl",
    "uname",
    "lsmod",
    "dmesg",
    "ipset",
    "iptables-save",
    "ip6tables-save",
    "iptables-nft-save",
    "ip6tables-nft-save",
    "iptables-legacy-save",
    "ip6tables-legacy-save",
    "iptables",
];

/// Endings of the files; commands that print HTML or JSON may have their own.
const ENDINGS: [&str; 4] = [".md", ".json", ".txt", ".html"];

/// Beginning of the files of IPv4 tables; that there is one shows that tables were looked for.
pub(super) const TABLES: &str = "ip--4-route-show-";

/// The beginnings of files that plugins ask for most: of a packed bugtool they are kept.
pub(super) const LIKELY: [&str; 9] = [
    "ip-",
    "iptables-",
    "ip6tables-",
    "cilium-dbg-status",
    "cilium-status",
    "cilium-dbg-config",
    "cilium-config",
    "cilium-dbg-node-list",
    "hostname",
];

/// Whether the output of a program is the host's.
pub(super) fn is_of_the_host(argv: &[String]) -> bool {
    argv.first().is_some_and(|program| OF_THE_HOST.contains(&program.as_str()))
        || argv.get(..2).is_some_and(|words| {
            words[0] == "cat" && (words[1].starts_with("/proc/") || words[1].starts_with("/sys/"))
        })
}

/// Whether a command asks for the flows that Hubble remembers. The collector asks for the last
/// ten thousand of them, with the same output.
///
/// Source: `sysdump` of cilium-cli, 0.14 to 0.18.
pub(super) fn is_flows(argv: &[String]) -> bool {
    argv.iter().map(String::as_str).eq(["hubble", "observe", "-o", "jsonpb"])
}

/// The files that may hold the output of a command, best first.
pub(super) fn files(argv: &[String]) -> Vec<String> {
    // A word with a space in it would be taken for two.
    if argv.is_empty()
        || argv.iter().any(|word| word.is_empty() || word.contains(char::is_whitespace))
    {
        return Vec::new();
    }
    let mut lines = vec![argv.join(" ")];
    for (asked, recorded) in SAME {
        if let Some(stars) = matches(asked, argv) {
            lines.extend(recorded.iter().map(|line| filled(line, &stars)));
        }
    }
    let mut files = Vec::new();
    for line in lines {
        // Until 1.14 the agent's program was called `cilium`.
        let older = line.strip_prefix("cilium-dbg ").map(|rest| format!("cilium {rest}"));
        let newer = line.strip_prefix("cilium ").map(|rest| format!("cilium-dbg {rest}"));
        for line in [Some(line), older, newer].into_iter().flatten() {
            let stem = line.replace(['/', ' '], "-");
            files.extend(ENDINGS.iter().map(|end| format!("{stem}{end}")));
        }
    }
    files
}

/// Whether every IPv4 table is asked for at once.
pub(super) fn asks_all_tables(argv: &[String]) -> bool {
    spelling::full(argv) == ["ip", "-4", "route", "table", "all"]
}

/// The number in `ip -4 route show table N`, however it is written.
pub(super) fn numbered_table(argv: &[String]) -> Option<&str> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ip", "route", "show", "table", number]
        | ["ip", "-4", "route", "show", "table", number] => {
            number.bytes().all(|byte| byte.is_ascii_digit()).then_some(*number)
        }
        _ => None,
    }
}

/// What the stars of a pattern stand for; `None` when the words are others.
fn matches<'a>(pattern: &str, argv: &'a [String]) -> Option<Vec<&'a str>> {
    let mut stars = Vec::new();
    let mut words = argv.iter();
    for expected in pattern.split(' ') {
        let word = words.next()?;
        if expected == "*" {
            stars.push(word.as_str());
        } else if expected != word {
            return None;
        }
    }
    words.next().is_none().then_some(stars)
}

fn filled(line: &str, stars: &[&str]) -> String {
    let mut stars = stars.iter();
    let words = line.split(' ').map(|word| match word {
        "*" => stars.next().copied().unwrap_or_default(),
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn every_command_is_found_under_the_words_of_bugtool() {
        for (line, file) in [
            ("iptables-save -c", "iptables-save--c.md"),
            ("ip -4 route show table 2004", "ip--4-route-show-table-2004.md"),
            ("ip route show table 2004", "ip--4-route-show-table-2004.md"),
            ("ip -4 route show table main", "ip--4-r.md"),
            ("ip -4 r", "ip--4-r.md"),
            ("ip -6 route", "ip--6-r.md"),
            ("ip -d rule", "ip--d-rule.md"),
            ("ip a", "ip-a.md"),
            ("ip addr", "ip-a.md"),
            ("ip -4 neigh", "ip--4-n.md"),
            ("ip -d -s -s link", "ip--d--s--s-l.md"),
            ("ip -s xfrm state", "ip--s-xfrm-state.md"),
            ("cat /proc/net/xfrm_stat", "cat--u--proc-net-xfrm_stat.md"),
            ("cilium-dbg status --verbose", "cilium-dbg-status---verbose.md"),
            ("cilium-dbg status --verbose", "cilium-status---verbose.md"),
            ("cilium status --verbose", "cilium-dbg-status---verbose.md"),
            ("cilium-dbg config --all", "cilium-dbg-config--a.md"),
            ("cilium-dbg config --all", "cilium-config.md"),
            ("cilium-dbg node list -o json", "cilium-dbg-node-list--o-json.md"),
            ("cilium-health status -o json", "cilium-health-status--o-json.md"),
            ("dmesg --time-format=iso", "dmesg---time-format=iso.md"),
        ] {
            assert!(files(&argv(line)).iter().any(|name| name == file), "{line}: {file}");
        }
    }

    #[test]
    fn other_output_is_no_answer() {
        for (line, file) in [
            ("ip -j route show table all", "ip--4-r.md"),
            ("ip -4 route show table local", "ip--4-r.md"),
            ("ip rule", "ip--d-rule.md"),
            ("iptables-save", "iptables-save--c.md"),
            ("ip -j addr", "ip-a.md"),
        ] {
            assert!(!files(&argv(line)).iter().any(|name| name == file), "{line}: {file}");
        }
        assert!(files(&["ip -4".to_owned(), "r".to_owned()]).is_empty());
        assert!(files(&[]).is_empty());
    }

    #[test]
    fn tables_have_numbers() {
        assert_eq!(numbered_table(&argv("ip -4 route show table 2004")), Some("2004"));
        assert_eq!(numbered_table(&argv("ip -4 route show table main")), None);
        assert_eq!(numbered_table(&argv("ip -6 route show table 2004")), None);
    }

    #[test]
    fn the_container_does_not_speak_for_the_host() {
        assert!(is_of_the_host(&argv("ip -4 r")));
        assert!(is_of_the_host(&argv("cat /proc/net/xfrm_stat")));
        assert!(!is_of_the_host(&argv("cat /etc/resolv.conf")));
        assert!(!is_of_the_host(&argv("cilium-dbg status --verbose")));
        assert!(!is_of_the_host(&argv("cat")));
    }
}
