//! A Cilium sysdump answers as a capture of the same moment does.

use lab_tests::captures::recorded;
use lab_tests::sysdump::{SAME_MOMENT, sysdump, zipped};
use lab_tests::{Lab, Scratch};
use serde_json::Value;

/// The rows of a table of every node, without the columns that a sysdump cannot fill.
fn rows(line: &str, source: &std::path::Path, table: &str, without: &[&str]) -> Vec<Value> {
    let run = Lab::line(&format!("{line} -o json --host k8s-* --from")).arg(source).run();
    assert!(matches!(run.code, Some(0 | 1 | 3)), "{line}: {}", run.err);
    let mut rows = run.json()[table].as_array().unwrap_or_else(|| panic!("{}", run.out)).clone();
    for row in &mut rows {
        let row = row.as_object_mut().expect("a row is an object");
        row.retain(|key, _| !without.contains(&key.as_str()));
    }
    rows
}

#[test]
fn the_same_question_gives_the_same_table() {
    let scratch = Scratch::new();
    let dump = scratch.put("cilium-sysdump-20261123-031020.zip", zipped());
    let capture = recorded(SAME_MOMENT);
    for (line, table, without) in [
        ("routes", "routes", &[][..]),
        ("routes matrix --all", "pairs", &[]),
        ("routes trace k8s-ctr k8s-w1", "hops", &[]),
        ("routes trace default/curl-pod 172.20.2.98", "hops", &[]),
        // The hardware address is in no text form.
        ("nodes addr", "addresses", &["mac"]),
    ] {
        let (theirs, ours) =
            (rows(line, &dump, table, without), rows(line, &capture, table, without));
        assert!(!ours.is_empty(), "{line}");
        assert_eq!(theirs, ours, "{line}");
    }
}

#[test]
fn a_sysdump_and_a_capture_are_compared() {
    let scratch = Scratch::new();
    let dump = scratch.put("s.zip", zipped());
    let lab = |from: &std::path::Path, against: &std::path::Path| {
        let lab = Lab::line("routes --host k8s-* -o json --from").arg(from);
        lab.arg("--against").arg(against).run()
    };
    let same = lab(&dump, &recorded(SAME_MOMENT));
    assert_eq!(same.json()["routes"], serde_json::json!([]), "{}", same.err);
    let other = lab(&dump, &recorded("cilium-1.18.0-native-fixed"));
    assert!(other.json()["routes"].as_array().is_some_and(|rows| !rows.is_empty()));
}

#[test]
fn its_date_is_shown_and_what_it_lacks_is_unknown() {
    let scratch = Scratch::new();
    let dump = scratch.put("s.zip", zipped());
    let run = Lab::line("routes --from").arg(&dump).terminal(200).run();
    assert!(run.out.contains("from sysdump s.zip, made 2026-11-23T03:10:20Z"), "{}", run.out);
    let mut files = sysdump();
    files.retain(|(name, _)| !name.contains("/cmd/ip--4-r.md"));
    let dump = scratch.put("less.zip", lab_tests::captures::zip_files(&files));
    let run = Lab::line("routes --from").arg(&dump).run();
    assert!(run.err.contains("not in this sysdump: ip -j route show table all"), "{}", run.err);
    assert!(!run.out.contains("missing"), "{}", run.out);
}

/// What is recorded of a sysdump is a capture that answers the same.
#[test]
fn a_capture_of_a_sysdump_answers_the_same() {
    let scratch = Scratch::new();
    let dump = scratch.put("s.zip", zipped());
    let out = scratch.path("c.zip");
    let run = Lab::line("capture --plugins routes --from").arg(&dump).arg(&out).run();
    // The second family's rules are in no sysdump.
    assert!(run.exits(3).err.contains("ip -j -6 rule on k8s-ctr"));
    assert_eq!(rows("routes", &out, "routes", &[]), rows("routes", &dump, "routes", &[]));
    Lab::line("capture verify").arg(&out).run().exits(0);
}
