//! An API server on loopback that says what a test wants.
//!
//! Threads and plain sockets: a test must be able to break the protocol, and nothing here needs
//! more than one request after the other on a connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A code, further header lines each ended by `\r\n`, and a body.
    Http(u16, &'static str, String),
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
    /// Answers every path with what the closure says.
    pub fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
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

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Reply, heard: &Mutex<Vec<String>>) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut reading = BufReader::new(reading);
    while let Some(path) = head(&mut reading) {
        heard.lock().expect("no thread panics while it holds this").push(path.clone());
        match answer(&path) {
            Reply::Http(code, headers, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {code} x\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n{body}"
                );
                if stream.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Reply::Silence => std::thread::sleep(Duration::from_hours(1)),
            Reply::Cut => return,
        }
    }
}

/// Reads a request and drops its body; its path, with the method in front where it is another than
/// GET.
fn head(reading: &mut impl BufRead) -> Option<String> {
    let mut first = String::new();
    reading.read_line(&mut first).ok().filter(|&read| read > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = reading.read_line(&mut line).ok()?;
        if read == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    std::io::copy(&mut reading.take(length), &mut std::io::sink()).ok()?;
    let mut words = first.split(' ');
    match (words.next()?, words.next()?) {
        ("GET", path) => Some(path.to_owned()),
        (method, path) => Some(format!("{method} {path}")),
    }
}
