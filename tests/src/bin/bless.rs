//! `cargo bless`: writes anew what is checked in and made by the sources, for review as a diff:
//! the cards of the plugins, completion scripts, help and golden files.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::process::Command;

use lab_engine::{ArtifactCache, Component, Engine};
use lab_tests::sources;

/// Tests that write instead of comparing when `LAB_BLESS` is set; by convention, any test of
/// these names in any package.
const BLESSED: [&str; 4] = ["checked_in", "golden", "live", "cli"];

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(cards())?;

    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(sources::root()).args(["test", "--workspace", "--quiet"]);
    for name in BLESSED {
        cargo.args(["--test", name]);
    }
    let status = cargo.env("LAB_BLESS", "1").status()?;
    if !status.success() {
        return Err("some tests failed although they may write: see above".into());
    }
    writeln!(std::io::stdout(), "done: review `git diff`")?;
    Ok(())
}

/// Writes the cards. Asks the components themselves and not the program, which refuses to run a
/// plugin whose card is out of date.
async fn cards() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new()?;
    for plugin in kubectl_lab::builtin() {
        let component = Component::load(&engine, &ArtifactCache::none(), plugin.name, plugin.wasm)
            .map_err(|crash| crash.message)?;
        let card = component.describe().await.map_err(|crash| crash.message)?;
        let path = sources::root().join("plugins").join(plugin.name).join("card.json");
        fs::write(path, serde_json::to_string_pretty(&card)? + "\n")?;
    }
    Ok(())
}
