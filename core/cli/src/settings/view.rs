//! `kubectl lab config view`: the settings in effect, as a file that could be saved as it is.

use super::{ExtraHost, Setting, Settings};
use crate::values::show_duration;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

impl Settings {
    /// The settings in effect as a configuration file; the comment behind each value says where
    /// it comes from. A value that is absent is shown as a comment alone.
    pub fn view(&self) -> String {
        let mut lines = Vec::new();
        let view = &self.view;
        lines.push(given("output", &view.output, |format| quoted(format.as_str())));
        lines.push(given("color", &view.color, |color| quoted(color.as_str())));
        lines.push(given("fail-on", &self.fail_on, |level| quoted(level.as_str())));
        lines.push(given("concurrency", &self.hosts.concurrency, usize::to_string));
        lines.push(given("timeout", &self.hosts.timeout, |wait| quoted(&show_duration(*wait))));
        lines.push(given("request-timeout", &self.connection.request_timeout, |wait| {
            quoted(&show_duration(wait.unwrap_or(Duration::ZERO)))
        }));
        lines.push(optional("context", &self.connection.context, "the current one", |name| {
            quoted(name)
        }));
        lines.push(optional("kubeconfig", &self.connection.kubeconfig, "as kubectl", |path| {
            quoted(&path.to_string_lossy())
        }));
        lines.push(optional(
            "agent-namespace",
            &self.hosts.agent_namespace,
            "found by looking",
            |name| quoted(name),
        ));
        lines.push(given("transports", &self.hosts.transports, |named| {
            let named: Vec<_> = named.iter().map(|transport| quoted(transport.as_str())).collect();
            format!("[{}]", named.join(", "))
        }));
        lines.push(given("debug-pods", &self.hosts.debug_pods, bool::to_string));
        let mut text = aligned(lines);
        text.push_str("\n[debug-pod]\n");
        text.push_str(&aligned(self.debug_pod()));
        text.push_str("\n[relay]\n");
        text.push_str(&aligned(self.relay()));

        let file = self.config_file.as_ref().map(|path| path.display().to_string());
        let file = file.unwrap_or_default();
        for (table, hosts) in
            [("extra-hosts", &self.hosts.extra), ("ssh-nodes", &self.hosts.ssh_nodes)]
        {
            for host in hosts {
                show_host(&mut text, table, host, &file);
            }
        }
        if let Some(first) = self.redact.first() {
            let patterns: Vec<_> = self.redact.iter().map(|one| quoted(&one.value)).collect();
            let _ = writeln!(text, "\n[capture]  # {}", first.origin);
            let _ = writeln!(text, "redact = [{}]", patterns.join(", "));
        }
        for (plugin, settings) in &self.plugins {
            let _ = writeln!(text, "\n[plugins.{}]  # {file}", key(plugin));
            for (name, value) in settings {
                let name: Vec<_> = name.split('.').map(key).collect();
                let _ = writeln!(text, "{} = {}", name.join("."), quoted(value));
            }
        }
        text
    }

    fn debug_pod(&self) -> Vec<(String, String)> {
        let pod = &self.hosts.debug_pod;
        let text =
            |key, setting, absent| optional(key, setting, absent, |text: &String| quoted(text));
        let time = |wait: &Duration| quoted(&show_duration(*wait));
        vec![
            text("image", &pod.image, "that of the agents"),
            text("pull-secret", &pod.pull_secret, "that of the agents, with their image"),
            text("namespace", &pod.namespace, "that of the agents"),
            given("lifetime", &pod.lifetime, time),
            given("start-timeout", &pod.start_timeout, time),
            given("host-pid", &pod.host_pid, bool::to_string),
        ]
    }

    fn relay(&self) -> Vec<(String, String)> {
        let relay = &self.hosts.relay;
        let text =
            |key, setting, absent| optional(key, setting, absent, |text: &String| quoted(text));
        let file = |key, setting, absent| {
            optional(key, setting, absent, |path: &PathBuf| quoted(&path.to_string_lossy()))
        };
        vec![
            text("namespace", &relay.namespace, "that of the agents"),
            text("selector", &relay.selector, "as it is installed"),
            optional("port", &relay.port, "as its pod says", u16::to_string),
            optional("tls", &relay.tls, "as its Service says", bool::to_string),
            file("ca", &relay.ca, "the cluster's, if it may be read"),
            text("server-name", &relay.server_name, "that of every relay"),
            file("certificate", &relay.certificate, "none"),
            file("key", &relay.key, "none"),
        ]
    }
}

/// Lines with their comments below each other.
fn aligned(lines: Vec<(String, String)>) -> String {
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (line, origin) in lines {
        let _ = writeln!(text, "{line:width$}  # {origin}");
    }
    text
}

fn given<T>(key: &str, setting: &Setting<T>, show: impl FnOnce(&T) -> String) -> (String, String) {
    (format!("{key} = {}", show(&setting.value)), setting.origin.to_string())
}

fn optional<T>(
    key: &str,
    setting: &Setting<Option<T>>,
    absent: &str,
    show: impl FnOnce(&T) -> String,
) -> (String, String) {
    let line = match &setting.value {
        Some(value) => format!("{key} = {}", show(value)),
        None => format!("# {key}: {absent}"),
    };
    (line, setting.origin.to_string())
}

fn show_host(text: &mut String, table: &str, host: &ExtraHost, file: &str) {
    let _ = writeln!(text, "\n[{table}.{}]  # {file}:{}", key(&host.name), host.line);
    let _ = writeln!(text, "ssh = {}", quoted(&host.ssh));
    if !host.addresses.is_empty() {
        let list: Vec<_> = host.addresses.iter().map(|address| quoted(address)).collect();
        let _ = writeln!(text, "addresses = [{}]", list.join(", "));
    }
    if let Some(port) = host.port {
        let _ = writeln!(text, "port = {port}");
    }
    for (name, path) in [("identity", &host.identity), ("known-hosts", &host.known_hosts)] {
        if let Some(path) = path {
            let _ = writeln!(text, "{name} = {}", quoted(&path.to_string_lossy()));
        }
    }
    if let Some(jump) = &host.jump {
        let _ = writeln!(text, "jump = {}", quoted(jump));
    }
    if host.sudo {
        text.push_str("sudo = true\n");
    }
}

/// A key, in quotes where the format wants them.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
