//! What must be known of a node before it is asked in a way that it may not have.
//!
//! Apart because it is asked only when something is missing, and then tells a name that is no node,
//! and a node of another system, from one that is ill.

use lab_backend::Selection;
use lab_types::{Failure, FailureKind};
use serde::Deserialize;

use crate::objects::Objects;
use crate::running::{Ran, Unanswered};

/// Passes for a node on which programs for Linux run. A node that cannot be read passes too: that
/// says nothing against it.
pub(crate) async fn check(objects: &Objects, name: &str) -> Result<(), Unanswered> {
    let of = Selection {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        keep: vec!["status.nodeInfo.operatingSystem".to_owned()],
        ..Selection::default()
    };
    match objects.get(&of, name).await {
        Err(Failure { kind: FailureKind::NotFound, .. }) => {
            let failure = Failure::not_found(format!("there is no host `{name}`"))
                .hint("`kubectl get nodes` lists the nodes; extra hosts are named in the settings");
            Err(Unanswered { ran: Ran::NoHost, failure })
        }
        Ok(text) => match system(&text) {
            Some(system) if system != "linux" => {
                let failure = Failure::unavailable(format!(
                    "node {name} runs {system}: agents and debug pods are programs for Linux"
                ));
                Err(Unanswered { ran: Ran::OtherSystem, failure })
            }
            _ => Ok(()),
        },
        Err(_) => Ok(()),
    }
}

/// `linux`, `windows`; absent on a node that has not reported yet.
fn system(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Info {
        operating_system: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        node_info: Info,
    }
    #[derive(Deserialize)]
    struct Node {
        status: Status,
    }
    let node: Node = serde_json::from_str(text).ok()?;
    Some(node.status.node_info.operating_system).filter(|system| !system.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_says_nothing_has_no_system() {
        let said = r#"{"status":{"nodeInfo":{"operatingSystem":"windows"}}}"#;
        assert_eq!(system(said).as_deref(), Some("windows"));
        for text in
            ["", "{}", r#"{"status":{}}"#, r#"{"status":{"nodeInfo":{"operatingSystem":""}}}"#]
        {
            assert_eq!(system(text), None, "{text}");
        }
    }
}
