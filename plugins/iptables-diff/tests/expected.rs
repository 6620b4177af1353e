//! The model against rules that Cilium's own code installed: nothing is missing, nothing else is
//! there, and each rule that is taken out is missed. `tests/expected/README.md` says how they
//! were made.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::collections::BTreeMap;
use std::path::Path;

use iptables_diff::expected::config::Config;
use iptables_diff::expected::model::{self, Facts, How};
use iptables_diff::expected::verdicts::{Judged, Subject, Word, judge};
use lab_netfilter::canonical::Fold;
use lab_netfilter::literal::Literals;
use lab_netfilter::ruleset::Store;

/// One file: its name, release, configuration, and the dump of each family.
struct Recorded {
    name: String,
    release: String,
    config: Config,
    dumps: Vec<(bool, String)>,
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected");
    let mut all: Vec<Recorded> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            read(name, &std::fs::read_to_string(path).unwrap())
        })
        .collect();
    all.sort_by(|left, right| left.name.cmp(&right.name));
    all
}

fn read(name: String, text: &str) -> Recorded {
    let (head, rest) = text.split_once("## iptables-save\n").unwrap();
    let mut data: BTreeMap<String, String> = head
        .lines()
        .filter_map(|line| line.strip_prefix("# ")?.split_once(": "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let release = data.remove("release").unwrap();
    let (v4, v6) = match rest.split_once("## ip6tables-save\n") {
        Some((v4, v6)) => (v4, Some(v6)),
        None => (rest, None),
    };
    let mut dumps = vec![(false, v4.to_owned())];
    dumps.extend(v6.map(|v6| (true, v6.to_owned())));
    Recorded { name, release, config: Config::new(data), dumps }
}

/// What the model says of one dump; `release` and `text` may be others than the recorded ones.
fn judged(recorded: &Recorded, release: &str, is_v6: bool, text: &str) -> Judged {
    let mut store = Store::new(Fold::Names);
    let literals = Literals::default();
    let set = store.read(text, &literals, None);
    assert!(!set.is_partial(), "{}", recorded.name);
    let (alloc, router) =
        if is_v6 { ("fd00::1:0/112", "fd00::1:8c") } else { ("10.0.0.0/24", "10.0.0.139") };
    let facts = Facts { alloc: Some(alloc.to_owned()), router: router.parse().ok() };
    let release = model::release(release).unwrap();
    let subject = Subject { release, config: &recorded.config, is_v6, has_kube_proxy: Some(false) };
    judge(&mut store, &set, &subject, &facts, &literals)
}

fn told(judged: &Judged) -> Vec<String> {
    let verdicts = judged.verdicts.iter();
    verdicts.map(|it| format!("{} {} {}", it.word.as_str(), it.table, it.rule)).collect()
}

#[test]
fn rules_of_cilium_are_those_of_the_model() {
    let all = recorded();
    assert!(all.len() >= 9);
    for recorded in &all {
        for (is_v6, text) in &recorded.dumps {
            let judged = judged(recorded, &recorded.release, *is_v6, text);
            assert_eq!(told(&judged), [""; 0], "{} v6={is_v6}", recorded.name);
            assert_eq!(judged.unknown, [""; 0], "{}", recorded.name);
        }
    }
}

#[test]
fn a_rule_that_is_taken_out_is_missed() {
    for recorded in &recorded() {
        for (is_v6, text) in &recorded.dumps {
            for rule in text.lines().filter(|line| line.starts_with("-A CILIUM_")) {
                let without = text.replacen(&format!("{rule}\n"), "", 1);
                let judged = judged(recorded, &recorded.release, *is_v6, &without);
                let words: Vec<Word> = judged.verdicts.iter().map(|it| it.word).collect();
                assert_eq!(words, [Word::Missing], "{}: {rule}", recorded.name);
            }
        }
    }
}

#[test]
fn the_release_decides_what_ought_to_be_there() {
    let all = recorded();
    let of = |name: &str| all.iter().find(|it| it.name == name).unwrap();
    let other = |name: &str, release: &str| {
        let recorded = of(name);
        told(&judged(recorded, release, false, &recorded.dumps[0].1))
    };
    // Tunnels have rules from 1.19 on.
    let told = other("1.19.6-tunnel-bpf", "1.18.0");
    assert!(told.iter().any(|line| line.starts_with("unexpected filter") && line.contains("8472")));
    // WireGuard is known by its port from 1.19.5 on, and by marks before.
    let told = other("1.19.4-tunnel-wireguard", "1.19.5");
    assert!(told.iter().any(|line| line.starts_with("missing") && line.contains("51871")));
    assert!(told.iter().any(|line| line.starts_with("unexpected") && line.contains("0xd00")));
}

#[test]
fn what_was_compared_with_code_is_here() {
    let all = recorded();
    for minor in 14..=20 {
        let compared = model::compared(minor).unwrap();
        if compared.how == How::Code {
            assert!(all.iter().any(|it| it.release == compared.release), "{}", compared.release);
        }
    }
}
