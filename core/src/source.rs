//! Who answers: the cluster, a capture, or the demo, narrowed to the hosts asked for.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use lab_backend::Backend;
use lab_backend::HostFilter;
use lab_cli::Settings;
use lab_cli::settings::ExtraHost as SettingsHost;
use lab_cli::settings::Source;
use lab_live::DebugPodOptions;
use lab_live::ExtraHost;
use lab_live::Live;
use lab_live::LiveOptions;
use lab_live::RelayOptions;
use lab_live::Transport;
use lab_types::Failure;

use crate::terminal;
use crate::terminal::Console;

/// The clusters that a run has connected to. What was made there must be taken away however the
/// run ends, so they are known outside of it.
#[derive(Default)]
pub(crate) struct Clusters(Mutex<Vec<Arc<Live>>>);

impl Clusters {
    /// Connects to the cluster that the settings name.
    pub(crate) async fn connect(
        &self,
        settings: &Settings,
        console: &Arc<Console>,
    ) -> Result<Arc<Live>, Failure> {
        let live = Arc::new(Live::connect(live_options(settings)).await?);
        let hears = console.clone();
        live.tell(Box::new(move |line| hears.step(line)));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(live.clone());
        Ok(live)
    }

    /// The cluster that this run has connected to, if it has.
    pub(crate) fn connected(&self) -> Option<Arc<Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// Takes away what was made. What cannot be is told.
    pub(crate) async fn close(&self) {
        let clusters = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for live in clusters {
            if let Err(failure) = live.close().await {
                terminal::complain(&failure);
            }
        }
    }
}

/// Opens what the settings name.
pub(crate) async fn open(
    settings: &Settings,
    clusters: &Clusters,
    console: &Arc<Console>,
) -> Result<Arc<dyn Backend>, Failure> {
    let whole: Arc<dyn Backend> = match &settings.source {
        Source::Demo => Arc::new(lab_backend::demo::open()?),
        Source::Capture(path) => capture(path)?,
        Source::Live => clusters.connect(settings, console).await?,
    };
    Ok(narrow(whole, settings))
}

/// Opens a capture to compare with, narrowed like the other side.
pub(crate) fn open_other(path: &Path, settings: &Settings) -> Result<Arc<dyn Backend>, Failure> {
    Ok(narrow(capture(path)?, settings))
}

fn capture(path: &Path) -> Result<Arc<dyn Backend>, Failure> {
    lab_backend::open_any(path)
}

fn narrow(whole: Arc<dyn Backend>, settings: &Settings) -> Arc<dyn Backend> {
    if settings.hosts.only.is_empty() {
        whole
    } else {
        Arc::new(HostFilter::new(whole, &settings.hosts.only))
    }
}

/// How the settings reach a cluster.
pub(crate) fn live_options(settings: &Settings) -> LiveOptions {
    let connection = &settings.connection;
    LiveOptions {
        kubeconfig: connection.kubeconfig.value.clone(),
        context: connection.context.value.clone(),
        cluster: connection.cluster.clone(),
        user: connection.user.clone(),
        namespace: settings.selection.namespace.clone(),
        server: connection.server.clone(),
        tls_server_name: connection.tls_server_name.clone(),
        insecure_skip_tls_verify: connection.insecure_skip_tls_verify,
        certificate_authority: connection.certificate_authority.clone(),
        client_certificate: connection.client_certificate.clone(),
        client_key: connection.client_key.clone(),
        token: connection.token.clone(),
        as_user: connection.as_user.clone(),
        as_groups: connection.as_groups.clone(),
        as_uid: connection.as_uid.clone(),
        disable_compression: connection.disable_compression,
        request_timeout: connection.request_timeout.value,
        command_timeout: settings.hosts.timeout.value,
        concurrency: settings.hosts.concurrency.value,
        agent_namespace: settings.hosts.agent_namespace.value.clone(),
        extra_hosts: settings.hosts.extra.iter().map(extra_host).collect(),
        ssh_nodes: settings.hosts.ssh_nodes.iter().map(extra_host).collect(),
        ssh_askpass: settings.hosts.ssh_askpass.clone(),
        transports: settings.hosts.transports.value.iter().map(|by| transport(*by)).collect(),
        debug_pods: settings.hosts.debug_pods.value.then(|| debug_pods(settings)),
        relay: relay(settings),
        ..LiveOptions::default()
    }
}

fn relay(settings: &Settings) -> RelayOptions {
    let relay = &settings.hosts.relay;
    RelayOptions {
        namespace: relay.namespace.value.clone(),
        selector: relay.selector.value.clone(),
        port: relay.port.value,
        tls: relay.tls.value,
        ca: relay.ca.value.clone(),
        server_name: relay.server_name.value.clone(),
        certificate: relay.certificate.value.clone(),
        key: relay.key.value.clone(),
    }
}

fn transport(named: lab_cli::Transport) -> Transport {
    match named {
        lab_cli::Transport::Agent => Transport::Agent,
        lab_cli::Transport::Ssh => Transport::Ssh,
        lab_cli::Transport::DebugPod => Transport::DebugPod,
    }
}

fn debug_pods(settings: &Settings) -> DebugPodOptions {
    let pod = &settings.hosts.debug_pod;
    DebugPodOptions {
        image: pod.image.value.clone(),
        pull_secret: pod.pull_secret.value.clone(),
        namespace: pod.namespace.value.clone(),
        lifetime: pod.lifetime.value,
        start_timeout: pod.start_timeout.value,
        host_pid: pod.host_pid.value,
    }
}

/// How the settings reach a host over ssh.
pub(crate) fn extra_host(host: &SettingsHost) -> ExtraHost {
    ExtraHost {
        name: host.name.clone(),
        addresses: host.addresses.clone(),
        ssh: host.ssh.clone(),
        port: host.port,
        identity: host.identity.clone(),
        jump: host.jump.clone(),
        known_hosts: host.known_hosts.clone(),
        sudo: host.sudo,
    }
}
