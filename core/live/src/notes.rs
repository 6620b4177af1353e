//! Lines about how hosts are reached, for whoever wants to know.
//!
//! Apart because every way of asking tells some, and nobody wants one twice.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Hears one line, without its end.
pub type Listener = Box<dyn Fn(&str) + Send + Sync>;

/// Where lines go; nowhere until somebody listens.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Told>);

#[derive(Default)]
struct Told {
    listener: OnceLock<Listener>,
    lines: Mutex<HashSet<String>>,
}

impl Notes {
    /// From now on somebody listens; the first one stays.
    pub(crate) fn heard_by(&self, listener: Listener) {
        let _ = self.0.listener.set(listener);
    }

    /// Tells a line, unless it was told before.
    pub(crate) fn tell(&self, line: String) {
        let Some(listener) = self.0.listener.get() else { return };
        if self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
            listener(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_once() {
        let (notes, heard) = (Notes::default(), Arc::new(Mutex::new(Vec::new())));
        notes.tell("before".to_owned());
        let hears = heard.clone();
        notes.heard_by(Box::new(move |line| hears.lock().unwrap().push(line.to_owned())));
        for line in ["a", "b", "a"] {
            notes.tell(line.to_owned());
        }
        assert_eq!(*heard.lock().unwrap(), ["a", "b"]);
    }
}
