//! An API server on loopback that says what a test wants.
//!
//! Threads and plain sockets: a test must be able to break the protocol, and nothing here needs
//! more than one request after the other on a connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`.
    pub method: String,
    /// With what stands behind `?`.
    pub path: String,
    /// What was posted.
    pub body: String,
    /// The key of a WebSocket.
    key: String,
}

impl Request {
    /// The path, with the method in front where it is another than GET.
    fn shown(&self) -> String {
        match self.method.as_str() {
            "GET" => self.path.clone(),
            method => format!("{method} {}", self.path),
        }
    }
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A code, further header lines each ended by `\r\n`, and a body.
    Http(u16, &'static str, String),
    /// A command in a container: its exit code and what it prints.
    Exec(i32, String),
    /// Nothing, ever.
    Silence,
    /// The connection is cut.
    Cut,
}

/// A status document with a code.
pub fn status(code: u16, message: &str) -> Reply {
    let status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message,
    });
    Reply::Http(code, "", status.to_string())
}

/// A server that lives as long as the test's process.
#[derive(Debug)]
pub struct ApiServer {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl ApiServer {
    /// Answers every path with what the closure says; a method other than GET stands in front.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::answering(move |request| answer(&request.shown()))
    }

    /// Answers every request with what the closure says.
    pub fn answering(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, heard) = (Arc::new(answer), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, heard) = (answer.clone(), heard.clone());
                std::thread::spawn(move || serve(stream, &*answer, &heard));
            }
        });
        Self { url, asked }
    }

    /// A kubeconfig for it.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             contexts: [{{name: test, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n",
            self.url
        )
    }

    /// The paths asked for so far, each with its method unless that is GET.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no thread panics while it holds this").clone()
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Reply, heard: &Mutex<Vec<String>>) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut reading = BufReader::new(reading);
    while let Some(request) = read(&mut reading) {
        heard.lock().expect("no thread panics while it holds this").push(request.shown());
        match answer(&request) {
            Reply::Http(code, headers, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {code} x\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
                );
                if stream.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Exec(code, out) => return exec(stream, &request.key, code, &out),
            Reply::Silence => std::thread::sleep(Duration::from_hours(1)),
            Reply::Cut => return,
        }
    }
}

/// Speaks exec's protocol: a byte for the channel before each piece, the status last.
fn exec(mut stream: TcpStream, key: &str, code: i32, out: &str) {
    let accept = derive_accept_key(key.as_bytes());
    let text = format!(
        "HTTP/1.1 101 x\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\nsec-websocket-protocol: v5.channel.k8s.io\r\n\r\n"
    );
    if stream.write_all(text.as_bytes()).is_err() {
        return;
    }
    let status = if code == 0 {
        serde_json::json!({"status": "Success"})
    } else {
        serde_json::json!({"status": "Failure", "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}})
    };
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    for (channel, piece) in [(1, out.as_bytes()), (3, status.to_string().as_bytes())] {
        let frame = [&[channel], piece].concat();
        if socket.send(Message::binary(frame)).is_err() {
            return;
        }
    }
    if socket.close(None).is_ok() {
        while socket.read().is_ok() {}
    }
}

/// Reads a request.
fn read(reading: &mut impl BufRead) -> Option<Request> {
    let mut first = String::new();
    reading.read_line(&mut first).ok().filter(|&read| read > 0)?;
    let mut words = first.split(' ').map(str::to_owned);
    let mut request = Request { method: words.next()?, path: words.next()?, ..Request::default() };
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = reading.read_line(&mut line).ok()?;
        if read == 0 || line == "\r\n" {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "sec-websocket-key" => value.trim().clone_into(&mut request.key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reading.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}
