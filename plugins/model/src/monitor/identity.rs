//! Numbers of reserved identities and their words.
//!
//! Apart because text names them where JSON has numbers. It must not know labels: identities
//! that the cluster allocates are objects.

/// Words of the reserved identities, by number.
///
/// - Source: pkg/identity (`reservedIdentityNames`), Cilium 1.14 to 1.20.
const RESERVED: [&str; 12] = [
    "unknown",
    "host",
    "world",
    "unmanaged",
    "health",
    "init",
    "remote-node",
    "kube-apiserver",
    "ingress",
    "world-ipv4",
    "world-ipv6",
    "overlay-to-be-encrypted",
];

/// The word of a reserved identity.
pub fn reserved_name(identity: u32) -> Option<&'static str> {
    RESERVED.get(usize::try_from(identity).ok()?).copied()
}

/// The number of an identity as text has it: a word or a number.
pub fn reserved_identity(word: &str) -> Option<u32> {
    if let Ok(number) = word.parse() {
        return Some(number);
    }
    let at = RESERVED.iter().position(|known| *known == word)?;
    u32::try_from(at).ok()
}
