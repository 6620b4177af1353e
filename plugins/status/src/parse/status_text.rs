//! The text of `cilium-dbg status`, plain or verbose: what a sysdump and pasted output hold.
//!
//! Apart from the document because it has names of its own for the same things. Lines begin with
//! a title and a colon; tables under a title are indented.

use lab_model::Problem;
use lab_model::cilium::parse_agent_ipam;

use super::agent_status::{AgentStatus, Controller, Masquerading, Routing, State, sum};

/// Reads the text form into the same record as the document.
///
/// - Errors: never fails; text without the line `Cilium:` is one [`Problem`].
/// - Source: Cilium 1.17.6 and 1.18.0.
pub(super) fn parse(text: &str) -> (AgentStatus, Vec<Problem>) {
    let mut status = AgentStatus::default();
    let mut failing = Vec::new();
    let mut section = "";
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if section == "Controller Status" {
                failing.extend(controller(line));
            }
            continue;
        }
        let Some((title, rest)) = line.split_once(':') else { continue };
        section = title;
        read(&mut status, title, rest.trim());
    }
    if status.cilium.is_none() {
        let problem = Problem::new("the status", text, "there is no line `Cilium:` in it");
        return (status, vec![problem]);
    }
    if status.n_controllers.is_some() {
        status.controllers = Some(failing);
    }
    (status, Vec::new())
}

fn state(rest: &str) -> State {
    let (word, message) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    State { word: word.to_owned(), message: message.trim().to_owned() }
}

fn read(status: &mut AgentStatus, title: &str, rest: &str) {
    let first = || rest.split_whitespace().next().map(str::to_owned);
    match title {
        "Cilium" => status.cilium = Some(state(rest)),
        "Kubernetes" => status.kubernetes = Some(state(rest)),
        "KVStore" => status.kvstore = Some(state(rest)),
        "KubeProxyReplacement" => status.kube_proxy_replacement = first(),
        "Encryption" => status.encryption = first(),
        "Device Mode" => status.device_mode = first(),
        "Attach Mode" => status.attach_mode = first(),
        "Proxy Status" if !rest.starts_with("No managed") => status.proxy = Some(rest.to_owned()),
        "Routing" => status.routing = routing(rest),
        "Masquerading" => status.masquerading = Some(masquerading(rest)),
        "IPAM" => {
            // The reader of the document knows how the summary is written.
            let document = serde_json::json!({"ipam": {"status": rest}}).to_string();
            status.ipam = sum(&parse_agent_ipam(&document).0.totals);
        }
        "Controller Status" => {
            let total = rest.split_once('/').map(|(_, total)| total);
            let total = total.and_then(|total| total.split_whitespace().next()?.parse().ok());
            status.n_controllers = total;
        }
        "Stale status" => {
            let (probe, since) = rest.split_once(" since ").unwrap_or((rest, ""));
            status.stale.push((probe.trim_matches('"').to_owned(), since.to_owned()));
        }
        "NodeMonitor" => {
            let lost = rest.split(", ").find_map(|part| {
                part.rsplit(' ')
                    .collect::<Vec<_>>()
                    .strip_prefix(&["lost", "events"])?
                    .first()?
                    .parse()
                    .ok()
            });
            status.monitor_lost = Some(lost.unwrap_or_default());
        }
        "Hubble" => status.hubble = first().map(|word| word.to_ascii_lowercase()),
        "Cluster health" => status.probes_peers = Some(!rest.starts_with("Probe disabled")),
        _ => {}
    }
}

/// `Network: Tunnel [vxlan]   Host: BPF`.
fn routing(rest: &str) -> Option<Routing> {
    let (network, host) = rest.strip_prefix("Network:")?.split_once("Host:")?;
    let (network, tunnel) = match network.split_once('[') {
        Some((network, tunnel)) => (network, Some(tunnel.trim().trim_end_matches(']').to_owned())),
        None => (network, None),
    };
    Some(Routing { network: network.trim().to_owned(), tunnel, host: host.trim().to_owned() })
}

/// `BPF   [eth0, eth1]   172.20.0.0/16  [IPv4: Enabled, IPv6: Disabled]`.
fn masquerading(rest: &str) -> Masquerading {
    let mode = rest.split_whitespace().next().unwrap_or_default();
    let excluded = rest
        .split_whitespace()
        .filter(|part| lab_model::Prefix::parse(part).is_some() && part.contains('/'))
        .map(str::to_owned);
    Masquerading {
        is_enabled: mode != "Disabled",
        mode: if mode.eq_ignore_ascii_case("iptables") { "iptables" } else { mode }.to_owned(),
        excluded: excluded.collect(),
    }
}

/// A row of the table below `Controller Status`; columns are three spaces apart at least.
fn controller(line: &str) -> Option<Controller> {
    let mut parts = line.trim().split("   ").map(str::trim).filter(|part| !part.is_empty());
    let name = parts.next()?;
    let (_success, error, count) = (parts.next()?, parts.next()?, parts.next()?);
    let consecutive_failures = count.parse().ok()?;
    Some(Controller {
        name: name.to_owned(),
        consecutive_failures,
        failures: consecutive_failures,
        message: parts
            .next()
            .filter(|message| *message != "no error")
            .unwrap_or_default()
            .to_owned(),
        last_failure: Some(error.to_owned()).filter(|error| error != "never"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_gives_the_same_record() {
        let text = "KVStore:                Disabled   \n\
            Kubernetes:             Ok         1.33 (v1.33.13) [linux/amd64]\n\
            KubeProxyReplacement:   True   [eth0   10.0.2.15 (Direct Routing)]\n\
            Cilium:                 Ok   1.18.0 (v1.18.0-274205f0)\n\
            Stale status:           \"ipam\" since 2026-11-23 03:06:52\n\
            NodeMonitor:            Listening for events on 2 CPUs with 64x4096 of shared memory\n\
            IPAM:                   IPv4: 3/254 allocated from 172.20.0.0/24, \n\
            Allocated addresses:\n  172.20.0.197 (default/curl-pod)\n\
            Routing:                Network: Tunnel [geneve]   Host: Legacy\n\
            Masquerading:           BPF   [eth0, eth1]   172.20.0.0/16  [IPv4: Enabled, IPv6: Disabled]\n\
            Controller Status:      20/21 healthy\n\
            \x20 Name                  Last success   Last error   Count   Message\n\
            \x20 ct-map-pressure       18s ago        never        0       no error   \n\
            \x20 sync-to-k8s (1556)    never          4s ago       3       the server said   no\n\
            Proxy Status:            No managed proxy redirect\n\
            Encryption:       Disabled   \n";
        let (status, problems) = parse(text);
        assert_eq!(problems, []);
        assert_eq!(status.version(), Some("1.18.0"));
        assert_eq!(status.ipam, Some((3, 254)));
        let routing = status.routing.clone().unwrap();
        assert_eq!((routing.network.as_str(), routing.host.as_str()), ("Tunnel", "Legacy"));
        assert_eq!(routing.tunnel.as_deref(), Some("geneve"));
        let masquerading = status.masquerading.clone().unwrap();
        assert_eq!((masquerading.mode.as_str(), masquerading.is_enabled), ("BPF", true));
        assert_eq!(masquerading.excluded, ["172.20.0.0/16"]);
        assert_eq!(status.n_controllers, Some(21));
        let failing: Vec<_> = status.failing().collect();
        assert_eq!((failing.len(), failing[0].name.as_str()), (1, "sync-to-k8s (1556)"));
        assert_eq!(failing[0].last_failure.as_deref(), Some("4s ago"));
        assert_eq!(status.stale, [("ipam".to_owned(), "2026-11-23 03:06:52".to_owned())]);
        assert_eq!(
            (status.monitor_lost, status.encryption.as_deref()),
            (Some(0), Some("Disabled"))
        );
    }

    #[test]
    fn lost_events_are_counted() {
        let (status, _) = parse(
            "Cilium: Ok 1.18.0\nNodeMonitor: Listening for events on 2 CPUs with 64x4096 of shared \
             memory, 17 events lost, 0 unknown notifications\nMasquerading: Disabled\n",
        );
        assert_eq!(status.monitor_lost, Some(17));
        assert!(!status.masquerading.unwrap().is_enabled);
    }
}
