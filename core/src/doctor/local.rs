//! What can be checked on this machine alone: settings, cache, completion, kubectl, versions.
//!
//! Apart because nothing here needs a cluster, and all of it is checked also where there is none.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use lab_cli::Globals;
use lab_cli::Settings;
use lab_cli::settings::Environment;
use lab_cli::settings::System;
use lab_engine::Engine;
use lab_types::Failure;
use serde::Deserialize;

use super::Patient;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use crate::plugins::Builtin;
use crate::plugins::artifact_cache;

/// kubectl answers from its own memory, but may be a script that does more.
const KUBECTL_PATIENCE: Duration = Duration::from_secs(5);

/// The settings, and whether they are those of the file. A file that is wrong stops every other
/// command; a check-up goes on without it and says so.
pub(super) fn settings(globals: &Globals) -> Result<(Settings, Check), Failure> {
    match Settings::load(globals, &System) {
        Ok(settings) => {
            let seen = match (&settings.config_file, lab_cli::settings::config_path(&System)) {
                (Some(path), _) => format!("read from {}", path.display()),
                (None, Some(path)) => format!("defaults: {} does not exist", path.display()),
                (None, None) => "defaults: there is no folder for a file".to_owned(),
            };
            let check = Check::new(Area::Config, "", Outcome::Fine, seen);
            Ok((settings, check))
        }
        Err(error) => {
            let failure = Failure::from(error);
            let check = Check::failed(Area::Config, "", Outcome::Bad, &failure);
            Ok((Settings::load(globals, &Defaults)?, check))
        }
    }
}

/// The system without this program's own file and variables.
struct Defaults;

impl Environment for Defaults {
    fn var(&self, name: &str) -> Option<OsString> {
        System.var(name).filter(|_| !name.starts_with("KUBECTL_LAB_"))
    }
    fn read(&self, _: &Path) -> io::Result<Option<String>> {
        Ok(None)
    }
    fn home(&self) -> Option<PathBuf> {
        System.home()
    }
}

/// The checks that wait for nothing.
pub(super) fn checks(plugins: &[Builtin]) -> Vec<Check> {
    vec![program(plugins), cache(plugins), completion()]
}

fn program(plugins: &[Builtin]) -> Check {
    let version = env!("CARGO_PKG_VERSION");
    let names: Vec<&str> = plugins.iter().map(|plugin| plugin.name).collect();
    let seen = format!("{version}; built in: {}", names.join(", "));
    Check::new(Area::Program, "kubectl-lab", Outcome::Fine, seen)
}

fn cache(plugins: &[Builtin]) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Cache, "", outcome, seen);
    let state = match Engine::new() {
        Ok(engine) => {
            let current: Vec<&[u8]> = plugins.iter().map(|plugin| plugin.wasm).collect();
            artifact_cache().inspect(&engine, &current)
        }
        Err(error) => return check(Outcome::Bad, format!("cannot start the engine: {error}")),
    };
    let Some(state) = state else {
        return check(Outcome::Warn, "there is no cache folder: every start compiles".to_owned())
            .fix("set `HOME` or `XDG_CACHE_HOME`");
    };
    let folder = state.folder.display();
    if let Err(why) = &state.usable {
        return check(
            Outcome::Warn,
            format!("{folder} cannot be used, every start compiles: {why}"),
        )
        .fix(format!("make it yours alone: `chmod 700 {folder}`, or set `XDG_CACHE_HOME`"));
    }
    let mode = state.mode.map(|mode| format!(", mode {mode:04o}")).unwrap_or_default();
    let mut seen = format!("{folder}{mode}, {}", megabytes(state.bytes));
    if state.mode.is_some_and(|mode| mode & 0o077 != 0) {
        return check(Outcome::Warn, format!("{seen}: others can read it"))
            .fix(format!("chmod -R go= {folder}"));
    }
    if state.stale.is_empty() {
        return check(Outcome::Fine, seen);
    }
    let bytes = state.stale.iter().map(|(_, bytes)| bytes).sum();
    let files = lab_render::count(state.stale.len(), "file");
    seen = format!("{seen}, of which {} in {files} of other versions", megabytes(bytes));
    // All of it: one short command, and what is in use is made anew within a second.
    check(Outcome::Fine, seen).fix(format!("rm -r '{folder}'"))
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn completion() -> Check {
    let check = |outcome, seen: String| Check::new(Area::Completion, "", outcome, seen);
    let shell = System.var("SHELL").map(PathBuf::from);
    let shell = shell.as_ref().and_then(|path| path.file_name()).and_then(|name| name.to_str());
    let home = System.home();
    let data = System.var("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| home.as_ref().map(|home| home.join(".local/share")));
    let config = System.var("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.or_else(|| home.as_ref().map(|home| home.join(".config")));
    let below = |folder: &Option<PathBuf>, path: &str| folder.as_ref().map(|it| it.join(path));
    let fixed = |path: &str| Some(PathBuf::from(path));
    let places: Vec<PathBuf> = match shell {
        Some("bash") => vec![
            below(&data, "bash-completion/completions/kubectl-lab"),
            fixed("/usr/local/share/bash-completion/completions/kubectl-lab"),
            fixed("/usr/share/bash-completion/completions/kubectl-lab"),
            fixed("/etc/bash_completion.d/kubectl-lab"),
        ],
        Some("zsh") => vec![
            below(&home, ".zsh/completions/_kubectl-lab"),
            below(&home, ".zfunc/_kubectl-lab"),
            fixed("/usr/local/share/zsh/site-functions/_kubectl-lab"),
            fixed("/usr/share/zsh/site-functions/_kubectl-lab"),
            fixed("/usr/share/zsh/vendor-completions/_kubectl-lab"),
        ],
        Some("fish") => vec![
            below(&config, "fish/completions/kubectl-lab.fish"),
            fixed("/usr/local/share/fish/vendor_completions.d/kubectl-lab.fish"),
            fixed("/usr/share/fish/vendor_completions.d/kubectl-lab.fish"),
        ],
        _ => {
            let seen = "the shell is not known from SHELL, or its completion has no usual place";
            return check(Outcome::Unknown, seen.to_owned());
        }
    }
    .into_iter()
    .flatten()
    .collect();
    let shell = shell.unwrap_or_default();
    match places.iter().find(|place| place.is_file()) {
        Some(place) => check(Outcome::Fine, format!("{shell}: {}", place.display())),
        None => check(Outcome::Unknown, format!("{shell}: in none of the usual folders"))
            .fix("`kubectl lab completion --help` says where it goes"),
    }
}

/// What is known of kubectl.
pub(super) struct Kubectl {
    path: PathBuf,
    version: Result<String, Failure>,
}

/// Looks for kubectl on PATH and asks its version.
pub(super) async fn kubectl(patient: &Patient<'_>) -> Option<Kubectl> {
    let path = on_path("kubectl")?;
    let asked = async {
        let mut command = tokio::process::Command::new(&path);
        command.args(["version", "--client", "--output=json"]);
        command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(KUBECTL_PATIENCE, command.output()).await;
        let output = output
            .map_err(|_| Failure::timeout(format!("no answer within {KUBECTL_PATIENCE:?}")))?
            .map_err(|error| Failure::other(format!("cannot start: {error}")))?;
        client_version(&output.stdout)
            .ok_or_else(|| Failure::other("`kubectl version --client` tells no version"))
    };
    let version = patient.bounds.within(asked).await;
    Some(Kubectl { path, version })
}

fn client_version(json: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Client {
        git_version: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        client_version: Client,
    }
    serde_json::from_slice::<Version>(json).ok().map(|version| version.client_version.git_version)
}

/// kubectl against the API server's version, and whether it finds this program.
pub(super) fn judge_kubectl(kubectl: Option<Kubectl>, server: Option<&str>) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Kubectl, "", outcome, seen);
    let Some(kubectl) = kubectl else {
        let seen = "not on PATH: `kubectl-lab` works without it, `kubectl lab` does not";
        return check(Outcome::Skipped, seen.to_owned());
    };
    let path = kubectl.path.display();
    let version = match &kubectl.version {
        Ok(version) => version,
        Err(failure) => return check(Outcome::Unknown, format!("{path}: {failure}")),
    };
    let seen = format!("{path} {version}");
    if let (Some(own), Some(server)) = (minor(version), server.and_then(minor))
        && (own.0 != server.0 || own.1.abs_diff(server.1) > 1)
    {
        let (major, minor) = server;
        return check(
            Outcome::Warn,
            format!("{seen}: too far from the API server's {major}.{minor}"),
        )
        .fix(format!("install kubectl {major}.{minor}"));
    }
    if on_path("kubectl-lab").is_none() {
        return check(Outcome::Warn, format!("{seen}, but it does not find `kubectl-lab` on PATH"))
            .fix("put the folder of `kubectl-lab` on PATH");
    }
    check(Outcome::Fine, seen)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let program = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let list = System.var("PATH")?;
    std::env::split_paths(&list).map(|folder| folder.join(&program)).find(|path| path.is_file())
}

/// Major and minor of `v1.33.2+k3s1`, `1.18.0-rc.1`.
pub(super) fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let number = |part: Option<&str>| {
        let digits: String = part?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    Some((number(parts.next())?, number(parts.next())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_major_and_minor() {
        for (text, expected) in [
            ("v1.33.2", Some((1, 33))),
            ("1.18.0-rc.1", Some((1, 18))),
            ("v1.33+k3s1", Some((1, 33))),
            ("v1", None),
            ("", None),
            ("latest", None),
        ] {
            assert_eq!(minor(text), expected, "{text}");
        }
    }

    #[test]
    fn kubectl_may_be_one_minor_version_away() {
        let outcome = |own: &str, server: Option<&str>| {
            let kubectl = Kubectl { path: "/bin/kubectl".into(), version: Ok(own.to_owned()) };
            let check = judge_kubectl(Some(kubectl), server);
            (check.outcome, check.seen.contains("too far"))
        };
        assert!(!outcome("v1.33.2", Some("v1.33.0")).1);
        assert!(!outcome("v1.32.2", Some("v1.33.0")).1);
        assert!(!outcome("v1.34.2", Some("v1.33.0")).1);
        assert_eq!(outcome("v1.35.2", Some("v1.33.0")), (Outcome::Warn, true));
        assert_eq!(outcome("v1.31.2", Some("v1.33.0")), (Outcome::Warn, true));
        assert!(!outcome("v1.35.2", None).1, "without a server there is nothing to compare");
        assert_eq!(judge_kubectl(None, None).outcome, Outcome::Skipped);
    }

    #[test]
    fn kubectl_tells_its_version_in_json() {
        let text =
            br#"{"clientVersion":{"major":"1","gitVersion":"v1.33.2"},"kustomizeVersion":"v5"}"#;
        assert_eq!(client_version(text).as_deref(), Some("v1.33.2"));
        assert_eq!(client_version(b"Client Version: v1.33.2"), None);
        assert_eq!(client_version(b""), None);
    }

    #[test]
    fn sizes_have_one_digit_behind_the_point() {
        for (bytes, expected) in [(0, "0.0 MiB"), (1 << 20, "1.0 MiB"), (1_600_000, "1.5 MiB")] {
            assert_eq!(megabytes(bytes), expected);
        }
    }
}
