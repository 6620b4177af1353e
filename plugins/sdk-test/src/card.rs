//! The card that is checked in beside a plugin.

use std::path::Path;

use lab_plugin::Plugin;

/// Compares `card.json` in the plugin's folder with what the plugin says of itself, or writes it
/// when `LAB_BLESS` is set.
///
/// # Panics
/// They differ, or the file cannot be written.
pub fn card<P: Plugin>(folder: impl AsRef<Path>) {
    let path = folder.as_ref().join("card.json");
    let text = serde_json::to_string_pretty(&P::describe().into_inner()).expect("a card") + "\n";
    if std::env::var_os("LAB_BLESS").is_some() {
        std::fs::write(&path, &text).expect("a card can be written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == text, "LAB_BLESS=1 writes {}", path.display());
}
