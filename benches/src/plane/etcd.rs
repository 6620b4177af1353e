//! The store: etcd, and objects put into it without asking an API server.
//!
//! Objects are written in JSON through etcd's own JSON form of its calls, because an API server
//! would take minutes to check, convert and store as many one by one.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use super::process::{Process, free_ports};

/// Calls in a transaction, and bytes of a request: what etcd takes when it is not told otherwise.
const MOST_CALLS: usize = 128;
const MOST_BYTES: usize = 1 << 20;

/// A store that runs; it ends with this.
#[derive(Debug)]
pub(super) struct Etcd {
    process: Process,
    port: u16,
}

impl Etcd {
    /// Starts etcd over a folder.
    ///
    /// - Errors: it does not come up.
    pub(super) fn start(programs: &Path, store: &Path, run: &Path) -> Result<Self, String> {
        let [port, peers] = free_ports()?;
        let (here, there) =
            (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peers}"));
        let args = [
            format!("--data-dir={}", store.display()),
            format!("--listen-client-urls={here}"),
            format!("--advertise-client-urls={here}"),
            format!("--listen-peer-urls={there}"),
            format!("--initial-advertise-peer-urls={there}"),
            format!("--initial-cluster=default={there}"),
            "--quota-backend-bytes=4294967296".to_owned(),
            "--snapshot-count=500".to_owned(),
            "--max-wals=1".to_owned(),
            "--max-snapshots=1".to_owned(),
            // Nothing in it cannot be made again.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=error".to_owned(),
        ];
        let mut process = Process::start(&programs.join("etcd"), &args, run)?;
        let is_up = || post(port, "/v3/maintenance/status", "{}").is_ok();
        process.until(Duration::from_mins(1), is_up)?;
        Ok(Self { process, port })
    }

    /// Where clients find it.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What collects objects and puts many of them at a time.
    pub(super) fn batch(&self) -> Batch {
        Batch { port: self.port, body: String::new(), n_calls: 0 }
    }

    /// Forgets what objects were before, and gives the room back.
    ///
    /// - Errors: the store's.
    pub(super) fn compact(&self) -> Result<(), String> {
        let status = post(self.port, "/v3/kv/range", r#"{"key":"AA==","limit":"1"}"#)?;
        let status: serde_json::Value =
            serde_json::from_str(&status).map_err(|error| error.to_string())?;
        let revision = status["header"]["revision"].as_str().ok_or("etcd has no revision")?;
        let body = format!(r#"{{"revision":"{revision}","physical":true}}"#);
        post(self.port, "/v3/kv/compaction", &body)?;
        post(self.port, "/v3/maintenance/defragment", "{}").map(drop)
    }

    pub(super) fn end(&mut self) {
        self.process.end();
    }
}

/// Objects on their way into the store.
pub(super) struct Batch {
    port: u16,
    body: String,
    n_calls: usize,
}

impl Batch {
    /// Adds one, and sends all when they are many.
    pub(super) fn put(&mut self, key: &str, value: &[u8]) -> Result<(), String> {
        if self.n_calls > 0 {
            self.body.push(',');
        }
        self.body.push_str(r#"{"requestPut":{"key":""#);
        encode(key.as_bytes(), &mut self.body);
        self.body.push_str(r#"","value":""#);
        encode(value, &mut self.body);
        self.body.push_str(r#""}}"#);
        self.n_calls += 1;
        if self.n_calls == MOST_CALLS || self.body.len() > MOST_BYTES {
            self.send()
        } else {
            Ok(())
        }
    }

    /// Sends what there is.
    pub(super) fn send(&mut self) -> Result<(), String> {
        if self.n_calls > 0 {
            post(self.port, "/v3/kv/txn", &format!(r#"{{"success":[{}]}}"#, self.body))?;
        }
        self.body.clear();
        self.n_calls = 0;
        Ok(())
    }
}

/// One call, with a connection of its own.
fn post(port: u16, path: &str, body: &str) -> Result<String, String> {
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = exchange().map_err(|error| format!("etcd: {path}: {error}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) != Some("200") {
        return Err(format!("etcd: {path}: {} {body}", head.lines().next().unwrap_or_default()));
    }
    Ok(body.to_owned())
}

/// Base64, in which JSON has bytes.
fn encode(bytes: &[u8], out: &mut String) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            if at > three.len() {
                out.push('=');
            } else {
                let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
                let _ = out.write_char(char::from(letter));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_everybody() {
        for (text, expected) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            let mut out = String::new();
            encode(text.as_bytes(), &mut out);
            assert_eq!(out, expected);
        }
    }
}
