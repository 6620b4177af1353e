//! A command in a container, over the API server's WebSocket.
//!
//! Apart because every pitfall of exec is here. The frames are read directly: kube's own reader
//! moves them through pipes of 1 KiB that block when one stream is not drained, and reports a false
//! failure when the status comes late. Here there is nothing between the frame and the reader, a
//! status that never came is a failure, and a dead peer is noticed. Knows pods, not hosts.

use std::pin::Pin;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{Sink, SinkExt, StreamExt};
use kube::core::Status;
use lab_backend::{Answer, Chunk};
use lab_types::Failure;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::api::Api;
use crate::failures::{self, Problem};
use crate::kinds::{self, Query};
use crate::running::{Running, Wanted};

const PING: Duration = Duration::from_secs(30);
/// Three pings without any answer.
const DEAD: Duration = Duration::from_secs(100);
/// The server closes right after the status; what is still on its way may take this long.
const AFTER_STATUS: Duration = Duration::from_millis(200);

const KUBELET: &str =
    "the API server cannot reach the kubelet of that node (port 10250): is the node up?";

/// A container to run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
}

/// Starts a command. When this fails, it did not start.
pub(crate) async fn open(
    api: &Api,
    target: &Target,
    argv: &[String],
    wanted: Wanted,
) -> Result<Exec, Problem> {
    let mut query = Query::default();
    query.add("container", &target.container);
    query.add("stdout", "true");
    query.add("stderr", "true");
    if wanted == Wanted::WhileWeListen {
        query.add("stdin", "true");
    }
    for word in wanted.words(argv) {
        query.add("command", &word);
    }
    let path = query.of(&format!("{}/exec", kinds::pod(&target.namespace, &target.pod)));
    let (send, receive) = api.connect(&path).await?.into_stream().split();
    let mut ping = tokio::time::interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(Exec {
        send: Box::pin(send),
        receive: receive.boxed(),
        ping,
        heard: Instant::now(),
        status: None,
        wanted,
        program: argv.first().cloned().unwrap_or_default(),
        target: target.clone(),
    })
}

/// The failure of [`open`] for people.
pub(crate) fn not_started(problem: Problem, target: &Target, argv: &[String]) -> Failure {
    let Target { namespace, pod, .. } = target;
    let doing = format!("run `{}` in pod {namespace}/{pod}", shown(argv));
    let code = problem.code();
    let failure = problem.into_failure(&doing);
    match code {
        Some(403) => failure.hint(format!(
            "it takes the verbs `get` and `create` on `pods/exec` in namespace `{namespace}`; `kubectl auth can-i --list` shows the rights there are"
        )),
        Some(404) => failure.hint(format!("has it been replaced? see `kubectl get pods -n {namespace}`")),
        Some(500..) if failure.message.contains("dialing backend") => failure.hint(KUBELET),
        _ => failure,
    }
}

/// A command line as shown in messages.
pub(crate) fn shown(argv: &[String]) -> String {
    let line = argv.join(" ");
    match line.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// A command that runs in a container.
pub(crate) struct Exec {
    send: Pin<Box<dyn Sink<Message, Error = SocketError> + Send>>,
    receive: BoxStream<'static, Result<Message, SocketError>>,
    ping: Interval,
    heard: Instant,
    /// How it ended, once said, and until when more output is awaited.
    status: Option<(Answer<i32>, Instant)>,
    wanted: Wanted,
    program: String,
    target: Target,
}

impl Running for Exec {
    fn next(&mut self) -> BoxFuture<'_, Chunk> {
        Box::pin(async move {
            loop {
                if let Some((ended, until)) = &self.status {
                    let ended = ended.clone();
                    match tokio::time::timeout_at(*until, self.receive.next()).await {
                        Ok(Some(Ok(message))) => {
                            if let Some(chunk) = output(message) {
                                return chunk;
                            }
                        }
                        _ => return Chunk::Ended(ended),
                    }
                    continue;
                }
                let message = tokio::select! {
                    message = self.receive.next() => message,
                    _ = self.ping.tick() => {
                        if self.heard.elapsed() > DEAD
                            || self.send.send(Message::Ping(Vec::new().into())).await.is_err()
                        {
                            return Chunk::Ended(Err(self.lost("the connection is silent")));
                        }
                        continue;
                    }
                };
                self.heard = Instant::now();
                match message {
                    Some(Ok(Message::Binary(frame))) if frame.first() == Some(&STATUS) => {
                        if frame.len() > 1 {
                            let ended = self.ended(&frame[1..]);
                            self.status = Some((ended, Instant::now() + AFTER_STATUS));
                        }
                    }
                    Some(Ok(message)) => {
                        if let Some(chunk) = output(message) {
                            return chunk;
                        }
                    }
                    Some(Err(error)) => {
                        let why = failures::one_line(&error.to_string());
                        return Chunk::Ended(Err(self.lost(&why)));
                    }
                    None => return Chunk::Ended(Err(self.lost("the connection was closed"))),
                }
            }
        })
    }
}

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// Output in a frame: the first byte is the channel. The server opens with an empty frame on each,
/// and what comes on unknown channels or as text is none of ours.
fn output(message: Message) -> Option<Chunk> {
    let Message::Binary(frame) = message else { return None };
    let (channel, piece) = frame.split_first().filter(|(_, piece)| !piece.is_empty())?;
    match *channel {
        STDOUT => Some(Chunk::Out(piece.to_vec())),
        STDERR => Some(Chunk::Err(piece.to_vec())),
        _ => None,
    }
}

impl Exec {
    fn ended(&self, frame: &[u8]) -> Answer<i32> {
        let status: Status = serde_json::from_slice(frame)
            .map_err(|error| failures::unreadable(&format!("run `{}`", self.program), &error))?;
        match exit_code(&status, &self.program, &self.target) {
            // The shell's word for a program that is not there.
            Ok(127) if self.wanted == Wanted::WhileWeListen => {
                Err(missing(&self.program, &self.target))
            }
            ended => ended,
        }
    }

    fn lost(&self, why: &str) -> Failure {
        Failure::unavailable(format!(
            "`{}` in pod {}/{} ended without a status: {why}",
            self.program, self.target.namespace, self.target.pod
        ))
    }
}

fn missing(program: &str, target: &Target) -> Failure {
    let Target { namespace, pod, container } = target;
    Failure::not_found(format!(
        "`{program}` is not in container `{container}` of pod {namespace}/{pod}"
    ))
}

/// The exit code in a status document. A command that could not be started is a failure.
fn exit_code(status: &Status, program: &str, target: &Target) -> Answer<i32> {
    if status.is_success() {
        return Ok(0);
    }
    let code = (status.reason == "NonZeroExitCode")
        .then(|| {
            let causes = &status.details.as_ref()?.causes;
            causes.iter().find(|cause| cause.reason == "ExitCode")?.message.parse().ok()
        })
        .flatten();
    if let Some(code) = code {
        return Ok(code);
    }
    let Target { namespace, pod, container } = target;
    let said = &status.message;
    if said.contains("executable file not found") || said.contains("no such file or directory") {
        return Err(missing(program, target));
    }
    if said.contains("permission denied") {
        return Err(Failure::denied(format!(
            "`{program}` may not be run in container `{container}` of pod {namespace}/{pod}"
        )));
    }
    // The last one is containerd's, of a container that ended a moment ago.
    let is_gone = said.contains("container not found")
        || said.contains("not running")
        || said.contains("task ") && said.contains("not found");
    if is_gone {
        return Err(Failure::unavailable(format!(
            "container `{container}` of pod {namespace}/{pod} does not run"
        )));
    }
    // Of the request to the kubelet, a long URL with the command in it, only the end is news.
    if let Some((_, cause)) = said.split_once("error sending request: ") {
        let cause = cause.rsplit_once("\": ").map_or(cause, |(_, cause)| cause);
        return Err(Failure::unavailable(format!(
            "cannot run `{program}` in pod {namespace}/{pod}: the API server cannot reach its kubelet: {}",
            failures::one_line(cause)
        ))
        .hint(KUBELET));
    }
    Err(Failure::other(format!(
        "cannot run `{program}` in pod {namespace}/{pod}: {}",
        failures::one_line(said)
    )))
}

#[cfg(test)]
mod tests {
    use lab_types::FailureKind;

    use super::*;

    fn check(status: &str, expected: Result<i32, FailureKind>) {
        let target = Target { namespace: "ns".into(), pod: "p".into(), container: "c".into() };
        let status: Status = serde_json::from_str(status).unwrap();
        assert_eq!(
            exit_code(&status, "ip", &target).map_err(|failure| failure.kind),
            expected,
            "{status:?}"
        );
    }

    #[test]
    fn exit_codes_and_what_is_none() {
        check(r#"{"status":"Success"}"#, Ok(0));
        check(
            r#"{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with exit code 2",
                "details":{"causes":[{"reason":"ExitCode","message":"2"}]}}"#,
            Ok(2),
        );
        check(r#"{"status":"Failure","reason":"NonZeroExitCode"}"#, Err(FailureKind::Other));
        check("{}", Err(FailureKind::Other));
        check(
            r#"{"status":"Failure","reason":"InternalError","message":"exec: \"ip\": executable file not found in $PATH"}"#,
            Err(FailureKind::NotFound),
        );
        check(
            r#"{"status":"Failure","message":"container not found (\"c\")"}"#,
            Err(FailureKind::Unavailable),
        );
        check(
            r#"{"status":"Failure","message":"Internal error occurred: error executing command in container: failed to exec in container: failed to create exec \"f6\": task d4 not found: not found"}"#,
            Err(FailureKind::Unavailable),
        );
        // Kubernetes 1.33, with the kubelet's port closed.
        check(
            r#"{"status":"Failure","message":"Internal error occurred: error sending request: Post \"https://192.168.10.101:10250/exec/ns/p/c?command=ip&output=1\": dial tcp 192.168.10.101:10250: connect: connection refused"}"#,
            Err(FailureKind::Unavailable),
        );
    }

    #[test]
    fn long_commands_are_cut_between_characters() {
        assert_eq!(shown(&["ip".into(), "rule".into()]), "ip rule");
        assert_eq!(shown(&["ü".repeat(100)]).chars().count(), 81);
    }
}
