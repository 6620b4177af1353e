//! From options to a client: which kubeconfig, which context, what the flags override.
//!
//! Apart because this is the order of kubectl and nothing else: flag, `KUBECONFIG` list merged,
//! `~/.kube/config`, the pod's service account. Asks the cluster nothing; a credential plugin may run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use kube::client::ClientBuilder;
use kube::config::{
    AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, KubeconfigError,
    NamedAuthInfo, NamedCluster, NamedContext,
};
use lab_backend::Answer;
use lab_types::Failure;

use crate::LiveOptions;
use crate::api::Api;
use crate::failures::{self, Problem};
use crate::proxy;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A prepared client.
pub(crate) struct Connected {
    pub(crate) api: Api,
    /// Absent in a pod, and with `--server` alone.
    pub(crate) context: Option<String>,
    pub(crate) namespace: String,
    /// The server's certificate is not checked.
    pub(crate) insecure: bool,
}

/// Reads what there is to read and prepares a client.
pub(crate) async fn connect(options: &LiveOptions, environment: &Environment) -> Answer<Connected> {
    let (mut config, context) = choose(options, environment).await?;
    config.default_retry = false;
    config.connect_timeout =
        Some(options.request_timeout.map_or(CONNECT_TIMEOUT, |limit| limit.min(CONNECT_TIMEOUT)));
    config.disable_compression |= options.disable_compression;
    let agent = concat!("kubectl-lab/", env!("CARGO_PKG_VERSION"));
    config.headers.push((USER_AGENT, HeaderValue::from_static(agent)));
    let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let insecure = config.accept_invalid_certs;
    let namespace = options.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    // A credential plugin is a program, and kube waits for it without yielding.
    let builder = tokio::task::spawn_blocking(move || ClientBuilder::try_from(config))
        .await
        .map_err(|error| Failure::other(format!("cannot prepare a client: {error}")))?
        .map_err(|error| cannot_prepare(error, &server))?;
    let api = Api { client: builder.build(), server, timeout: options.request_timeout };
    Ok(Connected { api, context, namespace, insecure })
}

fn cannot_prepare(error: kube::Error, server: &str) -> Failure {
    match error {
        kube::Error::RustlsTls(_) | kube::Error::InferKubeconfig(_) => Failure::invalid(format!(
            "the credentials in the kubeconfig are not usable: {}",
            failures::one_line(&failures::chain(&error))
        )),
        error => Problem::from_client(error, server).into_failure("connect"),
    }
}

/// What of the environment decides; the default is an empty one.
#[derive(Default)]
pub(crate) struct Environment {
    kubeconfig: Option<std::ffi::OsString>,
    home: Option<PathBuf>,
    no_proxy: String,
}

impl Environment {
    /// This process's.
    pub(crate) fn own() -> Self {
        let no_proxy = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy"));
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: std::env::home_dir(),
            no_proxy: no_proxy.unwrap_or_default(),
        }
    }
}

async fn choose(
    options: &LiveOptions,
    environment: &Environment,
) -> Answer<(Config, Option<String>)> {
    let files = files(options, environment);
    let mut merged = read(&files, options.kubeconfig.is_some())?;
    if merged.contexts.is_empty() && merged.clusters.is_empty() {
        if options.server.is_none() {
            return in_cluster(options, &files);
        }
        merged = synthetic();
    }
    let context = chosen_context(&merged, options)?;
    override_with(&mut merged, &context, options)?;
    let own_proxy = merged
        .clusters
        .iter()
        .any(|named| named.cluster.as_ref().is_some_and(|cluster| cluster.proxy_url.is_some()));
    let choice = KubeConfigOptions {
        context: Some(context.clone()),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let mut config =
        Config::from_custom_kubeconfig(merged, &choice).await.map_err(|error| unusable(&error))?;
    // kube compares `NO_PROXY` with the proxy's own address; what matters is the server's.
    if !own_proxy
        && config
            .cluster_url
            .host()
            .is_some_and(|host| proxy::bypasses(&environment.no_proxy, host))
    {
        config.proxy_url = None;
    }
    Ok((config, (context != SYNTHETIC).then_some(context)))
}

/// The files to read, first wins.
pub(crate) fn files(options: &LiveOptions, environment: &Environment) -> Vec<PathBuf> {
    if let Some(path) = &options.kubeconfig {
        return vec![path.clone()];
    }
    let listed: Vec<PathBuf> = environment
        .kubeconfig
        .iter()
        .flat_map(|list| std::env::split_paths(list).collect::<Vec<_>>())
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    environment.home.iter().map(|home| home.join(".kube").join("config")).collect()
}

/// Merges the files. As with kubectl, only a file named by the flag must exist.
fn read(files: &[PathBuf], required: bool) -> Answer<Kubeconfig> {
    let mut merged = Kubeconfig::default();
    for file in files {
        if !required && !file.exists() {
            continue;
        }
        let next = Kubeconfig::read_from(file).map_err(|error| unreadable(file, &error))?;
        merged = merged.merge(next).map_err(|error| unreadable(file, &error))?;
    }
    Ok(merged)
}

fn unreadable(file: &Path, error: &KubeconfigError) -> Failure {
    let cause = match error {
        KubeconfigError::ReadConfig(error, _) if error.kind() == ErrorKind::NotFound => {
            "there is no such file".to_owned()
        }
        KubeconfigError::ReadConfig(error, _) => error.to_string(),
        error => failures::one_line(&failures::chain(error)),
    };
    Failure::invalid(format!("cannot read kubeconfig {}: {cause}", file.display())).hint(
        "name another with `--kubeconfig` or `KUBECONFIG`, or look without a cluster: `--demo`",
    )
}

fn unusable(error: &KubeconfigError) -> Failure {
    Failure::invalid(format!(
        "the kubeconfig is not usable: {}",
        failures::one_line(&failures::chain(error))
    ))
}

fn in_cluster(options: &LiveOptions, files: &[PathBuf]) -> Answer<(Config, Option<String>)> {
    let mut config = Config::incluster().map_err(|_| {
        let looked: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let looked = if looked.is_empty() { "no file".to_owned() } else { looked.join(", ") };
        Failure::invalid(format!("no cluster is configured: looked in {looked}"))
            .hint("name a kubeconfig with `--kubeconfig`, or try `--demo`, which needs no cluster")
    })?;
    override_user(&mut config.auth_info, options);
    config.accept_invalid_certs |= options.insecure_skip_tls_verify;
    Ok((config, None))
}

/// The name of what `--server` alone makes.
const SYNTHETIC: &str = "--server";

fn synthetic() -> Kubeconfig {
    Kubeconfig {
        clusters: vec![NamedCluster {
            name: SYNTHETIC.into(),
            cluster: Some(Cluster::default()),
            ..NamedCluster::default()
        }],
        contexts: vec![NamedContext {
            name: SYNTHETIC.into(),
            context: Some(Context {
                cluster: SYNTHETIC.into(),
                user: Some(SYNTHETIC.into()),
                ..Context::default()
            }),
            ..NamedContext::default()
        }],
        current_context: Some(SYNTHETIC.into()),
        ..Kubeconfig::default()
    }
}

fn chosen_context(merged: &Kubeconfig, options: &LiveOptions) -> Answer<String> {
    let known = || merged.contexts.iter().map(|named| named.name.as_str());
    let chosen = options
        .context
        .as_ref()
        .or(merged.current_context.as_ref())
        .filter(|name| !name.is_empty());
    let Some(chosen) = chosen else {
        return Err(Failure::invalid("no context is chosen in the kubeconfig")
            .hint(format!("choose one with `--context`: {}", nearest("", known()))));
    };
    if !known().any(|name| name == chosen) {
        return Err(Failure::invalid(format!("context `{chosen}` is not in the kubeconfig"))
            .hint(format!("it has: {}", nearest(chosen, known()))));
    }
    Ok(chosen.clone())
}

/// Carries the flags into the chosen cluster and user, which kube then loads as if written so.
fn override_with(merged: &mut Kubeconfig, context: &str, options: &LiveOptions) -> Answer<()> {
    let chosen = merged
        .contexts
        .iter()
        .find(|named| named.name == context)
        .and_then(|named| named.context.clone())
        .unwrap_or_default();
    let cluster_name = options.cluster.clone().unwrap_or(chosen.cluster);
    let clusters = nearest(&cluster_name, merged.clusters.iter().map(|named| named.name.as_str()));
    let cluster = merged
        .clusters
        .iter_mut()
        .find(|named| named.name == cluster_name)
        .and_then(|named| named.cluster.as_mut())
        .ok_or_else(|| {
            Failure::invalid(format!("cluster `{cluster_name}` is not in the kubeconfig"))
                .hint(format!("it has: {clusters}"))
        })?;
    override_cluster(cluster, options);
    let Some(user_name) = options.user.clone().or(chosen.user).filter(|name| !name.is_empty())
    else {
        return Ok(());
    };
    let users = nearest(&user_name, merged.auth_infos.iter().map(|named| named.name.as_str()));
    match merged.auth_infos.iter_mut().find(|named| named.name == user_name) {
        Some(named) => override_user(named.auth_info.get_or_insert_default(), options),
        None if context == SYNTHETIC => {
            let mut user = AuthInfo::default();
            override_user(&mut user, options);
            merged.auth_infos.push(NamedAuthInfo {
                name: user_name,
                auth_info: Some(user),
                ..NamedAuthInfo::default()
            });
        }
        None => {
            return Err(Failure::invalid(format!("user `{user_name}` is not in the kubeconfig"))
                .hint(format!("it has: {users}")));
        }
    }
    Ok(())
}

fn override_cluster(cluster: &mut Cluster, options: &LiveOptions) {
    if let Some(server) = &options.server {
        cluster.server = Some(server.clone());
    }
    if let Some(path) = &options.certificate_authority {
        cluster.certificate_authority = Some(path.to_string_lossy().into_owned());
        cluster.certificate_authority_data = None;
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    if let Some(name) = &options.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
}

fn override_user(user: &mut AuthInfo, options: &LiveOptions) {
    if let Some(token) = &options.token {
        // Whatever else would make a token comes before a given one in kube.
        user.auth_provider = None;
        user.exec = None;
        user.username = None;
        user.token = Some(token.clone().into());
    }
    if let Some(path) = &options.client_certificate {
        user.client_certificate = Some(path.to_string_lossy().into_owned());
        user.client_certificate_data = None;
    }
    if let Some(path) = &options.client_key {
        user.client_key = Some(path.to_string_lossy().into_owned());
        user.client_key_data = None;
    }
    if let Some(name) = &options.as_user {
        user.impersonate = Some(name.clone());
    }
    if !options.as_groups.is_empty() {
        user.impersonate_groups = Some(options.as_groups.clone());
    }
    if let Some(uid) = &options.as_uid {
        user.impersonate_uid = Some(uid.clone());
    }
}

/// Known names, the likeliest meant first, at most ten.
fn nearest<'a>(meant: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.collect();
    if known.is_empty() {
        return "none".to_owned();
    }
    known.sort_by_key(|name| (distance(&meant.to_lowercase(), &name.to_lowercase()), *name));
    let rest = known.len().saturating_sub(10);
    let mut text =
        known.iter().take(10).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if rest > 0 {
        text.push_str(" and ");
        text.push_str(&rest.to_string());
        text.push_str(" more");
    }
    text
}

/// How many letters to change, add or leave out.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
