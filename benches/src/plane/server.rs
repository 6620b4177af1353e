//! kube-apiserver: who may ask is one token of this run, and who asks what is in its audit log.

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::etcd::Etcd;
use super::process::{Process, free_ports};

/// What is told of every request of ours, and of nobody else's.
const POLICY: &str = r#"{"apiVersion":"audit.k8s.io/v1","kind":"Policy","omitStages":["RequestReceived"],"rules":[{"level":"Metadata","users":["bench"]},{"level":"None"}]}"#;

/// An API server that answers; it ends with this.
#[derive(Debug)]
pub(super) struct Server {
    process: Process,
    programs: PathBuf,
    run: PathBuf,
}

impl Server {
    /// Starts it over a store, and waits until it answers.
    ///
    /// - Errors: it does not come up, or the disk's.
    pub(super) fn start(programs: &Path, etcd: &Etcd, run: &Path) -> Result<Self, String> {
        let [port] = free_ports()?;
        let write = |name: &str, text: &str| {
            let path = run.join(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>(path.display().to_string())
        };
        let token = token()?;
        let tokens = write("tokens.csv", &format!("{token},bench,bench\n"))?;
        let policy = write("policy.json", POLICY)?;
        let key = run.join("accounts.key").display().to_string();
        let made = Command::new("openssl")
            .args(["genrsa", "-out", &key, "2048"])
            .stderr(Stdio::null())
            .status();
        if !made.map_err(|error| format!("cannot run openssl: {error}"))?.success() {
            return Err("openssl makes no key".to_owned());
        }
        let args = [
            format!("--etcd-servers={}", etcd.url()),
            // Marks of pages stay good, so that others can ask for the very same ones.
            "--etcd-compaction-interval=0".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            // Where it puts a certificate of its own making.
            format!("--cert-dir={}", run.display()),
            "--endpoint-reconciler-type=none".to_owned(),
            // Agents are.
            "--allow-privileged=true".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--service-account-key-file={key}"),
            format!("--service-account-signing-key-file={key}"),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--authorization-mode=AlwaysAllow".to_owned(),
            "--anonymous-auth=false".to_owned(),
            format!("--token-auth-file={tokens}"),
            format!("--audit-policy-file={policy}"),
            format!("--audit-log-path={}", run.join("audit.log").display()),
        ];
        let process = Process::start(&programs.join("kube-apiserver"), &args, run)?;
        let mut server = Self { process, programs: programs.to_owned(), run: run.to_owned() };
        let certificate = run.join("apiserver.crt").display().to_string();
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: bench\n\
             clusters:\n- name: bench\n  cluster:\n    server: https://127.0.0.1:{port}\n    certificate-authority: {certificate}\n\
             users:\n- name: bench\n  user:\n    token: {token}\n\
             contexts:\n- name: bench\n  context:\n    cluster: bench\n    user: bench\n"
        );
        write("kubeconfig.yaml", &text)?;
        write(
            "curl.conf",
            &format!("cacert = \"{certificate}\"\nheader = \"Authorization: Bearer {token}\"\n"),
        )?;
        write("url", &format!("https://127.0.0.1:{port}"))?;
        let mut ask = server.kubectl();
        ask.args(["get", "--raw", "/readyz"]).stdout(Stdio::null()).stderr(Stdio::null());
        server
            .process
            .until(Duration::from_mins(3), || ask.status().is_ok_and(|status| status.success()))?;
        Ok(server)
    }

    /// The file that tells clients where it is.
    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.run.join("kubeconfig.yaml")
    }

    /// kubectl that asks this server, without a cache of what it serves.
    pub(super) fn kubectl(&self) -> Command {
        let mut command = Command::new(self.programs.join("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command.arg("--cache-dir").arg(self.run.join("discovered"));
        command
    }

    /// Runs kubectl.
    ///
    /// - Errors: it did not end well.
    pub(super) fn run(&self, words: &[&str]) -> Result<String, String> {
        let output = self.kubectl().args(words).output();
        let output = output.map_err(|error| format!("cannot run kubectl: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut why = format!("kubectl {}: ", words.join(" "));
        let _ = write!(why, "{}", String::from_utf8_lossy(&output.stderr).trim());
        Err(why)
    }

    /// The folder with what clients need.
    pub(super) fn folder(&self) -> &Path {
        &self.run
    }

    pub(super) fn end(&mut self) {
        self.process.end();
    }
}

/// What nobody can guess.
fn token() -> Result<String, String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| format!("/dev/urandom: {error}"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
