//! The program with plugins of the tests in place of its own: `LAB_GUESTS` names their
//! components, separated as in `PATH`. A guest's name is that of its file without `guest_`.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kubectl_lab::Builtin;
use lab_engine::{ArtifactCache, Component, Engine};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let files = std::env::var_os("LAB_GUESTS").unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.map_or_else(ArtifactCache::none, |folder| {
        ArtifactCache::new(folder.join("kubectl-lab").join("plugins"))
    });
    let plugins = std::env::split_paths(&files)
        .map(|path| plugin(&path, &cache))
        .collect::<Result<Vec<_>, _>>()?;
    let argv: Vec<OsString> = std::env::args_os().collect();
    Ok(kubectl_lab::main_with(&argv, plugins.leak()))
}

/// A guest as if it were built in. It lives as long as the process.
fn plugin(path: &Path, cache: &ArtifactCache) -> Result<Builtin, Box<dyn Error>> {
    let wasm = std::fs::read(path)?.leak();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name: &'static str = stem.trim_start_matches("guest_").replace('_', "-").leak();
    let engine = Engine::new()?;
    let component = Component::load(&engine, cache, name, wasm).map_err(|crash| crash.message)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let card = runtime.block_on(component.describe()).map_err(|crash| crash.message)?;
    Ok(Builtin { name, card: serde_json::to_string(&card)?.leak(), wasm })
}
