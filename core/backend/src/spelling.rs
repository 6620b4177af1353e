//! When two command lines print the same: `ip r` is `ip route show table main`. People paste
//! what they typed, and plugins ask in full words.

/// The objects of `ip` that may be shortened, in the order in which it looks for the first that
/// begins as typed.
///
/// Source: iproute2, `ip/ip.c`.
const OBJECTS: [&str; 6] = ["address", "route", "rule", "neighbor", "neighbour", "link"];

/// The words that stand for `show`, which may be left out.
const SHOW: [&str; 3] = ["show", "list", "lst"];

/// Whether two commands print the same.
pub(crate) fn is_same(one: &[String], other: &[String]) -> bool {
    one == other || full(one) == full(other)
}

/// A command in full words and without those that change nothing. Only of `ip` is it known what
/// they are.
pub(crate) fn full(argv: &[String]) -> Vec<&str> {
    let mut words = argv.iter().map(String::as_str).peekable();
    // As on a host where not everybody may look.
    while words.next_if_eq(&"sudo").is_some() {}
    if words.next_if_eq(&"ip").is_none() {
        return words.collect();
    }
    let mut options: Vec<&str> = Vec::new();
    while let Some(option) = words.next_if(|word| word.starts_with('-')) {
        options.push(match option {
            "-json" => "-j",
            "-d" | "-details" => "-d",
            "-s" | "-stats" | "-statistics" => "-s",
            other => other,
        });
    }
    let object = words.next().map(|word| expanded(word, &OBJECTS));
    let object = if object == Some("neighbour") { Some("neighbor") } else { object };
    words.next_if(|word| !word.is_empty() && SHOW.iter().any(|show| show.starts_with(word)));
    let mut rest: Vec<&str> = words.collect();
    if object == Some("route") && rest.first() == Some(&"t") {
        rest[0] = "table";
    }
    if object == Some("route") && rest == ["table", "main"] {
        rest.clear();
    }
    let is_all = rest == ["table", "all"];
    // Of these IPv4 is what is shown when nothing else is said; of all tables it is not.
    if (object == Some("route") && !is_all) || object == Some("rule") {
        options.retain(|option| *option != "-4");
    }
    options.sort_unstable();
    ["ip"].into_iter().chain(options).chain(object).chain(rest).collect()
}

fn expanded<'w>(word: &'w str, known: &[&'w str]) -> &'w str {
    let starts = |full: &&&'w str| !word.is_empty() && full.starts_with(word);
    known.iter().find(starts).copied().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn argv(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn what_people_type_is_what_plugins_ask() {
        for (typed, asked) in [
            ("ip r", "ip route"),
            ("sudo ip r", "ip route show table main"),
            ("ip route list", "ip -4 route"),
            ("ip r s t all", "ip route show table all"),
            ("ip a", "ip addr show"),
            ("ip addr", "ip address"),
            ("ip -d ru", "ip -d rule show"),
            ("ip ne", "ip neigh"),
            ("ip -s -d l", "ip -d -s link"),
            ("ip -6 r", "ip -6 route show table main"),
            ("sudo iptables-save", "iptables-save"),
        ] {
            assert!(is_same(&argv(typed), &argv(asked)), "{typed}: {:?}", full(&argv(typed)));
        }
    }

    #[test]
    fn other_commands_are_others() {
        for (one, other) in [
            ("ip r", "ip ru"),
            ("ip route", "ip -6 route"),
            ("ip route", "ip -j route"),
            ("ip route show table all", "ip -4 route show table all"),
            ("ip addr", "ip -4 addr"),
            ("ip addr show dev eth0", "ip addr"),
            ("ip -br addr", "ip addr"),
            ("ip rule", "ip -d rule"),
            ("iptables-save", "iptables-save -c"),
        ] {
            assert!(!is_same(&argv(one), &argv(other)), "{one}, {other}");
        }
    }

    proptest! {
        #[test]
        fn no_words_make_it_panic(words in prop::collection::vec("(ip|sudo|-?[a-z]{0,3}|table|all)", 0..6)) {
            let full_words: Vec<String> = full(&words).into_iter().map(str::to_owned).collect();
            prop_assert!(is_same(&words, &words));
            prop_assert_eq!(full(&full_words), full_words.clone());
        }
    }
}
