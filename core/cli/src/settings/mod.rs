//! What a command line means: flags over environment over file over defaults, each value with
//! where it comes from. Only this module reads environment variables and the configuration file.

mod environment;
mod file;
mod kubeconfig;
mod load;
mod origin;
mod view;

pub use environment::{Environment, Given, System};
pub use file::{ExtraHost, PluginSettings};
pub use load::{config_path, context_names, extra_host_names};
pub use origin::{Origin, Setting};

use crate::choice::{Color, FailOn, Format, Transport};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Where answers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The cluster.
    Live,
    /// A capture or a sysdump.
    Capture(PathBuf),
    /// The capture that is built in.
    Demo,
}

/// How the API server is found and who asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Absent: `KUBECONFIG`, then `~/.kube/config`, then the pod's service account.
    pub kubeconfig: Setting<Option<PathBuf>>,
    /// Absent: the current one.
    pub context: Setting<Option<String>>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--token`.
    pub token: Option<String>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--disable-compression`.
    pub disable_compression: bool,
    /// `--as`.
    pub as_user: Option<String>,
    /// `--as-group`.
    pub as_groups: Vec<String>,
    /// `--as-uid`.
    pub as_uid: Option<String>,
    /// Absent: no limit.
    pub request_timeout: Setting<Option<Duration>>,
}

/// Which objects count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// `--namespace`, unless all are wanted.
    pub namespace: Option<String>,
    /// `--all-namespaces`.
    pub all_namespaces: bool,
    /// `--selector`.
    pub labels: Option<String>,
}

/// Which hosts are asked, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Names and globs of `--host`; empty means all.
    pub only: Vec<String>,
    /// `--yes`: nobody is asked before a command runs that is not known to only read.
    pub yes: bool,
    /// Commands in flight over all hosts.
    pub concurrency: Setting<usize>,
    /// Longest wait for one command.
    pub timeout: Setting<Duration>,
    /// Where the agents' pods are; absent: found by looking.
    pub agent_namespace: Setting<Option<String>>,
    /// Machines beside the cluster, such as a router.
    pub extra: Vec<ExtraHost>,
    /// Nodes that can also be reached over ssh, by node name.
    pub ssh_nodes: Vec<ExtraHost>,
    /// The user's own program that ssh may ask for passwords: `SSH_ASKPASS`, where
    /// `SSH_ASKPASS_REQUIRE` says to use it without a terminal.
    pub ssh_askpass: Option<PathBuf>,
    /// How a node is asked, the first way first; what is not named is not used.
    pub transports: Setting<Vec<Transport>>,
    /// Whether debug pods may be made.
    pub debug_pods: Setting<bool>,
    /// How they are made.
    pub debug_pod: DebugPod,
    /// Where the relay of the agents' flows is, and how it is spoken to.
    pub relay: Relay,
}

/// The relay of the agents' flows; what is absent is found by looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The namespace of its pods; absent: that of the agents.
    pub namespace: Setting<Option<String>>,
    /// The labels of its pods.
    pub selector: Setting<Option<String>>,
    /// On which its pods listen.
    pub port: Setting<Option<u16>>,
    /// Whether it speaks TLS; absent: as its Service says.
    pub tls: Setting<Option<bool>>,
    /// Certificates of the authority to believe; absent: the cluster's.
    pub ca: Setting<Option<PathBuf>>,
    /// The name that its certificate has to hold.
    pub server_name: Setting<Option<String>>,
    /// Our certificate, where it wants one.
    pub certificate: Setting<Option<PathBuf>>,
    /// The key of it.
    pub key: Setting<Option<PathBuf>>,
}

/// How debug pods are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugPod {
    /// What runs in them; absent: the agents' image.
    pub image: Setting<Option<String>>,
    /// The secret to pull it with; absent: the agents', with their image.
    pub pull_secret: Setting<Option<String>>,
    /// Where they are made; absent: beside the agents.
    pub namespace: Setting<Option<String>>,
    /// After this the cluster ends them by itself.
    pub lifetime: Setting<Duration>,
    /// The longest wait for one to run.
    pub start_timeout: Setting<Duration>,
    /// Whether they see the node's processes.
    pub host_pid: Setting<bool>,
}

/// How long a command runs that would run until it is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// `--once`: until its first complete picture.
    pub once: bool,
    /// `--for`.
    pub run_for: Option<Duration>,
}

/// How the answer is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// `-o`.
    pub output: Setting<Format>,
    /// `NO_COLOR` and a dumb terminal turn `auto` into `never`.
    pub color: Setting<Color>,
    /// `--only`.
    pub only: Option<String>,
    /// `--sort`.
    pub sort: Option<String>,
    /// `--filter`.
    pub filters: Vec<String>,
    /// `--columns`; empty means the default ones.
    pub columns: Vec<String>,
    /// `--limit`.
    pub limit: Option<usize>,
    /// Whether tables have a line with column names.
    pub headers: bool,
    /// `--fold`.
    pub fold: bool,
}

/// How much is logged to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Only what went wrong, and no progress.
    Quiet,
    /// Progress and notes.
    Normal,
    /// Each step.
    Info,
    /// Each request and command.
    Debug,
    /// Headers and bodies.
    Trace,
}

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where answers come from.
    pub source: Source,
    /// Where a capture of this run is written.
    pub record: Option<PathBuf>,
    /// The capture to compare with.
    pub against: Option<PathBuf>,
    /// How the cluster is reached.
    pub connection: Connection,
    /// Which objects count.
    pub selection: Selection,
    /// Which hosts are asked.
    pub hosts: Hosts,
    /// How long a live command runs.
    pub live: Live,
    /// How the answer is shown.
    pub view: View,
    /// From which level on findings decide the exit code.
    pub fail_on: Setting<FailOn>,
    /// How much is logged.
    pub log: LogLevel,
    /// Regular expressions of what no capture may hold.
    pub redact: Vec<Setting<String>>,
    /// The plugins' own settings, by plugin.
    pub plugins: BTreeMap<String, PluginSettings>,
    /// The configuration file that was read; absent if there is none.
    pub config_file: Option<PathBuf>,
}
