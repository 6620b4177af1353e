//! A command on a machine that is no node, over the system's `ssh`.
//!
//! Apart because everything here is OpenSSH's: its options, its connection sharing, its words when
//! something is wrong. The user's `~/.ssh/config`, agent and known hosts count as in a shell, and
//! host keys are always checked. Knows nothing of clusters.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use lab_backend::Answer;
use lab_types::{Failure, FailureKind};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::chance::jitter;
use crate::quote;
use crate::running::{Piece, Running, Unanswered, Wanted};
use crate::{ExtraHost, ssh_folder};
use words::{LOST, REFUSED, no_ssh, own_failure, unknown_failure};

/// sshd allows ten sessions on a connection (`MaxSessions`); streams and commands share them.
const SESSIONS: usize = 8;
/// After this, a host that could not be reached is tried again: a run can last for hours.
const AGAIN: Duration = Duration::from_secs(5);
/// How often a connection is opened that is refused or reset at once: an sshd that is met by many
/// drops some of them (`MaxStartups`), a jump host above all.
const ATTEMPTS: u32 = 3;

/// The ssh connections of a run, one for each host.
pub(crate) struct Ssh {
    /// Where shared connections have their sockets; absent where ssh cannot share.
    folder: Option<ssh_folder::Folder>,
    hosts: Mutex<HashMap<String, Arc<Line>>>,
    /// The user's program that asks for passwords; without it nothing is asked.
    askpass: Option<PathBuf>,
}

/// The way to one host.
struct Line {
    host: ExtraHost,
    askpass: Option<PathBuf>,
    socket: Option<PathBuf>,
    /// Set when the shared connection stands.
    shared: OnceCell<()>,
    /// Why it did not come about, and when.
    failed: Mutex<Option<(Failure, Instant)>>,
    sessions: Arc<Semaphore>,
}

impl Ssh {
    /// `askpass` is the user's own program that ssh may ask for passwords, if it may ask at all.
    pub(crate) fn new(askpass: Option<PathBuf>) -> Self {
        Self { folder: ssh_folder::Folder::new(), hosts: Mutex::default(), askpass }
    }

    /// Waits until the connection that all commands of a host share stands.
    pub(crate) async fn ready(&self, host: &ExtraHost) -> Answer<()> {
        if host.ssh.is_empty() || host.ssh.starts_with('-') {
            return Err(Failure::invalid(format!(
                "host {}: `{}` is no ssh target",
                host.name, host.ssh
            )));
        }
        let line = self.line(host);
        match &line.socket {
            Some(socket) => line.shared.get_or_try_init(|| line.share(socket)).await.copied(),
            None => Ok(()),
        }
    }

    /// Starts a command on a host that is [`ready`](Self::ready). When this fails, it did not
    /// start.
    pub(crate) async fn open(
        &self,
        host: &ExtraHost,
        argv: &[String],
        wanted: Wanted,
    ) -> Answer<Session> {
        let sudo = ["sudo".to_owned(), "-n".to_owned()];
        let words: Vec<String> =
            sudo.into_iter().filter(|_| host.sudo).chain(argv.iter().cloned()).collect();
        let remote = quote::line(&wanted.words(&words))?;
        let line = self.line(host);
        let turn =
            Arc::clone(&line.sessions).acquire_owned().await.map_err(|_| Failure::stopped())?;
        let mut command = line.command();
        command.arg("--").arg(&host.ssh).arg(remote);
        if wanted == Wanted::WhileWeListen {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().map_err(|error| no_ssh(&error))?;
        let streams = child.stdout.take().zip(child.stderr.take());
        let (out, err) =
            streams.ok_or_else(|| Failure::other("ssh was started without its streams"))?;
        Ok(Session {
            child,
            out: Some(out),
            err: Some(err),
            tail: Vec::new(),
            host: host.clone(),
            shared: line.socket.is_some(),
            _turn: turn,
        })
    }

    fn line(&self, host: &ExtraHost) -> Arc<Line> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = hosts.len();
        Arc::clone(hosts.entry(host.name.clone()).or_insert_with(|| {
            Arc::new(Line {
                host: host.clone(),
                askpass: self.askpass.clone(),
                socket: self.folder.as_ref().map(|folder| folder.socket(nth)),
                shared: OnceCell::new(),
                failed: Mutex::default(),
                sessions: Arc::new(Semaphore::new(SESSIONS)),
            })
        }))
    }
}

impl Drop for Ssh {
    /// Ends the shared connections. If the program is killed they end by themselves after a minute.
    fn drop(&mut self) {
        let hosts = self.hosts.get_mut().unwrap_or_else(PoisonError::into_inner);
        for line in hosts.values() {
            if line.shared.initialized()
                && let Some(socket) = &line.socket
            {
                let _ = std::process::Command::new("ssh")
                    .args(["-O", "exit", "-o"])
                    .arg(format!("ControlPath={}", socket.display()))
                    .arg("--")
                    .arg(&line.host.ssh)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status();
            }
        }
    }
}

/// Opens the connection that the commands of a host share, as a process of its own: what fails here
/// is ssh's, and what fails later is the command's.
async fn share(host: &ExtraHost, askpass: Option<&Path>, socket: &Path) -> Answer<()> {
    // A file, for the process that stays behind would hold a pipe open.
    let log = socket.with_extension("log");
    let _ = std::fs::remove_file(&log);
    let file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(&log)
        .map_err(|error| Failure::other(format!("cannot write {}: {error}", log.display())))?;
    let mut command = base(host, askpass, Some(&log));
    command
        .args(["-f", "-N", "-o", "ControlMaster=yes", "-o", "ControlPersist=60", "-o"])
        .arg(format!("ControlPath={}", socket.display()))
        .arg("--")
        .arg(&host.ssh)
        .stdout(Stdio::null())
        .stderr(file);
    let status = command.status().await.map_err(|error| no_ssh(&error))?;
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read(&log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    Err(own_failure(&said, host).unwrap_or_else(|| unknown_failure(&said, host)))
}

impl Line {
    /// Opens the shared connection. All that is asked of a host at once waits for it, and where it
    /// fails that is said to all: a host that drops packets would cost as many timeouts as there
    /// are questions.
    async fn share(&self, socket: &Path) -> Answer<()> {
        let failed = || self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((failure, when)) = failed().as_ref()
            && when.elapsed() < AGAIN
        {
            return Err(failure.clone());
        }
        let mut attempt = 1;
        loop {
            let began = Instant::now();
            let Err(failure) = share(&self.host, self.askpass.as_deref(), socket).await else {
                return Ok(());
            };
            // What failed slowly, or is not about the connection, fails again.
            let again = failure.kind == FailureKind::Unavailable
                && (failure.message.ends_with(REFUSED) || failure.message.ends_with(LOST))
                && began.elapsed() < Duration::from_secs(1);
            if !again || attempt == ATTEMPTS {
                *failed() = Some((failure.clone(), Instant::now()));
                return Err(failure);
            }
            tokio::time::sleep(jitter(Duration::from_millis(200) * 3_u32.pow(attempt - 1))).await;
            attempt += 1;
        }
    }

    fn command(&self) -> Command {
        // Over a shared connection nobody logs in, so there is nothing to ask.
        let askpass = self.askpass.as_deref().filter(|_| self.socket.is_none());
        let mut command = base(&self.host, askpass, None);
        if let Some(socket) = &self.socket {
            command.args(["-o", "ControlMaster=no", "-o"]);
            command.arg(format!("ControlPath={}", socket.display()));
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// `ssh` with what holds for every use: no terminal, nothing forwarded, and no questions but those
/// that the user's askpass answers.
fn base(host: &ExtraHost, askpass: Option<&Path>, log: Option<&Path>) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-T", "-o", batch(askpass), "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR"]);
    if let Some(askpass) = askpass {
        // Else ssh would take the terminal, on which a table is drawn.
        command.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force");
    }
    command.args(["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"]);
    command.args(["-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no"]);
    command.args(["-o", "PermitLocalCommand=no", "-o", "RemoteCommand=none"]);
    if let Some(port) = host.port {
        command.arg("-p").arg(port.to_string());
    }
    if let Some(identity) = &host.identity {
        command.arg("-i").arg(identity).args(["-o", "IdentitiesOnly=yes"]);
    }
    if let Some(jump) = &host.jump {
        command.arg("-o").arg(format!("ProxyCommand={}", through(jump, host, askpass, log)));
    }
    if let Some(known) = &host.known_hosts {
        command.arg("-o").arg(format!("UserKnownHostsFile=\"{}\"", known.display()));
    }
    // Its words are read below; they are English but for the system's own errors.
    command.env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// In batch mode ssh asks nobody, its askpass included.
fn batch(askpass: Option<&Path>) -> &'static str {
    if askpass.is_some() { "BatchMode=no" } else { "BatchMode=yes" }
}

/// The way through a jump host. `-J` would ask questions on the terminal and forget the identity and
/// the known hosts, for its own ssh inherits neither `BatchMode` nor they.
fn through(jump: &str, host: &ExtraHost, askpass: Option<&Path>, log: Option<&Path>) -> String {
    let mut words: Vec<String> =
        ["ssh", "-T", "-o", batch(askpass), "-o", "ConnectTimeout=10", "-o", "LogLevel=ERROR"]
            .map(str::to_owned)
            .to_vec();
    if let Some(identity) = &host.identity {
        words.extend(["-i".to_owned(), identity.display().to_string()]);
        words.extend(["-o", "IdentitiesOnly=yes"].map(str::to_owned));
    }
    if let Some(known) = &host.known_hosts {
        words.extend(["-o".to_owned(), format!("UserKnownHostsFile=\"{}\"", known.display())]);
    }
    words.extend(["-W".to_owned(), "[%h]:%p".to_owned(), "--".to_owned(), format!("ssh://{jump}")]);
    let last = words.len() - 3;
    for (place, word) in words.iter_mut().enumerate() {
        if place != last {
            *word = word.replace('%', "%%");
        }
    }
    // A path with a zero byte cannot have come from anywhere.
    let line = quote::line(&words).unwrap_or_default();
    // What a shared connection's way has to say, ssh throws away.
    match log.map(|log| quote::line(&[log.display().to_string()]).unwrap_or_default()) {
        Some(log) => format!("{line} 2>>{}", log.replace('%', "%%")),
        None => line,
    }
}

/// A command that runs on a host.
pub(crate) struct Session {
    child: Child,
    out: Option<ChildStdout>,
    err: Option<ChildStderr>,
    /// The end of standard error, in which ssh says what went wrong.
    tail: Vec<u8>,
    host: ExtraHost,
    shared: bool,
    _turn: OwnedSemaphorePermit,
}

impl Running for Session {
    fn next(&mut self) -> BoxFuture<'_, Piece> {
        Box::pin(async move {
            let mut out = vec![0; 64 << 10];
            let mut err = vec![0; 4 << 10];
            loop {
                tokio::select! {
                    read = read(&mut self.out, &mut out), if self.out.is_some() => match read {
                        0 => self.out = None,
                        n => {
                            out.truncate(n);
                            return Piece::Out(out);
                        }
                    },
                    read = read(&mut self.err, &mut err), if self.err.is_some() => match read {
                        0 => self.err = None,
                        n => {
                            err.truncate(n);
                            self.remember(&err);
                            return Piece::Err(err);
                        }
                    },
                    else => return Piece::Ended(self.ended().await),
                }
            }
        })
    }
}

async fn read(from: &mut Option<impl AsyncReadExt + Unpin>, into: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(into).await.unwrap_or(0),
        None => 0,
    }
}

impl Session {
    fn remember(&mut self, piece: &[u8]) {
        self.tail.extend_from_slice(piece);
        let excess = self.tail.len().saturating_sub(4 << 10);
        self.tail.drain(..excess);
    }

    async fn ended(&mut self) -> Result<i32, Unanswered> {
        let status = self.child.wait().await.map_err(|error| {
            Unanswered::perhaps(Failure::other(format!("cannot wait for ssh: {error}")))
        })?;
        let said = String::from_utf8_lossy(&self.tail);
        match status.code() {
            None => Err(Unanswered::perhaps(Failure::other(format!(
                "ssh to {} was killed",
                self.host.name
            )))),
            // Once a connection is shared, 255 may also be the command's own.
            Some(255) => match own_failure(&said, &self.host) {
                Some(failure) => Err(Unanswered::perhaps(failure)),
                None if self.shared => Ok(255),
                None => Err(Unanswered::perhaps(unknown_failure(&said, &self.host))),
            },
            Some(1) if self.host.sudo && said.contains("sudo: a password is required") => {
                let failure = Failure::denied(format!(
                    "sudo on {} asks for a password",
                    self.host.name
                ))
                .hint("allow it without one in sudoers (`NOPASSWD`), or log in as another user");
                Err(Unanswered::not_run(failure))
            }
            Some(code) => Ok(code),
        }
    }
}

/// The program is not on that host.
pub(crate) fn missing(program: &str, host: &ExtraHost) -> Failure {
    Failure::not_found(format!("`{program}` is not on {}", host.name))
}

#[cfg(test)]
mod tests;
mod words;
