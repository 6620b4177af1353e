//! Builds the plugins beside this folder as WebAssembly components and embeds them.
//!
//! A folder of `plugins/` that holds a `card.json` is a built-in plugin; nothing here names
//! one. The card is checked in, so help and completion never start a plugin, and a test keeps
//! it equal to what the component says of itself.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";

fn main() -> Result<(), Box<dyn Error>> {
    let root = fs::canonicalize("..")?;
    for watched in ["plugins", "wit", "core/types/src", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let plugins = plugins(&root.join("plugins"))?;
    let built = build(&root, &plugins)?;
    fs::write(out_dir()?.join("builtin.rs"), source(&root, &plugins, &built)?)?;
    Ok(())
}

fn out_dir() -> Result<PathBuf, Box<dyn Error>> {
    Ok(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?.into())
}

/// Names of the folders that hold a card, in order.
fn plugins(folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().join("card.json").is_file() {
            names.push(
                entry
                    .file_name()
                    .into_string()
                    .map_err(|name| format!("{} is not UTF-8", name.display()))?,
            );
        }
    }
    names.sort();
    Ok(names)
}

/// Runs cargo for the components and returns the folder they are in. They get a target folder
/// of their own: this build holds the lock of the other one.
fn build(root: &Path, plugins: &[String]) -> Result<PathBuf, Box<dyn Error>> {
    let out_dir = out_dir()?;
    let target = out_dir
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists())
        .ok_or("no target folder around OUT_DIR")?
        .join("plugins");
    if plugins.is_empty() {
        // Without a package to name, cargo would build the program itself.
        return Ok(target);
    }
    let mut cargo = Command::new(env::var_os("CARGO").ok_or("CARGO is not set")?);
    cargo.current_dir(root).arg("build").args(["--target", TARGET, "--profile", PROFILE]);
    cargo.arg("--target-dir").arg(&target);
    for plugin in plugins {
        cargo.args(["--package", plugin]);
    }
    // What is meant for the host program must not reach the components.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let meant_for_host = name.starts_with("CARGO_FEATURE_")
            || name.starts_with("CARGO_CFG_")
            || name.starts_with("CARGO_PROFILE_")
            || matches!(
                name.as_str(),
                "CARGO_ENCODED_RUSTFLAGS"
                    | "RUSTFLAGS"
                    | "RUSTC_WRAPPER"
                    | "RUSTC_WORKSPACE_WRAPPER"
                    | "CARGO_BUILD_TARGET"
                    | "TARGET"
                    | "HOST"
                    | "OUT_DIR"
            );
        if meant_for_host {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output()?;
    if !output.status.success() {
        let err = String::from_utf8_lossy(&output.stderr);
        let hint = if err.contains(TARGET) && err.contains("not be installed") {
            "\nhint: `rustup toolchain install` in this folder installs the target"
        } else {
            ""
        };
        return Err(format!("the plugins do not build:\n{err}{hint}").into());
    }
    Ok(target.join(TARGET).join(PROFILE))
}

fn text(path: &Path) -> Result<&str, Box<dyn Error>> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}

/// Rust source of the table of built-in plugins.
fn source(root: &Path, plugins: &[String], built: &Path) -> Result<String, Box<dyn Error>> {
    // Packed they are a third: a megabyte of the program for each plugin. What starts a plugin
    // is its compiled artifact, so nothing is unpacked in most runs.
    let packed = out_dir()?;
    let mut source = String::from("static BUILTIN: &[Builtin] = &[\n");
    for plugin in plugins {
        let card = root.join("plugins").join(plugin).join("card.json");
        let wasm = built.join(format!("{}.wasm", plugin.replace('-', "_")));
        let packed = packed.join(format!("{plugin}.wasm.gz"));
        pack(&wasm, &packed)?;
        writeln!(
            source,
            "    Builtin {{\n        name: {plugin:?},\n        card: include_str!({:?}),\n        wasm: include_bytes!({:?}),\n    }},",
            text(&card)?,
            text(&packed)?,
        )?;
    }
    source.push_str("];\n");
    Ok(source)
}

fn pack(wasm: &Path, packed: &Path) -> Result<(), Box<dyn Error>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&fs::read(wasm)?)?;
    fs::write(packed, gzip.finish()?)?;
    Ok(())
}
