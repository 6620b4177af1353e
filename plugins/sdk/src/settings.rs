//! The plugin's own section of the user's config file, `[plugins.<name>]`.

use crate::host;

/// A setting by name, as text.
pub fn get(name: &str) -> Option<String> {
    host::setting(name)
}
