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
    pub(crate) fn tell(&self, line: &str) {
        let Some(listener) = self.0.listener.get() else { return };
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.insert(line.to_owned()) {
            drop(lines);
            listener(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_once() {
        let (notes, told) = (Notes::default(), Arc::new(Mutex::new(Vec::new())));
        notes.tell("before");
        let hears = told.clone();
        notes.heard_by(Box::new(move |line| hears.lock().unwrap().push(line.to_owned())));
        for line in ["a", "b", "a"] {
            notes.tell(line);
        }
        assert_eq!(*told.lock().unwrap(), ["a", "b"]);
    }
}
