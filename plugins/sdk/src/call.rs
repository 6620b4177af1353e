//! What the user asked for, already checked against the card.

use crate::bindings::exports::lab::plugin::command::Value;

/// One call of one command.
#[derive(Debug)]
pub struct Call {
    path: Vec<String>,
    values: Vec<(String, Value)>,
}

impl Call {
    /// A call as the host makes it.
    pub fn new(path: Vec<String>, values: Vec<(String, Value)>) -> Self {
        Self { path, values }
    }

    /// Words of the command, such as `["routes", "trace"]`.
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// A text, choice or path; absent when not given and without a default.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Every occurrence of a repeated argument.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        match self.value(name) {
            Some(Value::Texts(texts)) => texts.iter().map(String::as_str).collect(),
            Some(Value::Text(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// What is in the files that an argument of [`Kind::Path`](crate::Kind::Path) names, each
    /// with its name.
    pub fn files<'c>(&'c self, name: &'c str) -> Vec<(&'c str, &'c str)> {
        let names = self.texts(&format!("{name} name"));
        let texts = self.texts(name);
        let name_of = |at: usize| names.get(at).copied().unwrap_or(name);
        texts.into_iter().enumerate().map(|(at, text)| (name_of(at), text)).collect()
    }

    /// A switch; off when not given.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Boolean(true)))
    }

    /// A whole number.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// A number.
    pub fn decimal(&self, name: &str) -> Option<f64> {
        match self.value(name)? {
            Value::Decimal(number) => Some(*number),
            _ => None,
        }
    }

    /// A time span.
    pub fn duration(&self, name: &str) -> Option<std::time::Duration> {
        match self.value(name)? {
            Value::Duration(nanoseconds) => Some(std::time::Duration::from_nanos(*nanoseconds)),
            _ => None,
        }
    }
}

impl From<lab_types::Value> for Value {
    fn from(value: lab_types::Value) -> Self {
        match value {
            lab_types::Value::Text(text) => Self::Text(text),
            lab_types::Value::Integer(number) => Self::Integer(number),
            lab_types::Value::Decimal(number) => Self::Decimal(number),
            lab_types::Value::Boolean(on) => Self::Boolean(on),
            lab_types::Value::Duration(nanoseconds) => Self::Duration(nanoseconds),
            lab_types::Value::Texts(texts) => Self::Texts(texts),
        }
    }
}
