//! The cluster of `tests/lab`: its hosts, its pods, and the program as somebody at the desk has it.
//!
//! Apart because only this file knows the lab's scripts. What is changed on a host is changed
//! through [`Cluster::change`], which knows how to put it back.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lab_tests::{Lab, Scratch, sources};
use serde_json::Value;

/// Kubernetes nodes of the lab.
pub(crate) const NODES: [&str; 3] = ["k8s-ctr", "k8s-w1", "k8s-w0"];
/// The host that is no node.
pub(crate) const ROUTER: &str = "router";
/// Its addresses; the last one is behind it, on a network of its own.
pub(crate) const ROUTER_ADDRESSES: [&str; 3] = ["192.168.10.200", "192.168.20.200", "10.10.1.200"];

/// The cluster that is up.
pub(crate) struct Cluster {
    scripts: PathBuf,
    lab_dir: PathBuf,
    /// Holds `kubectl`'s plugins, as a user's `PATH` does.
    bin: Scratch,
}

/// A change on a host, taken back when this is dropped.
pub(crate) struct Change<'c> {
    cluster: &'c Cluster,
    host: &'static str,
    undo: String,
}

/// A program in the network of a host, ended when this is dropped.
pub(crate) struct Beside(Child);

impl Drop for Beside {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// A pod with a network of its own.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) app: String,
    pub(crate) node: String,
    pub(crate) ip: String,
}

/// Starts this test once more on the desk's network and ends as that ends.
pub(crate) fn sit_down(mark: &str) {
    let test = std::env::current_exe().expect("a test is a file");
    let status = Command::new(scripts().join("run"))
        .args(["--net", "desk", "env", &format!("{mark}=1")])
        .arg(test)
        .args(["--exact", "live", "--nocapture"])
        .stdin(Stdio::null())
        .status()
        .expect("bash is there");
    assert!(status.success(), "see above; is the lab up? tests/lab/up brings it up");
}

fn scripts() -> PathBuf {
    sources::root().join("tests/lab").canonicalize().expect("the lab's scripts are there")
}

impl Cluster {
    /// The one that is up.
    pub(crate) fn at_hand() -> Self {
        let of = |name: &str| std::env::var_os(name).map(PathBuf::from);
        let cache = of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
        let lab_dir = of("LAB_DIR").or_else(|| Some(cache?.join("cilium-lab")));
        let lab_dir = lab_dir.expect("LAB_DIR or HOME is set");
        let bin = Scratch::new();
        let test = std::env::current_exe().expect("a test is a file");
        let built = test.parent().and_then(Path::parent).expect("tests are in `deps`");
        let root = sources::root().canonicalize().expect("it is there");
        for (name, target) in [
            ("kubectl", lab_dir.join("bin/kubectl")),
            ("kubectl-lab", built.join("kubectl-lab-under-test")),
            ("kubectl_complete-lab", root.join("completions/kubectl_complete-lab")),
        ] {
            std::os::unix::fs::symlink(target, bin.path(name)).expect("the folder is ours");
        }
        Self { scripts: scripts(), lab_dir, bin }
    }

    /// Native routing, every agent ready, nothing left of an earlier run.
    pub(crate) fn settle(&self) {
        if self.config("routing-mode") != "native"
            || self.pods().iter().filter(|pod| pod.app == "probe").count() != 3
        {
            self.up("native");
        }
        self.agents_ready();
    }

    /// A setting of Cilium, by its key in the `ConfigMap`.
    pub(crate) fn config(&self, key: &str) -> String {
        self.kubectl(&format!(
            "-n kube-system get configmap cilium-config -o jsonpath={{.data.{key}}}"
        ))
    }

    /// Changes the routing mode of the whole cluster, as `tests/lab/up` does it.
    pub(crate) fn up(&self, routing: &str) {
        self.up_with(&["--routing", routing]);
    }

    /// Changes the cluster's settings, as `tests/lab/up` does it with these words.
    pub(crate) fn up_with(&self, words: &[&str]) {
        let output = self.script("up", words);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    /// Changes the version of Cilium in place, and waits until every agent and all that it
    /// restored is ready.
    pub(crate) fn upgrade(&self, version: &str) {
        let output = self.script("up", &["--cilium", version]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        self.agents_ready();
        let states = "get ciliumendpoints -A -o jsonpath={.items[*].status.state}";
        eventually("every endpoint is ready", Duration::from_mins(1), || {
            self.kubectl(states).split_whitespace().all(|state| state == "ready")
        });
    }

    /// Whether all agents are of a version, as their images say.
    pub(crate) fn agents_run(&self, version: &str) -> bool {
        let images = self.kubectl(
            "-n kube-system get pods -l k8s-app=cilium \
             -o jsonpath={.items[*].spec.containers[0].image}",
        );
        let mut images = images.split_whitespace().peekable();
        images.peek().is_some() && images.all(|image| image.ends_with(&format!(":v{version}")))
    }

    /// Runs a line of shell on a host; what it prints. It must succeed.
    #[track_caller]
    pub(crate) fn on(&self, host: &str, line: &str) -> String {
        let output = self.script("run", &[host, "sh", "-c", line]);
        assert!(output.status.success(), "{host}: {line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a line of shell on a host, and another one at the end of the scenario.
    #[track_caller]
    pub(crate) fn change(&self, host: &'static str, line: &str, undo: &str) -> Change<'_> {
        // First, so that half a change is taken back as well.
        let change = Change { cluster: self, host, undo: undo.to_owned() };
        self.on(host, line);
        change
    }

    /// Changes objects with kubectl, and runs another command of it at the end of the scenario.
    #[track_caller]
    pub(crate) fn change_objects<S: AsRef<str>>(
        &self,
        words: &[S],
        undo: &[S],
    ) -> ObjectChange<'_> {
        let undo = undo.iter().map(|word| word.as_ref().to_owned()).collect();
        // First, so that half a change is taken back as well.
        let change = ObjectChange { cluster: self, undo };
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        self.kubectl_words(&words);
        change
    }

    /// What kubectl prints for the words of a line, as cluster admin.
    #[track_caller]
    pub(crate) fn kubectl(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        self.kubectl_words(&words)
    }

    /// The same with words that hold spaces.
    #[track_caller]
    pub(crate) fn kubectl_words(&self, words: &[&str]) -> String {
        let output = self.command("kubectl").args(words).output().expect("kubectl is built");
        assert!(output.status.success(), "kubectl {words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// A program of the desk, with the plugin on its `PATH` and its settings.
    pub(crate) fn command(&self, program: &str) -> Command {
        let settings = self.bin.put("config.toml", self.settings());
        let mut command = Command::new(self.bin.path(program));
        command
            .env("PATH", self.path())
            .env("KUBECONFIG", self.kubeconfig())
            .env("KUBECTL_LAB_CONFIG", settings)
            .stdin(Stdio::null());
        command
    }

    /// The program with the words of a line, cluster admin's kubeconfig, and the router as an
    /// extra host.
    pub(crate) fn lab(&self, line: &str) -> Lab {
        self.lab_with(line, &self.settings())
    }

    /// The same with other settings.
    pub(crate) fn lab_with(&self, line: &str, settings: &str) -> Lab {
        Lab::line(line).env("KUBECONFIG", self.kubeconfig()).config(settings)
    }

    /// The router as an extra host.
    pub(crate) fn settings(&self) -> String {
        self.router_as("vagrant@192.168.10.200", &self.state("id_ed25519"), &self.known_hosts())
    }

    /// The router as an extra host, reached in another way.
    #[expect(clippy::unused_self, reason = "only a lab that is up has such a router")]
    pub(crate) fn router_as(&self, ssh: &str, identity: &Path, known_hosts: &Path) -> String {
        format!(
            "[extra-hosts.{ROUTER}]\nssh = \"{ssh}\"\naddresses = {:?}\nidentity = \"{}\"\n\
             known-hosts = \"{}\"\n",
            [&ROUTER_ADDRESSES[..], &["10.10.2.200"]].concat(),
            identity.display(),
            known_hosts.display(),
        )
    }

    /// Whether a program that not every lab needs is built.
    pub(crate) fn has_built(&self, program: &str) -> bool {
        self.lab_dir.join("bin").join(program).exists()
    }

    /// A program that the lab's build has made, or one of this machine by its path, running in the
    /// network of a host until this is dropped.
    pub(crate) fn beside(&self, host: &str, program: &str, words: &[&str]) -> Beside {
        let mut command = Command::new(self.scripts.join("run"));
        command.args(["--net", host]).arg(self.lab_dir.join("bin").join(program)).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // The script is a process of its own, and so is what it starts.
        Beside(command.process_group(0).spawn().expect("bash is there"))
    }

    /// A file of the running lab.
    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.lab_dir.join("state").join(name)
    }

    /// The host keys of the lab.
    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.state("known_hosts")
    }

    /// Cluster admin's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.state("admin.conf")
    }

    /// A host's routes, each as `ip` prints it.
    pub(crate) fn raw_routes(&self, host: &str) -> Vec<String> {
        let both = "ip route show table all; ip -6 route show table all";
        self.on(host, both).lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// The pods that have a network of their own.
    pub(crate) fn pods(&self) -> Vec<Pod> {
        let pods: Value =
            serde_json::from_str(&self.kubectl("get pods -o json")).expect("kubectl prints JSON");
        let pods = pods["items"].as_array().expect("a list");
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        pods.iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .map(|pod| Pod {
                name: word(&pod["metadata"]["name"]),
                app: word(&pod["metadata"]["labels"]["app"]),
                node: word(&pod["spec"]["nodeName"]),
                ip: word(&pod["status"]["podIP"]),
            })
            .filter(|pod| !pod.ip.is_empty())
            .collect()
    }

    /// The range of pods of every node, as Cilium has handed it out.
    pub(crate) fn pod_cidrs(&self) -> BTreeMap<String, String> {
        let print =
            r#"-o=jsonpath={range .items[*]}{.metadata.name} {.spec.ipam.podCIDRs[0]}{"\n"}{end}"#;
        let lines = self.kubectl_words(&["get", "ciliumnodes", print]);
        let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
        lines.lines().filter_map(pair).collect()
    }

    /// The name of the agent's pod on a node.
    pub(crate) fn agent(&self, node: &str) -> String {
        let pods = self.kubectl(&format!(
            "-n kube-system get pods -l k8s-app=cilium --field-selector spec.nodeName={node} -o name"
        ));
        pods.trim().to_owned()
    }

    /// Waits until every agent is ready.
    pub(crate) fn agents_ready(&self) {
        self.kubectl("-n kube-system rollout status ds/cilium --timeout=120s");
        self.kubectl(
            "-n kube-system wait --for=condition=Ready pod -l k8s-app=cilium --timeout=120s",
        );
    }

    fn path(&self) -> std::ffi::OsString {
        let theirs = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.bin.root().to_owned()];
        let folders = folders.into_iter().chain(std::env::split_paths(&theirs));
        std::env::join_paths(folders).expect("no folder has a colon")
    }

    /// Runs a script of the lab to its end.
    pub(crate) fn script(&self, name: &str, words: &[&str]) -> Output {
        let mut command = Command::new(self.scripts.join(name));
        command.args(words).stdin(Stdio::null()).output().expect("bash is there")
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        let output = self.cluster.script("run", &[self.host, "sh", "-c", &self.undo]);
        if !output.status.success() {
            let Self { host, undo, .. } = self;
            crate::say(format_args!("lab: {host}: {undo}: {}", text(&output.stderr)));
        }
    }
}

/// A change of objects, taken back when it is dropped.
pub(crate) struct ObjectChange<'c> {
    cluster: &'c Cluster,
    undo: Vec<String>,
}

impl Drop for ObjectChange<'_> {
    fn drop(&mut self) {
        let output = self.cluster.command("kubectl").args(&self.undo).output();
        if !output.as_ref().is_ok_and(|output| output.status.success()) {
            crate::say(format_args!("lab: kubectl {:?}: {output:?}", self.undo));
        }
    }
}

/// Asks again until it holds; for what the cluster does in its own time.
#[track_caller]
pub(crate) fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < deadline, "within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Output as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
