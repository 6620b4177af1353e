//! What the hosts of the lab printed as text, in the minute in which a recorded capture was made.

use std::path::Path;

/// Hosts whose text was recorded; the last one is the router.
pub const HOSTS: [&str; 4] = ["k8s-ctr", "k8s-w0", "k8s-w1", "router"];

/// The text of one host of `cilium-1.18.0-native`, such as `ip-route`.
pub fn text(host: &str, output: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/text/cilium-1.18.0-native");
    let path = fixtures.join(host).join(format!("{output}.txt"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
