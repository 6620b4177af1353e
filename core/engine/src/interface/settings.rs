//! `interface settings`: the plugin's own section of the user's config file.

use wasmtime::Result;

use crate::bindings::lab::plugin::settings as wit;
use crate::state::State;

impl wit::Host for State {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        Ok(self.running()?.settings.get(&name).cloned())
    }
}
