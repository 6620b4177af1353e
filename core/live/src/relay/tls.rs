//! TLS with a relay: whom to believe, and who we are.
//!
//! Apart because certificates are everything here. A relay's is of the cluster's own authority, so
//! it comes from a file that the settings name, or from the cluster if the user may read it there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use k8s_openapi::ByteString;
use lab_backend::Answer;
use lab_types::Failure;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::find::Relay;
use crate::RelayOptions;
use crate::kinds::segment;
use crate::objects::Objects;

/// A name that the certificates of every relay hold: they are made for `*.hubble-relay.cilium.io`.
///
/// Source: `install/kubernetes/cilium/templates/hubble` of Cilium 1.18.0.
const SERVER_NAME: &str = "hubble.hubble-relay.cilium.io";
/// Where the authority's certificate is. The private key beside it is not looked at.
const SECRET: &str = "hubble-relay-server-certs";
const AUTHORITY: &str = "ca.crt";

/// Speaks TLS on a connection.
///
/// # Errors
/// No authority to believe, files that cannot be read, or a certificate that does not convince.
pub(super) async fn connect<S>(
    stream: S,
    relay: &Relay,
    options: &RelayOptions,
    objects: &Objects,
) -> Answer<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let authority = match &options.ca {
        Some(file) => read(file).await?,
        None => of_cluster(objects, &relay.namespace).await?,
    };
    let name = options.server_name.as_deref().unwrap_or(SERVER_NAME);
    let config = config(&authority, options).await?;
    let server = ServerName::try_from(name.to_owned())
        .map_err(|_| Failure::invalid(format!("relay: `{name}` is no name of a server")))?;
    TlsConnector::from(Arc::new(config)).connect(server, stream).await.map_err(|error| {
        Failure::unavailable(format!("relay {}/{}: TLS: {error}", relay.namespace, relay.pod))
            .hint("`[relay]` in the settings has `ca`, `server-name`, `certificate`, `key` and `tls = false`")
    })
}

async fn config(authority: &[u8], options: &RelayOptions) -> Answer<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authority, "the authority's")? {
        roots.add(certificate).map_err(|error| {
            Failure::invalid(format!("relay: the authority's certificate is of no use: {error}"))
        })?;
    }
    let broken = |error| Failure::other(format!("relay: TLS cannot be set up: {error}"));
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(broken)?
        .with_root_certificates(roots);
    let mut config = match (&options.certificate, &options.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(&read(certificate).await?, "the client's")?;
            let key = PrivateKeyDer::from_pem_slice(&read(key).await?).map_err(|_| {
                Failure::invalid(format!("relay: no private key in {}", key.display()))
            })?;
            builder.with_client_auth_cert(chain, key).map_err(broken)?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8], whose: &str) -> Answer<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok()
        .filter(|all| !all.is_empty())
        .ok_or_else(|| Failure::invalid(format!("relay: no certificate in {whose} file")))
}

async fn read(file: &Path) -> Answer<Vec<u8>> {
    tokio::fs::read(file)
        .await
        .map_err(|error| Failure::invalid(format!("relay: {}: {error}", file.display())))
}

/// The authority's certificate as the cluster keeps it for the relay itself.
async fn of_cluster(objects: &Objects, namespace: &str) -> Answer<Vec<u8>> {
    #[derive(Deserialize)]
    struct Secret {
        #[serde(default)]
        data: BTreeMap<String, ByteString>,
    }
    let to_set = |failure: Failure| {
        failure.hint(format!(
            "`ca` in `[relay]` of the settings names a file with the certificate of its authority: \
             `kubectl get secret -n {namespace} {SECRET} -o go-template='{{{{index .data \"{AUTHORITY}\" | base64decode}}}}'` \
             by somebody who may"
        ))
    };
    let path = format!("/api/v1/namespaces/{}/secrets/{SECRET}", segment(namespace));
    let text = objects.api.get(&path).await;
    let text = text.map_err(|problem| {
        to_set(problem.into_failure("read the certificate authority of the relay"))
    })?;
    let secret: Secret = serde_json::from_str(&text)
        .map_err(|_| Failure::other(format!("relay: secret {SECRET} makes no sense")))?;
    match secret.data.get(AUTHORITY) {
        Some(ByteString(bytes)) => Ok(bytes.clone()),
        None => {
            Err(to_set(Failure::not_found(format!("relay: secret {SECRET} has no `{AUTHORITY}`"))))
        }
    }
}
