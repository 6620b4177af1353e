//! One call of gRPC that is answered by a stream of messages, over any connection.
//!
//! Apart from what the messages mean. A call is all that is needed of gRPC: one request, then
//! frames of a length and a message until the trailers say how it ended; the rest is HTTP/2, and
//! that is `h2`, which HTTP clients for Rust are built on.
//!
//! Source: the page "gRPC over HTTP2" of gRPC.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures::FutureExt;
use h2::client::ResponseFuture;
use h2::{Ping, PingPong, RecvStream};
use http::{HeaderMap, Request, StatusCode};
use lab_types::{Failure, FailureKind};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;

/// The longest message: clients of gRPC take 4 MiB unless told otherwise.
const LARGEST: usize = 4 << 20;
/// What may be on its way to us. It is given back as it is read, so a slow reader holds the server.
/// A server that has used it up waits, and where nothing is sent the kernel holds back the second of
/// two small frames that give room back, until the first is acknowledged 40 ms later: kube's sockets
/// do not turn that off. Half of this lasts as long at 50 MB/s, so that the server does not wait.
const WINDOW: u32 = 4 << 20;
/// What is handed over at once at most, beside the end of the last message.
const ENOUGH: usize = 128 << 10;
/// A peer that is gone without a word is noticed after this and [`ANSWER_WITHIN`]. Servers of gRPC
/// hang up on clients that ping more often than every five minutes.
const PING_EVERY: Duration = Duration::from_secs(330);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A call under way. Dropping it ends it.
pub(super) struct Call {
    state: State,
    /// Read and not taken: the beginning of a frame at most.
    rest: BytesMut,
    connection: Connection,
}

enum State {
    Waiting(ResponseFuture),
    Reading(RecvStream),
    Ended,
}

/// What moves the bytes.
struct Connection(JoinHandle<String>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What came.
pub(super) enum Answer {
    /// Whole messages, at least one.
    Messages(Vec<Bytes>),
    /// It has ended, well or not.
    Ended(Result<(), Failure>),
}

impl Call {
    /// Sends a request. That the server is there at all shows in the first answer.
    ///
    /// # Errors
    /// The connection does not take it.
    pub(super) async fn start<S>(stream: S, path: &str, message: &[u8]) -> Result<Self, String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let told = |error: h2::Error| error.to_string();
        let (mut sender, mut connection) = h2::client::Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .enable_push(false)
            // A server sends a frame for each message, and most are small: that is its work here,
            // and no attack. What waits to be read is bounded by the window all the same.
            .data_frame_budget(usize::MAX)
            .handshake::<_, Bytes>(stream)
            .await
            .map_err(told)?;
        let pings = connection.ping_pong();
        let connection = Connection(tokio::spawn(async move {
            tokio::select! {
                ended = connection => ended.err().map(|error| error.to_string()).unwrap_or_default(),
                () = watch(pings) => "nothing has been heard of it".to_owned(),
            }
        }));
        let request = Request::post(format!("http://relay{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("user-agent", concat!("kubectl-lab/", env!("CARGO_PKG_VERSION")))
            .body(())
            .map_err(|error| error.to_string())?;
        std::future::poll_fn(|context| sender.poll_ready(context)).await.map_err(told)?;
        let (response, mut body) = sender.send_request(request, false).map_err(told)?;
        body.send_data(framed(message), true).map_err(told)?;
        Ok(Self { state: State::Waiting(response), rest: BytesMut::new(), connection })
    }

    /// What comes next. After the end it is not asked again.
    pub(super) async fn next(&mut self) -> Answer {
        loop {
            match &mut self.state {
                State::Waiting(response) => match response.await {
                    Ok(response) => {
                        let (head, body) = response.into_parts();
                        // An answer without messages has its end in its head.
                        if let Some(ended) = ended(&head.headers) {
                            return self.end(ended);
                        }
                        if head.status != StatusCode::OK {
                            return self.end(Err(Failure::unavailable(format!(
                                "it answers with code {} of HTTP and not in gRPC",
                                head.status.as_u16()
                            ))));
                        }
                        self.state = State::Reading(body);
                    }
                    Err(error) => return self.broken(&error).await,
                },
                State::Reading(body) => match body.data().await {
                    Some(Ok(data)) => {
                        let mut n_bytes = data.len();
                        self.rest.extend_from_slice(&data);
                        // A server sends a frame for each message. What has come as well is handed
                        // over together: that costs everybody behind us as much as a single one.
                        // An end or an error stays, and is found again.
                        while self.rest.len() < ENOUGH
                            && let Some(Some(Ok(data))) = body.data().now_or_never()
                        {
                            n_bytes += data.len();
                            self.rest.extend_from_slice(&data);
                        }
                        // The stream is ours, so it is there to give room back to.
                        let _gone = body.flow_control().release_capacity(n_bytes);
                        match messages(&mut self.rest) {
                            Ok(messages) if messages.is_empty() => {}
                            Ok(messages) => return Answer::Messages(messages),
                            Err(failure) => return self.end(Err(failure)),
                        }
                    }
                    Some(Err(error)) => return self.broken(&error).await,
                    None => {
                        let trailers = body.trailers().await;
                        let ended = match trailers {
                            Ok(Some(trailers)) => ended(&trailers),
                            Ok(None) => None,
                            Err(error) => return self.broken(&error).await,
                        };
                        return self.end(ended.unwrap_or_else(|| {
                            Err(Failure::unavailable("the answer ended without a status"))
                        }));
                    }
                },
                State::Ended => return Answer::Ended(Err(Failure::stopped())),
            }
        }
    }

    fn end(&mut self, ended: Result<(), Failure>) -> Answer {
        self.state = State::Ended;
        Answer::Ended(ended)
    }

    /// The connection knows more than the stream that it takes along.
    async fn broken(&mut self, error: &h2::Error) -> Answer {
        self.state = State::Ended;
        let told = tokio::time::timeout(Duration::from_millis(200), &mut self.connection.0).await;
        let why = match told {
            Ok(Ok(why)) if !why.is_empty() => why,
            _ => error.to_string(),
        };
        Answer::Ended(Err(Failure::unavailable(format!("the connection broke: {why}"))))
    }
}

/// Ends when the peer does not answer any more.
async fn watch(pings: Option<PingPong>) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        tokio::time::sleep(PING_EVERY).await;
        let answer = tokio::time::timeout(ANSWER_WITHIN, pings.ping(Ping::opaque())).await;
        if !matches!(answer, Ok(Ok(_))) {
            return;
        }
    }
}

/// A message with its length before it.
fn framed(message: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(5 + message.len());
    // Not compressed.
    frame.push(0);
    // Requests are some bytes long.
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}

/// Takes the messages that are there as a whole.
fn messages(bytes: &mut BytesMut) -> Result<Vec<Bytes>, Failure> {
    let mut messages = Vec::new();
    while let Some((head, _)) = bytes.split_first_chunk::<5>() {
        let [compressed, length @ ..] = *head;
        if compressed != 0 {
            return Err(Failure::other("it compresses its answer, which nobody asked for"));
        }
        let length = u32::from_be_bytes(length) as usize;
        if length > LARGEST {
            return Err(Failure::other(format!(
                "it announces a message of {length} bytes; more than {} MiB are not read",
                LARGEST >> 20
            )));
        }
        if bytes.len() < 5 + length {
            break;
        }
        bytes.advance(5);
        messages.push(bytes.split_to(length).freeze());
    }
    Ok(messages)
}

/// How a call ended, if these headers say so.
fn ended(headers: &HeaderMap) -> Option<Result<(), Failure>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let code = text("grpc-status")?;
    if code == "0" {
        return Some(Ok(()));
    }
    let said = text("grpc-message").map(decoded).unwrap_or_default();
    let kind = match code {
        "3" => FailureKind::InvalidInput,
        "4" => FailureKind::Timeout,
        "5" => FailureKind::NotFound,
        "7" | "16" => FailureKind::Denied,
        "14" => FailureKind::Unavailable,
        _ => FailureKind::Other,
    };
    let message = if said.is_empty() {
        format!("status {code} of gRPC")
    } else {
        format!("{said} (status {code} of gRPC)")
    };
    Some(Err(Failure::new(kind, message)))
}

/// Text in which bytes stand as `%e2`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        if let Some(escaped) = after.get(..2).filter(|_| byte == b'%').and_then(hex) {
            bytes.push(escaped);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
