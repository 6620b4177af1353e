//! Values of the chart that go on under another path.

use crate::version::Version;

/// The old path, the new one, and the first minor that takes the new one alone or wants it.
///
/// - Source: the upgrade notes of each minor.
const RENAMED: [(&str, &str, u32); 21] = [
    ("tunnel", "routingMode and tunnelProtocol", 15),
    ("encryption.keyFile", "encryption.ipsec.keyFile", 16),
    ("encryption.mountPath", "encryption.ipsec.mountPath", 16),
    ("encryption.secretName", "encryption.ipsec.secretName", 16),
    ("encryption.interface", "encryption.ipsec.interface", 16),
    ("proxy.prometheus.enabled", "envoy.prometheus.enabled", 16),
    ("proxy.prometheus.port", "envoy.prometheus.port", 16),
    ("tls.secretsBackend", "tls.readSecretsOnlyFromSecretsNamespace", 17),
    ("enableCiliumEndpointSlice", "ciliumEndpointSlice.enabled", 18),
    ("localRedirectPolicy", "localRedirectPolicies.enabled", 18),
    ("hubble.export.fileMaxSizeMb", "hubble.export.static.fileMaxSizeMb", 18),
    ("hubble.export.fileMaxBackups", "hubble.export.static.fileMaxBackups", 18),
    ("hubble.export.fileCompress", "hubble.export.static.fileCompress", 18),
    ("l2podAnnouncements.interface", "l2podAnnouncements.interfacePattern", 18),
    ("clustermesh.enableMCSAPISupport", "clustermesh.mcsapi.enabled", 19),
    ("encryption.strictMode.enabled", "encryption.strictMode.egress.enabled", 19),
    ("encryption.strictMode.cidr", "encryption.strictMode.egress.cidr", 19),
    (
        "encryption.strictMode.allowRemoteNodeIdentities",
        "encryption.strictMode.egress.allowRemoteNodeIdentities",
        19,
    ),
    (
        "clustermesh.apiserver.tls.server.extraDnsNames",
        "clustermesh.apiserver.tls.auto.server.extraDnsNames",
        20,
    ),
    (
        "clustermesh.apiserver.tls.server.extraIpAddresses",
        "clustermesh.apiserver.tls.auto.server.extraIpAddresses",
        20,
    ),
    ("hubble.preferIpv6", "preferIpv6", 20),
];

/// The path that a value goes on under, if it gets another one between two versions.
pub fn new_path(path: &str, from: &Version, to: &Version) -> Option<&'static str> {
    let renamed = RENAMED.iter().find(|(old, _, _)| *old == path)?;
    (from.minor < renamed.2 && renamed.2 <= to.minor).then_some(renamed.1)
}
