//! Sysdumps that are incomplete, damaged, or made to do harm.

use futures::executor::block_on;
use lab_backend::Backend;
use lab_backend::Limits;
use lab_backend::Sysdump;
use lab_types::FailureKind;

use crate::support::*;

fn unpacked() -> Files {
    sysdump(Layout::New, Bugtool::Unpacked)
}

fn stamped(name: &str) -> String {
    let (stem, end) = name.rsplit_once('.').unwrap();
    format!("{stem}-{STAMP}.{end}")
}

fn opened(scratch: &Scratch, files: &Files) -> Sysdump {
    Sysdump::open(scratch.put("x.zip", zipped(Layout::New, "x", files))).unwrap()
}

#[test]
fn without_nodes_their_twins_name_the_hosts() {
    let scratch = Scratch::new();
    let mut files = unpacked();
    let whole = block_on(opened(&scratch, &files).hosts()).unwrap();
    files.remove(&stamped("k8s-nodes.yaml"));
    assert_eq!(block_on(opened(&scratch, &files).hosts()).unwrap(), whole);
    files.remove(&stamped("ciliumnodes.yaml"));
    let hosts = block_on(opened(&scratch, &files).hosts()).unwrap();
    let names: Vec<_> = hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["k8s-w0", "k8s-w1"]);
    // Without the list of pods, the bugtool's own hostname says where it ran.
    files.remove(&stamped("k8s-pods.yaml"));
    let sysdump = opened(&scratch, &files);
    assert!(run(&sysdump, &on_host("k8s-w0", "ip -4 r")).is_ok());
    files.retain(|name, _| !name.contains("bugtool"));
    let failure = block_on(opened(&scratch, &files).hosts()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure}");
}

#[test]
fn lists_that_end_early_are_no_shorter_lists() {
    let scratch = Scratch::new();
    let name = stamped("k8s-pods.yaml");
    let whole = unpacked();
    for len in [whole[&name].len() / 2, whole[&name].len() / 3, 0] {
        let mut files = whole.clone();
        files.get_mut(&name).unwrap().truncate(len);
        let failure = list(&opened(&scratch, &files), &kind("v1", "Pod"), 0).unwrap_err();
        assert_eq!(failure.kind, FailureKind::InvalidInput);
        assert!(failure.message.starts_with(&format!("cannot read {name} in ")), "{failure}");
        assert!(failure.hint.is_some());
        // The others are not touched by it, and the agents are found by their hostnames.
        let sysdump = opened(&scratch, &files);
        assert!(list(&sysdump, &kind("v1", "Node"), 0).is_ok());
        assert!(run(&sysdump, &on_host("k8s-w1", "ip -4 r")).is_ok());
    }
}

#[test]
fn an_object_that_is_too_long() {
    let scratch = Scratch::new();
    let path = scratch.put("x.zip", zipped(Layout::New, "x", &unpacked()));
    let limits = Limits { object_bytes: 100, ..Limits::default() };
    let sysdump = Sysdump::open_with(&path, limits).unwrap();
    let failure = list(&sysdump, &kind("v1", "Pod"), 0).unwrap_err();
    assert!(failure.message.contains("longer than the limit"), "{failure}");
    let limits = Limits { stream_bytes: 1000, ..Limits::default() };
    let failure = list(&Sysdump::open_with(&path, limits).unwrap(), &kind("v1", "Pod"), 0);
    assert!(failure.unwrap_err().message.contains("more than the limit"));
}

/// A sysdump of a large cluster is larger than any capture, and only what is asked is read.
#[test]
fn a_bundle_larger_than_a_capture_may_be() {
    let scratch = Scratch::new();
    let path = scratch.put("x.zip", zipped(Layout::New, "x", &unpacked()));
    let limits = Limits { total_bytes: 10, ..Limits::default() };
    let sysdump = Sysdump::open_with(&path, limits).unwrap();
    assert!(list(&sysdump, &kind("v1", "Pod"), 0).is_ok());
}

#[test]
fn archives_that_are_damaged_give_what_came_before() {
    let scratch = Scratch::new();
    let mut files = sysdump(Layout::New, Bugtool::Tar);
    let name =
        files.keys().find(|name| name.contains(&agent_of("k8s-w0")) && name.contains("bugtool"));
    let name = name.unwrap().clone();
    let len = files[&name].len();
    files.get_mut(&name).unwrap().truncate(len / 2);
    let sysdump = opened(&scratch, &files);
    let answers: Vec<_> = ["bpftool map show", "ip -4 r", "ip -d rule", "iptables-save -c"]
        .map(|line| run(&sysdump, &on_host("k8s-w0", line)))
        .into();
    assert!(answers.iter().any(Result::is_ok));
    for failure in answers.into_iter().filter_map(Result::err) {
        assert!(failure.message.contains("its archive is damaged: "), "{failure}");
    }
    // What was behind the damage is not known to be absent.
    assert!(run(&sysdump, &on_host("k8s-w0", "ip -4 route show table 7")).is_err());
}

#[test]
fn archives_that_pack_too_well() {
    let scratch = Scratch::new();
    let mut bombs = sysdump(Layout::New, Bugtool::Unpacked);
    bombs.retain(|name, _| !name.contains("bugtool"));
    let zeros = Files::from([
        ("cmd/a.md".to_owned(), vec![0; 8 << 20]),
        ("cmd/ip--4-r.md".to_owned(), b"default dev x\n".to_vec()),
    ]);
    let name = format!("cilium-bugtool-{}-{STAMP}.tar.gz", agent_of("k8s-w0"));
    bombs.insert(name, gzip(&tar("x", &zeros)));
    let path = scratch.put("x.zip", zipped(Layout::New, "x", &bombs));
    let question = on_host("k8s-w0", "ip -4 r");
    assert!(run(&Sysdump::open(&path).unwrap(), &question).is_ok());
    let limits = Limits { ratio_from_bytes: 1 << 20, ratio: 100, ..Limits::default() };
    let failure = run(&Sysdump::open_with(&path, limits).unwrap(), &question).unwrap_err();
    assert!(failure.message.contains("it becomes more than"), "{failure}");
}

/// Names inside a packed archive are looked at and never written anywhere; names in the zip
/// are refused as in a capture, and links are passed over.
#[test]
fn hostile_names() {
    let scratch = Scratch::new();
    let mut files = unpacked();
    files.insert("aaaaaaa".into(), b"x".to_vec());
    let renamed = |from: &[u8], to: &[u8], files: &Files| {
        let mut bytes = zipped(Layout::New, "", files);
        let mut count = 0;
        for at in 0..bytes.len() - from.len() {
            if bytes[at..].starts_with(from) {
                bytes[at..at + to.len()].copy_from_slice(to);
                count += 1;
            }
        }
        assert_eq!(count, 2);
        Sysdump::open(scratch.put("x.zip", bytes)).unwrap_err()
    };
    let failure = renamed(b"aaaaaaa", b"../../a", &files);
    assert!(failure.message.contains("it leaves the"), "{failure}");
    files.insert("aaaaaab".into(), b"y".to_vec());
    let failure = renamed(b"aaaaaab", b"aaaaaaa", &files);
    assert!(failure.message.contains("two files in it have the same name"), "{failure}");

    let zip = zipped(Layout::New, "x", &unpacked());
    let mut zip = zip::ZipWriter::new_append(std::io::Cursor::new(zip)).unwrap();
    let link = format!("x/{}", stamped("k8s-services.yaml"));
    zip.add_symlink(link, "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
    let path = scratch.put("x.zip", zip.finish().unwrap().into_inner());
    let sysdump = Sysdump::open(path).unwrap();
    let failure = list(&sysdump, &kind("v1", "Service"), 0).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
}

#[test]
fn a_node_with_two_agents_answers_with_either() {
    let scratch = Scratch::new();
    let mut files = unpacked();
    let other = format!("cilium-bugtool-cilium-zzzzz-{STAMP}/cmd/");
    files.insert(format!("{other}hostname.md"), b"k8s-w0\n".to_vec());
    files.insert(format!("{other}ip-a.md"), b"1: lo\n".to_vec());
    let sysdump = opened(&scratch, &files);
    assert_eq!(run(&sysdump, &on_host("k8s-w0", "ip addr")).unwrap().out, b"1: lo\n");
    assert_eq!(run(&sysdump, &on_host("k8s-w0", "ip -4 r")).unwrap().out, data("w0-ip-route.txt"));
}
