//! The check-up, where everything is well and where each thing is broken.

use std::time::{Duration, Instant};

use lab_tests::{ApiServer, Lab, Reply, Request, Run, Scratch, golden, status};
use serde_json::{Value, json};

/// A cluster in which nothing is wrong: two nodes with agents, and all rights.
fn sound(request: &Request) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    let list =
        |items: Value| Reply::Http(200, "", json!({"metadata": {}, "items": items}).to_string());
    match path {
        "/version" => Reply::Http(200, "", json!({"gitVersion": "v1.33.2"}).to_string()),
        "/api/v1/nodes" => list(json!([node("w0"), node("w1")])),
        "/api/v1/pods" => list(json!([])),
        "/api/v1/namespaces/kube-system/pods" => list(json!([agent("w0"), agent("w1")])),
        "/apis/authentication.k8s.io/v1/selfsubjectreviews" => {
            let info = json!({"username": "dev", "groups": ["lab", "system:authenticated"]});
            Reply::Http(201, "", json!({"status": {"userInfo": info}}).to_string())
        }
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" => may(true),
        _ if path.starts_with("/api/v1/nodes/w") => {
            Reply::Http(200, "", node(&path[14..]).to_string())
        }
        _ if path.ends_with("/exec") => exec(request),
        _ => status(404, "the server could not find the requested resource"),
    }
}

fn node(name: &str) -> Value {
    json!({"metadata": {"name": name}, "status": {"addresses": []}})
}

fn agent(node: &str) -> Value {
    json!({
        "metadata": {"name": format!("cilium-{node}"), "namespace": "kube-system"},
        "spec": {"nodeName": node},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "cilium-agent", "ready": true, "state": {"running": {}}}]},
    })
}

fn may(yes: bool) -> Reply {
    Reply::Http(201, "", json!({"status": {"allowed": yes}}).to_string())
}

fn exec(request: &Request) -> Reply {
    if request.path.contains("command=sh") {
        Reply::Exec(0, "ip\niptables-save\nipset\nnft\nbpftool\n".into())
    } else {
        Reply::Exec(0, "Client: 1.18.0 a\nDaemon: 1.18.0 a\n".into())
    }
}

/// What was asked of a right: the words between which `kubectl auth can-i` has spaces.
fn right(request: &Request) -> String {
    let review: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let of = &review["spec"]["resourceAttributes"];
    let word = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    let slash = if word("subresource").is_empty() { "" } else { "/" };
    format!("{} {}{slash}{}", word("verb"), word("resource"), word("subresource"))
}

fn doctor(flags: &str, answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Run {
    let server = ApiServer::answering(answer);
    Lab::line(&format!("doctor -o json {flags}")).kubeconfig(&server.kubeconfig()).run()
}

/// The lines of a check, as results with what was seen.
fn lines(run: &Run, check: &str) -> Vec<(String, String)> {
    let word = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let json = run.json();
    let all = json["checks"].as_array().expect("a list").iter();
    all.filter(|line| line["check"] == check)
        .map(|line| (word(&line["result"], "text"), word(line, "seen")))
        .collect()
}

/// The only line of a check.
#[track_caller]
fn line(run: &Run, check: &str) -> (String, String) {
    let mut lines = lines(run, check);
    assert_eq!(lines.len(), 1, "{check}: {}", run.out);
    lines.remove(0)
}

#[track_caller]
fn is(run: &Run, check: &str, result: &str, seen: &str) {
    for (found, text) in lines(run, check) {
        assert_eq!(found, result, "{check}: {text}\n{}", run.out);
        assert!(text.contains(seen), "{check}: `{seen}` is not in `{text}`");
    }
    assert!(!lines(run, check).is_empty(), "no line for {check}: {}", run.out);
}

/// What may be wrong with the machine of the tests, and is not what is tested.
const MACHINE: [&str; 3] = ["doctor/kubectl", "doctor/completion", "doctor/cache"];

/// The codes of what is wrong, the machine's own left out.
fn codes(run: &Run) -> Vec<String> {
    let json = run.json();
    let wrong = |finding: &&Value| finding["level"] == "warn" || finding["level"] == "bad";
    let codes = json["findings"].as_array().expect("a list").iter().filter(wrong);
    let codes = codes.filter_map(|finding| finding["code"].as_str().map(str::to_owned));
    codes.filter(|code| !MACHINE.contains(&code.as_str())).collect()
}

/// The first cure of what has this code.
#[track_caller]
fn fix(run: &Run, code: &str) -> String {
    let json = run.json();
    let mut findings = json["findings"].as_array().expect("a list").iter();
    let finding = findings.find(|finding| finding["code"] == code);
    finding.unwrap_or_else(|| panic!("no {code}: {}", run.out))["fixes"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_sound_cluster_has_nothing_to_report() {
    let run = doctor("", sound);
    assert_eq!(codes(&run), [""; 0], "{}", run.out);
    is(&run, "kubeconfig", "ok", "context test");
    is(&run, "api", "ok", "answers in ");
    is(&run, "user", "ok", "dev (lab, system:authenticated)");
    is(&run, "rights", "ok", "it takes");
    is(&run, "agent", "ok", "1.18.0");
    is(&run, "tools", "ok", "absent: ping, tracepath, tcpdump");
    is(&run, "leftover", "ok", "no debug pod");
    is(&run, "debug-pod", "skipped", "--debug-pods");
    is(&run, "host", "skipped", "");
    is(&run, "config", "ok", "defaults");
    assert_eq!(lines(&run, "agent").len(), 2);
    assert_eq!(lines(&run, "rights").len(), kubectl_lab::builtin().len());
    assert_eq!(line(&run, "tools").0, "ok", "both nodes are one line");
    let versions: Vec<String> = lines(&run, "version").into_iter().map(|line| line.1).collect();
    assert_eq!(versions, ["v1.33.2", "1.18.0"]);
    assert_eq!(run.err, "");
}

#[test]
fn nothing_is_asked_that_would_change_anything() {
    let server = ApiServer::answering(|request| {
        let review = request.path.contains("/selfsubject");
        let reads = request.method == "GET" || (request.method == "POST" && review);
        if reads { sound(request) } else { status(500, "that would change something") }
    });
    let run = Lab::line("doctor -o json").kubeconfig(&server.kubeconfig()).run();
    assert_eq!(codes(&run), [""; 0], "{}", run.out);
    assert!(server.asked().iter().any(|path| path.contains("selfsubjectaccessreviews")));
}

#[test]
fn every_format_has_every_line() {
    for (format, word) in [
        ("table", "CHECK "),
        ("wide", "FIX"),
        ("yaml", "check: kubeconfig"),
        ("csv", "check,subject,result,seen,fix"),
        ("ndjson", "\"check\":\"kubeconfig\""),
        ("name", "checks/kubeconfig"),
    ] {
        let server = ApiServer::answering(sound);
        let line = format!("doctor -o {format} --filter check!=kubectl --fail-on never");
        let run = Lab::line(&line).kubeconfig(&server.kubeconfig()).run().exits(0);
        assert!(run.out.contains(word), "{format}: {}", run.out);
        assert!(run.out.contains("kubeconfig"), "{format}: {}", run.out);
    }
}

#[test]
fn without_a_kubeconfig_the_machine_is_checked_all_the_same() {
    let run = Lab::line("doctor -o json").run().exits(1);
    is(&run, "kubeconfig", "bad", "no cluster is configured");
    for check in ["api", "clock", "user", "rights", "agent", "tools", "leftover"] {
        is(&run, check, "skipped", "no API server is known");
    }
    is(&run, "cache", "ok", "mode 0700");
    is(&run, "program", "ok", env!("CARGO_PKG_VERSION"));
    assert_eq!(codes(&run), ["doctor/kubeconfig"]);
    let run = Lab::line("doctor -o json --context nope").kubeconfig("{}").run().exits(1);
    is(&run, "kubeconfig", "bad", "");
}

#[test]
fn an_api_server_that_is_not_there_is_told_once() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = Lab::line(&format!("doctor -o json --server http://{nobody}")).run().exits(1);
    is(&run, "api", "bad", "connection refused");
    is(&run, "rights", "skipped", "does not answer");
    assert_eq!(codes(&run), ["doctor/api"]);
}

#[test]
fn credentials_that_are_not_accepted_are_told_once() {
    for (code, saying) in [(401, "does not accept the credentials (401)"), (403, "forbidden")] {
        let run = doctor("", move |_| status(code, "because")).exits(1);
        is(&run, "api", "bad", saying);
        is(&run, "agent", "skipped", "refuses");
        assert_eq!(codes(&run), ["doctor/api"], "{code}");
    }
}

#[test]
fn a_server_that_hides_its_version_is_examined_all_the_same() {
    let run = doctor("", |request| match request.path.as_str() {
        "/version" => status(403, "forbidden: User \"dev\" cannot get path \"/version\""),
        _ => sound(request),
    });
    is(&run, "api", "unknown", "forbidden");
    is(&run, "agent", "ok", "1.18.0");
}

#[test]
fn what_is_no_api_server_is_told() {
    let run = doctor("", |_| Reply::Http(200, "", "<html>log in</html>".into())).exits(1);
    assert!(
        lines(&run, "version").iter().any(|line| line.1.contains("no API server")),
        "{}",
        run.out
    );
    assert!(!run.err.contains("panicked"), "{}", run.err);
}

#[test]
fn a_clock_that_is_wrong_is_a_warning() {
    let run = doctor("", |request| match sound(request) {
        Reply::Http(code, _, body) => {
            Reply::Http(code, "date: Thu, 26 Nov 2020 16:10:36 GMT\r\n", body)
        }
        other => other,
    })
    .exits(1);
    is(&run, "clock", "warn", "ahead of the API server's");
    assert_eq!(codes(&run), ["doctor/clock"]);
}

#[test]
fn missing_rights_are_named_for_each_plugin_that_takes_them() {
    let run = doctor("nodes routes", |request| match right(request).as_str() {
        "list ciliumnodes" => may(false),
        _ => sound(request),
    })
    .exits(1);
    is(&run, "rights", "bad", ": list ciliumnodes.cilium.io; without them: no ");
    let run = doctor("routes", |request| match right(request).as_str() {
        "create pods/exec" => may(false),
        _ => sound(request),
    })
    .exits(1);
    let (result, seen) = line(&run, "rights");
    assert_eq!(result, "bad");
    assert!(seen.contains(": create pods/exec in kube-system; without"), "{seen}");
    let fix = fix(&run, "doctor/rights");
    assert!(fix.contains("kubectl lab doctor --rbac routes --rbac-subject dev |"), "{fix}");
}

#[test]
fn rights_that_are_not_told_are_unknown_and_not_missing() {
    let run = doctor("nodes routes", |request| {
        if request.path.contains("selfsubjectaccessreviews") {
            status(403, "User \"dev\" cannot create resource \"selfsubjectaccessreviews\"")
        } else {
            sound(request)
        }
    });
    is(&run, "rights", "unknown", "not told");
    assert_eq!(codes(&run), [""; 0]);
}

#[test]
fn a_cluster_without_agents_says_so_for_each_node() {
    let run = doctor("", |request| match request.path.split('?').next() {
        Some("/api/v1/namespaces/kube-system/pods") => {
            Reply::Http(200, "", json!({"metadata": {}, "items": []}).to_string())
        }
        _ => sound(request),
    })
    .exits(1);
    is(&run, "agent", "bad", "no agent on node w");
    assert_eq!(lines(&run, "agent").len(), 2);
    assert!(run.out.contains("k8s-app=cilium"), "the fix names what to look for: {}", run.out);
}

#[test]
fn an_agent_that_is_not_well_says_how() {
    let run = doctor("", |request| match request.path.split('?').next() {
        Some("/api/v1/namespaces/kube-system/pods") => {
            let (mut crashing, mut unready) = (agent("w0"), agent("w1"));
            let state = json!({"waiting": {"reason": "CrashLoopBackOff"}});
            crashing["status"]["containerStatuses"][0]["state"] = state;
            unready["status"]["containerStatuses"][0]["ready"] = json!(false);
            let items = json!({"metadata": {}, "items": [crashing, unready]});
            Reply::Http(200, "", items.to_string())
        }
        _ => sound(request),
    })
    .exits(1);
    let agents = lines(&run, "agent");
    assert_eq!(agents[0], ("bad".into(), "agent on w0 is not ready: CrashLoopBackOff".into()));
    assert_eq!(agents[1].0, "warn");
    assert!(agents[1].1.contains("is not ready"), "{agents:?}");
}

#[test]
fn exec_that_is_forbidden_leaves_agents_unknown() {
    let run = doctor("", |request| {
        if request.path.contains("/exec?") {
            status(
                403,
                "pods \"x\" is forbidden: User \"dev\" cannot create resource \"pods/exec\"",
            )
        } else {
            sound(request)
        }
    });
    is(&run, "agent", "unknown", "forbidden for user `dev`");
    is(&run, "tools", "unknown", "");
}

#[test]
fn agents_that_differ_are_told_apart() {
    let run = doctor("", |request| {
        let old = request.path.contains("cilium-w1");
        match sound(request) {
            Reply::Exec(..) if old && request.path.contains("command=sh") => {
                Reply::Exec(0, "nft\nping\n".into())
            }
            Reply::Exec(..) if old => Reply::Exec(0, "Client: 1.13.4 a\nDaemon: 1.13.4 a\n".into()),
            other => other,
        }
    })
    .exits(1);
    let tools = lines(&run, "tools");
    assert_eq!(tools.len(), 2, "{tools:?}");
    assert!(tools.iter().any(|line| line.0 == "warn"), "plugins need `ip`: {tools:?}");
    let versions = lines(&run, "version");
    assert_eq!(versions[1].0, "warn");
    assert_eq!(
        versions[1].1,
        "1.13.4 on w1; 1.18.0 on w0: outside 1.14 to 1.20, whose answers are known"
    );
}

#[test]
fn hosts_can_be_left_out() {
    let run = doctor("--host w1", sound);
    assert_eq!(lines(&run, "agent").len(), 1, "{}", run.out);
}

#[test]
fn debug_pods_that_were_left_are_listed_with_the_command_that_removes_them() {
    let run = doctor("", |request| {
        if request.path.starts_with("/api/v1/pods?labelSelector=app.kubernetes.io") {
            let pod = |name: &str, phase: &str| {
                json!({
                    "metadata": {"name": name, "namespace": "tools", "labels":
                        {"app.kubernetes.io/managed-by": "kubectl-lab", "kubectl-lab/run": "r1"}},
                    "spec": {"nodeName": "w1"}, "status": {"phase": phase},
                })
            };
            let items = json!([pod("over", "Failed"), pod("on", "Running")]);
            Reply::Http(200, "", json!({"metadata": {}, "items": items}).to_string())
        } else {
            sound(request)
        }
    })
    .exits(1);
    let lines = lines(&run, "leftover");
    assert_eq!(lines[0], ("warn".into(), "debug pod of run r1 on w1, failed".into()));
    assert_eq!(lines[1].0, "ok", "somebody may work with it: {lines:?}");
    assert_eq!(fix(&run, "doctor/leftover"), "kubectl delete pod -n tools over");
}

#[test]
fn a_debug_pod_is_tried_without_being_made() {
    let cluster = |request: &Request, refusal: Option<&str>| {
        if request.method != "POST" || request.path.contains("/selfsubject") {
            return sound(request);
        }
        match refusal {
            _ if !request.path.ends_with("?dryRun=All") => status(500, "that makes a pod"),
            Some(why) => status(403, why),
            None => Reply::Http(201, "", "{}".into()),
        }
    };
    let flags = "--debug-pods";
    let config = "[debug-pod]\nimage = \"x:1\"\nnamespace = \"tools\"\n";
    let with = move |refusal: Option<&'static str>| {
        let server = ApiServer::answering(move |request| cluster(request, refusal));
        let lab = Lab::line(&format!("doctor -o json {flags}")).config(config);
        lab.kubeconfig(&server.kubeconfig()).run()
    };
    is(&with(None), "debug-pod", "ok", "would be admitted in tools");
    let refused = with(Some(
        "pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces",
    ));
    is(&refused.exits(1), "debug-pod", "bad", "PodSecurity");
}

#[test]
fn hosts_that_hang_do_not_hold_the_rest_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let config = format!(
        "[extra-hosts.router]\nssh = \"nobody@127.0.0.1\"\nport = {port}\n\
         [ssh-nodes.w0]\nssh = \"nobody@127.0.0.1\"\nport = {port}\n"
    );
    let server = ApiServer::answering(|request| {
        if request.path.contains("/exec?") { Reply::Silence } else { sound(request) }
    });
    let began = Instant::now();
    let run = Lab::line("doctor -o json --timeout 1s --request-timeout 1s")
        .kubeconfig(&server.kubeconfig())
        .config(&config)
        .run()
        .exits(1);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    is(&run, "host", "bad", "");
    assert_eq!(lines(&run, "host").len(), 2);
    assert_eq!(lines(&run, "agent").iter().filter(|line| line.0 == "ok").count(), 0);
    is(&run, "rights", "ok", "it takes");
}

#[test]
fn an_api_server_that_hangs_ends_at_its_deadline() {
    let began = Instant::now();
    let run = doctor("--request-timeout 500ms", |_| Reply::Silence).exits(1);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    is(&run, "api", "bad", "within 500ms");
}

#[test]
fn a_broken_configuration_stops_everything_but_the_doctor() {
    let server = ApiServer::answering(sound);
    let lab =
        |line: &str| Lab::line(line).kubeconfig(&server.kubeconfig()).config("outptu = \"wide\"\n");
    lab("routes").run().fails("unknown key `outptu`");
    let run = lab("doctor -o json").run().exits(1);
    is(&run, "config", "bad", "config.toml:1: unknown key `outptu`");
    is(&run, "agent", "ok", "1.18.0");
    let run = Lab::line("doctor -o json")
        .kubeconfig(&server.kubeconfig())
        .env("KUBECTL_LAB_TIMEOUT", "soon")
        .run()
        .exits(1);
    is(&run, "config", "bad", "KUBECTL_LAB_TIMEOUT");
}

#[test]
fn a_cache_that_cannot_be_used_is_told() {
    let scratch = Scratch::new();
    scratch.put("file", "in the way");
    let blocked = scratch.root().join("file");
    let run = Lab::line("doctor --demo -o json").env("XDG_CACHE_HOME", &blocked).run();
    is(&run, "cache", "warn", "cannot be used");
    let fresh = scratch.root().join("fresh");
    let run = Lab::line("doctor --demo -o json").env("XDG_CACHE_HOME", &fresh).run();
    is(&run, "cache", "ok", "mode 0700, 0.0 MiB");
    let left = fresh.join("kubectl-lab/plugins/0123456789abcdef");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("old.cwasm"), vec![0; 3 << 20]).unwrap();
    let run = Lab::line("doctor --demo -o json").env("XDG_CACHE_HOME", &fresh).run();
    is(&run, "cache", "ok", "3.0 MiB, of which 3.0 MiB in 1 file of other versions");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let folder = fresh.join("kubectl-lab/plugins");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let run = Lab::line("doctor --demo -o json").env("XDG_CACHE_HOME", &fresh).run();
        is(&run, "cache", "warn", "mode 0755");
    }
}

#[test]
fn a_capture_is_asked_what_the_cards_ask() {
    let run = Lab::line("doctor --demo -o json").run();
    is(&run, "api", "skipped", "a capture is read");
    let captures = lines(&run, "capture");
    assert_eq!(captures.len(), 1 + kubectl_lab::builtin().len(), "{captures:?}");
    assert!(captures[0].1.contains("4 hosts"), "{captures:?}");
    let run = Lab::line("doctor -o json --from /nowhere.zip").run().exits(1);
    is(&run, "capture", "bad", "/nowhere.zip");
}

/// A capture with everything on the card of `routes` in it, and then without one command.
#[test]
fn what_is_not_in_a_capture_is_told_and_nothing_else() {
    let scratch = Scratch::new();
    let folder = scratch.root().join("whole");
    Lab::line("routes --demo --host k8s-w1 --record").arg(&folder).run();
    let seen = || {
        let run = Lab::line("doctor routes -o json --from").arg(&folder).run();
        lines(&run, "capture").remove(1)
    };
    let before = seen();
    let commands = folder.join("hosts/k8s-w1/commands.json");
    let text = std::fs::read_to_string(&commands).unwrap();
    let mut list: Vec<Value> = serde_json::from_str(&text).unwrap();
    let n = list.len();
    list.retain(|one| one["argv"] != json!(["ip", "-j", "neigh"]));
    assert_eq!(list.len(), n - 1, "it was recorded");
    std::fs::write(&commands, serde_json::to_string(&list).unwrap()).unwrap();
    let after = seen();
    assert_eq!(after.0, "unknown", "{after:?}");
    assert!(after.1.contains("ip -j neigh on k8s-w1"), "{after:?}");
    assert!(!before.1.contains("neigh"), "{before:?}");
}

#[test]
fn roles_are_printed_without_a_cluster() {
    for (name, line) in [
        ("all", "doctor --rbac"),
        ("routes", "doctor --rbac routes"),
        ("routes-bound", "doctor routes --rbac --rbac-subject serviceaccount:tools/lab"),
    ] {
        let run = Lab::line(line).run().exits(0);
        golden(&format!("rbac/{name}.yaml"), &run.out);
        assert_eq!(run.err, "");
    }
    let elsewhere = Lab::line("doctor --rbac routes").config("agent-namespace = \"cilium\"\n");
    assert!(elsewhere.run().exits(0).out.contains("  namespace: \"cilium\"\n"));
}

#[test]
fn words_that_make_no_sense_are_refused() {
    for (line, saying) in [
        ("doctor nope", "unknown plugin `nope`"),
        ("doctor --rbac-subject dev", "none are printed"),
        ("doctor --rbac --rbac-subject group:", "names nobody"),
        ("doctor --against x.zip", "--against"),
        ("doctor --record x.zip", "--record"),
        ("doctor --demo --context x", "--context"),
        ("doctor --filter nope=1 --demo", "nope"),
    ] {
        Lab::line(line).run().fails(saying);
    }
}

#[test]
fn its_findings_are_explained_and_its_words_completed() {
    let text = Lab::line("explain doctor/rights").run().exits(0).out;
    assert!(text.starts_with("doctor/rights\n\nChecks: "), "{text}");
    let complete = |words: &[&str]| Lab::new(["__complete"].iter().chain(words)).run().exits(0).out;
    assert!(complete(&["doctor", "rou"]).contains("routes"));
    assert!(complete(&["doctor", "routes", "no"]).contains("nodes"));
    assert!(complete(&["doctor", "--rb"]).contains("--rbac-subject"));
    assert!(complete(&["explain", "doctor/ri"]).contains("doctor/rights"));
    golden("help/doctor.txt", &Lab::line("doctor --help").run().exits(0).out);
}
