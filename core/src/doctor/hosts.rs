//! Extra hosts and ssh nodes: a real login over the system's ssh.
//!
//! Apart because it needs no cluster: a router can be reached while the API server cannot.

use lab_live::ExtraHost;

use super::Patient;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use super::cluster::milliseconds;
use crate::source;

/// One line for each host that the settings name.
pub(super) async fn checks(patient: &Patient<'_>) -> Vec<Check> {
    let hosts = &patient.settings.hosts;
    let all: Vec<_> = hosts
        .extra
        .iter()
        .map(|host| (host, "extra host"))
        .chain(hosts.ssh_nodes.iter().map(|host| (host, "node over ssh")))
        .filter(|(host, _)| patient.asks(&host.name))
        .collect();
    if all.is_empty() {
        let seen = "the settings name no extra host and no ssh node";
        return vec![Check::new(Area::Host, "", Outcome::Skipped, seen)];
    }
    let (askpass, limit) = (&hosts.ssh_askpass, patient.bounds.command);
    let login =
        |host: ExtraHost| async move { lab_live::try_ssh(&host, askpass.clone(), limit).await };
    let targets: Vec<ExtraHost> = all.iter().map(|(host, _)| source::extra_host(host)).collect();
    let answers = patient.bounds.each(targets, login).await;
    let lines = all.iter().zip(answers).map(|((host, kind), answer)| match answer {
        Ok(took) => {
            let seen = format!("{kind}, {}: logged in within {}", host.ssh, milliseconds(took));
            Check::new(Area::Host, &host.name, Outcome::Fine, seen)
        }
        Err(failure) => Check::failed(Area::Host, &host.name, Outcome::Bad, &failure),
    });
    lines.collect()
}
