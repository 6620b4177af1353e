//! A cluster that answers badly: a faked API server on loopback.

use std::time::{Duration, Instant};

use lab_tests::{ApiServer, Lab, Reply, Run, status};

fn routes(flags: &str, answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Run {
    let server = ApiServer::start(answer);
    Lab::line(&format!("routes {flags}")).kubeconfig(&server.kubeconfig()).run()
}

/// Everything that was said, in one text.
fn said(run: &Run) -> String {
    format!("{}{}", run.out, run.err)
}

#[test]
fn refusals_are_told_with_their_reason() {
    for (code, saying) in [
        (401, "does not accept the credentials (401)"),
        (403, "forbidden"),
        (410, "expired"),
        (429, "busy (429)"),
        (500, "answered 500"),
        (503, "answered 503"),
    ] {
        let run = routes("", move |_| status(code, "because")).exits(2);
        let said = said(&run);
        assert!(said.contains(saying), "{code}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn answers_that_are_none() {
    for (body, what) in [("<html>proxy</html>", "a page"), ("{\"items\": [", "half"), ("7", "7")] {
        let run = routes("", move |_| Reply::Http(200, "", body.into())).exits(2);
        assert!(!said(&run).contains("panicked"), "{what}: {}", said(&run));
        assert!(said(&run).contains("cannot list `nodes`"), "{what}: {}", said(&run));
    }
    let run = routes("", |_| Reply::Cut).exits(2);
    assert!(!said(&run).contains("panicked"), "{}", said(&run));
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let run = routes("--request-timeout 300ms", |_| Reply::Silence).exits(2);
    assert!(said(&run).contains("no answer") || said(&run).contains("timeout"), "{}", said(&run));
}

const NODES: &str = r#"{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[
    {"metadata":{"name":"n1"},"spec":{"podCIDR":"10.0.0.0/24"},
     "status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"}]}}]}"#;

/// A cluster of one node and nothing else.
fn bare(path: &str) -> Reply {
    let path = path.split('?').next().unwrap_or_default();
    match path {
        "/api/v1/nodes" => Reply::Http(200, "", NODES.into()),
        "/version" => Reply::Http(200, "", r#"{"gitVersion":"v1.33.0"}"#.into()),
        _ if path.starts_with("/apis/cilium.io") => status(404, "the server could not find it"),
        _ => Reply::Http(200, "", r#"{"kind":"List","metadata":{},"items":[]}"#.into()),
    }
}

#[test]
fn a_cluster_without_cilium_says_so() {
    let run = routes("", bare).exits(2);
    let said = said(&run);
    assert!(said.contains("n1") && said.contains("Cilium"), "{said}");
    assert!(said.contains("1 of 1 host gave no answer"), "{said}");
}

#[test]
fn rights_that_are_missing_are_named_once() {
    let run = routes("", |path| {
        if path.starts_with("/api/v1/pods") {
            status(403, "pods is forbidden: User \"dev\" cannot list resource \"pods\"")
        } else {
            bare(path)
        }
    });
    let run = run.exits(2);
    let said = said(&run);
    assert!(said.contains("forbidden"), "{said}");
    assert!(said.contains("dev"), "who is refused is told: {said}");
}

/// A debug pod is made, and does not start.
fn with_a_pod(path: &str) -> Reply {
    let pods = "/api/v1/namespaces/lab/pods";
    match path.strip_prefix("POST ").or_else(|| path.strip_prefix("DELETE ")) {
        Some(at) if at.starts_with(pods) => Reply::Http(200, "", "{}".into()),
        None if path.starts_with("/api/v1/namespaces/lab/pods/") => {
            Reply::Http(200, "", r#"{"metadata":{},"status":{"phase":"Pending"}}"#.into())
        }
        _ => bare(path),
    }
}

#[test]
fn a_debug_pod_is_deleted_when_a_signal_ends_the_run() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let server = ApiServer::start(with_a_pod);
        let lab = Lab::line("routes --debug-pods")
            .kubeconfig(&server.kubeconfig())
            .config("[debug-pod]\nimage = \"x\"\nnamespace = \"lab\"\n");
        let child = lab.start();
        let count = |words: &str| server.asked().iter().filter(|path| path.contains(words)).count();
        let deadline = Instant::now() + Duration::from_mins(1);
        while count("POST ") == 0 {
            assert!(Instant::now() < deadline, "no pod is made: {:?}", server.asked());
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut kill = std::process::Command::new("kill");
        kill.args(["-s", signal, &child.id().to_string()]);
        assert!(kill.status().expect("it is there").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code));
        assert_eq!((count("POST "), count("DELETE ")), (1, 1), "{:?}", server.asked());
    }
}

#[test]
fn without_leave_no_pod_is_made_and_the_flag_is_named() {
    let server = ApiServer::start(with_a_pod);
    let run = Lab::line("routes").kubeconfig(&server.kubeconfig()).run().exits(2);
    assert!(said(&run).contains("`--debug-pods`"), "{}", said(&run));
    assert!(server.asked().iter().all(|path| path.starts_with('/')), "{:?}", server.asked());
}
