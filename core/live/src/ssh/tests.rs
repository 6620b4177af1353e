//! Against a real sshd on loopback with keys of its own; skipped aloud where there is none.

use std::io::Write;

use super::*;
use crate::{no_program, running};

/// An sshd that lives as long as this value.
struct Server {
    folder: ssh_folder::Folder,
    daemon: std::process::Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

impl Server {
    fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// With more words for the daemon.
    fn start_with(more: &[&str]) -> Option<Self> {
        let sshd = "/usr/sbin/sshd";
        if !Path::new(sshd).exists() {
            let _ = writeln!(std::io::stderr(), "skipped: {sshd} is not installed");
            return None;
        }
        // Wanted by a daemon that runs as root; somebody else's privilege separation is not needed.
        let _ = std::fs::create_dir_all("/run/sshd");
        let folder = ssh_folder::Folder::new().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        for name in ["host", "mine", "other"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &file(name)]);
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let key = std::fs::read_to_string(file("host.pub")).unwrap();
        std::fs::write(file("known"), format!("[127.0.0.1]:{port} {key}")).unwrap();
        std::fs::write(file("empty"), "").unwrap();
        let daemon = std::process::Command::new(sshd)
            .args(["-D", "-e", "-f", "/dev/null", "-h", &file("host"), "-p", &port.to_string()])
            .args(more)
            .args(["-o", "ListenAddress=127.0.0.1", "-o", "PidFile=none", "-o", "UsePAM=no"])
            .args(["-o", "StrictModes=no", "-o", "PermitRootLogin=yes", "-o"])
            .arg(format!("AuthorizedKeysFile={}", file("mine.pub")))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, daemon, port };
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("sshd did not start");
    }

    fn host(&self) -> ExtraHost {
        let file = |name: &str| Some(self.folder.path().join(name));
        ExtraHost {
            name: "router".into(),
            ssh: format!("{}@127.0.0.1", run("id", &["-un"]).trim()),
            port: Some(self.port),
            identity: file("mine"),
            known_hosts: file("known"),
            ..ExtraHost::default()
        }
    }
}

async fn ask(ssh: &Ssh, host: &ExtraHost, argv: &[&str]) -> Answer<lab_backend::Outcome> {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    ssh.ready(host).await?;
    let mut session = ssh.open(host, &argv, Wanted::ToTheEnd).await?;
    running::collect(&mut session, 1 << 20, "x").await
}

#[tokio::test]
async fn commands_codes_streams_and_odd_words() {
    let Some(server) = Server::start() else { return };
    let (ssh, host) = (Ssh::new(None), server.host());
    let outcome = ask(&ssh, &host, &["sh", "-c", "echo out; echo err >&2; exit 3"]).await.unwrap();
    assert_eq!((outcome.code, &*outcome.out, &*outcome.err), (3, &b"out\n"[..], &b"err\n"[..]));
    let words = ["a b", "$(id)", "*", "'", "\"", "\\", "", "\n", "-n", "~", "é", ";", "&&"];
    let mut argv = vec!["printf", "%s|"];
    argv.extend(words);
    let outcome = ask(&ssh, &host, &argv).await.unwrap();
    assert_eq!(String::from_utf8(outcome.out).unwrap(), words.join("|") + "|");
    // Its own 255 is a status like any other once the connection stands.
    assert_eq!(ask(&ssh, &host, &["sh", "-c", "exit 255"]).await.unwrap().code, 255);
    // Whatever the login shell is, its words are known.
    for program in ["no-such-program", "/no/such/program"] {
        let outcome = ask(&ssh, &host, &[program]).await.unwrap();
        let said = String::from_utf8_lossy(&outcome.err);
        assert!(no_program::is_why(outcome.code, &outcome.err, program), "{said}");
    }
    let outcome = ask(&ssh, &host, &["sh", "-c", "no-such-program"]).await.unwrap();
    assert!(!no_program::is_why(outcome.code, &outcome.err, "sh"), "that is sh's own answer");
    let bytes: Vec<u8> = (0..=255).collect();
    let outcome = ask(&ssh, &host, &["printf", &octal(&bytes)]).await.unwrap();
    assert_eq!(outcome.out, bytes);
}

/// For `printf`, which makes the bytes of it.
fn octal(bytes: &[u8]) -> String {
    let octal: Vec<_> = bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
    octal.concat()
}

#[tokio::test]
async fn many_at_once_share_one_connection_which_ends_with_the_run() {
    let Some(server) = Server::start() else { return };
    let (ssh, host) = (Ssh::new(None), server.host());
    let folder = ssh.folder.as_ref().unwrap().path().to_owned();
    let script = "head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; echo $SSH_CONNECTION";
    let argv = ["sh", "-c", script];
    let all = (0..20).map(|_| ask(&ssh, &host, &argv));
    let mut ports = std::collections::BTreeSet::new();
    for outcome in futures::future::join_all(all).await {
        let outcome = outcome.unwrap();
        // On a busy machine ssh itself may add a line to standard error.
        let zeros: usize = outcome.err.split(|byte| *byte != 0).map(<[u8]>::len).sum();
        assert_eq!((outcome.code, zeros), (0, 300_000));
        ports.insert(outcome.out[300_000..].to_vec());
    }
    assert_eq!(ports.len(), 1, "one connection: {ports:?}");
    assert!(folder.join("0.s").exists());
    drop(ssh);
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_jump_host_is_gone_through_and_named_when_it_refuses() {
    let Some(server) = Server::start() else { return };
    let jump = format!("{}:{}", server.host().ssh, server.port);
    let host = ExtraHost { jump: Some(jump.clone()), ..server.host() };
    let outcome = ask(&Ssh::new(None), &host, &["sh", "-c", "echo $SSH_CONNECTION"]).await.unwrap();
    assert_eq!(outcome.code, 0);
    let closed = ExtraHost { known_hosts: Some(server.folder.path().join("empty")), ..host };
    let failure = ask(&Ssh::new(None), &closed, &["true"]).await.unwrap_err();
    assert_eq!(failure.message, format!("jump host {jump} of router: its host key is not known"));
    assert!(failure.hint.unwrap().ends_with(&format!("`ssh ssh://{jump}`")));
}

#[tokio::test]
async fn a_command_ends_when_nobody_listens() {
    let Some(server) = Server::start() else { return };
    let ssh = Ssh::new(None);
    let argv = ["sh", "-c", "echo $$; exec sleep 600"].map(str::to_owned);
    ssh.ready(&server.host()).await.unwrap();
    let mut session = ssh.open(&server.host(), &argv, Wanted::WhileWeListen).await.unwrap();
    let Piece::Out(line) = session.next().await else { panic!("no process id") };
    let process = Path::new("/proc").join(String::from_utf8(line).unwrap().trim());
    assert!(process.exists());
    drop(session);
    for _ in 0..500 {
        if !process.exists() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it still runs");
}

#[tokio::test]
async fn what_is_wrong_with_ssh_itself_is_told_apart() {
    let Some(server) = Server::start() else { return };
    let good = server.host();
    let file = |name: &str| Some(server.folder.path().join(name));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let other = std::fs::read_to_string(server.folder.path().join("other.pub")).unwrap();
    let changed = server.folder.path().join("changed");
    std::fs::write(&changed, format!("[127.0.0.1]:{} {other}", server.port)).unwrap();
    let cases = [
        (
            ExtraHost { known_hosts: file("empty"), ..good.clone() },
            FailureKind::Denied,
            "host key is not known",
        ),
        (
            ExtraHost { known_hosts: Some(changed), ..good.clone() },
            FailureKind::Denied,
            "not the known one",
        ),
        (
            ExtraHost { identity: file("other"), ..good.clone() },
            FailureKind::Denied,
            "login was refused",
        ),
        (
            ExtraHost { port: Some(nobody), ..good.clone() },
            FailureKind::Unavailable,
            "connection refused",
        ),
        (
            ExtraHost { ssh: "no-such-host.invalid".into(), ..good },
            FailureKind::Unavailable,
            "name is not known",
        ),
    ];
    for (host, kind, words) in cases {
        // With and without a shared connection the same failure.
        for folder in [ssh_folder::Folder::new(), None] {
            let ssh = Ssh { folder, hosts: Mutex::default(), askpass: None };
            let failure = ask(&ssh, &host, &["true"]).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{failure}");
            assert!(failure.message.contains(words) && failure.hint.is_some(), "{failure}");
        }
    }
}

#[tokio::test]
async fn an_unknown_host_key_is_never_accepted_and_the_hint_is_the_command() {
    let Some(server) = Server::start() else { return };
    let empty = server.folder.path().join("empty");
    let host = ExtraHost { known_hosts: Some(empty.clone()), ..server.host() };
    let failure = ask(&Ssh::new(None), &host, &["true"]).await.unwrap_err();
    let command = format!("`ssh -p {} {}`", server.port, host.ssh);
    assert!(failure.hint.unwrap().ends_with(&command));
    assert_eq!(std::fs::read_to_string(empty).unwrap(), "", "no key was added");
}

#[tokio::test]
async fn a_host_that_wants_a_password_is_refused_and_nothing_is_asked() {
    let Some(server) = Server::start_with(&["-o", "AuthenticationMethods=password"]) else {
        return;
    };
    let began = Instant::now();
    let failure = ask(&Ssh::new(None), &server.host(), &["true"]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied, "{failure}");
    assert!(failure.hint.unwrap().contains("SSH_ASKPASS_REQUIRE=force"));
    assert!(began.elapsed() < Duration::from_secs(10), "it does not wait for an answer");
}

/// A passphrase goes the way of a password: through the user's program, and only if there is one.
#[cfg(unix)]
#[tokio::test]
async fn secrets_come_from_the_user_s_askpass_alone() {
    use std::os::unix::fs::PermissionsExt;

    let Some(server) = Server::start() else { return };
    let file = |name: &str| server.folder.path().join(name);
    let key = file("mine").display().to_string();
    run("ssh-keygen", &["-q", "-p", "-P", "", "-N", "a word", "-f", &key]);
    let askpass = file("askpass");
    let asked = file("asked");
    let script = format!("#!/bin/sh\necho x >>{}\necho 'a word'\n", asked.display());
    std::fs::write(&askpass, script).unwrap();
    std::fs::set_permissions(&askpass, std::fs::Permissions::from_mode(0o700)).unwrap();
    let failure = ask(&Ssh::new(None), &server.host(), &["true"]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    assert!(!asked.exists(), "nobody was asked");
    let (ssh, host) = (Ssh::new(Some(askpass.clone())), server.host());
    let all = (0..5).map(|_| ask(&ssh, &host, &["echo", "hello"]));
    for outcome in futures::future::join_all(all).await {
        assert_eq!(outcome.unwrap().out, b"hello\n");
    }
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), "x\n", "once for all commands");
    // Through a jump host too.
    let jump = format!("{}:{}", server.host().ssh, server.port);
    let host = ExtraHost { jump: Some(jump), ..server.host() };
    ask(&Ssh::new(Some(askpass)), &host, &["true"]).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_dropped_at_once_is_tried_again() {
    let Some(server) = Server::start() else { return };
    // Drops the first two as an sshd does that is met by too many, and then passes on.
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = door.local_addr().unwrap().port();
    let (behind, n_met) = (server.port, Arc::new(Mutex::new(0)));
    let met = n_met.clone();
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = door.accept().await {
            let nth = {
                let mut met = met.lock().unwrap();
                *met += 1;
                *met
            };
            if nth <= 2 {
                continue;
            }
            tokio::spawn(async move {
                let inside = tokio::net::TcpStream::connect(("127.0.0.1", behind)).await;
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside.unwrap()).await;
            });
        }
    });
    let known = server.folder.path().join("door");
    let key = std::fs::read_to_string(server.folder.path().join("host.pub")).unwrap();
    std::fs::write(&known, format!("[127.0.0.1]:{port} {key}")).unwrap();
    let host = ExtraHost { port: Some(port), known_hosts: Some(known), ..server.host() };
    assert_eq!(ask(&Ssh::new(None), &host, &["true"]).await.unwrap().code, 0);
    assert_eq!(*n_met.lock().unwrap(), 3);
}

#[tokio::test]
async fn a_host_that_accepts_and_says_nothing_holds_nobody() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = ExtraHost {
        name: "router".into(),
        ssh: "127.0.0.1".into(),
        port: Some(silent.local_addr().unwrap().port()),
        ..ExtraHost::default()
    };
    let ssh = Ssh::new(None);
    let waited =
        tokio::time::timeout(Duration::from_millis(300), ask(&ssh, &host, &["true"])).await;
    assert!(waited.is_err(), "whoever waits may give up");
}
