//! An API server for tests: answers on loopback what a closure says, and speaks exec's protocol.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// The server's clock stands still.
pub(crate) const DATE: &str = "Thu, 26 Nov 2026 16:10:36 GMT";

/// What happens to a request.
pub(crate) enum Reply {
    /// A code and a body.
    Http(u16, String),
    /// A body of which the pieces come one by one; the connection is cut after the last.
    Pieces(Vec<String>),
    /// Nothing, ever.
    Silence,
    /// The connection is cut.
    Cut,
    /// A WebSocket of this protocol on which this happens.
    Exec(&'static str, Vec<Act>),
    /// A port of a pod that is forwarded to this address.
    Forward(u16, SocketAddr),
}

/// What the far end of an exec does.
pub(crate) enum Act {
    /// A frame on a channel.
    Frame(u8, Vec<u8>),
    /// Waits.
    Pause(Duration),
    /// Closes as the protocol says.
    Close,
    /// Does nothing any more but keeps the connection.
    Hang,
}

/// A status document.
pub(crate) fn status(code: u16, message: &str) -> Reply {
    let text = serde_json::json!({"kind": "Status", "status": "Failure", "code": code, "message": message});
    Reply::Http(code, text.to_string())
}

/// The status at the end of a command.
pub(crate) fn exit(code: i32) -> Act {
    let text = if code == 0 {
        r#"{"status":"Success"}"#.to_owned()
    } else {
        format!(
            r#"{{"status":"Failure","reason":"NonZeroExitCode","details":{{"causes":[{{"reason":"ExitCode","message":"{code}"}}]}}}}"#
        )
    };
    Act::Frame(3, text.into_bytes())
}

/// What is asked of the server.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: String,
    /// How many were asked before.
    pub(crate) nth: usize,
}

/// A server that lives as long as the test's runtime.
pub(crate) struct FakeServer {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeServer {
    /// Answers by path and by how many requests came before.
    pub(crate) async fn start(
        answer: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::answering(move |request| answer(&request.path, request.nth)).await
    }

    /// Answers by all that is in a request.
    pub(crate) async fn answering(
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = Self { url, asked: Arc::clone(&asked) };
        let answer = Arc::new(answer);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                tokio::spawn(serve(stream, move |mut request: Request| {
                    {
                        let mut asked = asked.lock().unwrap();
                        request.nth = asked.len();
                        asked.push(match request.method.as_str() {
                            "GET" => request.path.clone(),
                            method => format!("{method} {}", request.path),
                        });
                    }
                    answer(&request)
                }));
            }
        });
        server
    }

    /// What was asked: paths, and with the method in front where it is another than GET.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// How many of what was asked have this in them.
    pub(crate) fn n_asked(&self, words: &str) -> usize {
        self.asked().iter().filter(|asked| asked.contains(words)).count()
    }
}

async fn serve(mut stream: TcpStream, answer: impl Fn(Request) -> Reply) {
    while let Some(head) = head(&mut stream).await {
        let header = |name: &str| {
            head.lines()
                .find(|line| line.to_lowercase().starts_with(name))
                .map(|line| line[name.len()..].trim())
        };
        let length = header("content-length:").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let mut words = head.split(' ').map(str::to_owned);
        let request = Request {
            method: words.next().unwrap_or_default(),
            path: words.next().unwrap_or_default(),
            body: String::from_utf8(body).unwrap(),
            nth: 0,
        };
        match answer(request) {
            Reply::Http(code, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {code} x\r\ncontent-type: application/json\r\ndate: {DATE}\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Pieces(pieces) => {
                let _ =
                    stream.write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n").await;
                for piece in pieces {
                    let _ = stream
                        .write_all(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes())
                        .await;
                }
                return;
            }
            Reply::Silence => std::future::pending().await,
            Reply::Cut => return,
            Reply::Exec(protocol, acts) => {
                let key = header("sec-websocket-key:");
                let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
                let text = format!(
                    "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\nsec-websocket-protocol: {protocol}\r\n\r\n"
                );
                let _ = stream.write_all(text.as_bytes()).await;
                return exec(stream, acts).await;
            }
            Reply::Forward(port, to) => {
                let key = header("sec-websocket-key:");
                let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
                let text = format!(
                    "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\nsec-websocket-protocol: v4.channel.k8s.io\r\n\r\n"
                );
                let _ = stream.write_all(text.as_bytes()).await;
                return forward(stream, port, to).await;
            }
        }
    }
}

async fn exec(stream: TcpStream, acts: Vec<Act>) {
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    for act in acts {
        match act {
            Act::Frame(channel, mut bytes) => {
                bytes.insert(0, channel);
                if socket.send(Message::binary(bytes)).await.is_err() {
                    return;
                }
            }
            Act::Pause(time) => tokio::time::sleep(time).await,
            Act::Close => {
                let _ = socket.close(None).await;
                while let Some(Ok(_)) = socket.next().await {}
            }
            Act::Hang => while let Some(Ok(_)) = socket.next().await {},
        }
    }
}

/// Speaks the port-forward's protocol: channel 0 has the bytes, channel 1 says why there are none,
/// and each begins with the port.
async fn forward(stream: TcpStream, port: u16, to: SocketAddr) {
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    for channel in [0, 1] {
        let [low, high] = port.to_le_bytes();
        let _ = socket.send(Message::binary(vec![channel, low, high])).await;
    }
    let mut peer = match TcpStream::connect(to).await {
        Ok(peer) => peer,
        Err(error) => {
            let why = format!("failed to connect to localhost:{port} inside namespace: {error}");
            let _ = socket.send(Message::binary([&[1], why.as_bytes()].concat())).await;
            let _ = socket.close(None).await;
            while let Some(Ok(_)) = socket.next().await {}
            return;
        }
    };
    let mut bytes = vec![0; 4096];
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(frame))) => {
                    if peer.write_all(&frame[1..]).await.is_err() {
                        return;
                    }
                }
                Some(Ok(_)) => {}
                _ => return,
            },
            read = peer.read(&mut bytes) => match read {
                Ok(0) | Err(_) => {
                    let _ = socket.close(None).await;
                    while let Some(Ok(_)) = socket.next().await {}
                    return;
                }
                Ok(length) => {
                    let frame = [&[0], &bytes[..length]].concat();
                    if socket.send(Message::binary(frame)).await.is_err() {
                        return;
                    }
                }
            },
        }
    }
}

async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
        // A TLS handshake: answered as a web server without TLS does.
        if head == [0x16] {
            let _ = stream.write_all(b"HTTP/1.1 400 x\r\n\r\n").await;
            return None;
        }
    }
    String::from_utf8(head).ok()
}
