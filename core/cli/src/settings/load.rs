//! Fills in [`Settings`]: for each value asks the flags, then the environment, then the file,
//! then the default.

use super::file::{self, Contents, KEYS};
use super::kubeconfig;
use super::{
    Connection, DebugPod, Environment, Hosts, Live, LogLevel, Origin, Relay, Selection, Setting,
    Settings, Source, View,
};
use crate::choice::{Choice, Color, FailOn, Format, Transport};
use crate::error::CliError;
use crate::globals::Globals;
use crate::nearest::nearest;
use crate::values::{DURATION_HINT, parse_duration};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measured by others on listings: flat after 32 (corneliusweig/ketall#84).
const CONCURRENCY: usize = 32;
const TIMEOUT: Duration = Duration::from_secs(30);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longer than any table takes; whoever watches for longer gets a new pod.
const LIFETIME: Duration = Duration::from_hours(1);
/// An image of 100 MB over a slow line.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Where the configuration file is or would be; absent without a user's folder.
///
/// `KUBECTL_LAB_CONFIG`, or `kubectl-lab/config.toml` in the system's folder for configuration.
pub fn config_path(env: &dyn Environment) -> Option<PathBuf> {
    if let Some(path) = env.var("KUBECTL_LAB_CONFIG") {
        return Some(path.into());
    }
    let xdg = env.var("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = if cfg!(windows) {
        env.var("APPDATA").map(PathBuf::from)
    } else if cfg!(target_os = "macos") && xdg.is_none() {
        env.home().map(|home| home.join("Library/Application Support"))
    } else {
        xdg.or_else(|| env.home().map(|home| home.join(".config")))
    };
    folder.map(|folder| folder.join("kubectl-lab").join("config.toml"))
}

/// Names of the kubeconfig's contexts, for completion; empty where they cannot be read.
pub fn context_names(env: &dyn Environment, kubeconfig: Option<PathBuf>) -> Vec<String> {
    let kubeconfig = kubeconfig.or_else(|| env.var("KUBECTL_LAB_KUBECONFIG").map(PathBuf::from));
    let files = kubeconfig::files(env, kubeconfig).into_iter();
    let texts = files.filter_map(|path| env.read(&path).ok().flatten());
    texts.flat_map(|text| kubeconfig::contexts(&text)).collect()
}

/// Names of the extra hosts in the configuration file, for completion.
pub fn extra_host_names(env: &dyn Environment) -> Vec<String> {
    match read_file(env) {
        Ok((contents, _)) => contents.extra_hosts.into_iter().map(|host| host.name).collect(),
        Err(_) => Vec::new(),
    }
}

fn read_file(env: &dyn Environment) -> Result<(Contents, Option<PathBuf>), CliError> {
    let named = env.var("KUBECTL_LAB_CONFIG").is_some();
    let Some(path) = config_path(env) else { return Ok((Contents::default(), None)) };
    let text = env.read(&path).map_err(|error| {
        CliError::new(format!("{}: cannot be read: {error}", path.display()))
            .hint("`KUBECTL_LAB_CONFIG` names another file")
    })?;
    match text {
        Some(text) => {
            let contents = file::parse(&text, &path, env.home().as_deref())?;
            Ok((contents, Some(path)))
        }
        None if named => {
            Err(CliError::new(format!("KUBECTL_LAB_CONFIG: {} does not exist", path.display())))
        }
        None => Ok((Contents::default(), None)),
    }
}

/// Values below the flags.
struct Layers<'a> {
    env: &'a dyn Environment,
    file: &'a Contents,
    path: Option<&'a Path>,
}

impl Layers<'_> {
    /// The text for a key from environment or file.
    fn text(&self, key: &str) -> Result<Option<Setting<String>>, CliError> {
        let Some((key, variable)) = KEYS.iter().find(|(known, _)| *known == key) else {
            return Ok(None);
        };
        if let Some(value) = self.env.var(variable) {
            let text = value.into_string().map_err(|value| {
                let value = value.to_string_lossy();
                CliError::new(format!("{variable}: `{value}` is not valid UTF-8"))
            })?;
            return Ok(Some(Setting::new(text, Origin::Environment(variable))));
        }
        Ok(self.file.keys.get(key).map(|(text, line)| {
            let path = self.path.map(Path::to_path_buf).unwrap_or_default();
            Setting::new(text.clone(), Origin::File(path, *line))
        }))
    }

    fn pick<T>(
        &self,
        key: &str,
        typed: Option<Setting<T>>,
        default: T,
        read: impl FnOnce(&str) -> Result<T, CliError>,
    ) -> Result<Setting<T>, CliError> {
        if let Some(typed) = typed {
            return Ok(typed);
        }
        let Some(text) = self.text(key)? else { return Ok(Setting::new(default, Origin::Default)) };
        match read(&text.value) {
            Ok(value) => Ok(Setting::new(value, text.origin)),
            Err(mut error) => {
                let key = match &text.origin {
                    Origin::File(..) => format!("`{key}`: "),
                    _ => String::new(),
                };
                error.message = format!("{}: {key}{}", text.origin, error.message);
                Err(error)
            }
        }
    }

    fn choice<C: Choice>(
        &self,
        key: &str,
        flag: &'static str,
        typed: Option<C>,
        default: C,
    ) -> Result<Setting<C>, CliError> {
        self.pick(key, typed.map(|value| Setting::new(value, Origin::Flag(flag))), default, word)
    }

    fn name(&self, key: &str) -> Result<Setting<Option<String>>, CliError> {
        let text = self.pick(key, None, None, |text| Ok(Some(text.to_owned())))?;
        Ok(text.map(|text| name(text.as_ref())))
    }

    fn switch(&self, key: &str, typed: Option<Setting<bool>>) -> Result<Setting<bool>, CliError> {
        self.pick(key, typed, false, |text| match text {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(CliError::new(format!("`{text}` is neither true nor false"))),
        })
    }

    fn time(&self, key: &str, default: Duration) -> Result<Setting<Duration>, CliError> {
        self.pick(key, None, default, |text| match duration(text)? {
            // Kubernetes counts in whole seconds.
            time if time < Duration::from_secs(1) => {
                Err(CliError::new(format!("`{text}` is less than a second")))
            }
            time => Ok(time),
        })
    }
}

fn word<C: Choice>(text: &str) -> Result<C, CliError> {
    C::from_word(text).ok_or_else(|| {
        let list = C::words().collect::<Vec<_>>().join(", ");
        let near = nearest(text, C::words());
        let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
        CliError::new(format!("unknown value `{text}`")).hint(format!("{near}known: {list}"))
    })
}

fn transports(text: &str) -> Result<Vec<Transport>, CliError> {
    let mut named = Vec::new();
    for text in text.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let transport = word(text)?;
        if named.contains(&transport) {
            return Err(CliError::new(format!("`{text}` is named twice")));
        }
        named.push(transport);
    }
    if named.is_empty() {
        return Err(CliError::new("no transport is named: nothing could be asked")
            .hint("leave it out for `agent`, `ssh`, `debug-pod`, in this order"));
    }
    Ok(named)
}

fn typed<T: Clone>(value: Option<&T>, flag: &'static str) -> Option<Setting<T>> {
    value.map(|value| Setting::new(value.clone(), Origin::Flag(flag)))
}

fn duration(text: &str) -> Result<Duration, CliError> {
    parse_duration(text)
        .ok_or_else(|| CliError::new(format!("`{text}` is not a duration")).hint(DURATION_HINT))
}

/// kubectl takes an empty name for one that was not given.
fn name(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

impl Settings {
    /// What the shared flags mean on this system.
    ///
    /// Errors: an unreadable or mistyped configuration file or variable, with its place.
    pub fn load(globals: &Globals, env: &dyn Environment) -> Result<Self, CliError> {
        let (file, config_file) = read_file(env)?;
        let layers = Layers { env, file: &file, path: config_file.as_deref() };
        let source = match (&globals.from, globals.demo) {
            (Some(path), _) => Source::Capture(path.clone()),
            (None, true) => Source::Demo,
            (None, false) => Source::Live,
        };
        Ok(Self {
            source,
            record: globals.record.clone(),
            against: globals.against.clone(),
            connection: connection(globals, &layers)?,
            selection: Selection {
                namespace: name(globals.namespace.as_ref()).filter(|_| !globals.all_namespaces),
                all_namespaces: globals.all_namespaces,
                labels: name(globals.selector.as_ref()),
            },
            hosts: hosts(globals, &layers)?,
            live: Live { once: globals.once, run_for: globals.run_for },
            view: view(globals, &layers)?,
            fail_on: layers.choice("fail-on", "--fail-on", globals.fail_on, FailOn::Warn)?,
            log: match globals.verbosity {
                _ if globals.quiet => LogLevel::Quiet,
                0..4 => LogLevel::Normal,
                4..6 => LogLevel::Info,
                6..8 => LogLevel::Debug,
                _ => LogLevel::Trace,
            },
            redact: redact(&file, config_file.as_deref()),
            plugins: file.plugins.clone(),
            config_file,
        })
    }

    /// One of a plugin's own settings.
    pub fn plugin(&self, plugin: &str, name: &str) -> Option<&str> {
        self.plugins.get(plugin)?.get(name).map(String::as_str)
    }
}

fn redact(file: &Contents, path: Option<&Path>) -> Vec<Setting<String>> {
    let origin = |line: usize| Origin::File(path.map(Path::to_path_buf).unwrap_or_default(), line);
    let patterns = file.redact.iter();
    patterns.map(|(pattern, line)| Setting::new(pattern.clone(), origin(*line))).collect()
}

fn connection(globals: &Globals, layers: &Layers<'_>) -> Result<Connection, CliError> {
    let context = typed(globals.context.as_ref(), "--context").map(|text| text.map(Some));
    let context = layers.pick("context", context, None, |text| Ok(Some(text.to_owned())))?;
    let kubeconfig = match typed(globals.kubeconfig.as_ref(), "--kubeconfig") {
        Some(path) => path.map(Some),
        // The user's own variable goes before the file; the client reads it, it may be a list.
        None if layers.env.var("KUBECTL_LAB_KUBECONFIG").is_none()
            && layers.env.var("KUBECONFIG").is_some() =>
        {
            Setting::new(None, Origin::Environment("KUBECONFIG"))
        }
        None => layers.pick("kubeconfig", None, None, |text| {
            Ok(Some(file::expand(text, layers.env.home().as_deref())))
        })?,
    };
    let request_timeout = layers.pick(
        "request-timeout",
        typed(globals.request_timeout.as_ref(), "--request-timeout"),
        REQUEST_TIMEOUT,
        duration,
    )?;
    Ok(Connection {
        kubeconfig,
        context: context.map(|context| name(context.as_ref())),
        cluster: name(globals.cluster.as_ref()),
        user: name(globals.user.as_ref()),
        server: name(globals.server.as_ref()),
        token: name(globals.token.as_ref()),
        client_certificate: globals.client_certificate.clone(),
        client_key: globals.client_key.clone(),
        certificate_authority: globals.certificate_authority.clone(),
        tls_server_name: name(globals.tls_server_name.as_ref()),
        insecure_skip_tls_verify: globals.insecure_skip_tls_verify,
        disable_compression: globals.disable_compression,
        as_user: name(globals.as_user.as_ref()),
        as_groups: globals.as_groups.clone(),
        as_uid: name(globals.as_uid.as_ref()),
        request_timeout: request_timeout.map(|wait| (!wait.is_zero()).then_some(wait)),
    })
}

fn hosts(globals: &Globals, layers: &Layers<'_>) -> Result<Hosts, CliError> {
    let concurrency = typed(globals.concurrency.as_ref(), "--concurrency");
    let timeout = typed(globals.timeout.as_ref(), "--timeout");
    let transports = layers.pick(
        "transports",
        None,
        Transport::ALL.iter().map(|(_, transport, _)| *transport).collect(),
        transports,
    )?;
    let debug_pods =
        layers.switch("debug-pods", typed(globals.debug_pods.as_ref(), "--debug-pods"))?;
    if debug_pods.value && !transports.value.contains(&Transport::DebugPod) {
        return Err(CliError::new(format!(
            "{}: debug pods are allowed, but `transports` does not name them",
            debug_pods.origin
        ))
        .hint(format!("add `debug-pod` to `transports` ({})", transports.origin)));
    }
    Ok(Hosts {
        only: globals.hosts.clone(),
        yes: globals.yes,
        concurrency: layers.pick("concurrency", concurrency, CONCURRENCY, |text| {
            text.parse().ok().filter(|number| *number > 0).ok_or_else(|| {
                CliError::new(format!("`{text}` is not a whole number of at least 1"))
            })
        })?,
        timeout: layers.pick("timeout", timeout, TIMEOUT, |text| match duration(text)? {
            Duration::ZERO => Err(CliError::new("zero leaves no time for any answer")),
            timeout => Ok(timeout),
        })?,
        agent_namespace: layers.name("agent-namespace")?,
        extra: layers.file.extra_hosts.clone(),
        ssh_nodes: layers.file.ssh_nodes.clone(),
        ssh_askpass: askpass(layers.env),
        transports,
        debug_pods,
        debug_pod: DebugPod {
            image: layers.name("debug-pod.image")?,
            pull_secret: layers.name("debug-pod.pull-secret")?,
            namespace: layers.name("debug-pod.namespace")?,
            lifetime: layers.time("debug-pod.lifetime", LIFETIME)?,
            start_timeout: layers.time("debug-pod.start-timeout", START_TIMEOUT)?,
            host_pid: layers.switch("debug-pod.host-pid", None)?,
        },
        relay: relay(layers)?,
    })
}

fn relay(layers: &Layers<'_>) -> Result<Relay, CliError> {
    let file = |key| {
        let home = layers.env.home();
        layers.pick(key, None, None, |text| Ok(Some(file::expand(text, home.as_deref()))))
    };
    let relay = Relay {
        namespace: layers.name("relay.namespace")?,
        selector: layers.name("relay.selector")?,
        port: layers.pick("relay.port", None, None, |text| {
            let port = text.parse().ok().filter(|port| *port > 0);
            let no = || CliError::new(format!("`{text}` is no port from 1 to 65535"));
            port.ok_or_else(no).map(Some)
        })?,
        tls: layers.pick("relay.tls", None, None, |text| {
            let no = |_| CliError::new(format!("`{text}` is neither true nor false"));
            text.parse().map_err(no).map(Some)
        })?,
        ca: file("relay.ca")?,
        server_name: layers.name("relay.server-name")?,
        certificate: file("relay.certificate")?,
        key: file("relay.key")?,
    };
    for (is, other, missing) in [
        (&relay.certificate, &relay.key, "relay.key"),
        (&relay.key, &relay.certificate, "relay.certificate"),
    ] {
        if is.value.is_some() && other.value.is_none() {
            return Err(CliError::new(format!("{}: `{missing}` is missing beside it", is.origin)));
        }
    }
    Ok(relay)
}

/// The program that ssh asks for passwords, if the user wants it asked without a terminal: on many
/// desktops the variable is set for everybody, and fifty windows at once are nobody's wish.
fn askpass(env: &dyn Environment) -> Option<PathBuf> {
    let wanted = env.var("SSH_ASKPASS_REQUIRE")?;
    let program = env.var("SSH_ASKPASS").map(PathBuf::from);
    program.filter(|_| wanted == "force" || wanted == "prefer")
}

fn view(globals: &Globals, layers: &Layers<'_>) -> Result<View, CliError> {
    Ok(View {
        output: layers.choice("output", "--output", globals.output, Format::Table)?,
        color: color(globals, layers)?,
        only: globals.only.clone(),
        sort: globals.sort.clone(),
        filters: globals.filters.clone(),
        columns: globals.columns.clone(),
        limit: globals.limit,
        headers: !globals.no_headers,
        fold: globals.fold,
    })
}

/// What is said of all programs yields to what is said of this one.
fn color(globals: &Globals, layers: &Layers<'_>) -> Result<Setting<Color>, CliError> {
    let color = layers.choice("color", "--color", globals.color, Color::Auto)?;
    if color.value != Color::Auto || matches!(color.origin, Origin::Flag(_)) {
        return Ok(color);
    }
    if layers.env.var("NO_COLOR").is_some() {
        return Ok(Setting::new(Color::Never, Origin::Environment("NO_COLOR")));
    }
    if layers.env.var("TERM").is_some_and(|term| term == "dumb") {
        return Ok(Setting::new(Color::Never, Origin::Environment("TERM")));
    }
    Ok(color)
}
