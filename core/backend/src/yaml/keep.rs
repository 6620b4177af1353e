//! Which parts of an object are converted at all.

use serde_json::Value;

use crate::project::Tree;

/// What is kept below the place that was reached.
///
/// `metadata.managedFields`, often half of an object, is never kept unless it is named.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep<'a> {
    /// Everything of an object, or what a projection keeps.
    Object(Option<&'a Tree>),
    /// Everything of an object's metadata.
    Metadata,
    /// What a tree of paths keeps.
    Paths(&'a Tree),
    /// Everything.
    All,
}

impl Keep<'_> {
    /// What is kept of the value of a key; `None` when nothing is.
    pub(super) fn below(self, key: &str) -> Option<Self> {
        match self {
            Self::Metadata => (key != "managedFields").then_some(Self::All),
            Self::Object(None) if key == "metadata" => Some(Self::Metadata),
            Self::All | Self::Object(None) => Some(Self::All),
            Self::Object(Some(tree)) => match tree.below(key)? {
                tree if !tree.is_leaf() => Some(Self::Paths(tree)),
                _ if key == "metadata" => Some(Self::Metadata),
                _ => Some(Self::All),
            },
            Self::Paths(tree) => {
                let tree = tree.below(key)?;
                Some(if tree.is_leaf() { Self::All } else { Self::Paths(tree) })
            }
        }
    }

    /// Whether a value that is neither a list nor an object can stay.
    pub(super) fn keeps_scalars(self) -> bool {
        !matches!(self, Self::Paths(_))
    }

    /// The JSON of what is kept of a value.
    pub(super) fn apply(self, value: Value) -> String {
        self.cut(value).unwrap_or_default().to_string()
    }

    fn cut(self, value: Value) -> Option<Value> {
        match value {
            Value::Object(map) => {
                let kept = map.into_iter().filter_map(|(key, value)| {
                    let value = self.below(&key)?.cut(value)?;
                    Some((key, value))
                });
                Some(Value::Object(kept.collect()))
            }
            Value::Array(items) => {
                Some(Value::Array(items.into_iter().filter_map(|item| self.cut(item)).collect()))
            }
            scalar => self.keeps_scalars().then_some(scalar),
        }
    }
}
