//! Against a real sshd on loopback with keys of its own; skipped aloud where there is none.

use std::io::Write;

use lab_types::FailureKind;

use super::*;
use crate::running;

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
    let mut session = ssh.open(host, &argv, Wanted::ToTheEnd).await?;
    running::collect(&mut session, 1 << 20).await
}

#[tokio::test]
async fn commands_codes_streams_and_odd_words() {
    let Some(server) = Server::start() else { return };
    let (ssh, host) = (Ssh::new(), server.host());
    let outcome = ask(&ssh, &host, &["sh", "-c", "echo out; echo err >&2; exit 3"]).await.unwrap();
    assert_eq!((outcome.code, &*outcome.out, &*outcome.err), (3, &b"out\n"[..], &b"err\n"[..]));
    let words = ["a b", "$(id)", "*", "'", "\"", "\\", "", "\n", "-n", "~", "é", ";", "&&"];
    let mut argv = vec!["printf", "%s|"];
    argv.extend(words);
    let outcome = ask(&ssh, &host, &argv).await.unwrap();
    assert_eq!(String::from_utf8(outcome.out).unwrap(), words.join("|") + "|");
    // Its own 255 is a status like any other once the connection stands.
    assert_eq!(ask(&ssh, &host, &["sh", "-c", "exit 255"]).await.unwrap().code, 255);
    let failure = ask(&ssh, &host, &["no-such-program"]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound, "{failure}");
    assert_eq!(failure.message, "`no-such-program` is not on router");
}

#[tokio::test]
async fn many_at_once_share_one_connection_which_ends_with_the_run() {
    let Some(server) = Server::start() else { return };
    let (ssh, host) = (Ssh::new(), server.host());
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
    let outcome = ask(&Ssh::new(), &host, &["sh", "-c", "echo $SSH_CONNECTION"]).await.unwrap();
    assert_eq!(outcome.code, 0);
    let closed = ExtraHost { known_hosts: Some(server.folder.path().join("empty")), ..host };
    let failure = ask(&Ssh::new(), &closed, &["true"]).await.unwrap_err();
    assert_eq!(failure.message, format!("jump host {jump} of router: its host key is not known"));
    assert!(failure.hint.unwrap().ends_with(&format!("`ssh ssh://{jump}`")));
}

#[tokio::test]
async fn a_command_ends_when_nobody_listens() {
    let Some(server) = Server::start() else { return };
    let ssh = Ssh::new();
    let argv = ["sh", "-c", "echo $$; exec sleep 600"].map(str::to_owned);
    let mut session = ssh.open(&server.host(), &argv, Wanted::WhileWeListen).await.unwrap();
    let Chunk::Out(line) = session.next().await else { panic!("no process id") };
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
            let ssh = Ssh { folder, hosts: Mutex::default() };
            let failure = ask(&ssh, &host, &["true"]).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{failure}");
            assert!(failure.message.contains(words) && failure.hint.is_some(), "{failure}");
        }
    }
}
