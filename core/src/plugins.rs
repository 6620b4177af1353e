//! The plugins inside the binary: their cards, and their components.

use lab_engine::ArtifactCache;
use lab_types::Card;
use lab_types::Failure;

/// A plugin that came with the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// First word of its commands.
    pub name: &'static str,
    /// Its card, as stored in `plugins/<name>/card.json`.
    pub card: &'static str,
    /// Its component, packed by gzip.
    pub wasm: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The plugins inside the binary, by name.
pub fn builtin() -> &'static [Builtin] {
    BUILTIN
}

/// The cards of plugins, read without starting any of them.
pub(crate) fn cards(plugins: &[Builtin]) -> Result<Vec<(String, Card)>, Failure> {
    plugins
        .iter()
        .map(|plugin| {
            let card = serde_json::from_str(plugin.card).map_err(|error| {
                Failure::other(format!("the card of plugin `{}` is broken: {error}", plugin.name))
            })?;
            Ok((plugin.name.to_owned(), card))
        })
        .collect()
}

/// Where their compiled artifacts are kept.
pub(crate) fn artifact_cache() -> ArtifactCache {
    dirs::cache_dir().map_or_else(ArtifactCache::none, |folder| {
        ArtifactCache::new(folder.join("kubectl-lab").join("plugins"))
    })
}
