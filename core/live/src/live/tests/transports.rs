//! Which way is taken to a node, when another one is, and when never.

use super::*;
use crate::Reached;

const V5: &str = "v5.channel.k8s.io";

fn windows(name: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}"}},"status":{{"nodeInfo":{{"operatingSystem":"windows"}}}}}}"#
    )
}

/// A target for which no ssh is started: that it is complained of shows which way was taken.
fn ssh_node(name: &str) -> Vec<ExtraHost> {
    vec![ExtraHost { name: name.into(), ssh: "-x".into(), ..ExtraHost::default() }]
}

const NOT_SSH: &str = "host w1: `-x` is no ssh target";

/// A name, and what happens under it.
type Case<T> = (&'static str, fn() -> T);

/// A status that is no exit code.
fn says(message: &str) -> Act {
    let text = serde_json::json!({"status": "Failure", "message": message});
    Act::Frame(3, text.to_string().into_bytes())
}

/// The end of a command whose program is not there, as containerd says it.
fn no_program(program: &str) -> Act {
    says(&format!(
        "error executing command in container: failed to exec in container: failed to start exec \"a\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"{program}\": executable file not found in $PATH: unknown"
    ))
}

#[tokio::test]
async fn a_node_without_an_agent_is_reached_over_ssh_when_there_is_a_way() {
    let server = FakeServer::start(|path, _| match path {
        "/api/v1/nodes/w1" => Reply::Http(200, node("w1")),
        "/api/v1/nodes/w9" => {
            Reply::Http(404, r#"{"kind":"Status","code":404,"details":{"name":"w9"}}"#.into())
        }
        _ => list(&[], ""),
    })
    .await;
    let without = live(&server, |_| {}).await;
    let failure = without.run(&question(&["ip"])).await.unwrap_err();
    assert_eq!(failure.message, "no agent on node w1");
    let hint = failure.hint.unwrap();
    assert!(
        hint.ends_with("another way to ask it: `[ssh-nodes.w1]` in the settings or `--debug-pods`"),
        "{hint}"
    );
    let unknown = Question { place: Place::Host { host: "w9".into() }, argv: vec!["ip".into()] };
    let failure = without.run(&unknown).await.unwrap_err();
    assert_eq!((failure.kind, &*failure.message), (FailureKind::NotFound, "there is no host `w9`"));
    assert!(failure.hint.unwrap().starts_with("`kubectl get nodes` lists the nodes"));
    let with = live(&server, |options| options.ssh_nodes = ssh_node("w1")).await;
    let failure = with.run(&question(&["ip"])).await.unwrap_err();
    assert_eq!(failure.message, format!("agent: no agent on node w1; ssh: {NOT_SSH}"));
    assert_eq!(failure.kind, FailureKind::InvalidInput);
    // Of the agent itself nobody else can tell.
    let agent = Question { place: Place::Agent { host: "w1".into() }, argv: vec!["ip".into()] };
    let failure = with.run(&agent).await.unwrap_err();
    assert_eq!(failure.message, "no agent on node w1");
    assert!(!failure.hint.unwrap().contains("another way"));
}

#[tokio::test]
async fn the_order_is_that_of_the_settings_and_what_is_not_named_is_not_used() {
    let server = acting(|| Reply::Exec(V5, vec![exit(0), Act::Close])).await;
    for (transports, expected) in [
        (vec![Transport::Agent, Transport::Ssh], Ok(())),
        (vec![Transport::Ssh, Transport::Agent], Ok(())),
        (vec![Transport::Ssh], Err(NOT_SSH)),
        (vec![Transport::DebugPod], Err("no transport that is allowed reaches w1")),
    ] {
        let before = server.n_asked("/exec?");
        let live = live(&server, |options| {
            options.ssh_nodes = ssh_node("w1");
            options.transports.clone_from(&transports);
        })
        .await;
        let ran = live.run(&question(&["ip"])).await;
        let ran = ran.map(drop).map_err(|failure| failure.message);
        assert_eq!(ran, expected.map_err(str::to_owned));
        let execs = server.n_asked("/exec?") - before;
        assert_eq!(execs, usize::from(expected.is_ok()), "{transports:?}");
    }
}

#[tokio::test]
async fn a_program_that_the_agent_lacks_is_looked_for_elsewhere_and_asked_for_once() {
    let server = acting(|| Reply::Exec(V5, vec![no_program("ping"), Act::Close])).await;
    let with = live(&server, |options| options.ssh_nodes = ssh_node("w1")).await;
    let lacking = "`ping` is not in container `cilium-agent` of pod kube-system/cilium-w1";
    for _ in 0..2 {
        let failure = with.run(&question(&["ping", "-c1", "x"])).await.unwrap_err();
        assert_eq!(failure.message, format!("agent: {lacking}; ssh: {NOT_SSH}"));
    }
    assert_eq!(server.n_asked("/exec?"), 1, "it is remembered");
    with.run(&question(&["tracepath", "x"])).await.unwrap_err();
    assert_eq!(server.n_asked("/exec?"), 2, "of that program alone");
    let without = live(&server, |_| {}).await;
    let failure = without.run(&question(&["ping"])).await.unwrap_err();
    assert_eq!((failure.kind, &*failure.message), (FailureKind::NotFound, lacking));
    assert_eq!(
        failure.hint.unwrap(),
        "another way to ask it: `[ssh-nodes.w1]` in the settings or `--debug-pods`"
    );
}

#[tokio::test]
async fn a_stream_whose_program_is_not_there_goes_on_elsewhere() {
    let server = acting(|| {
        let line = b"kubectl-lab: tcpdump: not found\n".to_vec();
        Reply::Exec(V5, vec![Act::Frame(2, line), exit(127), Act::Close])
    })
    .await;
    let with = live(&server, |options| options.ssh_nodes = ssh_node("w1")).await;
    let stream = with.start(question(&["tcpdump", "-n"])).await.unwrap();
    let chunks: Vec<Chunk> = stream.collect().await;
    let [Chunk::Ended(Err(failure))] = &chunks[..] else { panic!("{chunks:?}") };
    assert!(failure.message.ends_with(NOT_SSH), "{failure}");
}

/// Whatever may have run is answered, or has failed, and is never run again.
#[tokio::test]
async fn a_command_that_may_have_run_is_never_run_again() {
    let cases: [Case<Vec<Act>>; 7] = [
        ("lost", Vec::new),
        ("closed", || vec![Act::Close]),
        ("lost after output", || vec![Act::Frame(1, b"x".to_vec())]),
        ("hangs", || vec![Act::Hang]),
        ("lost behind the API server", || {
            vec![says("error sending request: Post \"https://w1:10250/exec\": EOF")]
        }),
        ("no program after output", || {
            vec![Act::Frame(1, b"x".to_vec()), no_program("ip"), Act::Close]
        }),
        ("garbage for a status", || vec![Act::Frame(3, b"{\"sta".to_vec()), Act::Close]),
    ];
    for (what, acts) in cases {
        let server = acting(move || Reply::Exec(V5, acts())).await;
        let live = live(&server, |options| {
            options.ssh_nodes = ssh_node("w1");
            options.command_timeout = Duration::from_millis(400);
        })
        .await;
        let failure = live.run(&question(&["ip"])).await.unwrap_err();
        assert!(!failure.message.contains("ssh"), "{what}: {failure}");
        assert_eq!(server.n_asked("/exec?"), 1, "{what}");
    }
}

#[tokio::test]
async fn what_a_command_says_of_other_programs_is_its_answer() {
    for (program, line, code) in [
        ("sh", "sh: 1: ping: not found\n", 127),
        ("ip", "sh: 1: ip: not found\n", 1),
        ("ip", "sh: 1: ip: not found\nand more\n", 127),
    ] {
        let server = acting(move || {
            Reply::Exec(V5, vec![Act::Frame(2, line.into()), exit(code), Act::Close])
        })
        .await;
        let live = live(&server, |options| options.ssh_nodes = ssh_node("w1")).await;
        let outcome = live.run(&question(&[program, "-c", "ping"])).await.unwrap();
        assert_eq!((outcome.code, outcome.err), (code, line.as_bytes().to_vec()));
    }
}

#[tokio::test]
async fn what_certainly_did_not_run_is_tried_in_the_next_way() {
    let cases: [Case<Reply>; 5] = [
        ("forbidden", || status(403, "no")),
        ("no kubelet", || status(500, "error dialing backend: dial tcp 10.0.0.1:10250: refused")),
        ("proxy without WebSockets", || Reply::Http(200, String::new())),
        ("kubelet refuses", || {
            let said = "error sending request: Post \"https://w1:10250/exec\": dial tcp 10.0.0.1:10250: connect: connection refused";
            Reply::Exec(V5, vec![says(said), Act::Close])
        }),
        ("not executable", || {
            Reply::Exec(V5, vec![says("exec: \"ip\": permission denied"), Act::Close])
        }),
    ];
    for (what, reply) in cases {
        let server = acting(reply).await;
        let live = live(&server, |options| options.ssh_nodes = ssh_node("w1")).await;
        let failure = live.run(&question(&["ip"])).await.unwrap_err();
        assert!(failure.message.starts_with("agent: "), "{what}: {failure}");
        assert!(failure.message.ends_with(NOT_SSH), "{what}: {failure}");
        assert_eq!(server.n_asked("/exec?"), 1, "{what}");
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_before_anything_ran() {
    for code in [429, 503] {
        let server = FakeServer::start(move |path, nth| match nth {
            _ if !path.contains("/exec?") => list(&[agent_on("w1")], ""),
            0..3 => status(code, "busy"),
            _ => Reply::Exec(V5, vec![exit(0), Act::Close]),
        })
        .await;
        live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap();
        assert_eq!(server.n_asked("/exec?"), 3, "{code}");
    }
}

#[tokio::test]
async fn an_agent_that_restarts_under_an_exec_is_looked_for_once() {
    // The container has ended, and the pod list does not know it yet.
    for gone in ["container not found (\"cilium-agent\")", "task 4d2 not found: not found"] {
        let server = acting(move || Reply::Exec(V5, vec![says(gone), Act::Close])).await;
        let failure = live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap_err();
        assert!(failure.message.ends_with("does not run"), "{failure}");
        assert_eq!(server.n_asked("/exec?"), 2);
        assert_eq!(server.n_asked("/pods?"), 2, "it was looked for again");
    }
    // It ends while a command runs: that it ran is all that is known.
    let server = acting(|| Reply::Exec(V5, vec![Act::Frame(1, b"half".to_vec())])).await;
    let failure = live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap_err();
    assert!(failure.message.contains("without a status"), "{failure}");
    assert_eq!(server.n_asked("/exec?"), 1);
}

#[tokio::test]
async fn of_two_agents_on_a_node_the_ready_one_is_asked() {
    let old = agent_on("w1")
        .replace("cilium-w1", "cilium-old")
        .replace("\"ready\":true", "\"ready\":false");
    let server = FakeServer::start(move |path, _| {
        if path.contains("/exec?") {
            Reply::Exec(V5, vec![exit(0), Act::Close])
        } else {
            list(&[agent_on("w1"), old.clone()], "")
        }
    })
    .await;
    live(&server, |_| {}).await.run(&question(&["ip"])).await.unwrap();
    assert_eq!((server.n_asked("cilium-w1/exec"), server.n_asked("cilium-old/exec")), (1, 0));
}

#[tokio::test]
async fn a_node_of_another_system_is_told_from_one_without_an_agent() {
    let server = FakeServer::start(|path, _| match path {
        "/api/v1/nodes/w1" => Reply::Http(200, windows("w1")),
        _ => list(&[], ""),
    })
    .await;
    let with = live(&server, |options| {
        options.debug_pods = Some(crate::DebugPodOptions {
            image: Some("i".into()),
            namespace: Some("n".into()),
            ..crate::DebugPodOptions::default()
        });
    })
    .await;
    let failure = with.run(&question(&["ip"])).await.unwrap_err();
    let said = "node w1 runs windows: agents and debug pods are programs for Linux";
    assert_eq!(failure.message, said);
    assert_eq!(server.n_asked("POST"), 0, "no pod is made there");
    let without = live(&server, |_| {}).await;
    let failure = without.run(&question(&["ip"])).await.unwrap_err();
    assert_eq!(failure.hint.unwrap(), "another way to ask it: `[ssh-nodes.w1]` in the settings");
}

#[tokio::test]
async fn a_node_object_without_addresses_is_a_host_like_any_other() {
    let server = FakeServer::start(|path, _| match path {
        path if path.contains("/nodes?") => {
            list(&[r#"{"metadata":{"name":"w1"},"status":{}}"#.into(), node("w2")], "")
        }
        path if path.contains("/exec?") => Reply::Exec(V5, vec![exit(0), Act::Close]),
        _ => list(&[agent_on("w1")], ""),
    })
    .await;
    let live = live(&server, |_| {}).await;
    let hosts = live.hosts().await.unwrap();
    assert_eq!((hosts[0].name.as_str(), hosts[0].addresses.len()), ("w1", 0));
    live.run(&question(&["ip"])).await.unwrap();
}

#[tokio::test]
async fn an_extra_host_named_like_a_node_is_an_error_that_names_both() {
    let server = FakeServer::start(|_, _| list(&[node("w1")], "")).await;
    let live = live(&server, |options| options.extra_hosts = ssh_node("w1")).await;
    let failure = live.hosts().await.unwrap_err();
    assert_eq!(failure.message, "extra host `w1` (-x) has the name of node `w1` (10.0.0.1)");
}

#[tokio::test]
async fn a_hung_host_holds_no_other_and_answers_keep_their_order() {
    let names = ["w1", "w2", "w3", "w4", "w5"];
    let server = FakeServer::start(move |path, _| match path {
        path if path.contains("cilium-w2/exec") => Reply::Exec(V5, vec![Act::Hang]),
        path if path.contains("/exec?") => {
            let name = names.iter().find(|name| path.contains(&format!("cilium-{name}/")));
            let out = Act::Frame(1, name.unwrap().as_bytes().to_vec());
            // The first takes longest.
            let pause = if path.contains("cilium-w1/") { 60 } else { 0 };
            let pause = Act::Pause(Duration::from_millis(pause));
            Reply::Exec(V5, vec![pause, out, exit(0), Act::Close])
        }
        _ => list(&names.map(agent_on), ""),
    })
    .await;
    let live = live(&server, |options| {
        options.concurrency = 2;
        options.command_timeout = Duration::from_secs(1);
    })
    .await;
    let questions = names.map(|name| Question {
        place: Place::Host { host: name.into() },
        argv: vec!["hostname".into()],
    });
    let answers = futures::future::join_all(questions.iter().map(|one| live.run(one))).await;
    for (name, answer) in names.iter().zip(answers) {
        match answer {
            Ok(outcome) => assert_eq!(outcome.out, name.as_bytes()),
            Err(failure) => assert_eq!((*name, failure.kind), ("w2", FailureKind::Timeout)),
        }
    }
}

#[tokio::test]
async fn output_that_never_ends_is_cut_and_said_so_before_the_deadline() {
    let server = acting(|| {
        let more = || Act::Frame(1, vec![b'y'; 60_000]);
        Reply::Exec(V5, (0..100).map(|_| more()).chain([Act::Hang]).collect())
    })
    .await;
    let live = live(&server, |options| options.output_limit = 1 << 17).await;
    let failure = live.run(&question(&["yes"])).await.unwrap_err();
    assert_eq!(failure.message, "`yes` was cut: it printed more than 1 MiB and did not end");
}

#[tokio::test]
async fn binary_output_arrives_byte_for_byte() {
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let sent = bytes.clone();
    let server = acting(move || {
        let frames = [1, 2].map(|channel| Act::Frame(channel, sent.clone()));
        Reply::Exec(V5, frames.into_iter().chain([exit(0), Act::Close]).collect())
    })
    .await;
    let outcome = live(&server, |_| {}).await.run(&question(&["cat", "x"])).await.unwrap();
    assert!(outcome.out == bytes && outcome.err == bytes);
}

#[tokio::test]
async fn each_host_and_transport_is_named_once() {
    let server = acting(|| Reply::Exec(V5, vec![exit(0), Act::Close])).await;
    let live = live(&server, |_| {}).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = told.clone();
    live.tell(Box::new(move |line| hears.lock().unwrap().push(line.to_owned())));
    for _ in 0..3 {
        live.run(&question(&["ip"])).await.unwrap();
    }
    assert_eq!(*told.lock().unwrap(), ["w1: asked by agent kube-system/cilium-w1"]);
}

#[tokio::test]
async fn every_transport_of_a_host_tells_whether_it_reaches_it() {
    let server = acting(|| Reply::Exec(V5, vec![exit(0), Act::Close])).await;
    let live = live(&server, |options| {
        options.ssh_nodes = ssh_node("w2");
        options.extra_hosts = ssh_node("router");
    })
    .await;
    let reached = live.reachability("w1").await;
    let [agent, ssh, pod] = &reached[..] else { panic!("{reached:?}") };
    assert_eq!((agent.transport, ssh.transport), (Transport::Agent, Transport::Ssh));
    assert!(
        matches!(&agent.state, Reached::Yes { by, .. } if by == "kube-system/cilium-w1"),
        "{agent:?}"
    );
    assert_eq!(ssh.state, Reached::Unused("`[ssh-nodes.w1]` in the settings".into()));
    assert_eq!(pod.state, Reached::Unused("`--debug-pods`".into()));
    let reached = live.reachability("w2").await;
    assert!(matches!(&reached[1].state, Reached::No(why) if why.message.contains("no ssh target")));
    assert_eq!(live.reachability("router").await.len(), 1);
    assert_eq!(server.n_asked("POST"), 0);
}
