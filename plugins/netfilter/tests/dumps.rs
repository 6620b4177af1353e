//! Every dump that real tools printed: nothing is lost, nothing is foreign, and what the kernel
//! has in two backends is the same.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::collections::BTreeMap;
use std::path::Path;

use lab_netfilter::canonical::{Fold, canonical};
use lab_netfilter::changed::differences;
use lab_netfilter::literal::Literals;
use lab_netfilter::ruleset::{Ruleset, Store};
use lab_netfilter::save::{Dump, Entry};

fn dumps() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dumps");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.filter(|path| path.extension().is_some_and(|it| it == "txt"));
    texts
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn read(store: &mut Store, name: &str) -> Ruleset {
    store.read(&dumps()[name], &Literals::default(), None)
}

#[test]
fn nothing_of_a_real_dump_is_lost_or_foreign() {
    let dumps = dumps();
    assert!(dumps.len() >= 20, "{}", dumps.len());
    for (name, text) in &dumps {
        let dump = Dump::parse(text);
        assert_eq!(&dump.to_string(), text, "{name}");
        for line in &dump.lines {
            assert!(!matches!(line.entry, Entry::Foreign(_)), "{name}: {}", line.text);
            // The entries alone print what the tools print.
            assert_eq!(line.entry.to_string(), line.text, "{name}");
        }
    }
}

#[test]
fn every_rule_of_a_real_dump_is_read_without_trouble() {
    for (name, text) in dumps() {
        let mut store = Store::new(Fold::Names);
        let listed = name.contains("-S-filter").then_some("filter");
        let set = store.read(&text, &Literals::default(), listed);
        assert_eq!(set.troubles, [], "{name}");
        assert_eq!(
            set.n_rules(),
            text.lines().filter(|line| line.contains("-A ")).count(),
            "{name}"
        );
        for rule in set.tables.iter().flat_map(|table| &table.chains).flat_map(|chain| &chain.rules)
        {
            let form = store.form(*rule);
            assert_eq!(canonical(form, Fold::Names), form, "{name}");
        }
    }
}

#[test]
fn both_backends_print_the_same_rules() {
    let mut store = Store::new(Fold::Names);
    let nft = read(&mut store, "iptables-1.8.9-nft.iptables-nft-save-c.txt");
    let legacy = read(&mut store, "iptables-1.8.9-legacy.iptables-legacy-save-c.txt");
    assert_eq!(nft.n_rules(), 21);
    assert_eq!(differences(&store, &nft, &legacy), []);
    assert_eq!(store.fingerprint(&nft), store.fingerprint(&legacy));
    let backend = |set: &Ruleset| set.tool.as_ref().and_then(|tool| tool.backend.clone());
    assert_eq!(backend(&nft).as_deref(), Some("nf_tables"));
    assert_eq!(nft.tool.as_ref().unwrap().version, "1.8.9");
}

#[test]
fn an_upgrade_of_the_lab_changed_no_rule() {
    let mut store = Store::new(Fold::Names);
    let before = read(&mut store, "upgrade-before.k8s-w1.iptables-save-c.txt");
    let after = read(&mut store, "upgrade-after.k8s-w1.iptables-save-c.txt");
    assert_eq!(differences(&store, &before, &after), []);
}

#[test]
fn saved_and_listed_chains_of_one_host_are_the_same() {
    let mut store = Store::new(Fold::Names);
    let saved = read(&mut store, "cilium-1.18.0-native.k8s-ctr.iptables-save.txt");
    let text = &dumps()["cilium-1.18.0-native.k8s-ctr.iptables-S-filter.txt"];
    let listed = store.read(text, &Literals::default(), Some("filter"));
    let mut filter = Ruleset::default();
    filter.tables.push(saved.find("filter").unwrap().clone());
    assert_eq!(differences(&store, &filter, &listed), []);
}
