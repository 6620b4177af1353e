//! Opens the head of a capture, `capture.json`: whether it is one, and of a format that is
//! read.

use std::collections::BTreeSet;

use lab_types::Failure;

use super::format::FORMAT;
use super::format::Head;
use crate::Answer;
use crate::Host;
use crate::HostKind;
use crate::files::Files;
use crate::files::path;

/// The folder of a capture that was zipped together with its folder; `None` when there is no
/// capture in the files.
pub(crate) fn root(files: &Files) -> Option<String> {
    if files.has("capture.json") {
        return Some(String::new());
    }
    if !files.is_zip() {
        return None;
    }
    let names = files.names();
    let mut roots = names
        .iter()
        .filter_map(|name| name.strip_suffix("capture.json"))
        .filter(|root| root.matches('/').count() == 1 && root.ends_with('/'));
    match (roots.next(), roots.next()) {
        (Some(root), None) => Some(root.to_owned()),
        _ => None,
    }
}

/// Reads `capture.json` and checks what everything else relies on.
pub(super) fn read(files: &Files) -> Answer<Head> {
    let name = "capture.json";
    let Some(text) = files.read_text(name)? else {
        return Err(Failure::invalid(format!(
            "{} is not a capture: it has no capture.json",
            files.name
        ))
        .hint("name a capture: a folder with a capture.json, or a zip of one"));
    };
    // The format first: the rest of a newer one may look different.
    let format: FormatOnly = files.parse(name, &text)?;
    if format.format != FORMAT {
        return Err(other_format(&files.name, &format.format));
    }
    let head: Head = files.parse(name, &text)?;
    let mut seen = BTreeSet::new();
    for host in &head.hosts {
        if !path::is_part(&host.name) {
            return Err(
                files.unreadable(name, &format!("{:?} cannot be the name of a host", host.name))
            );
        }
        if !seen.insert(&host.name) {
            return Err(files.unreadable(name, &format!("host {} is listed twice", host.name)));
        }
    }
    Ok(head)
}

/// The part of `capture.json` that every format has.
#[derive(serde::Deserialize)]
struct FormatOnly {
    format: String,
}

fn other_format(name: &str, format: &str) -> Failure {
    let number = format.strip_prefix("lab-capture/").and_then(|number| number.parse::<u32>().ok());
    if number.is_some_and(|number| number > 1) {
        Failure::invalid(format!("cannot read {name}: made by a newer kubectl-lab ({format})"))
            .hint("upgrade kubectl-lab: this one reads lab-capture/1")
    } else {
        Failure::invalid(format!("cannot read {name}: unknown format {format:?}"))
            .hint("captures made by `kubectl lab` have the format lab-capture/1")
    }
}

impl Head {
    /// The hosts, nodes first, each kind by name.
    pub(super) fn listed(&self) -> Vec<Host> {
        let mut hosts: Vec<Host> = self
            .hosts
            .iter()
            .map(|host| Host {
                name: host.name.clone(),
                kind: host.kind,
                addresses: host.addresses.clone(),
            })
            .collect();
        hosts.sort_by(|a, b| {
            (a.kind == HostKind::Extra, &a.name).cmp(&(b.kind == HostKind::Extra, &b.name))
        });
        hosts
    }
}
