//! Prints the card of a component as `plugins/<name>/card.json` holds it.
//!
//! `cargo run -p lab-engine --example describe -- routes.wasm > plugins/routes/card.json`

use std::error::Error;
use std::io::Write;

use lab_engine::ArtifactCache;
use lab_engine::Component;
use lab_engine::Engine;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: describe COMPONENT.wasm")?;
    let wasm = std::fs::read(&path)?;
    let engine = Engine::new()?;
    let component = Component::load(&engine, &ArtifactCache::none(), &path, &wasm)
        .map_err(|crash| crash.details)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let card = runtime.block_on(component.describe()).map_err(|crash| crash.details)?;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &card)?;
    Ok(writeln!(out)?)
}
