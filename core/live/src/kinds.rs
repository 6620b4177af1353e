//! From `apiVersion` and `kind` to the path of a request.
//!
//! Apart so that the usual kinds cost no question: what is in the table needs no discovery; what is
//! not costs one request for its API version, once. Sends nothing itself.

use serde::Deserialize;

/// A kind as the API server serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `nodes`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// A row of a table of kinds: api version, kind, plural, in namespaces.
pub type Row = (&'static str, &'static str, &'static str, bool);

/// Kubernetes' own kinds that plugins ask for.
const KINDS: &[Row] = &[
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Endpoints", "endpoints", true),
    ("v1", "Event", "events", true),
    ("v1", "Namespace", "namespaces", false),
    ("v1", "Node", "nodes", false),
    ("v1", "Pod", "pods", true),
    ("v1", "Service", "services", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false),
    ("apps/v1", "ControllerRevision", "controllerrevisions", true),
    ("apps/v1", "DaemonSet", "daemonsets", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "ReplicaSet", "replicasets", true),
    ("apps/v1", "StatefulSet", "statefulsets", true),
    ("coordination.k8s.io/v1", "Lease", "leases", true),
    ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", true),
    ("gateway.networking.k8s.io/v1alpha2", "TLSRoute", "tlsroutes", true),
    ("metrics.k8s.io/v1beta1", "NodeMetrics", "nodes", false),
    ("metrics.k8s.io/v1beta1", "PodMetrics", "pods", true),
    ("monitoring.coreos.com/v1", "PrometheusRule", "prometheusrules", true),
    ("networking.k8s.io/v1", "Ingress", "ingresses", true),
    ("networking.k8s.io/v1", "IngressClass", "ingressclasses", false),
    ("networking.k8s.io/v1", "IPAddress", "ipaddresses", false),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
    ("networking.k8s.io/v1", "ServiceCIDR", "servicecidrs", false),
    ("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
];

/// How a usual kind is served, known without asking a cluster.
pub fn known(api_version: &str, kind: &str) -> Option<Resource> {
    all()
        .find(|row| row.0 == api_version && row.1 == kind)
        .map(|row| Resource { plural: row.2.to_owned(), namespaced: row.3 })
}

/// The usual kinds: api version, kind, plural, in namespaces.
pub fn all() -> impl Iterator<Item = &'static Row> {
    KINDS.iter().chain(crate::agent::KINDS)
}

/// `/api/v1`, `/apis/apps/v1`.
pub(crate) fn base(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// Whether two words can stand in a path: a plugin's words are not trusted to be names.
pub(crate) fn is_sound(api_version: &str, kind: &str) -> bool {
    let word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
    };
    let parts: Vec<&str> = api_version.split('/').collect();
    parts.len() <= 2
        && parts.into_iter().all(|part| word(part) && part != "." && part != "..")
        && word(kind)
}

/// The path of all objects of a kind, in one namespace or everywhere.
pub(crate) fn collection(
    api_version: &str,
    resource: &Resource,
    namespace: Option<&str>,
) -> String {
    let base = base(api_version);
    match namespace.filter(|_| resource.namespaced) {
        Some(namespace) => {
            format!("{base}/namespaces/{}/{}", segment(namespace), resource.plural)
        }
        None => format!("{base}/{}", resource.plural),
    }
}

/// The path of a pod.
pub(crate) fn pod(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{}/pods/{}", segment(namespace), segment(name))
}

/// A name as one part of a path.
pub(crate) fn segment(name: &str) -> String {
    // The form's `+` is a plus sign in a path; every other escape is the same.
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The part of a path behind `?`.
#[derive(Default)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn add(&mut self, key: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }

    /// The path with this behind it.
    pub(crate) fn of(&self, path: &str) -> String {
        if self.0.is_empty() { path.to_owned() } else { format!("{path}?{}", self.0) }
    }
}

/// Reads the kinds from an `APIResourceList`; subresources such as `pods/exec` are no kinds.
pub(crate) fn discovered(text: &str, kind: &str) -> Result<Option<Resource>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Listed {
        name: String,
        kind: String,
        #[serde(default)]
        namespaced: bool,
    }
    #[derive(Deserialize)]
    struct List {
        #[serde(default)]
        resources: Vec<Listed>,
    }
    let list: List = serde_json::from_str(text)?;
    Ok(list
        .resources
        .into_iter()
        .find(|listed| listed.kind == kind && !listed.name.contains('/'))
        .map(|listed| Resource { plural: listed.name, namespaced: listed.namespaced }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_of_a_cluster_wide_kind_is_ignored() {
        let nodes = known("v1", "Node").unwrap();
        assert_eq!(collection("v1", &nodes, Some("a")), "/api/v1/nodes");
        let pods = known("v1", "Pod").unwrap();
        assert_eq!(collection("v1", &pods, Some("a")), "/api/v1/namespaces/a/pods");
        assert_eq!(collection("v1", &pods, None), "/api/v1/pods");
        let sets = known("apps/v1", "DaemonSet").unwrap();
        assert_eq!(collection("apps/v1", &sets, None), "/apis/apps/v1/daemonsets");
    }

    #[test]
    fn subresources_are_no_kinds() {
        let text = r#"{"resources":[{"name":"foos/scale","kind":"Foo","namespaced":true},
            {"name":"foos","kind":"Foo","namespaced":true},{"name":"bars","kind":"Bar"}]}"#;
        assert_eq!(discovered(text, "Foo").unwrap().unwrap().plural, "foos");
        assert!(!discovered(text, "Bar").unwrap().unwrap().namespaced);
        assert_eq!(discovered(text, "Baz").unwrap(), None);
    }

    #[test]
    fn words_that_would_leave_the_path_are_refused() {
        assert!(is_sound("cilium.io/v2", "CiliumNode"));
        for (api_version, kind) in [
            ("../v1", "Node"),
            ("v1", "a/b"),
            ("v1", ""),
            ("", "Node"),
            ("a/b/c", "Node"),
            ("v1?x", "Node"),
        ] {
            assert!(!is_sound(api_version, kind), "{api_version} {kind}");
        }
        assert_eq!(segment("a/../b c"), "a%2F..%2Fb%20c");
    }
}
