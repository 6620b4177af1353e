//! Components for tests of the engine: built from `tests/guests`, run over the demo.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use lab_backend::Gate;
use lab_engine::{ArtifactCache, Call, Component, Crash, Engine, Finished};
use lab_engine::{Limits, Listener, Reader, Run, Silent};
use lab_output::Needs;
use lab_types::{Card, Value};
use tokio::sync::Notify;

use crate::program::built;

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";
const GUESTS: [&str; 5] = ["describe-asks", "describe-panics", "follower", "hostile", "streamer"];

/// A guest's component, ready to run. The first call builds all of them.
///
/// # Errors
/// The engine refuses it.
pub fn guest(engine: &Engine, name: &str) -> Result<Component, Crash> {
    let path = guest_file(name);
    let wasm = std::fs::read(&path).unwrap_or_else(|_| panic!("{} is missing", path.display()));
    let cache = ArtifactCache::new(built().join("lab-tests-cache/guests"));
    Component::load(engine, &cache, name, &wasm)
}

/// The file of a guest's component.
pub(crate) fn guest_file(name: &str) -> PathBuf {
    built_guests().join(format!("guest_{}.wasm", name.replace('-', "_")))
}

/// A run of a guest's command over the demo.
pub struct Guest {
    /// Argument `how` of the command.
    pub how: String,
    /// Caps.
    pub limits: Limits,
    /// Ends the run.
    pub stop: Arc<Notify>,
    /// Hears its log.
    pub listener: Arc<dyn Listener>,
    /// What anybody looks at.
    pub needs: Needs,
    /// Reads along.
    pub reader: Option<Arc<dyn Reader>>,
}

impl Default for Guest {
    fn default() -> Self {
        Self {
            how: String::new(),
            limits: Limits::default(),
            stop: Arc::default(),
            listener: Arc::new(Silent),
            needs: Needs::default(),
            reader: None,
        }
    }
}

impl Guest {
    /// Runs a command with what the card asks for.
    pub async fn run(self, guest: &Component, path: &[&str]) -> Finished {
        let card = guest.describe().await.expect("it can describe itself");
        let call = Call {
            path: path.iter().map(|&word| word.to_owned()).collect(),
            values: vec![("how".to_owned(), Value::Text(self.how))],
        };
        let run = Run {
            backend: Arc::new(lab_backend::demo::open().expect("the demo is in order")),
            gate: Gate::new(&card),
            settings: std::collections::BTreeMap::new(),
            limits: self.limits,
            live: is_live(&card, path),
            // Some of what follows waits for nothing but ticks.
            recorded: false,
            needs: self.needs,
            reader: self.reader,
            listener: self.listener,
            stop: self.stop,
        };
        guest.run(call, run).await
    }
}

fn is_live(card: &Card, path: &[&str]) -> bool {
    card.commands.iter().find(|command| command.path == path).is_some_and(|command| command.live)
}

/// The folder of the guests' components. They share the folder in which the program's build
/// keeps the plugins, because most of what they are made of is the same.
fn built_guests() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target =
            built().parent().expect("a profile is below the target folder").join("plugins");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        cargo
            .args(["build", "--target", TARGET, "--profile", PROFILE, "--target-dir"])
            .arg(&target);
        for name in GUESTS {
            cargo.args(["--package", &format!("guest-{name}")]);
        }
        // What is meant for the tests must not reach the components.
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            cargo.env_remove(name);
        }
        let output = cargo.output().expect("cargo is there");
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the guests do not build:\n{err}");
        target.join(TARGET).join(PROFILE)
    })
}
