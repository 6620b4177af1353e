//! What the settings layer decides about a live cluster, as one plain struct.
//!
//! Apart from the rest so that a caller can see every choice on one page. Knows nothing of how a
//! choice is carried out.

use std::path::PathBuf;
use std::time::Duration;

use crate::Transport;

/// How to reach a cluster and the hosts beside it. `Default` is what kubectl would do without flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// `--kubeconfig`. Absent: `KUBECONFIG`, then `~/.kube/config`, then the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--namespace`; absent: the context's.
    pub namespace: Option<String>,
    /// `--server`.
    pub server: Option<String>,
    /// `--tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,
    /// `--certificate-authority`.
    pub certificate_authority: Option<PathBuf>,
    /// `--client-certificate`.
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`.
    pub client_key: Option<PathBuf>,
    /// `--token`.
    pub token: Option<String>,
    /// `--as`.
    pub as_user: Option<String>,
    /// `--as-group`, repeated.
    pub as_groups: Vec<String>,
    /// `--as-uid`.
    pub as_uid: Option<String>,
    /// `--disable-compression`.
    pub disable_compression: bool,
    /// `--request-timeout`: one request to the API server, from connecting to the last byte. Absent:
    /// no limit, as kubectl's `0`.
    pub request_timeout: Option<Duration>,
    /// The longest that one command on a host may take, waiting for its turn not included.
    pub command_timeout: Duration,
    /// How many commands run at once over all hosts.
    pub concurrency: usize,
    /// The most that one command may print, both streams together; the rest is dropped.
    pub output_limit: usize,
    /// Where the agents' pods are, when not found by looking.
    pub agent_namespace: Option<String>,
    /// Machines beside the cluster, such as a router.
    pub extra_hosts: Vec<ExtraHost>,
    /// Nodes that can also be reached over ssh, by node name.
    pub ssh_nodes: Vec<ExtraHost>,
    /// The user's program that ssh may ask for passwords; absent: ssh asks nobody.
    pub ssh_askpass: Option<PathBuf>,
    /// How a node is asked, the first way that can first. What is not named is not used.
    pub transports: Vec<Transport>,
    /// How debug pods are made; absent: none may be made.
    pub debug_pods: Option<DebugPodOptions>,
    /// The relay of the agents' flows.
    pub relay: RelayOptions,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            cluster: None,
            user: None,
            namespace: None,
            server: None,
            tls_server_name: None,
            insecure_skip_tls_verify: false,
            certificate_authority: None,
            client_certificate: None,
            client_key: None,
            token: None,
            as_user: None,
            as_groups: Vec::new(),
            as_uid: None,
            disable_compression: false,
            request_timeout: Some(Duration::from_secs(30)),
            command_timeout: Duration::from_secs(30),
            // Measured by others on listings: flat after 32 (corneliusweig/ketall#84).
            concurrency: 32,
            output_limit: 64 << 20,
            agent_namespace: None,
            extra_hosts: Vec::new(),
            ssh_nodes: Vec::new(),
            ssh_askpass: None,
            transports: Transport::ALL.to_vec(),
            debug_pods: None,
            relay: RelayOptions::default(),
        }
    }
}

/// A machine reached over the system's `ssh`. What is absent is left to `~/.ssh/config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraHost {
    /// Its name in tables and in `--host`.
    pub name: String,
    /// Addresses by which others know it.
    pub addresses: Vec<String>,
    /// `user@host`, `host`, or a name from `~/.ssh/config`.
    pub ssh: String,
    /// `ssh -p`.
    pub port: Option<u16>,
    /// `ssh -i`, and then no other key is tried.
    pub identity: Option<PathBuf>,
    /// A machine to go through, `user@host` or `user@host:port`, with the same identity.
    pub jump: Option<String>,
    /// A file of known host keys in place of `~/.ssh/known_hosts`. Keys are always checked.
    pub known_hosts: Option<PathBuf>,
    /// Puts `sudo -n` before every command.
    pub sudo: bool,
}

/// How the pods are made that answer for nodes whose agents cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugPodOptions {
    /// What runs in them. Absent: the image of the agents, which is on the nodes already.
    pub image: Option<String>,
    /// A secret of their namespace to pull the image with. Absent: those of the agents, with the
    /// agents' image.
    pub pull_secret: Option<String>,
    /// Where they are made. Absent: beside the agents, whose namespace admits such pods.
    pub namespace: Option<String>,
    /// After this the cluster ends them by itself, whatever happened here.
    pub lifetime: Duration,
    /// The longest wait for one to run, its image pulled.
    pub start_timeout: Duration,
    /// Whether they see the processes of the node.
    pub host_pid: bool,
}

impl Default for DebugPodOptions {
    fn default() -> Self {
        Self {
            image: None,
            pull_secret: None,
            namespace: None,
            lifetime: Duration::from_hours(1),
            start_timeout: Duration::from_mins(1),
            host_pid: false,
        }
    }
}

/// Where the relay is and how it is spoken to. What is absent is found by looking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayOptions {
    /// The namespace of its pods. Absent: that of the agents.
    pub namespace: Option<String>,
    /// The labels of its pods.
    pub selector: Option<String>,
    /// On which its pods listen.
    pub port: Option<u16>,
    /// Whether it speaks TLS.
    pub tls: Option<bool>,
    /// A file with the certificates of the authority to believe. Absent: the cluster's, if it may
    /// be read.
    pub ca: Option<PathBuf>,
    /// The name that its certificate has to hold.
    pub server_name: Option<String>,
    /// A file with our certificate, where it wants one.
    pub certificate: Option<PathBuf>,
    /// A file with the key of it.
    pub key: Option<PathBuf>,
}
