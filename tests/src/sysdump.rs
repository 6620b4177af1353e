//! A Cilium sysdump of the recorded lab, in the layout that the CLI 0.18 writes: objects as YAML
//! lists with `items` before `kind`, outputs as text, one file for each command.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::captures::{files, zip_files};
use crate::texts::text;

/// The time in every name.
const STAMP: &str = "20261123-031020";

/// The capture that it shows the same moment as.
pub const SAME_MOMENT: &str = "cilium-1.18.0-native";

/// Every file of the sysdump, below its folder.
pub fn sysdump() -> Vec<(String, Vec<u8>)> {
    let recorded: BTreeMap<String, Vec<u8>> = files(SAME_MOMENT).into_iter().collect();
    let list = |kind: &str| -> Vec<Value> {
        let bytes = &recorded[&format!("objects/{kind}.json")];
        let list: Value = serde_json::from_slice(bytes).expect("a capture holds JSON");
        list["items"].as_array().expect("it is a list").clone()
    };
    let folder = format!("cilium-sysdump-{STAMP}");
    let mut dump = Vec::new();
    let mut put = |name: &str, end: &str, text: String| {
        dump.push((format!("{folder}/{name}-{STAMP}{end}"), text.into_bytes()));
    };
    for (kind, name) in [
        ("v1/Node", "k8s-nodes"),
        ("v1/Pod", "k8s-pods"),
        ("v1/Namespace", "k8s-namespaces"),
        ("v1/Service", "k8s-services"),
        ("discovery.k8s.io/v1/EndpointSlice", "k8s-endpointslices"),
        ("cilium.io/v2/CiliumNode", "ciliumnodes"),
        ("cilium.io/v2/CiliumEndpoint", "ciliumendpoints"),
    ] {
        put(name, ".yaml", yaml_list(kind, &list(kind)));
    }
    for (kind, object, name) in [
        ("v1/ConfigMap", "cilium-config", "cilium-configmap"),
        ("apps/v1/DaemonSet", "cilium", "cilium-daemonset"),
    ] {
        let objects = list(kind);
        let object = objects.iter().find(|one| one["metadata"]["name"] == object);
        put(name, ".yaml", yaml(object.expect("it is recorded")));
    }
    put("k8s-version", ".txt", "v1.33.13".to_owned());
    for pod in list("v1/Pod").iter().filter(|pod| pod["metadata"]["labels"]["k8s-app"] == "cilium")
    {
        let word = |value: &Value| value.as_str().expect("it is a text").to_owned();
        let node = word(&pod["spec"]["nodeName"]);
        let cmd = format!("cilium-bugtool-{}-{STAMP}/cmd", word(&pod["metadata"]["name"]));
        let failed = "> Error while running 'ip -s xfrm state':  exit status 2\n\n".to_owned();
        for (file, body) in [
            ("ip--4-r", text(&node, "ip-route")),
            ("ip--d-rule", text(&node, "ip-rule")),
            ("ip-a", text(&node, "ip-addr")),
            // As bugtool writes it where no table has a number.
            ("ip--4-route-show-", text(&node, "ip-route")),
            ("cilium-dbg-status---verbose", text(&node, "cilium-dbg-status-verbose")),
            ("cilium-dbg-config--a", text(&node, "cilium-dbg-config-all")),
            ("hostname", format!("{node}\n")),
            ("ip--s-xfrm-state", failed),
        ] {
            dump.push((format!("{folder}/{cmd}/{file}.md"), body.into_bytes()));
        }
    }
    dump.push((format!("{folder}/cilium-sysdump.log"), b"collecting\n".to_vec()));
    dump
}

/// The sysdump as the tool leaves it.
pub fn zipped() -> Vec<u8> {
    zip_files(&sysdump())
}

fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).expect("JSON is YAML")
}

/// A list as the tool streams it: `items` first, dashes below the key.
fn yaml_list(kind: &str, items: &[Value]) -> String {
    let (version, kind) = kind.rsplit_once('/').expect("a kind has a version");
    let mut text = format!("apiVersion: {version}\n");
    text.push_str(if items.is_empty() { "items: []\n" } else { "items:\n" });
    for item in items {
        for (number, line) in yaml(item).lines().enumerate() {
            text.push_str(if number == 0 { "- " } else { "  " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text + &format!("kind: {kind}List\nmetadata:\n  resourceVersion: \"\"\n")
}
