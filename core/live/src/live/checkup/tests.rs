//! The check-up over a faked API server on loopback.

use super::*;
use crate::LiveOptions;
use crate::connect::Environment;
use crate::fake_server::{Act, DATE, FakeServer, Reply, exit, status};

async fn live(server: &FakeServer) -> Live {
    let options = LiveOptions {
        server: Some(server.url.clone()),
        request_timeout: Some(Duration::from_secs(5)),
        ..LiveOptions::default()
    };
    Live::connect_in(options, &Environment::default()).await.unwrap()
}

fn exec() -> Access {
    Access {
        group: String::new(),
        resource: "pods".into(),
        subresource: Some("exec".into()),
        verb: "create".into(),
        namespace: Some("kube-system".into()),
    }
}

#[tokio::test]
async fn a_round_trip_has_a_duration_and_the_server_s_clock() {
    let server = FakeServer::start(|_, _| Reply::Http(200, "{}".into())).await;
    let trip = live(&server).await.round_trip().await.unwrap();
    assert_eq!((trip.text.as_str(), trip.date.as_deref()), ("{}", Some(DATE)));
    assert!(trip.took > Duration::ZERO && trip.took < Duration::from_secs(5));
    assert_eq!(server.asked(), ["/version"]);
    let server = FakeServer::start(|_, _| status(401, "no")).await;
    let failure = live(&server).await.round_trip().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied, "{failure}");
}

#[tokio::test]
async fn a_right_is_asked_for_as_it_is_and_answered_yes_no_or_not_at_all() {
    for (answer, expected) in [
        (r#"{"status":{"allowed":true}}"#, Some(true)),
        (r#"{"status":{"allowed":false,"reason":"no"}}"#, Some(false)),
        (r#"{"status":{"allowed":true,"evaluationError":"a role is gone"}}"#, Some(true)),
        (r#"{"status":{"allowed":false,"evaluationError":"a role is gone"}}"#, None),
        ("{}", None),
        ("<html>", None),
    ] {
        let server = FakeServer::answering(move |request| {
            let posted: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            let of = &posted["spec"]["resourceAttributes"];
            let expected = json!({"group": "", "resource": "pods", "subresource": "exec",
                "verb": "create", "namespace": "kube-system"});
            if posted["kind"] == "SelfSubjectAccessReview" && *of == expected {
                Reply::Http(201, answer.into())
            } else {
                status(422, "another question")
            }
        })
        .await;
        let may = live(&server).await.may(&exec()).await;
        assert_eq!(may.as_ref().ok(), expected.as_ref(), "{answer}: {may:?}");
        assert!(!may.is_err_and(|failure| failure.message.contains("another")), "{answer}");
        assert_eq!(
            server.asked(),
            ["POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"],
            "asked once"
        );
    }
    let server = FakeServer::start(|_, _| status(403, "User \"dev\" cannot")).await;
    let failure = live(&server).await.may(&exec()).await.unwrap_err();
    assert_eq!(failure.message, "cannot ask which rights there are: forbidden for user `dev`");
}

#[tokio::test]
async fn who_we_are() {
    let server = FakeServer::start(|_, _| {
        let answer = r#"{"status":{"userInfo":{"username":"dev","groups":["a","b"]}}}"#;
        Reply::Http(201, answer.into())
    })
    .await;
    let user = live(&server).await.user().await.unwrap();
    assert_eq!(user, User { name: "dev".into(), groups: vec!["a".into(), "b".into()] });
}

fn agents(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> impl Fn(&str, usize) -> Reply {
    move |path, _| {
        if path.contains("/exec?") {
            return answer(path);
        }
        let pod = |name: &str, node: &str, ready: bool, state: &str| {
            format!(
                r#"{{"metadata":{{"name":"{name}","namespace":"kube-system"}},"spec":{{"nodeName":"{node}"}},
                "status":{{"containerStatuses":[{{"name":"cilium-agent","ready":{ready},"state":{state}}}]}}}}"#
            )
        };
        let (a, b) = (
            pod("a", "w1", true, r#"{"running":{}}"#),
            pod("b", "w0", false, r#"{"waiting":{"reason":"ImagePullBackOff"}}"#),
        );
        Reply::Http(200, format!(r#"{{"metadata":{{}},"items":[{a},{b}]}}"#))
    }
}

fn says(text: &str, code: i32) -> Reply {
    Reply::Exec("v5.channel.k8s.io", vec![Act::Frame(1, text.into()), exit(code), Act::Close])
}

#[tokio::test]
async fn agents_are_listed_by_node_with_their_state() {
    let server = FakeServer::start(agents(|_| says("", 0))).await;
    let agents = live(&server).await.agents().await.unwrap();
    let seen: Vec<_> = agents
        .iter()
        .map(|agent| (agent.node.as_str(), agent.ready, agent.trouble.as_deref()))
        .collect();
    assert_eq!(seen, [("w0", false, Some("ImagePullBackOff")), ("w1", true, None)]);
}

#[tokio::test]
async fn an_agent_before_1_15_has_another_program() {
    let server = FakeServer::start(agents(|path| {
        if path.contains("command=cilium-dbg") {
            let status = r#"{"status":"Failure","message":"executable file not found in $PATH"}"#;
            Reply::Exec("v5.channel.k8s.io", vec![Act::Frame(3, status.into()), Act::Close])
        } else {
            says("Client: 1.14.2 x\nDaemon: 1.14.2 x\n", 0)
        }
    }))
    .await;
    let live = live(&server).await;
    assert_eq!(live.agent_version("w1").await.unwrap().as_deref(), Some("1.14.2"));
    let failure = live.agent_version("w0").await.unwrap_err();
    assert!(failure.message.contains("ImagePullBackOff"), "{failure}");
}

#[tokio::test]
async fn tools_are_those_that_the_container_names() {
    let server = FakeServer::start(agents(|_| says("ip\nnft\nrm\n", 0))).await;
    let tools = live(&server).await.agent_tools("w1").await.unwrap();
    assert_eq!(tools.present, ["ip", "nft"]);
    assert_eq!(tools.present.len() + tools.absent.len(), TOOLS.len());
    let server = FakeServer::start(agents(|_| says("", 2))).await;
    assert!(live(&server).await.agent_tools("w1").await.is_err(), "no shell is not no tool");
}

#[test]
fn the_script_names_the_programs_that_are_there() {
    let output = std::process::Command::new("sh")
        .args(["-c", WHICH, "sh", "sh", "no-such-program", "ls"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "sh\nls\n");
    assert!(output.status.success());
}

#[tokio::test]
async fn a_host_that_swallows_everything_is_given_up() {
    // Accepts, and never greets as an sshd does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = ExtraHost {
        name: "router".into(),
        ssh: "nobody@127.0.0.1".into(),
        port: Some(silent.local_addr().unwrap().port()),
        ..ExtraHost::default()
    };
    let began = Instant::now();
    let failure = try_ssh(&host, None, Duration::from_millis(300)).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // Where there is no ssh, that is what is said.
    assert!(
        failure.kind == FailureKind::Timeout || failure.message.contains("no `ssh`"),
        "{failure}"
    );
}
