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
use futures::{FutureExt, Sink, SinkExt, StreamExt};
use kube::core::Status;
use lab_types::Failure;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::api::Api;
use crate::failures::{self, Problem};
use crate::kinds::{self, Query};
use crate::running::{Piece, Ran, Running, Unanswered, Wanted};

/// Bytes: what API servers pass on at once is up to 32 KiB, and mostly much less.
const READ_AT_ONCE: usize = 16 << 10;
/// Bytes that are handed over at once, if so much has come.
const TOGETHER: usize = 32 << 10;
/// How long output of a command that we listen to gathers. A line of an agent may have a frame of
/// its own, and a thousand of them a second for each of a hundred agents would be that many wakes.
const GATHER: Duration = Duration::from_millis(40);
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

/// Starts a command.
pub(crate) async fn open(
    api: &Api,
    target: &Target,
    argv: &[String],
    wanted: Wanted,
) -> Result<Exec, Unanswered> {
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
    let connected = api.connect(&path).await;
    let connection = connected.map_err(|problem| not_started(problem, target, argv))?;
    // Nothing has been read of it: the same connection with less room for what is read at once.
    // That room is filled with zeros before each read, and a hundred agents have it a hundred times.
    let raw = connection.into_stream().into_inner();
    let config = WebSocketConfig::default().read_buffer_size(READ_AT_ONCE);
    let stream = WebSocketStream::from_raw_socket(raw, Role::Client, Some(config)).await;
    let (send, receive) = stream.split();
    let mut ping = tokio::time::interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Ok(Exec {
        send: Box::pin(send),
        receive: receive.boxed(),
        ping,
        heard: Instant::now(),
        gathers: (wanted == Wanted::WhileWeListen).then(Instant::now),
        behind: None,
        status: None,
        program: argv.first().cloned().unwrap_or_default(),
        target: target.clone(),
    })
}

/// Why no stream was opened.
fn not_started(problem: Problem, target: &Target, argv: &[String]) -> Unanswered {
    let Target { namespace, pod, .. } = target;
    let doing = format!("run `{}` in pod {namespace}/{pod}", shown(argv));
    let code = problem.code();
    let ran = match &problem {
        Problem::Broken(_) => Ran::Perhaps,
        Problem::Status(status) if code == Some(404) || is_gone(&status.message) => Ran::Gone,
        _ => Ran::Not,
    };
    let failure = problem.into_failure(&doing);
    let failure = match code {
        Some(403) => failure.hint(format!(
            "it takes the verbs `get` and `create` on `pods/exec` in namespace `{namespace}`; `kubectl auth can-i --list` shows the rights there are"
        )),
        Some(404) => failure.hint(format!("has it been replaced? see `kubectl get pods -n {namespace}`")),
        Some(500..) if failure.message.contains("dialing backend") => failure.hint(KUBELET),
        _ => failure,
    };
    Unanswered { ran, failure }
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
    /// Until when output gathers, if it does.
    gathers: Option<Instant>,
    /// What came behind output that was gathered, and is something else.
    behind: Option<Received>,
    /// How it ended, once said, and until when more output is awaited.
    status: Option<(Result<i32, Unanswered>, Instant)>,
    program: String,
    target: Target,
}

/// A message, or why there is none; nothing at the end of the connection.
type Received = Option<Result<Message, SocketError>>;

impl Running for Exec {
    fn next(&mut self) -> BoxFuture<'_, Piece> {
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
                        _ => return Piece::Ended(ended),
                    }
                    continue;
                }
                let message = tokio::select! {
                    message = next(&mut self.behind, self.gathers, &mut self.receive) => message,
                    _ = self.ping.tick() => {
                        if self.heard.elapsed() > DEAD
                            || self.send.send(Message::Ping(Vec::new().into())).await.is_err()
                        {
                            return Piece::Ended(Err(self.lost("the connection is silent")));
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
                            return self.gather(chunk);
                        }
                    }
                    Some(Err(error)) => {
                        let why = failures::one_line(&error.to_string());
                        return Piece::Ended(Err(self.lost(&why)));
                    }
                    None => return Piece::Ended(Err(self.lost("the connection was closed"))),
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
fn output(message: Message) -> Option<Piece> {
    let Message::Binary(frame) = message else { return None };
    let (channel, piece) = frame.split_first().filter(|(_, piece)| !piece.is_empty())?;
    match *channel {
        STDOUT => Some(Piece::Out(piece.to_vec())),
        STDERR => Some(Piece::Err(piece.to_vec())),
        _ => None,
    }
}

/// What was put by, or what comes next, once nothing more is to gather. It may be dropped at any
/// time and loses nothing.
async fn next(
    behind: &mut Option<Received>,
    gathers: Option<Instant>,
    receive: &mut BoxStream<'static, Result<Message, SocketError>>,
) -> Received {
    if let Some(behind) = behind.take() {
        return behind;
    }
    if let Some(until) = gathers {
        tokio::time::sleep_until(until).await;
    }
    receive.next().await
}

impl Exec {
    /// Adds what has come already behind a piece of standard output.
    fn gather(&mut self, piece: Piece) -> Piece {
        let Piece::Out(mut out) = piece else { return piece };
        while out.len() < TOGETHER && self.behind.is_none() {
            match self.receive.next().now_or_never() {
                Some(Some(Ok(Message::Binary(frame)))) if frame.first() == Some(&STDOUT) => {
                    out.extend_from_slice(&frame[1..]);
                }
                Some(other) => self.behind = Some(other),
                // Where more has come than is handed over, it does not wait.
                None => {
                    if let Some(gathers) = &mut self.gathers {
                        *gathers = Instant::now() + GATHER;
                    }
                    break;
                }
            }
        }
        Piece::Out(out)
    }

    fn ended(&self, frame: &[u8]) -> Result<i32, Unanswered> {
        let status: Status = serde_json::from_slice(frame).map_err(|error| {
            Unanswered::perhaps(failures::unreadable(&format!("run `{}`", self.program), &error))
        })?;
        exit_code(&status, &self.program, &self.target)
    }

    fn lost(&self, why: &str) -> Unanswered {
        Unanswered::perhaps(Failure::unavailable(format!(
            "`{}` in pod {}/{} ended without a status: {why}",
            self.program, self.target.namespace, self.target.pod
        )))
    }
}

/// The program is not in that container.
pub(crate) fn missing(program: &str, target: &Target) -> Failure {
    let Target { namespace, pod, container } = target;
    Failure::not_found(format!(
        "`{program}` is not in container `{container}` of pod {namespace}/{pod}"
    ))
}

/// The exit code in a status document, or why the command could not be started.
fn exit_code(status: &Status, program: &str, target: &Target) -> Result<i32, Unanswered> {
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
    // Of a path the runtime says what the system says; without the program's name it may be about
    // anything, and nothing was started all the same.
    if said.contains("executable file not found")
        || said.contains("no such file or directory") && said.contains(&format!("\"{program}\""))
    {
        return Err(Unanswered { ran: Ran::NoProgram, failure: missing(program, target) });
    }
    if said.contains("permission denied") {
        return Err(Unanswered::not_run(Failure::denied(format!(
            "`{program}` may not be run in container `{container}` of pod {namespace}/{pod}"
        ))));
    }
    if is_gone(said) {
        let failure = Failure::unavailable(format!(
            "container `{container}` of pod {namespace}/{pod} does not run"
        ));
        return Err(Unanswered { ran: Ran::Gone, failure });
    }
    // Of the request to the kubelet, a long URL with the command in it, only the end is news.
    if let Some((_, cause)) = said.split_once("error sending request: ") {
        let cause = cause.rsplit_once("\": ").map_or(cause, |(_, cause)| cause);
        let failure = Failure::unavailable(format!(
            "cannot run `{program}` in pod {namespace}/{pod}: the API server cannot reach its kubelet: {}",
            failures::one_line(cause)
        ))
        .hint(KUBELET);
        // Only what failed while dialing was never sent.
        let ran = if cause.starts_with("dial ") { Ran::Not } else { Ran::Perhaps };
        return Err(Unanswered { ran, failure });
    }
    let failure = Failure::other(format!(
        "cannot run `{program}` in pod {namespace}/{pod}: {}",
        failures::one_line(said)
    ));
    let never =
        ["failed to create exec", "failed to start exec", "unable to start container process"];
    let ran = if never.iter().any(|words| said.contains(words)) { Ran::Not } else { Ran::Perhaps };
    Err(Unanswered { ran, failure })
}

/// What kubelet and runtime say of a container that ended; the last one is containerd's, of one
/// that ended a moment ago.
fn is_gone(said: &str) -> bool {
    said.contains("container not found")
        || said.contains("not running")
        || said.contains("task ") && said.contains("not found")
}

#[cfg(test)]
mod tests {
    use lab_types::FailureKind;

    use super::*;

    fn check(status: &str, expected: Result<i32, (FailureKind, Ran)>) {
        let target = Target { namespace: "ns".into(), pod: "p".into(), container: "c".into() };
        let status: Status = serde_json::from_str(status).unwrap();
        assert_eq!(
            exit_code(&status, "ip", &target).map_err(|none| (none.failure.kind, none.ran)),
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
        check(
            r#"{"status":"Failure","reason":"NonZeroExitCode"}"#,
            Err((FailureKind::Other, Ran::Perhaps)),
        );
        check("{}", Err((FailureKind::Other, Ran::Perhaps)));
        check(
            r#"{"status":"Failure","reason":"InternalError","message":"exec: \"ip\": executable file not found in $PATH"}"#,
            Err((FailureKind::NotFound, Ran::NoProgram)),
        );
        check(
            r#"{"status":"Failure","message":"container not found (\"c\")"}"#,
            Err((FailureKind::Unavailable, Ran::Gone)),
        );
        check(
            r#"{"status":"Failure","message":"Internal error occurred: error executing command in container: failed to exec in container: failed to create exec \"f6\": task d4 not found: not found"}"#,
            Err((FailureKind::Unavailable, Ran::Gone)),
        );
        // Kubernetes 1.33, with the kubelet's port closed.
        check(
            r#"{"status":"Failure","message":"Internal error occurred: error sending request: Post \"https://192.168.10.101:10250/exec/ns/p/c?command=ip&output=1\": dial tcp 192.168.10.101:10250: connect: connection refused"}"#,
            Err((FailureKind::Unavailable, Ran::Not)),
        );
        // The same, lost after it was sent.
        check(
            r#"{"status":"Failure","message":"error sending request: Post \"https://192.168.10.101:10250/exec/ns/p/c?command=ip\": EOF"}"#,
            Err((FailureKind::Unavailable, Ran::Perhaps)),
        );
        check(
            r#"{"status":"Failure","message":"error executing command in container: failed to exec in container: failed to start exec \"a1\": OCI runtime exec failed: exec failed: unable to start container process: error executing setns process"}"#,
            Err((FailureKind::Other, Ran::Not)),
        );
    }

    #[test]
    fn long_commands_are_cut_between_characters() {
        assert_eq!(shown(&["ip".into(), "rule".into()]), "ip rule");
        assert_eq!(shown(&["ü".repeat(100)]).chars().count(), 81);
    }
}
