//! Which node an agent's bugtool speaks for. Its folder is named after the pod alone, and the
//! list of pods says where that ran; without it the bugtool's own `hostname` does.

use std::collections::BTreeMap;
use std::collections::HashMap;

use super::bugtool::Bugtool;
use crate::Host;
use crate::files::Files;
use crate::objects::Objects;
use crate::walk::lookup;

/// The bugtools of each node, by their positions.
#[derive(Debug, Default)]
pub(super) struct Agents {
    by_node: BTreeMap<String, Vec<usize>>,
}

impl Agents {
    /// Finds the node of each bugtool. A hostname has to be that of one of
    /// the nodes, if they are known.
    pub(super) fn new(
        bugtools: &[Bugtool],
        pods: Option<&Objects>,
        nodes: &[Host],
        files: &Files,
    ) -> Self {
        let mut agents = Self::default();
        let positions: HashMap<&str, usize> = bugtools
            .iter()
            .enumerate()
            .map(|(position, bugtool)| (bugtool.pod(), position))
            .collect();
        let mut placed = vec![false; bugtools.len()];
        for pod in pods.into_iter().flat_map(Objects::all) {
            let name = text(pod, &["metadata", "name"]).unwrap_or_default();
            let Some(position) = positions.get(name.as_str()) else { continue };
            if let Some(node) = text(pod, &["spec", "nodeName"]).filter(|node| !node.is_empty()) {
                agents.by_node.entry(node).or_default().push(*position);
                placed[*position] = true;
            }
        }
        for (position, bugtool) in bugtools.iter().enumerate().filter(|(at, _)| !placed[*at]) {
            let Ok(Some(bytes)) = bugtool.read(files, "hostname.md") else { continue };
            let hostname = String::from_utf8_lossy(&bytes).trim().to_owned();
            let known = nodes.iter().any(|node| node.name == hostname);
            if known || (nodes.is_empty() && is_name(&hostname)) {
                agents.by_node.entry(hostname).or_default().push(position);
            }
        }
        agents
    }

    /// The bugtools of a node.
    pub(super) fn of(&self, node: &str) -> &[usize] {
        self.by_node.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// The nodes that have one.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &String> {
        self.by_node.keys()
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

/// A text at a path of an object.
pub(super) fn text(object: &str, path: &[&str]) -> Option<String> {
    let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
    serde_json::from_str(lookup(object, &path)?).ok()
}
