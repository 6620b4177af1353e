//! What was typed of the flags that every command takes.
//!
//! Absent means not typed: defaults, environment and file are the business of `settings`.

use crate::choice::{Color, FailOn, Format};
use std::path::PathBuf;
use std::time::Duration;

/// The shared flags as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Globals {
    /// `--host`: names and globs.
    pub hosts: Vec<String>,
    /// `--concurrency`, at least 1.
    pub concurrency: Option<usize>,
    /// `--timeout` for one command on one host.
    pub timeout: Option<Duration>,
    /// `--debug-pods`, or `--debug-pods=false` against the settings.
    pub debug_pods: Option<bool>,

    /// `--yes`: consent to commands that are not known to only read.
    pub yes: bool,

    /// `--from`: a capture or a sysdump.
    pub from: Option<PathBuf>,
    /// `--demo`: the capture that is built in.
    pub demo: bool,
    /// `--record`: where to write a capture.
    pub record: Option<PathBuf>,
    /// `--against`: the capture to compare with.
    pub against: Option<PathBuf>,

    /// `--once`: a live command ends with its first complete picture.
    pub once: bool,
    /// `--for`: how long a live command runs.
    pub run_for: Option<Duration>,

    /// `-o`.
    pub output: Option<Format>,
    /// `--only`: one table of several.
    pub only: Option<String>,
    /// `--sort`.
    pub sort: Option<String>,
    /// `--filter`, in order; a row must pass all.
    pub filters: Vec<String>,
    /// `--columns`, in order; empty means the default ones.
    pub columns: Vec<String>,
    /// `--limit`.
    pub limit: Option<usize>,
    /// `--no-headers`.
    pub no_headers: bool,
    /// `--fold`.
    pub fold: bool,
    /// `--color`.
    pub color: Option<Color>,
    /// `--fail-on`.
    pub fail_on: Option<FailOn>,

    /// `--kubeconfig`.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--namespace`.
    pub namespace: Option<String>,
    /// `--all-namespaces`; wins over `--namespace` as in kubectl.
    pub all_namespaces: bool,
    /// `--selector`.
    pub selector: Option<String>,
    /// `--request-timeout`; zero waits forever.
    pub request_timeout: Option<Duration>,
    /// `--as`.
    pub as_user: Option<String>,
    /// `--as-group`.
    pub as_groups: Vec<String>,
    /// `--as-uid`.
    pub as_uid: Option<String>,
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
    /// `--disable-compression`.
    pub disable_compression: bool,
    /// `--insecure-skip-tls-verify`.
    pub insecure_skip_tls_verify: bool,

    /// `-v` on kubectl's scale: 0 unless typed, 4 for `-v`, 6 for `-vv`, 8 for `-vvv`.
    pub verbosity: u8,
    /// `--quiet`.
    pub quiet: bool,
}

impl Globals {
    /// These flags, with those of a command inside this one on top.
    pub(crate) fn then(self, inner: Self) -> Self {
        Self {
            hosts: [self.hosts, inner.hosts].concat(),
            concurrency: inner.concurrency.or(self.concurrency),
            timeout: inner.timeout.or(self.timeout),
            debug_pods: inner.debug_pods.or(self.debug_pods),
            yes: inner.yes || self.yes,
            from: inner.from.or(self.from),
            demo: inner.demo || self.demo,
            record: inner.record.or(self.record),
            against: inner.against.or(self.against),
            once: inner.once || self.once,
            run_for: inner.run_for.or(self.run_for),
            output: inner.output.or(self.output),
            only: inner.only.or(self.only),
            sort: inner.sort.or(self.sort),
            filters: [self.filters, inner.filters].concat(),
            columns: if inner.columns.is_empty() { self.columns } else { inner.columns },
            limit: inner.limit.or(self.limit),
            no_headers: inner.no_headers || self.no_headers,
            fold: inner.fold || self.fold,
            color: inner.color.or(self.color),
            fail_on: inner.fail_on.or(self.fail_on),
            kubeconfig: inner.kubeconfig.or(self.kubeconfig),
            context: inner.context.or(self.context),
            cluster: inner.cluster.or(self.cluster),
            user: inner.user.or(self.user),
            namespace: inner.namespace.or(self.namespace),
            all_namespaces: inner.all_namespaces || self.all_namespaces,
            selector: inner.selector.or(self.selector),
            request_timeout: inner.request_timeout.or(self.request_timeout),
            as_user: inner.as_user.or(self.as_user),
            as_groups: [self.as_groups, inner.as_groups].concat(),
            as_uid: inner.as_uid.or(self.as_uid),
            server: inner.server.or(self.server),
            client_certificate: inner.client_certificate.or(self.client_certificate),
            client_key: inner.client_key.or(self.client_key),
            certificate_authority: inner.certificate_authority.or(self.certificate_authority),
            tls_server_name: inner.tls_server_name.or(self.tls_server_name),
            disable_compression: inner.disable_compression || self.disable_compression,
            token: inner.token.or(self.token),
            insecure_skip_tls_verify: inner.insecure_skip_tls_verify
                || self.insecure_skip_tls_verify,
            verbosity: inner.verbosity.max(self.verbosity),
            quiet: inner.quiet || self.quiet,
        }
    }

    /// The first typed flag that chooses a cluster or how to reach it.
    pub(crate) fn first_cluster_flag(&self) -> Option<&'static str> {
        [
            (self.context.is_some(), "--context"),
            (self.kubeconfig.is_some(), "--kubeconfig"),
            (self.cluster.is_some(), "--cluster"),
            (self.user.is_some(), "--user"),
            (self.server.is_some(), "--server"),
            (self.token.is_some(), "--token"),
            (self.as_user.is_some(), "--as"),
            (!self.as_groups.is_empty(), "--as-group"),
            (self.as_uid.is_some(), "--as-uid"),
            (self.client_certificate.is_some(), "--client-certificate"),
            (self.client_key.is_some(), "--client-key"),
            (self.certificate_authority.is_some(), "--certificate-authority"),
            (self.tls_server_name.is_some(), "--tls-server-name"),
            (self.insecure_skip_tls_verify, "--insecure-skip-tls-verify"),
        ]
        .into_iter()
        .find_map(|(typed, flag)| typed.then_some(flag))
    }
}
