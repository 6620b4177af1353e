//! From a capture back to a [`Writer`]: to change it, or to pack a folder.

use lab_types::Failure;

use super::format::Missing;
use super::reader::Capture;
use super::writer::Writer;
use crate::Answer;
use crate::Selection;
use crate::files::path;
use crate::objects::Objects;
use crate::walk::lookup;

impl Capture {
    /// Everything the capture holds, ready to be written again. Files that no index names are
    /// left out, and so are Secrets that somebody put into it.
    pub fn to_writer(&self) -> Answer<Writer> {
        let mut writer = Writer::with_head(&self.head);
        for host in self.head.listed() {
            writer.host(&host)?;
        }
        self.copy_commands(&mut writer)?;
        for name in self.files.names() {
            if let Some(kind) = name.strip_prefix("objects/").and_then(|n| n.strip_suffix(".json"))
            {
                self.copy_objects(&name, kind, &mut writer)?;
            } else if name.starts_with("logs/") {
                let bytes = self.files.read(&name)?.unwrap_or_default();
                writer.log_file(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        if let Some(version) = self.files.read_text("version.json")? {
            writer.version(version);
        }
        Ok(writer)
    }

    fn copy_commands(&self, writer: &mut Writer) -> Answer<()> {
        let hosts: Vec<&str> = self.head.hosts.iter().map(|host| host.name.as_str()).collect();
        for (position, folder) in self.pod_folders().enumerate() {
            let host = hosts.get(position).copied();
            let pods = self.entries(&folder, "pods.json", None)?.unwrap_or_default();
            let own = match host {
                Some(_) => self.entries(&folder, "commands.json", host)?.unwrap_or_default(),
                None => Vec::new(),
            };
            // Backwards, because of the same question the first line counts.
            for (question, recorded) in own.into_iter().chain(pods).rev() {
                // An output that is no longer there is as if it had never been answered, and can
                // be added again.
                if let Some(gone) = recorded.entry.files().find(|file| {
                    path::fault(file).is_none()
                        && !self.files.has(&format!("{}{file}", recorded.folder))
                }) {
                    let why = Failure::other(format!("its file {gone} was missing"));
                    writer.missing(Missing::of_command(&question, &why));
                    continue;
                }
                let outcome = self.outcome(&recorded)?;
                writer.command(host, &question, outcome, recorded.entry.ms)?;
                if let Some(stamps) = self.stamps(&recorded)? {
                    writer.stamps(host, &question, stamps);
                }
            }
        }
        Ok(())
    }

    fn copy_objects(&self, name: &str, kind: &str, writer: &mut Writer) -> Answer<()> {
        let Some((api_version, kind)) = kind.rsplit_once('/') else { return Ok(()) };
        if kind == "Secret" {
            return Ok(());
        }
        let text = self.files.read_text(name)?.unwrap_or_default();
        let objects = Objects::parse(text).map_err(|error| self.files.malformed(name, &error))?;
        let of = Selection {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            ..Selection::default()
        };
        writer.kind(&of)?;
        let is_secret = |object: &&str| lookup(object, &["kind".to_owned()]) == Some("\"Secret\"");
        for object in objects.all().filter(|object| !is_secret(object)) {
            writer.object(&of, object)?;
        }
        Ok(())
    }
}
