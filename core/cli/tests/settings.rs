//! Where values come from, and what is said of a configuration file with a mistake.

use lab_cli::settings::{
    Environment, Given, LogLevel, Origin, Setting, Settings, Source, config_path, context_names,
};
use lab_cli::{Color, FailOn, Format, Globals, Transport};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::Duration;

const FILE: &str = "/c.toml";

fn system() -> Given {
    Given::default().with_var("KUBECTL_LAB_CONFIG", FILE).with_var("HOME", "/home/me")
}

fn load(text: &str) -> Result<Settings, String> {
    Settings::load(&Globals::default(), &system().with_file(FILE, text))
        .map_err(|error| error.to_string())
}

#[test]
fn flags_go_before_environment_before_file_before_defaults() {
    let file = "\noutput = \"csv\"\n";
    let typed = Globals { output: Some(Format::Json), ..Globals::default() };
    let plain = Globals::default();
    let with_file = Given::default().with_var("KUBECTL_LAB_CONFIG", FILE).with_file(FILE, file);
    let with_env = with_file.clone().with_var("KUBECTL_LAB_OUTPUT", "yaml");
    for (globals, env, value, origin) in [
        (&plain, &Given::default(), Format::Table, Origin::Default),
        (&plain, &with_file, Format::Csv, Origin::File(FILE.into(), 2)),
        (&plain, &with_env, Format::Yaml, Origin::Environment("KUBECTL_LAB_OUTPUT")),
        (&typed, &with_env, Format::Json, Origin::Flag("--output")),
    ] {
        let settings = Settings::load(globals, env).unwrap();
        assert_eq!(settings.view.output, Setting::new(value, origin));
    }
}

#[test]
fn how_nodes_are_asked_comes_from_flag_environment_and_file() {
    let allowed = Globals { debug_pods: Some(true), ..Globals::default() };
    let refused = Globals { debug_pods: Some(false), ..Globals::default() };
    let plain = Globals::default();
    let file = system().with_file(FILE, "debug-pods = true");
    let env = system().with_file(FILE, "").with_var("KUBECTL_LAB_DEBUG_PODS", "1");
    for (globals, system, value) in [
        (&plain, &Given::default(), false),
        (&allowed, &Given::default(), true),
        (&plain, &file, true),
        (&refused, &file, false),
        (&plain, &env, true),
    ] {
        let settings = Settings::load(globals, system).unwrap();
        assert_eq!(settings.hosts.debug_pods.value, value);
    }
    let env = Given::default()
        .with_var("KUBECTL_LAB_TRANSPORTS", "ssh, agent")
        .with_var("KUBECTL_LAB_DEBUG_POD_IMAGE", "x");
    let settings = Settings::load(&plain, &env).unwrap();
    assert_eq!(settings.hosts.transports.value, [Transport::Ssh, Transport::Agent]);
    assert_eq!(settings.hosts.debug_pod.image.value.as_deref(), Some("x"));
    let error = Settings::load(&allowed, &env).unwrap_err().to_string();
    assert!(error.contains("--debug-pods: debug pods are allowed, but"), "{error}");
    let defaults = Settings::load(&plain, &Given::default()).unwrap().hosts;
    let order = [Transport::Agent, Transport::Ssh, Transport::DebugPod];
    assert_eq!(defaults.transports.value, order);
    assert_eq!(defaults.debug_pod.lifetime.value, Duration::from_hours(1));
}

#[test]
fn a_password_program_is_used_where_the_user_wants_it_without_a_terminal() {
    for (require, expected) in [("force", true), ("prefer", true), ("never", false), ("", false)] {
        let env = Given::default()
            .with_var("SSH_ASKPASS", "/bin/ask")
            .with_var("SSH_ASKPASS_REQUIRE", require);
        let hosts = Settings::load(&Globals::default(), &env).unwrap().hosts;
        assert_eq!(hosts.ssh_askpass.is_some(), expected, "{require}");
    }
}

#[test]
fn every_key_of_the_file_is_understood() {
    let settings = load(
        r#"
output = "wide"
color = "always"
fail-on = "bad"
concurrency = 8
timeout = "1m30s"
request-timeout = "0"
context = "HomeLab"
kubeconfig = "~/lab.yaml"
agent-namespace = "cilium"
transports = ["ssh", "debug-pod", "agent"]
debug-pods = true

[debug-pod]
image = "registry.example/tools:1"
pull-secret = "registry"
namespace = "lab"
lifetime = "10m"
start-timeout = "2m"
host-pid = true

[relay]
namespace = "hubble"
selector = "app=relay"
port = 4999
tls = true
ca = "~/ca.crt"
server-name = "relay.example"
certificate = "/c.crt"
key = "/c.key"

[ssh]
identity = "~/.ssh/lab"
sudo = true

[extra-hosts.router]
ssh = "user@192.168.10.200"
addresses = ["192.168.10.200", "192.168.20.200"]
port = 2222
sudo = false

[extra-hosts."web server"]
jump = "router"
known-hosts = "/k"

[ssh-nodes.k8s-w0]

[capture]
redact = ["[0-9a-f]{32}",
    "^token: .*"]

[plugins.routes]
ignore = ["10.0.0.0/8", "fe80::/10"]
deep = { level = 0x10, on = true, ratio = 1.5 }
"#,
    )
    .unwrap();
    assert_eq!(settings.view.output.value, Format::Wide);
    assert_eq!(settings.view.color.value, Color::Always);
    assert_eq!(settings.fail_on.value, FailOn::Bad);
    assert_eq!(settings.hosts.concurrency.value, 8);
    assert_eq!(settings.hosts.timeout.value, Duration::from_secs(90));
    assert_eq!(settings.connection.request_timeout.value, None);
    assert_eq!(settings.connection.context.value.as_deref(), Some("HomeLab"));
    assert_eq!(settings.connection.kubeconfig.value, Some("/home/me/lab.yaml".into()));
    assert_eq!(settings.hosts.agent_namespace.value.as_deref(), Some("cilium"));
    let order = [Transport::Ssh, Transport::DebugPod, Transport::Agent];
    assert_eq!(settings.hosts.transports.value, order);
    assert!(settings.hosts.debug_pods.value && settings.hosts.debug_pod.host_pid.value);
    let pod = &settings.hosts.debug_pod;
    assert_eq!(pod.image.value.as_deref(), Some("registry.example/tools:1"));
    assert_eq!(pod.pull_secret.value.as_deref(), Some("registry"));
    assert_eq!(pod.namespace.value.as_deref(), Some("lab"));
    assert_eq!(pod.lifetime, Setting::new(Duration::from_mins(10), Origin::File(FILE.into(), 18)));
    assert_eq!(pod.start_timeout.value, Duration::from_mins(2));
    let relay = &settings.hosts.relay;
    assert_eq!(relay.namespace.value.as_deref(), Some("hubble"));
    assert_eq!(relay.selector.value.as_deref(), Some("app=relay"));
    assert_eq!((relay.port.value, relay.tls.value), (Some(4999), Some(true)));
    assert_eq!(relay.ca.value, Some("/home/me/ca.crt".into()));
    assert_eq!(relay.server_name.value.as_deref(), Some("relay.example"));
    assert_eq!(relay.certificate.value, Some("/c.crt".into()));
    assert_eq!(relay.key.value, Some("/c.key".into()));
    let [router, web] = &settings.hosts.extra[..] else { panic!("two hosts") };
    assert_eq!((router.name.as_str(), router.ssh.as_str()), ("router", "user@192.168.10.200"));
    assert_eq!((router.port, router.sudo, router.addresses.len()), (Some(2222), false, 2));
    assert_eq!(router.identity, Some("/home/me/.ssh/lab".into()));
    assert_eq!((web.name.as_str(), web.ssh.as_str(), web.sudo), ("web server", "web server", true));
    assert_eq!((web.jump.as_deref(), &web.known_hosts), (Some("router"), &Some("/k".into())));
    assert_eq!(settings.hosts.ssh_nodes[0].name, "k8s-w0");
    let redact: Vec<_> =
        settings.redact.iter().map(|one| (one.value.as_str(), one.origin.to_string())).collect();
    assert_eq!(
        redact,
        [("[0-9a-f]{32}", "/c.toml:49".to_owned()), ("^token: .*", "/c.toml:50".to_owned())]
    );
    assert_eq!(settings.plugin("routes", "ignore"), Some("10.0.0.0/8,fe80::/10"));
    assert_eq!(settings.plugin("routes", "deep.level"), Some("16"));
    assert_eq!(settings.plugin("routes", "deep.on"), Some("true"));
    assert_eq!(settings.plugin("other", "x"), None);

    // The view is a file with the same meaning.
    let again = load(&settings.view()).unwrap();
    let values = |settings: &Settings| {
        let text = settings.view();
        let lines = text.lines().map(|line| line.split("  #").next().map(str::trim_end));
        lines.map(|line| line.map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(values(&again), values(&settings));
}

#[test]
fn mistakes_in_the_file_are_named_with_their_line() {
    for (text, expected) in [
        (
            "\noutptu = \"wide\"",
            "error: /c.toml:2: unknown key `outptu`\nhint: did you mean `output`?",
        ),
        (
            "zzz = 1",
            "error: /c.toml:1: unknown key `zzz`\nhint: keys here: output, color, fail-on, concurrency, timeout, \
             request-timeout, context, kubeconfig, agent-namespace, transports, debug-pods, debug-pod, relay, extra-hosts, \
             ssh-nodes, ssh, capture, plugins",
        ),
        (
            "[extra-hosts.router]\nadresses = []",
            "error: /c.toml:2: unknown key `adresses` in `[extra-hosts.router]`\nhint: did you mean `addresses`?",
        ),
        ("[relay]\ncertificate = \"/c.crt\"", "error: /c.toml:2: `relay.key` is missing beside it"),
        (
            "[relay]\nport = 70000",
            "error: /c.toml:2: `relay.port`: `70000` is no port from 1 to 65535",
        ),
        ("output = 3", "error: /c.toml:1: `output` is a whole number, expected a string in quotes"),
        (
            "output = \"wdie\"",
            "error: /c.toml:1: `output`: unknown value `wdie`\nhint: did you mean `wide`? known: table, wide, json, yaml, csv, ndjson, name, diff",
        ),
        (
            "concurrency = 0",
            "error: /c.toml:1: `concurrency`: `0` is not a whole number of at least 1",
        ),
        (
            "concurrency = true",
            "error: /c.toml:1: `concurrency` is true or false, expected a whole number",
        ),
        (
            "timeout = \"5x\"",
            "error: /c.toml:1: `timeout`: `5x` is not a duration\nhint: a duration looks like `10s`, `5m`, `1h30m` or `500ms`",
        ),
        (
            "extra-hosts = 1",
            "error: /c.toml:1: `extra-hosts` is a whole number, expected a table\nhint: write `[extra-hosts]` above its keys",
        ),
        (
            "transports = [\"agent\", \"shh\"]",
            "error: /c.toml:1: `transports`: unknown value `shh`\nhint: did you mean `ssh`? known: agent, ssh, debug-pod",
        ),
        ("transports = [\"ssh\", \"ssh\"]", "error: /c.toml:1: `transports`: `ssh` is named twice"),
        (
            "transports = []",
            "error: /c.toml:1: `transports`: no transport is named: nothing could be asked\nhint: leave it out for `agent`, `ssh`, `debug-pod`, in this order",
        ),
        (
            "transports = \"ssh\"",
            "error: /c.toml:1: `transports` is a string, expected a list of strings",
        ),
        (
            "debug-pods = \"yes\"",
            "error: /c.toml:1: `debug-pods` is a string, expected true or false",
        ),
        (
            "debug-pods = true\ntransports = [\"agent\"]",
            "error: /c.toml:1: debug pods are allowed, but `transports` does not name them\nhint: add `debug-pod` to `transports` (/c.toml:2)",
        ),
        (
            "[debug-pod]\nimgae = \"x\"",
            "error: /c.toml:2: unknown key `imgae` in `[debug-pod]`\nhint: did you mean `image`?",
        ),
        (
            "[debug-pod]\nzzzzzz = 1",
            "error: /c.toml:2: unknown key `zzzzzz` in `[debug-pod]`\nhint: keys here: image, pull-secret, namespace, lifetime, start-timeout, host-pid",
        ),
        (
            "[debug-pod]\nlifetime = \"5ms\"",
            "error: /c.toml:2: `debug-pod.lifetime`: `5ms` is less than a second",
        ),
        (
            "[extra-hosts.r]\n\nport = 70000",
            "error: /c.toml:3: `extra-hosts.r.port` is no port from 1 to 65535",
        ),
        (
            "[extra-hosts.r]\naddresses = [1]",
            "error: /c.toml:2: `extra-hosts.r.addresses` is a whole number, expected a string in quotes",
        ),
        (
            "[extra-hosts.r]\nssh = \"-oProxyCommand=x\"",
            "error: /c.toml:1: `extra-hosts.r.ssh` begins with `-`",
        ),
        (
            "[capture]\nredcat = []",
            "error: /c.toml:2: unknown key `redcat` in `[capture]`\nhint: did you mean `redact`?",
        ),
        (
            "[capture]\nredact = \"x\"",
            "error: /c.toml:2: `capture.redact` is a string, expected a list of strings",
        ),
        ("[capture]\nredact = [\n\"\"]", "error: /c.toml:3: `capture.redact` is empty"),
        (
            "[ssh]\nssh = \"x\"",
            "error: /c.toml:2: unknown key `ssh` in `[ssh]`\nhint: keys here: port, identity, jump, known-hosts, sudo",
        ),
    ] {
        assert_eq!(load(text).map(|settings| settings.view()), Err(expected.to_owned()), "{text}");
    }
    for text in ["output = wide", "a = 1\na = 1", "[", "x", "\u{0}"] {
        let error = load(text).unwrap_err();
        assert!(error.starts_with("error: /c.toml:"), "{text}: {error}");
    }
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    let env = Given::default().with_var("KUBECTL_LAB_FAIL_ON", "wran");
    let error = Settings::load(&Globals::default(), &env).unwrap_err();
    assert_eq!(error.message, "KUBECTL_LAB_FAIL_ON: unknown value `wran`");
    let error = Settings::load(&Globals::default(), &system()).unwrap_err();
    assert_eq!(error.message, "KUBECTL_LAB_CONFIG: /c.toml does not exist");
}

#[test]
fn color_follows_the_most_specific_wish() {
    let loud = Globals { color: Some(Color::Auto), ..Globals::default() };
    for (globals, var, value, expected) in [
        (Globals::default(), "NO_COLOR", "1", Color::Never),
        (Globals::default(), "NO_COLOR", "", Color::Auto),
        (Globals::default(), "TERM", "dumb", Color::Never),
        (Globals::default(), "TERM", "xterm", Color::Auto),
        (loud, "NO_COLOR", "1", Color::Auto),
    ] {
        let env = Given::default().with_var(var, value);
        assert_eq!(Settings::load(&globals, &env).unwrap().view.color.value, expected, "{var}");
    }
    let env = Given::default().with_var("NO_COLOR", "1").with_var("KUBECTL_LAB_COLOR", "always");
    let settings = Settings::load(&Globals::default(), &env).unwrap();
    assert_eq!(settings.view.color.value, Color::Always);
}

#[test]
fn the_users_kubeconfig_variable_goes_before_the_file() {
    let env = system().with_file(FILE, "kubeconfig = \"/from/file\"");
    let path =
        |env: &Given| Settings::load(&Globals::default(), env).unwrap().connection.kubeconfig.value;
    assert_eq!(path(&env), Some("/from/file".into()));
    let env = env.with_var("KUBECONFIG", "/a:/b");
    assert_eq!(path(&env), None, "the client reads the list itself");
    let env = env.with_var("KUBECTL_LAB_KUBECONFIG", "/own");
    assert_eq!(path(&env), Some("/own".into()));
}

#[test]
fn the_rest_of_the_flags_is_carried_over() {
    let globals = Globals {
        from: Some("x".into()),
        namespace: Some("a".into()),
        all_namespaces: true,
        context: Some(String::new()),
        no_headers: true,
        verbosity: 6,
        ..Globals::default()
    };
    let settings = Settings::load(&globals, &Given::default()).unwrap();
    assert_eq!(settings.source, Source::Capture("x".into()));
    assert_eq!(settings.selection.namespace, None);
    assert_eq!(settings.connection.context.value, None);
    assert!(!settings.view.headers);
    assert_eq!(settings.log, LogLevel::Debug);
    assert!(LogLevel::Quiet < LogLevel::Normal);
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_file_is_where_the_system_keeps_such_files() {
    let home = Given::default().with_var("HOME", "/home/me");
    let at = |env: &dyn Environment| config_path(env);
    assert_eq!(at(&Given::default()), None);
    assert_eq!(at(&home), Some(PathBuf::from("/home/me/.config/kubectl-lab/config.toml")));
    let xdg = home.clone().with_var("XDG_CONFIG_HOME", "/etc/me");
    assert_eq!(at(&xdg), Some(PathBuf::from("/etc/me/kubectl-lab/config.toml")));
    let relative = home.with_var("XDG_CONFIG_HOME", "me");
    assert_eq!(at(&relative), Some(PathBuf::from("/home/me/.config/kubectl-lab/config.toml")));
}

#[cfg(unix)]
#[test]
fn contexts_come_from_all_files_that_kubectl_reads() {
    let env = Given::default()
        .with_var("KUBECONFIG", "/a:/missing:/b")
        .with_file("/a", "contexts:\n- name: one\n")
        .with_file("/b", "contexts:\n- name: two\n")
        .with_file("/c", "contexts:\n- name: three\n");
    assert_eq!(context_names(&env, None), ["one", "two"]);
    assert_eq!(context_names(&env, Some("/c".into())), ["three"]);
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        text in prop_oneof![
            any::<String>(),
            "(output|ssh|port|\\[extra-hosts\\.|\\[ssh|\\[plugins\\.|addresses|x|\\]|=|\"|\\[|\\{|\\}|1|0x|\\.|,|\n| |é){0,24}",
        ]
    ) {
        if let Ok(settings) = load(&text) {
            prop_assert!(load(&settings.view()).is_ok(), "{}", settings.view());
        }
    }
}
