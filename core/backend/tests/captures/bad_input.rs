//! Captures that are not in order: one clear line each, and never a panic.

use std::io::Cursor;

use futures::executor::block_on;
use lab_backend::Answer;
use lab_backend::Backend;
use lab_backend::Capture;
use lab_backend::Limits;
use lab_types::Failure;
use lab_types::FailureKind;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::HEAD;
use crate::support::Scratch;
use crate::support::kind;
use crate::support::list;
use crate::support::on_host;
use crate::support::opened;
use crate::support::replace;
use crate::support::run;
use crate::support::small;
use crate::support::small_with;
use crate::support::zip;

/// The message of a failure that is the input's fault, on one line and with a hint.
#[track_caller]
fn message<T>(answer: Answer<T>) -> String {
    let Err(Failure { kind, message, hint }) = answer else { panic!("no failure") };
    assert_eq!(kind, FailureKind::InvalidInput, "{message}");
    assert!(!message.contains('\n') && hint.is_some(), "{message}");
    message
}

#[track_caller]
fn opening(bytes: Vec<u8>) -> String {
    message(Capture::from_bytes(Vec::leak(bytes)).map(drop))
        .replace("the built-in capture", "x.zip")
}

#[test]
fn a_path_that_is_not_there() {
    let scratch = Scratch::new();
    let path = scratch.path("gone.zip");
    let text = message(Capture::open(&path).map(drop));
    assert_eq!(text, format!("cannot read {}: no such file or folder", path.display()));
}

#[test]
fn folders_and_zips_that_are_no_captures() {
    let scratch = Scratch::new();
    scratch.put("other/readme.txt", "hello");
    let text = message(Capture::open(scratch.path("other")).map(drop));
    assert!(text.ends_with("other is not a capture: it has no capture.json"), "{text}");
    assert_eq!(
        opening(zip(&[("readme.txt", b"hello")])),
        "x.zip is not a capture: it has no capture.json"
    );
    let text = message(Capture::open(scratch.put("x.txt", "hello")).map(drop));
    assert!(text.contains("x.txt: not a whole zip"), "{text}");
}

#[test]
fn zips_that_were_cut_off() {
    let whole = zip(&small());
    for len in [0, 1, 10, whole.len() / 2, whole.len() - 1] {
        let text = opening(whole[..len].to_vec());
        assert!(text.starts_with("cannot read x.zip: not a whole zip: "), "{text}");
    }
}

#[test]
fn names_that_leave_the_capture() {
    for (name, fault) in [
        ("../evil.txt", "it leaves the capture"),
        ("a/../../evil.txt", "it leaves the capture"),
        ("/etc/passwd", "it begins at the root"),
        ("a\\b.txt", "it has a backslash"),
        ("c:/x.txt", "it names a drive"),
        ("a//b", "it has an empty part"),
    ] {
        // The writing library cleans names, so the bad one is put in afterwards.
        let stand_in = "z".repeat(name.len());
        let mut bytes = zip(&[("capture.json", HEAD.as_bytes()), (&stand_in, b"x")]);
        assert_eq!(replace(&mut bytes, stand_in.as_bytes(), name.as_bytes()), 2);
        assert_eq!(
            opening(bytes),
            format!("cannot read x.zip: it has a file named {name:?}: {fault}")
        );
    }
}

#[test]
fn symbolic_links_in_a_zip() {
    let mut writer = ZipWriter::new(Cursor::new(zip(&small())));
    writer.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    assert_eq!(opening(bytes), "cannot read x.zip: \"link\" in it is a symbolic link");
}

#[test]
fn two_files_of_one_name() {
    let mut bytes = zip(&[("capture.json", HEAD.as_bytes()), ("aa", b"1"), ("ab", b"2")]);
    assert_eq!(replace(&mut bytes, b"ab", b"aa"), 2);
    assert_eq!(opening(bytes), "cannot read x.zip: two files in it have the same name");
}

#[test]
fn names_that_are_not_utf8() {
    let mut bytes = zip(&[("capture.json", HEAD.as_bytes()), ("aaaa", b"1")]);
    replace(&mut bytes, b"aaaa", b"a\xff\xfea");
    assert!(opening(bytes).ends_with("is not UTF-8"));
}

#[test]
fn a_file_larger_than_the_limit() {
    let scratch = Scratch::new();
    let limits = Limits { file_bytes: 1 << 20, ..Limits::default() };
    let zeros = vec![0; 2 << 20];
    let mut files = small();
    files.retain(|(name, _)| *name != "hosts/a/rule.json");
    files.push(("hosts/a/rule.json", &zeros));
    let packed = scratch.put("bomb.zip", zip(&files));
    for (name, bytes) in &files {
        scratch.put(&format!("folder/{name}"), bytes);
    }
    for path in [packed, scratch.path("folder")] {
        let capture = Capture::open_with(&path, limits).unwrap();
        let text = message(run(&capture, &on_host("a", "ip -j rule")));
        let name = path.display();
        assert_eq!(
            text,
            format!(
                "cannot read hosts/a/rule.json in {name}: 2097152 bytes are more than the limit of 1 MiB"
            )
        );
    }
}

#[test]
fn a_file_that_packs_too_well() {
    let scratch = Scratch::new();
    let limits = Limits { ratio: 100, ratio_from_bytes: 1 << 20, ..Limits::default() };
    let zeros = vec![0; 2 << 20];
    let mut files = small();
    files.retain(|(name, _)| *name != "hosts/a/rule.json");
    files.push(("hosts/a/rule.json", &zeros));
    let path = scratch.put("bomb.zip", zip(&files));
    let capture = Capture::open_with(&path, limits).unwrap();
    let text = message(run(&capture, &on_host("a", "ip -j rule")));
    assert!(text.ends_with("claim to become 2097152, more than 100 times as many"), "{text}");
    let capture = Capture::open(&path).unwrap();
    assert_eq!(run(&capture, &on_host("a", "ip -j rule")).unwrap().out.len(), 2 << 20);
}

#[test]
fn files_larger_than_the_limit_together() {
    let scratch = Scratch::new();
    let path = scratch.put("x.zip", zip(&small()));
    let limits = Limits { total_bytes: 100, ..Limits::default() };
    let text = message(Capture::open_with(path, limits).map(drop));
    assert!(text.contains("more than the limit of"), "{text}");
}

/// The sizes in a zip's directory are claims. What is longer or shorter is refused when that
/// shows, long before memory is short.
#[test]
fn a_file_that_lies_about_its_size() {
    let body = b"0123456789abcdef".repeat(64);
    let honest = 1024_u32.to_le_bytes();
    for (claim, cause) in [
        (16_u32, "larger than its declared uncompressed size"),
        (4096, "cut off: 1024 of 4096 bytes"),
    ] {
        let mut files = small();
        files.retain(|(name, _)| *name != "hosts/a/rule.json");
        files.push(("hosts/a/rule.json", &body));
        let mut bytes = zip(&files);
        assert!(replace(&mut bytes, &honest, &claim.to_le_bytes()) >= 1);
        let capture = Capture::from_bytes(Vec::leak(bytes)).unwrap();
        let text = message(run(&capture, &on_host("a", "ip -j rule")));
        assert!(text.ends_with(cause), "{text}");
    }
}

#[test]
fn bytes_that_changed_in_a_zip() {
    let body = b"some text that is stored as it is";
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in small() {
        let bytes = if name == "hosts/a/rule.json" { body } else { bytes };
        writer.start_file(name, stored).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
    }
    let mut bytes = writer.finish().unwrap().into_inner();
    replace(&mut bytes, b"some text", b"SOME text");
    let capture = Capture::from_bytes(Vec::leak(bytes)).unwrap();
    let text = message(run(&capture, &on_host("a", "ip -j rule")));
    assert!(text.contains("damaged: "), "{text}");
}

#[test]
fn json_that_is_wrong_says_where() {
    for (head, cause) in [
        ("", "line 1, column 0: EOF while parsing a value"),
        ("{\n \"format\": 7}", "line 2, column 12: invalid type: integer `7`, expected a string"),
        ("{\"format\": \"lab-capture/1\"}", "line 1, column 27: missing field `hosts`"),
        ("{}", "line 1, column 2: missing field `format`"),
        (
            "{\"format\": \"lab-capture/1\", \"hosts\": [{\"name\": \"a\"}]}",
            "line 1, column 51: missing field `kind`",
        ),
    ] {
        let text = opening(zip(&[("capture.json", head.as_bytes())]));
        assert_eq!(text, format!("cannot read capture.json in x.zip: {cause}"));
    }
}

#[test]
fn heads_that_cannot_be_true() {
    for (hosts, cause) in [
        (r#"[{"name":"../x","kind":"node"}]"#, "\"../x\" cannot be the name of a host"),
        (r#"[{"name":"","kind":"node"}]"#, "\"\" cannot be the name of a host"),
        (r#"[{"name":"a","kind":"node"},{"name":"a","kind":"extra"}]"#, "host a is listed twice"),
    ] {
        let head = format!(r#"{{"format":"lab-capture/1","hosts":{hosts}}}"#);
        let text = opening(zip(&[("capture.json", head.as_bytes())]));
        assert_eq!(text, format!("cannot read capture.json in x.zip: {cause}"));
    }
}

#[test]
fn a_newer_format_asks_for_an_upgrade() {
    let failure =
        opened(&[("capture.json", br#"{"format": "lab-capture/2", "hosts": {"new": 1}}"#)])
            .unwrap_err();
    assert!(failure.message.ends_with("made by a newer kubectl-lab (lab-capture/2)"), "{failure}");
    assert!(failure.hint.unwrap().starts_with("upgrade kubectl-lab"));
    let text = opening(zip(&[("capture.json", br#"{"format": "other"}"#)]));
    assert_eq!(text, "cannot read x.zip: unknown format \"other\"");
}

#[test]
fn no_hosts_at_all_is_a_capture_of_objects() {
    let head = br#"{"format":"lab-capture/1","hosts":[]}"#;
    let capture =
        opened(&[("capture.json", head), ("objects/v1/Node.json", br#"{"items":[]}"#)]).unwrap();
    assert!(block_on(capture.hosts()).unwrap().is_empty());
    assert!(list(&capture, &kind("v1", "Node"), 0).unwrap().is_empty());
    assert_eq!(
        run(&capture, &on_host("a", "hostname")).unwrap_err().kind,
        FailureKind::Unavailable
    );
}

#[test]
fn a_host_listed_without_files_is_unavailable() {
    let capture = opened(&[("capture.json", HEAD.as_bytes())]).unwrap();
    for host in ["a", "r"] {
        let failure = run(&capture, &on_host(host, "hostname")).unwrap_err();
        assert_eq!(failure.message, format!("not in this capture: hostname on {host}"));
        assert_eq!(failure.kind, FailureKind::Unavailable);
    }
}

#[test]
fn one_broken_host_leaves_the_others_alone() {
    let mut files = small();
    files.push(("hosts/r/commands.json", b"[{]"));
    let capture = opened(&files).unwrap();
    let text = message(run(&capture, &on_host("r", "hostname")));
    assert_eq!(
        text,
        "cannot read hosts/r/commands.json in the built-in capture: line 1, column 3: key must be a string"
    );
    assert!(run(&capture, &on_host("a", "ip -j rule")).is_ok());
}

#[test]
fn text_that_is_not_utf8() {
    let text = opening(zip(&[("capture.json", b"{\"format\": \"\xff\"}")]));
    assert_eq!(text, "cannot read capture.json in x.zip: byte 12 is not UTF-8");
    let capture = small_with("objects/v1/Node.json", b"\xff").unwrap();
    let text = message(list(&capture, &kind("v1", "Node"), 0));
    assert!(
        text.contains("objects/v1/Node.json") && text.ends_with("byte 0 is not UTF-8"),
        "{text}"
    );
}

#[test]
fn objects_that_are_no_list() {
    for bytes in [&b"7"[..], b"{\"items\": 7}", b"{\"items\": [", b""] {
        let capture = small_with("objects/v1/Node.json", bytes).unwrap();
        let text = message(list(&capture, &kind("v1", "Node"), 0));
        assert!(
            text.contains("cannot read objects/v1/Node.json in ")
                && text.contains("line 1, column "),
            "{text}"
        );
    }
    // What stands in a list need not be an object; it has no name, and fits no selector.
    let capture = small_with("objects/v1/Node.json", b"{\"items\": [7, null, \"x\", []]}").unwrap();
    assert_eq!(list(&capture, &kind("v1", "Node"), 0).unwrap().len(), 4);
    assert!(block_on(capture.get(&kind("v1", "Node"), "x")).is_err());
}

#[test]
fn outputs_that_are_elsewhere() {
    for (out, cause) in [
        ("../../capture.json", "it leaves the capture"),
        ("/etc/passwd", "it begins at the root"),
        ("..\\\\x", "it has a backslash"),
        ("gone.txt", "no such file"),
        ("", "it has an empty part"),
    ] {
        let index = format!(r#"[{{"place":"host","argv":["x"],"out":"{out}"}}]"#);
        let scratch = Scratch::new();
        scratch.put("lab/capture.json", HEAD);
        scratch.put("lab/hosts/a/commands.json", &index);
        let capture = Capture::open(scratch.path("lab")).unwrap();
        let text = message(run(&capture, &on_host("a", "x")));
        assert!(text.ends_with(cause), "{out}: {text}");
    }
}

#[cfg(unix)]
#[test]
fn links_out_of_a_folder() {
    let scratch = Scratch::new();
    let secret = scratch.put("secret.txt", "s3cret");
    scratch.put("elsewhere/f.txt", "s3cret");
    scratch.put("lab/capture.json", HEAD);
    scratch.put(
        "lab/hosts/a/commands.json",
        r#"[{"place":"host","argv":["x"],"out":"link.txt"},{"place":"host","argv":["y"],"out":"folder/f.txt"}]"#,
    );
    std::os::unix::fs::symlink(secret, scratch.path("lab/hosts/a/link.txt")).unwrap();
    std::os::unix::fs::symlink(scratch.path("elsewhere"), scratch.path("lab/hosts/a/folder"))
        .unwrap();
    let capture = Capture::open(scratch.path("lab")).unwrap();
    for line in ["x", "y"] {
        let text = message(run(&capture, &on_host("a", line)));
        assert!(text.ends_with("it is a symbolic link, or lies behind one"), "{text}");
    }
}

#[test]
fn indexes_that_mix_up_places() {
    for (name, index) in [
        (
            "hosts/a/commands.json",
            &br#"[{"place":"pod","pod":{"namespace":"n","name":"p"},"argv":["x"]}]"#[..],
        ),
        ("hosts/a/pods.json", br#"[{"place":"host","argv":["x"]}]"#),
        ("hosts/a/pods.json", br#"[{"place":"pod","argv":["x"]}]"#),
    ] {
        let capture = small_with(name, index).unwrap();
        let question = if name.contains("pods") {
            crate::support::in_pod("n", "p", "x")
        } else {
            on_host("a", "x")
        };
        let text = message(run(&capture, &question));
        assert!(text.ends_with("is in the wrong index, or names no pod"), "{text}");
    }
}
