//! Fills an empty store, and leaves it as a cluster that has run for a while would.

use super::Setup;
use super::curl;
use super::definitions;
use super::etcd::Etcd;
use super::protobuf;
use super::server::Server;
use crate::generate::{self, Shape};

/// Puts everything there is into the store.
///
/// - Errors: the store's.
pub(super) fn put(setup: &Setup, etcd: &Etcd) -> Result<(), String> {
    let mut batch = etcd.batch();
    generate::objects(setup.shape, |key, text| {
        batch.put(&format!("/registry/{key}"), text.as_bytes())
    })?;
    batch.send()
}

/// Defines Cilium's resources, and has everything stored as servers do.
///
/// - Errors: a program's, or something is missing afterwards.
#[expect(clippy::print_stderr, reason = "which definitions were used is told")]
pub(super) fn finish(setup: &Setup, etcd: &Etcd, server: &Server) -> Result<(), String> {
    let what = definitions::apply(server, &setup.definitions)?;
    eprintln!("{} has {what}", setup.store.display());
    as_the_server_stores(etcd, server, setup.shape)?;
    check(server, setup.shape)?;
    etcd.compact()
}

/// Has nodes and pods stored in the form in which the server would have done it itself: it reads
/// both, but not as fast.
fn as_the_server_stores(etcd: &Etcd, server: &Server, shape: Shape) -> Result<(), String> {
    let mut lists = vec![("Node", "minions", "/api/v1/nodes".to_owned())];
    let namespaces = (0..shape.pods).map(generate::namespace);
    lists.extend(
        std::iter::once("kube-system".to_owned())
            .chain(namespaces)
            .map(|namespace| ("Pod", "pods", format!("/api/v1/namespaces/{namespace}/pods"))),
    );
    let mut batch = etcd.batch();
    for (kind, folder, path) in lists {
        let list = curl::stored_form(server.folder(), &path)?;
        let objects = protobuf::cut(&list, "v1", kind).ok_or(format!("{path} is no list"))?;
        for object in objects {
            batch.put(&format!("/registry/{folder}/{}", object.name), &object.value)?;
        }
    }
    batch.send()
}

/// Whether everything can be read.
fn check(server: &Server, shape: Shape) -> Result<(), String> {
    let in_shops = shape.nodes * shape.pods;
    for (path, least) in [
        ("/api/v1/nodes", shape.nodes),
        ("/api/v1/pods", in_shops + shape.nodes),
        ("/apis/cilium.io/v2/ciliumnodes", shape.nodes),
        ("/apis/cilium.io/v2/ciliumendpoints", in_shops),
        ("/apis/cilium.io/v2/ciliumnetworkpolicies", shape.policies),
    ] {
        let text = server.run(&["get", "--raw", &format!("{path}?limit=1")])?;
        let list: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let rest = list["metadata"]["remainingItemCount"].as_u64().unwrap_or_default();
        if rest + 1 < u64::from(least) {
            return Err(format!("{path} has {} objects in place of {least}", rest + 1));
        }
    }
    Ok(())
}
