//! Words, values and labels that agents have in common, kept once.
//!
//! A thousand agents have the same settings and the same metrics; with a copy for each they would
//! not fit into a plugin's memory.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use super::metrics::{Labels, Sample};

/// An agent's settings by its own names.
pub type Fields = BTreeMap<Rc<str>, Rc<Value>>;
/// Settings by key, as they are written.
pub type Files = BTreeMap<Rc<str>, Rc<str>>;

/// What has been seen so far.
#[derive(Debug, Default)]
pub struct Shared {
    words: BTreeSet<Rc<str>>,
    values: BTreeMap<String, Rc<Value>>,
    labels: BTreeSet<Rc<Labels>>,
}

impl Shared {
    fn word(&mut self, word: &str) -> Rc<str> {
        if let Some(known) = self.words.get(word) {
            return known.clone();
        }
        let made: Rc<str> = word.into();
        self.words.insert(made.clone());
        made
    }

    /// An agent's settings.
    pub fn fields(&mut self, fields: BTreeMap<String, Value>) -> Fields {
        let mut shared = Fields::new();
        for (name, value) in fields {
            let known =
                self.values.entry(value.to_string()).or_insert_with(|| Rc::new(value)).clone();
            shared.insert(self.word(&name), known);
        }
        shared
    }

    /// Settings as they are written.
    pub fn files(&mut self, files: &BTreeMap<String, String>) -> Files {
        files.iter().map(|(key, value)| (self.word(key), self.word(value))).collect()
    }

    /// Names and labels of metrics.
    pub fn samples(&mut self, samples: &mut [Sample]) {
        for sample in samples {
            sample.name = self.word(&sample.name);
            match self.labels.get(&sample.labels) {
                Some(known) => sample.labels = known.clone(),
                None => {
                    self.labels.insert(sample.labels.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::metrics;

    #[test]
    fn what_is_equal_is_kept_once() {
        let mut shared = Shared::default();
        let fields = || -> BTreeMap<String, Value> {
            [("MTU".to_owned(), 1500.into()), ("IPAM".to_owned(), "cluster-pool".into())].into()
        };
        let (one, other) = (shared.fields(fields()), shared.fields(fields()));
        assert!(Rc::ptr_eq(&one["MTU"], &other["MTU"]));
        assert_eq!(one, other);
        let text = r#"[{"name":"a","labels":{"b":"c"},"value":1}]"#;
        let (mut one, mut other) = (metrics::parse(text).0, metrics::parse(text).0);
        shared.samples(&mut one);
        shared.samples(&mut other);
        assert!(Rc::ptr_eq(&one[0].labels, &other[0].labels));
        assert!(Rc::ptr_eq(&one[0].name, &other[0].name));
    }
}
