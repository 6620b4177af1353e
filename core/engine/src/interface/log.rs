//! `interface log`: lines for whoever looks for a fault, never part of the output.

use wasmtime::Result;

use crate::LogLevel;
use crate::bindings::lab::plugin::log as wit;
use crate::state::State;

impl wit::Host for State {
    fn write(
        &mut self,
        level: wit::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> Result<()> {
        let level = match level {
            wit::Level::Trace => LogLevel::Trace,
            wit::Level::Debug => LogLevel::Debug,
            wit::Level::Info => LogLevel::Info,
            wit::Level::Warn => LogLevel::Warn,
            wit::Level::Error => LogLevel::Error,
        };
        self.log_lines = self.log_lines.saturating_add(1);
        let allowed = self.limits.log_lines;
        if self.log_lines <= allowed {
            self.listener.log(&self.plugin, level, &message, &fields);
        } else if self.log_lines == allowed + 1 {
            let message = format!("more than {allowed} log lines: the rest is not shown");
            self.listener.log(&self.plugin, LogLevel::Warn, &message, &[]);
        }
        Ok(())
    }
}
