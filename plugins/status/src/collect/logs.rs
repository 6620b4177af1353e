//! Asks for logs, and only where something has gone wrong: they are long.

use lab_plugin::{cluster, log};

use crate::inputs::Inputs;
use crate::model::fallback::fallen_back;
use crate::parse::log_line;

/// Lines of the log of a pod that crashes: why it ended is at its end.
const LAST_LINES: u32 = 200;
/// Lines in which the reason for a fallback is looked for: it is told when the agent starts.
const START_LINES: u32 = 20_000;
/// Logs of each sort at most: agents that are set up alike have the same reasons.
const LOGS: usize = 5;

/// Adds the ends of logs of pods that crash, and why agents fall back.
pub(super) fn collect(inputs: &mut Inputs) {
    crashes(inputs);
    fallbacks(inputs);
}

fn crashes(inputs: &mut Inputs) {
    let pods = inputs.pods.known().into_iter().flatten().filter(|pod| pod.is_crashing());
    for pod in pods.take(LOGS) {
        // The kubelet keeps an end of the log in the pod itself, but no more than 2048 bytes of it,
        // in which the line that counts may be cut.
        let ended = pod.ended.as_ref();
        let container = ended.map(|(name, _)| name).or(pod.waiting.as_ref().map(|(name, _)| name));
        let Some(container) = container else { continue };
        let of =
            |previous| cluster::logs(&pod.namespace, &pod.name, container, LAST_LINES, previous);
        match of(true).or_else(|_| of(false)) {
            Ok(text) => {
                inputs.logs.insert(pod.path(), text);
            }
            Err(failure) => log::debug(&format!("{}: {}", pod.path(), failure.message())),
        }
    }
}

fn fallbacks(inputs: &mut Inputs) {
    let mut found = Vec::new();
    let config = inputs.config.known();
    for (host, answers) in &inputs.answers {
        let Some(status) = answers.status.known() else { continue };
        let wanted = fallen_back(status, config);
        if wanted.is_empty() || found.len() >= LOGS {
            continue;
        }
        let mut pods = inputs.pods.known().into_iter().flatten();
        let Some(pod) = pods.find(|pod| pod.node == *host && pod.component == "cilium") else {
            continue;
        };
        match cluster::logs(&pod.namespace, &pod.name, "cilium-agent", START_LINES, false) {
            Ok(text) => {
                let lines = wanted.iter().filter_map(|it| log_line::fallback(&text, it.words()));
                found.push((host.clone(), lines.map(str::to_owned).collect()));
            }
            Err(failure) => log::debug(&format!("{}: {}", pod.path(), failure.message())),
        }
    }
    for (host, lines) in found {
        inputs.answers.entry(host).or_default().fallbacks = lines;
    }
}
