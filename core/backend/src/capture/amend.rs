//! What a [`Writer`] does to a capture that is being added to: nothing in it may become a
//! claim that was not made.

use std::path::Path;

use lab_types::Failure;

use super::format::Selected;
use super::save;
use super::writer::Writer;
use crate::Answer;
use crate::Host;
use crate::HostKind;
use crate::Question;
use crate::Selection;

impl Writer {
    /// Adds a host, or gives a known one other addresses when there are any.
    pub(super) fn known_host(&mut self, host: &Host) -> Answer<()> {
        let is_extra = host.kind == HostKind::Extra;
        if self.hosts.contains_key(&(!is_extra, host.name.clone())) {
            let (is, not) = if is_extra {
                ("a node", "a host beside the cluster")
            } else {
                ("a host beside the cluster", "a node")
            };
            return Err(Failure::invalid(format!(
                "{} is {is} in the capture, not {not}",
                host.name
            )));
        }
        if host.addresses.is_empty() && self.hosts.contains_key(&(is_extra, host.name.clone())) {
            return Ok(());
        }
        self.host(host)
    }

    /// Refuses a node that the capture's own list of nodes does not have: a name that was
    /// mistyped would become a host that nobody asked.
    pub(super) fn expected_host(&self, host: &Host) -> Answer<()> {
        let nodes = self.objects.get(&("v1".to_owned(), "Node".to_owned()));
        let is_whole = !self.selected.contains_key("v1/Node");
        let is_known = |extra: bool| self.hosts.contains_key(&(extra, host.name.clone()));
        let Some(nodes) = nodes.filter(|nodes| is_whole && !nodes.is_empty()) else {
            return Ok(());
        };
        if host.kind == HostKind::Extra || is_known(false) || is_known(true) {
            return Ok(());
        }
        let names: Vec<&str> = nodes.keys().map(|(_, name)| name.as_str()).take(8).collect();
        Err(Failure::invalid(format!("{} is none of the capture's nodes", host.name)).hint(
            format!(
                "the nodes are {}; add `--extra` for a host beside the cluster",
                names.join(", ")
            ),
        ))
    }

    /// Takes a question from those that got no answer.
    pub(super) fn answered(&mut self, question: &Question) {
        self.missing.retain(|missing| missing.question().as_ref() != Some(question));
    }

    /// Says that a part of a kind, or all of it, is going to be added.
    pub(super) fn known_part(&mut self, of: &Selection, part: Option<Selected>) -> Answer<()> {
        let kind = of.to_string();
        let was_there = self.objects.contains_key(&(of.api_version.clone(), of.kind.clone()));
        self.kind(of)?;
        let Some(part) = part else {
            self.selected.remove(&kind);
            self.missing.retain(|missing| missing.kind.as_ref() != Some(&kind));
            return Ok(());
        };
        self.missing.retain(|m| m.kind.as_ref() != Some(&kind) || m.selected != part);
        let parts = match self.selected.remove(&kind) {
            // All of it was there before.
            None if was_there => return Ok(()),
            parts => parts.unwrap_or_default(),
        };
        self.only(kind, parts.into_iter().chain([part]));
        Ok(())
    }

    /// Writes it in place of the capture that it was read from.
    pub(super) fn rewrite(&self, path: &Path) -> Answer<()> {
        save::replace(path, &self.files()?, self.created.as_deref())
    }
}
