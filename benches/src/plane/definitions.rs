//! The definitions of Cilium's resources: those of a checkout, or bare ones.
//!
//! The real ones have schemas, by which the server prunes and checks; with bare ones lists are
//! a little cheaper for it. Which were used is told.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::server::Server;

/// The version of the schemas that Cilium 1.17 puts on its definitions.
const SCHEMA: &str = "io.cilium.k8s.crd.schema.version=1.30.8";

/// What is written where there is no checkout: plural, kind, and whether it is in namespaces.
const BARE: [(&str, &str, bool); 6] = [
    ("ciliumnodes", "CiliumNode", false),
    ("ciliumendpoints", "CiliumEndpoint", true),
    ("ciliumidentities", "CiliumIdentity", false),
    ("ciliumnetworkpolicies", "CiliumNetworkPolicy", true),
    ("ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy", false),
    ("ciliumnodeconfigs", "CiliumNodeConfig", true),
];

/// Defines Cilium's resources, and waits until they are served.
///
/// - Errors: kubectl's and the disk's.
pub(super) fn apply(server: &Server, folder: &Path) -> Result<&'static str, String> {
    let (what, path) = if folder.is_dir() {
        ("the real definitions", folder.to_owned())
    } else {
        let path = server.folder().join("definitions.yaml");
        fs::write(&path, bare()).map_err(|error| error.to_string())?;
        ("bare definitions", path)
    };
    let path = path.display().to_string();
    server.run(&["apply", "--server-side", "--recursive", "-f", &path])?;
    server.run(&["label", "crd", "--all", SCHEMA])?;
    server.run(&["wait", "crd", "--all", "--for=condition=Established", "--timeout=60s"])?;
    Ok(what)
}

fn bare() -> String {
    let mut text = String::new();
    for (plural, kind, in_namespaces) in BARE {
        let scope = if in_namespaces { "Namespaced" } else { "Cluster" };
        let singular = kind.to_lowercase();
        let _ = write!(
            text,
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n\
             metadata:\n  name: {plural}.cilium.io\n\
             spec:\n  group: cilium.io\n  scope: {scope}\n\
             \x20 names:\n    plural: {plural}\n    singular: {singular}\n    kind: {kind}\n\
             \x20 versions:\n  - name: v2\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n\
             \x20       type: object\n        x-kubernetes-preserve-unknown-fields: true\n---\n"
        );
    }
    text
}
