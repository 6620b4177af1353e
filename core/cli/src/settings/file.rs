//! The configuration file: which keys there are, and what is wrong with one, by line.
//!
//! Nothing is skipped silently: a key that is not known is an error that names the nearest one,
//! because a mistyped key that is ignored looks like a setting that does not work.

use crate::error::CliError;
use crate::nearest::nearest;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys with one value that can also be given in the environment, with that variable. A key of a
/// table stands behind the table's name.
pub(super) const KEYS: [(&str, &str); 25] = [
    ("output", "KUBECTL_LAB_OUTPUT"),
    ("color", "KUBECTL_LAB_COLOR"),
    ("fail-on", "KUBECTL_LAB_FAIL_ON"),
    ("concurrency", "KUBECTL_LAB_CONCURRENCY"),
    ("timeout", "KUBECTL_LAB_TIMEOUT"),
    ("request-timeout", "KUBECTL_LAB_REQUEST_TIMEOUT"),
    ("context", "KUBECTL_LAB_CONTEXT"),
    ("kubeconfig", "KUBECTL_LAB_KUBECONFIG"),
    ("agent-namespace", "KUBECTL_LAB_AGENT_NAMESPACE"),
    ("transports", "KUBECTL_LAB_TRANSPORTS"),
    ("debug-pods", "KUBECTL_LAB_DEBUG_PODS"),
    ("debug-pod.image", "KUBECTL_LAB_DEBUG_POD_IMAGE"),
    ("debug-pod.pull-secret", "KUBECTL_LAB_DEBUG_POD_PULL_SECRET"),
    ("debug-pod.namespace", "KUBECTL_LAB_DEBUG_POD_NAMESPACE"),
    ("debug-pod.lifetime", "KUBECTL_LAB_DEBUG_POD_LIFETIME"),
    ("debug-pod.start-timeout", "KUBECTL_LAB_DEBUG_POD_START_TIMEOUT"),
    ("debug-pod.host-pid", "KUBECTL_LAB_DEBUG_POD_HOST_PID"),
    ("relay.namespace", "KUBECTL_LAB_RELAY_NAMESPACE"),
    ("relay.selector", "KUBECTL_LAB_RELAY_SELECTOR"),
    ("relay.port", "KUBECTL_LAB_RELAY_PORT"),
    ("relay.tls", "KUBECTL_LAB_RELAY_TLS"),
    ("relay.ca", "KUBECTL_LAB_RELAY_CA"),
    ("relay.server-name", "KUBECTL_LAB_RELAY_SERVER_NAME"),
    ("relay.certificate", "KUBECTL_LAB_RELAY_CERTIFICATE"),
    ("relay.key", "KUBECTL_LAB_RELAY_KEY"),
];

const TABLES: [&str; 7] =
    ["debug-pod", "relay", "extra-hosts", "ssh-nodes", "ssh", "capture", "plugins"];
const CAPTURE_KEYS: [&str; 1] = ["redact"];
const SSH_KEYS: [&str; 5] = ["port", "identity", "jump", "known-hosts", "sudo"];
const HOST_KEYS: [&str; 7] =
    ["ssh", "addresses", "port", "identity", "jump", "known-hosts", "sudo"];

/// A machine that is asked over ssh. What is absent is left to `~/.ssh/config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtraHost {
    /// Its name in tables and in `--host`.
    pub name: String,
    /// `user@host`, `host`, or a name from `~/.ssh/config`; the name if the file says nothing.
    pub ssh: String,
    /// Addresses by which others know it.
    pub addresses: Vec<String>,
    /// `ssh -p`.
    pub port: Option<u16>,
    /// `ssh -i`.
    pub identity: Option<PathBuf>,
    /// `ssh -J`.
    pub jump: Option<String>,
    /// A file of known host keys in place of `~/.ssh/known_hosts`.
    pub known_hosts: Option<PathBuf>,
    /// Puts `sudo -n` before every command.
    pub sudo: bool,
    /// Line of its table in the file.
    pub line: usize,
}

/// A plugin's own settings: text by name, nested names joined with dots.
pub type PluginSettings = BTreeMap<String, String>;

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Text and line of the keys in [`KEYS`].
    pub(super) keys: BTreeMap<&'static str, (String, usize)>,
    /// Machines beside the cluster.
    pub(super) extra_hosts: Vec<ExtraHost>,
    /// Nodes that can also be reached over ssh.
    pub(super) ssh_nodes: Vec<ExtraHost>,
    /// Regular expressions of what no capture may hold, each with its line.
    pub(super) redact: Vec<(String, usize)>,
    pub(super) plugins: BTreeMap<String, PluginSettings>,
}

/// Reads a file's text.
pub(super) fn parse(text: &str, path: &Path, home: Option<&Path>) -> Result<Contents, CliError> {
    let reader = Reader { text, path, home };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().next().unwrap_or_default().to_owned();
        reader.error(at, &what).hint("strings stand in quotes, as in `output = \"wide\"`")
    })?;
    reader.contents(table.get_ref())
}

type Entry<'a> = (&'a str, usize, &'a Spanned<DeValue<'a>>);

struct Reader<'a> {
    text: &'a str,
    path: &'a Path,
    home: Option<&'a Path>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn error(&self, at: usize, what: &str) -> CliError {
        CliError::new(format!("{}:{}: {what}", self.path.display(), self.line(at)))
    }

    fn wrong(&self, name: &str, value: &Spanned<DeValue<'_>>, expected: &str) -> CliError {
        let found = match value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.error(value.span().start, &format!("`{name}` is {found}, expected {expected}"))
    }

    fn contents(&self, table: &DeTable<'_>) -> Result<Contents, CliError> {
        let mut contents = Contents::default();
        let mut defaults = ExtraHost::default();
        let known = || {
            let keys = KEYS.iter().map(|(key, _)| *key);
            keys.filter(|key| !key.contains('.')).chain(TABLES)
        };
        let entries = entries(table);
        if let Some((_, _, value)) = entries.iter().find(|(key, ..)| *key == "ssh") {
            self.host(&mut defaults, "ssh", self.table("ssh", value)?, &SSH_KEYS)?;
        }
        for (key, at, value) in entries {
            if let Some((key, _)) = KEYS.iter().find(|(known, _)| *known == key) {
                let text = self.scalar(key, value)?;
                contents.keys.insert(key, (text, self.line(at)));
                continue;
            }
            match key {
                "ssh" => {}
                "debug-pod" | "relay" => {
                    self.keys_of(&mut contents, key, self.table(key, value)?)?;
                }
                "extra-hosts" => contents.extra_hosts = self.hosts(key, value, &defaults)?,
                "ssh-nodes" => contents.ssh_nodes = self.hosts(key, value, &defaults)?,
                "capture" => {
                    for (key, at, value) in self::entries(self.table(key, value)?) {
                        if !CAPTURE_KEYS.contains(&key) {
                            let known = CAPTURE_KEYS.iter().copied();
                            return Err(self.unknown("capture", key, at, known));
                        }
                        contents.redact = self.strings("capture.redact", value)?;
                    }
                }
                "plugins" => {
                    for (name, _, value) in self::entries(self.table(key, value)?) {
                        let mut settings = PluginSettings::new();
                        let full = format!("plugins.{name}");
                        flatten(&mut settings, "", self.table(&full, value)?);
                        contents.plugins.insert(name.to_owned(), settings);
                    }
                }
                _ => return Err(self.unknown("", key, at, known())),
            }
        }
        Ok(contents)
    }

    /// The keys of a table in which each has one value.
    fn keys_of(
        &self,
        contents: &mut Contents,
        name: &str,
        table: &DeTable<'_>,
    ) -> Result<(), CliError> {
        let known = || KEYS.iter().filter_map(|(key, _)| key.strip_prefix(name)?.strip_prefix('.'));
        for (key, at, value) in entries(table) {
            let full = format!("{name}.{key}");
            let Some((full, _)) = KEYS.iter().find(|(known, _)| *known == full) else {
                return Err(self.unknown(name, key, at, known()));
            };
            contents.keys.insert(full, (self.scalar(full, value)?, self.line(at)));
        }
        Ok(())
    }

    fn unknown<'k>(
        &self,
        table: &str,
        key: &str,
        at: usize,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> CliError {
        let place = if table.is_empty() { String::new() } else { format!(" in `[{table}]`") };
        let error = self.error(at, &format!("unknown key `{key}`{place}"));
        match nearest(key, known.clone()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("keys here: {}", known.collect::<Vec<_>>().join(", "))),
        }
    }

    fn table<'v>(
        &self,
        name: &str,
        value: &'v Spanned<DeValue<'v>>,
    ) -> Result<&'v DeTable<'v>, CliError> {
        value.get_ref().as_table().ok_or_else(|| {
            self.wrong(name, value, "a table").hint(format!("write `[{name}]` above its keys"))
        })
    }

    /// A value as the text that the environment would give: a list has commas, and a switch and a
    /// whole number stand without quotes.
    fn scalar(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, CliError> {
        match (name, value.get_ref()) {
            ("transports", DeValue::Array(list)) => {
                let words = list.iter().map(|item| self.string(name, item));
                Ok(words.collect::<Result<Vec<_>, _>>()?.join(","))
            }
            ("transports", _) => Err(self.wrong(name, value, "a list of strings")),
            ("debug-pods" | "debug-pod.host-pid" | "relay.tls", DeValue::Boolean(on)) => {
                Ok(on.to_string())
            }
            ("debug-pods" | "debug-pod.host-pid" | "relay.tls", _) => {
                Err(self.wrong(name, value, "true or false"))
            }
            ("concurrency" | "relay.port", DeValue::Integer(number)) => {
                Ok(number.as_str().to_owned())
            }
            (_, DeValue::String(text)) => Ok(text.to_string()),
            ("concurrency" | "relay.port", _) => Err(self.wrong(name, value, "a whole number")),
            _ => Err(self.wrong(name, value, "a string in quotes")),
        }
    }

    fn string(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, CliError> {
        match value.get_ref().as_str() {
            Some("") => Err(self.error(value.span().start, &format!("`{name}` is empty"))),
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong(name, value, "a string in quotes")),
        }
    }

    /// A list of strings, each with its line.
    fn strings(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<Vec<(String, usize)>, CliError> {
        let list = value.get_ref().as_array();
        let list = list.ok_or_else(|| self.wrong(name, value, "a list of strings"))?;
        let with_line = |item: &Spanned<DeValue<'_>>| {
            Ok((self.string(name, item)?, self.line(item.span().start)))
        };
        list.iter().map(with_line).collect()
    }

    fn hosts(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        defaults: &ExtraHost,
    ) -> Result<Vec<ExtraHost>, CliError> {
        let mut hosts = Vec::new();
        for (name, at, value) in entries(self.table(key, value)?) {
            let full = format!("{key}.{name}");
            let mut host = ExtraHost {
                name: name.to_owned(),
                ssh: name.to_owned(),
                line: self.line(at),
                ..defaults.clone()
            };
            self.host(&mut host, &full, self.table(&full, value)?, &HOST_KEYS)?;
            // ssh would take such a target for an option.
            if host.ssh.starts_with('-') {
                return Err(self.error(at, &format!("`{full}.ssh` begins with `-`")));
            }
            hosts.push(host);
        }
        Ok(hosts)
    }

    fn host(
        &self,
        host: &mut ExtraHost,
        name: &str,
        table: &DeTable<'_>,
        keys: &[&str],
    ) -> Result<(), CliError> {
        for (key, at, value) in entries(table) {
            if !keys.contains(&key) {
                return Err(self.unknown(name, key, at, keys.iter().copied()));
            }
            let full = format!("{name}.{key}");
            match key {
                "ssh" => host.ssh = self.string(&full, value)?,
                "jump" => host.jump = Some(self.string(&full, value)?),
                "identity" => host.identity = Some(self.file(&self.string(&full, value)?)),
                "known-hosts" => host.known_hosts = Some(self.file(&self.string(&full, value)?)),
                "sudo" => {
                    let sudo = value.get_ref().as_bool();
                    host.sudo = sudo.ok_or_else(|| self.wrong(&full, value, "true or false"))?;
                }
                "port" => {
                    let port = value.get_ref().as_integer();
                    let port = port.and_then(|n| u16::from_str_radix(n.as_str(), n.radix()).ok());
                    let port = port.filter(|port| *port > 0);
                    let what = format!("`{full}` is no port from 1 to 65535");
                    host.port = Some(port.ok_or_else(|| self.error(value.span().start, &what))?);
                }
                _ => {
                    let addresses = self.strings(&full, value)?;
                    host.addresses = addresses.into_iter().map(|(address, _)| address).collect();
                }
            }
        }
        Ok(())
    }

    fn file(&self, path: &str) -> PathBuf {
        expand(path, self.home)
    }
}

/// A path of the file: no shell has replaced `~/` there.
pub(super) fn expand(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// Keys with their places, in the order of the file, so that the first mistake is reported first.
fn entries<'a>(table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| (key.get_ref().as_ref(), key.span().start, value))
        .collect();
    entries.sort_by_key(|(_, at, _)| *at);
    entries
}

fn flatten(settings: &mut PluginSettings, prefix: &str, table: &DeTable<'_>) {
    for (key, _, value) in entries(table) {
        let name = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        match value.get_ref() {
            DeValue::Table(table) => flatten(settings, &name, table),
            value => {
                settings.insert(name, plain(value));
            }
        }
    }
}

/// A value as text for a plugin; lists between commas.
fn plain(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => number.to_string(),
            Err(_) => number.as_str().to_owned(),
        },
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(list) => {
            let items: Vec<_> = list.iter().map(|item| plain(item.get_ref())).collect();
            items.join(",")
        }
        DeValue::Table(table) => {
            let mut settings = PluginSettings::new();
            flatten(&mut settings, "", table);
            let pairs: Vec<_> =
                settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
            pairs.join(",")
        }
    }
}
