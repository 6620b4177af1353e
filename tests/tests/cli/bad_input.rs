//! Inputs that are wrong, without a cluster: one clear line each.

use std::path::PathBuf;

use lab_tests::captures::{files, head, recorded, zip, zip_files};
use lab_tests::{Lab, Run, Scratch};

fn routes(path: &PathBuf) -> Run {
    Lab::line("routes --from").arg(path).run()
}

#[test]
fn captures_that_are_not_there_or_not_whole() {
    let scratch = Scratch::new();
    routes(&scratch.path("gone.zip")).fails("gone.zip: no such file or folder");
    let whole = std::fs::read(recorded("cilium-1.18.0-native")).unwrap();
    routes(&scratch.put("cut.zip", &whole[..whole.len() / 2])).fails("cut.zip: not a whole zip");
    routes(&scratch.put("empty.zip", "")).fails("empty.zip: not a whole zip");
    routes(&scratch.put("text.zip", "hello")).fails("text.zip: not a whole zip");
    scratch.put("folder/readme.txt", "hello");
    routes(&scratch.path("folder"))
        .fails("folder is neither a capture nor a sysdump nor a dump of cluster-info");
}

#[test]
fn zips_that_mean_harm() {
    let scratch = Scratch::new();
    let head = head(r#"{"name":"a","kind":"node"}"#);
    // The writing library cleans names, so the bad one is put in afterwards.
    let mut bytes = zip(&[("capture.json", head.as_bytes()), ("zzzzzzzzzzz", b"x")]);
    replace(&mut bytes, b"zzzzzzzzzzz", b"../evil.txt");
    routes(&scratch.put("dots.zip", bytes)).fails("\"../evil.txt\": it leaves the capture");
    assert!(!scratch.root().parent().unwrap().join("evil.txt").exists());

    let spaces = vec![b' '; 300 << 20];
    let bomb = zip(&[("capture.json", head.as_bytes()), ("objects/v1/Node.json", &spaces)]);
    assert!(bomb.len() < 1 << 20, "it is small until it goes off");
    let run = routes(&scratch.put("bomb.zip", bomb)).exits(2);
    let line = run.err.lines().find(|line| line.trim().starts_with("Node: cannot read"));
    let line = line.unwrap_or_else(|| panic!("{}", run.err));
    assert!(line.contains("objects/v1/Node.json") && line.contains("more than"), "{line}");
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let mut replaced = 0;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
            replaced += 1;
        }
    }
    assert_eq!(replaced, 2, "in front of the file and in the zip's directory");
}

#[test]
fn heads_that_cannot_be_read() {
    let scratch = Scratch::new();
    for (text, saying) in [
        (r#"{"format":"lab-capture/9","hosts":{}}"#, "made by a newer kubectl-lab (lab-capture/9)"),
        (r#"{"format":"other"}"#, "unknown format \"other\""),
        ("{", "cannot read capture.json"),
        ("", "cannot read capture.json"),
        (r#"{"format":"lab-capture/1","hosts":[{"name":"a"}]}"#, "missing field `kind`"),
    ] {
        scratch.put("lab/capture.json", text);
        routes(&scratch.path("lab")).fails(saying);
    }
}

#[test]
fn one_host_of_several_that_cannot_be_read() {
    let scratch = Scratch::new();
    for (change, saying) in
        [(None, "not in this capture"), (Some("[{]"), "cannot read hosts/router/commands.json")]
    {
        let mut files = files("cilium-1.18.0-native-fixed");
        files.retain(|(name, _)| !name.starts_with("hosts/router/"));
        if let Some(text) = change {
            files.push(("hosts/router/commands.json".into(), text.into()));
        }
        let run = routes(&scratch.put("one.zip", zip_files(&files))).exits(3);
        assert!(run.out.contains("k8s-ctr"), "the rest is printed: {}", run.out);
        assert!(run.err.contains("1 of 4 hosts gave no answer: router"), "{}", run.err);
        let said = format!("{}{}", run.out, run.err);
        assert!(said.contains(saying), "{said}");
    }
}

#[test]
fn output_that_is_not_json_costs_one_host() {
    let scratch = Scratch::new();
    let mut files = files("cilium-1.18.0-native-fixed");
    let name = "hosts/k8s-w1/ip-j-route-show-table-all";
    let file = files.iter_mut().find(|(path, _)| path.starts_with(name)).unwrap();
    file.1 = b"Object \"route\" is unknown".to_vec();
    let run = routes(&scratch.put("garbled.zip", zip_files(&files)));
    assert!(run.out.contains("k8s-ctr"), "the rest is printed: {}", run.out);
    // What was not understood is not known: never missing, and no ground for a finding.
    let judged = run.out.lines().filter(|line| line.starts_with("k8s-w1 "));
    for line in judged {
        assert!(line.contains(" unknown "), "{line}");
    }
    for code in ["routes/missing", "routes/unreachable", "routes/one-way"] {
        assert!(!run.out.contains(code), "{}", run.out);
    }
    let run = run.exits(3);
    assert!(run.err.contains("1 of 4 hosts gave no answer: k8s-w1"), "{}", run.err);
}

#[test]
fn nobody_to_ask() {
    let scratch = Scratch::new();
    scratch.put("silent/capture.json", head(r#"{"name":"a","kind":"node"}"#));
    let run = routes(&scratch.path("silent")).exits(2);
    assert!(run.err.contains("1 of 1 host gave no answer: a (unavailable)"), "{}", run.err);

    scratch.put("none/capture.json", head(""));
    scratch.put("none/objects/v1/Node.json", r#"{"items":[]}"#);
    let run = routes(&scratch.path("none"));
    assert!(!run.err.contains("panicked") && matches!(run.code, Some(2 | 3)), "{run:?}");
}

#[test]
fn kubeconfigs_that_lead_nowhere() {
    let run = Lab::line("routes").run().fails("no cluster is configured");
    assert!(run.err.contains("--demo") && run.err.contains("--kubeconfig"), "{}", run.err);

    let config = "apiVersion: v1\nkind: Config\ncurrent-context: home\n\
                  contexts: [{name: home, context: {cluster: c}}]\n\
                  clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n";
    let run = Lab::line("routes --context hoem").kubeconfig(config).run();
    let run = run.fails("context `hoem` is not in the kubeconfig");
    assert!(run.err.contains("`home`"), "{}", run.err);
    Lab::line("routes --cluster nope").kubeconfig(config).run().fails("cluster `nope`");
    Lab::line("routes").kubeconfig("contexts: [{name: ").run().fails("cannot read kubeconfig");
    Lab::line("routes --kubeconfig /nowhere").run().fails("cannot read kubeconfig /nowhere");
    let closed = Lab::line("routes").kubeconfig(config).run();
    closed.fails("127.0.0.1:9");
}
