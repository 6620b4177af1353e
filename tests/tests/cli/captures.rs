//! Captures as a user makes them, looks into them, and checks them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lab_tests::captures::{RECORDED, files, recorded, zip_files};
use lab_tests::{ApiServer, Lab, Reply, Scratch, golden};
use serde_json::Value;

/// Names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder to look into").flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The tables and findings of a command; why something is absent is told in other words.
fn json(line: &str, from: &Path) -> Value {
    let run = Lab::line(&format!("{line} -o json --from")).arg(from).run();
    let mut found = run.json();
    found.as_object_mut().expect("a report is an object").remove("partial");
    found
}

#[test]
fn everything_that_the_cards_name_is_asked() {
    let scratch = Scratch::new();
    let source = recorded("cilium-1.18.0-native");
    for name in ["all.zip", "folder"] {
        let out = scratch.path(name);
        let run = Lab::line("capture").arg(&out).arg("--from").arg(&source).run().exits(3);
        assert!(run.err.contains("4 hosts") && run.out.is_empty(), "{}{}", run.out, run.err);
        // What the recording lacks is named, each with its place.
        assert!(run.err.contains("cilium.io/v2/CiliumNodeConfig (unavailable)"), "{}", run.err);
        for line in ["routes", "routes matrix", "nodes", "nodes addr", "nodes cluster"] {
            assert_eq!(json(line, &out), json(line, &source), "{name}: {line}");
        }
        Lab::line("capture verify").arg(&out).run().exits(0);
    }
    assert_eq!(names(scratch.root()), ["all.zip", "folder"]);
}

#[test]
fn plugins_and_hosts_are_chosen() {
    let scratch = Scratch::new();
    let out = scratch.path("few.zip");
    let run = Lab::line("capture --demo --plugins nodes --host router").arg(&out).run();
    assert!(run.err.contains("1 host"), "{}", run.err);
    let shown = Lab::line("capture show -o json").arg(&out).run().exits(0).json();
    let hosts = shown["hosts"].as_array().unwrap();
    assert_eq!((hosts.len(), hosts[0]["host"].as_str()), (1, Some("router")));
    let commands: Vec<&str> = shown["commands"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["command"].as_str())
        .collect();
    assert!(commands.contains(&"ip -j addr") && !commands.contains(&"ip -j rule"), "{commands:?}");
    Lab::line("capture x.zip --demo --plugins rotues").run().fails("unknown plugin `rotues`");
}

#[test]
fn a_capture_is_shown_as_tables() {
    let demo = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../core/backend/demo/demo.zip"));
    let run = Lab::line("capture show").arg(&demo).run().exits(0);
    golden("captures/show.table", &run.out);
    let run = Lab::line("capture show -o csv --only kinds --columns kind,objects").arg(&demo).run();
    golden("captures/show.kinds.csv", &run.exits(0).out);
    let shown = Lab::line("capture show -o json").arg(&demo).run().exits(0).json();
    for table in ["capture", "hosts", "kinds", "commands", "logs", "missing"] {
        assert!(shown[table].is_array(), "{table}");
    }
    Lab::line("capture show").arg("/nowhere.zip").run().fails("no such file or folder");
}

#[test]
fn faults_have_a_place_and_a_cure() {
    let scratch = Scratch::new();
    for name in RECORDED {
        Lab::line("capture verify").arg(recorded(name)).run().exits(0);
    }
    let mut files = files("cilium-1.18.0-native-fixed");
    files.retain(|(name, _)| name != "hosts/router/ip-j-rule.json");
    files.push((
        "objects/v1/Secret.json".into(),
        br#"{"items": [{"metadata": {"name": "s"}}]}"#.into(),
    ));
    files.push(("notes.txt".into(), b"mine".into()));
    let broken = scratch.put("broken.zip", zip_files(&files));
    let run = Lab::line("capture verify").arg(&broken).run().exits(1);
    golden("captures/verify.table", &run.out);
    // What the cures say.
    let words = ["--host", "router", "--extra", "--", "ip", "-j", "rule"];
    Lab::line("capture add").arg(&broken).args(words).input("[]").run().exits(0);
    Lab::line("capture verify").arg(&broken).run().exits(0);
    let half = scratch.put("half.zip", &zip_files(&files)[..5000]);
    Lab::line("capture verify").arg(&half).run().fails("half.zip: not a whole zip");
    let newer = scratch.put("newer/capture.json", r#"{"format": "lab-capture/9"}"#);
    let newer = Lab::line("capture show").arg(newer.parent().unwrap()).run();
    newer.fails("made by a newer kubectl-lab");
}

#[test]
fn every_command_is_compared_between_captures() {
    let (one, other) = (recorded("cilium-1.18.0-native"), recorded("cilium-1.18.0-tunnel"));
    for line in ["routes", "routes matrix", "nodes", "nodes addr", "nodes cluster", "nodes top"] {
        let against = |other: &Path| {
            Lab::line(&format!("{line} -o json --from")).arg(&one).arg("--against").arg(other).run()
        };
        let same = against(&one).json();
        for (table, rows) in same.as_object().unwrap() {
            if table != "partial" {
                assert_eq!(rows, &serde_json::json!([]), "{line}: {table}");
            }
        }
        let run = against(&other);
        assert!(matches!(run.code, Some(0 | 1 | 3)), "{line}: {}", run.err);
        // Of the facts of both clusters none differs, and nothing tells what was in use.
        if !["nodes top", "nodes cluster"].contains(&line) {
            assert!(run.json() != same, "{line}: {}", run.out);
        }
    }
}

#[test]
fn a_place_that_cannot_be_written_is_told_before_anybody_is_asked() {
    let scratch = Scratch::new();
    let server = ApiServer::start(|_| Reply::Cut);
    let capture =
        |path: &Path| Lab::line("capture").arg(path).kubeconfig(&server.kubeconfig()).run();
    capture(&scratch.path("no/x.zip")).fails("no such file or folder");
    scratch.put("full/x", "x");
    capture(&scratch.path("full")).fails("it already exists");
    std::fs::create_dir(scratch.path("a.zip")).unwrap();
    capture(&scratch.path("a.zip")).fails("it is a folder");
    assert_eq!(server.asked(), Vec::<String>::new());
    capture(&scratch.path("b.zip")).exits(2);
    assert_eq!(names(scratch.root()), ["a.zip", "full"]);
}

#[cfg(unix)]
#[test]
fn nothing_is_left_behind_when_it_is_stopped() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("out")).unwrap();
    let server = ApiServer::start(|_| Reply::Silence);
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let asked = server.asked().len();
        let lab = Lab::line("capture").arg(scratch.path("out/x.zip"));
        let lab = lab.kubeconfig(&server.kubeconfig());
        let mut child = lab.start();
        let deadline = Instant::now() + Duration::from_mins(1);
        while server.asked().len() == asked {
            assert!(Instant::now() < deadline, "nobody was asked");
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(names(&scratch.path("out")), Vec::<String>::new());
    }
}
