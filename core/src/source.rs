//! Who answers: the cluster, a capture, or the demo, narrowed to the hosts asked for.

use std::path::Path;
use std::sync::Arc;

use lab_backend::Backend;
use lab_backend::HostFilter;
use lab_cli::Settings;
use lab_cli::settings::ExtraHost as SettingsHost;
use lab_cli::settings::Source;
use lab_live::ExtraHost;
use lab_live::Live;
use lab_live::LiveOptions;
use lab_types::Failure;

/// Opens what the settings name.
pub(crate) async fn open(settings: &Settings) -> Result<Arc<dyn Backend>, Failure> {
    let whole: Arc<dyn Backend> = match &settings.source {
        Source::Demo => Arc::new(lab_backend::demo::open()?),
        Source::Capture(path) => capture(path)?,
        Source::Live => Arc::new(Live::connect(live_options(settings)).await?),
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

fn live_options(settings: &Settings) -> LiveOptions {
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
        ..LiveOptions::default()
    }
}

fn extra_host(host: &SettingsHost) -> ExtraHost {
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
