//! What a user names is known by what is in it.

use lab_backend::open_any;
use lab_types::FailureKind;

use crate::support::*;

#[test]
fn each_kind_is_recognised_whatever_it_is_called() {
    let scratch = Scratch::new();
    let files = sysdump(Layout::New, Bugtool::Unpacked);
    let capture = Files::from([(
        "capture.json".to_owned(),
        br#"{"format": "lab-capture/1", "hosts": []}"#.to_vec(),
    )]);
    let info = Files::from([
        ("nodes.json".to_owned(), br#"{"items": []}"#.to_vec()),
        ("default/pods.json".to_owned(), br#"{"items": []}"#.to_vec()),
    ]);
    for (files, expected) in
        [(&files, "sysdump x"), (&capture, "capture x"), (&info, "cluster-info dump x")]
    {
        for (path, name) in [
            (scratch.put("x.bin", zipped(Layout::New, "", files)), ".bin"),
            (scratch.put("x.zip", zipped(Layout::Old, "y", files)), ".zip"),
            (scratch.unpack(&format!("{expected}/x"), files), ""),
        ] {
            let source =
                open_any(path).unwrap_or_else(|failure| panic!("{failure}")).about().source;
            assert_eq!(source, format!("{expected}{name}"));
        }
    }
}

#[test]
fn anything_else_is_refused_in_one_line_with_a_hint() {
    let scratch = Scratch::new();
    let other = Files::from([("a/b/k8s-nodes.yaml".to_owned(), b"x".to_vec())]);
    for (path, cause) in [
        (
            scratch.put("x.zip", zipped(Layout::New, "", &other)),
            "is neither a capture nor a sysdump nor",
        ),
        (scratch.unpack("x", &other), "is neither a capture nor a sysdump nor"),
        (scratch.put("y.zip", "hello"), "not a whole zip"),
        (scratch.path("nothing"), "no such file or folder"),
    ] {
        let failure = open_any(&path).err().unwrap();
        assert_eq!(failure.kind, FailureKind::InvalidInput);
        assert!(failure.message.contains(cause) && !failure.message.contains('\n'), "{failure}");
        assert!(failure.hint.is_some());
    }
}
