//! Cuts an object down to the paths that were asked for, so that a plugin is not handed
//! megabytes to read three fields. Pure text in, pure text out: the parts that stay are
//! copied as they stand, so numbers and order survive.

use std::borrow::Cow;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;

use crate::walk::Walk;

/// The paths of a [`crate::Selection`] that stay.
///
/// A path is dotted, such as `spec.nodeName`; it goes through a list element by element, so
/// `status.addresses.address` keeps the address of each. A dot inside a key is written `\.`.
/// `metadata.name` and `metadata.namespace` always stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projection {
    /// `None` keeps everything.
    keep: Option<Tree>,
}

/// Keys to keep; an empty tree keeps all below.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(Vec<(String, Tree)>);

impl Projection {
    /// The projection of a list of paths; none keeps the whole object.
    pub fn new(paths: &[String]) -> Self {
        if paths.is_empty() {
            return Self { keep: None };
        }
        let mut tree = Tree::default();
        let always = ["metadata.name", "metadata.namespace"];
        for path in paths.iter().map(String::as_str).chain(always) {
            tree.add(&split_path(path));
        }
        Self { keep: Some(tree) }
    }

    /// Whether everything stays.
    pub fn is_whole(&self) -> bool {
        self.keep.is_none()
    }

    /// The keys that stay; `None` when all do.
    pub(crate) fn tree(&self) -> Option<&Tree> {
        self.keep.as_ref()
    }

    /// The object with what stays. What is not a JSON object comes back as it is.
    pub fn apply(&self, object: &str) -> String {
        let Some(tree) = &self.keep else { return object.to_owned() };
        let mut out = String::with_capacity(object.len().min(1024));
        if tree.copy(object, &mut out) { out } else { object.to_owned() }
    }
}

impl Tree {
    /// What stays below a key; `None` when nothing does.
    pub(crate) fn below(&self, key: &str) -> Option<&Self> {
        // A few, so that going over them takes less than any table.
        self.0.iter().find(|(own, _)| own == key).map(|(_, tree)| tree)
    }

    /// Whether all below stays.
    pub(crate) fn is_leaf(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else { return };
        match self.0.iter_mut().find(|(own, _)| own == first).map(|(_, tree)| tree) {
            // A longer path below one that is kept whole adds nothing.
            Some(tree) if tree.0.is_empty() => {}
            Some(tree) if rest.is_empty() => tree.0.clear(),
            Some(tree) => tree.add(rest),
            None => {
                let mut tree = Self::default();
                tree.add(rest);
                self.0.push((first.clone(), tree));
            }
        }
    }

    /// Appends what stays of a JSON value; false when nothing of it can stay, or it is none.
    fn copy(&self, text: &str, out: &mut String) -> bool {
        let mut walk = Walk { text, at: 0 };
        self.copy_next(&mut walk, out) == Some(true) && walk.next() == 0
    }

    /// Appends what stays of the next value, which is passed through once, however deep the paths
    /// go. The answer says whether anything can stay.
    ///
    /// - Recursion: as deep as the paths.
    fn copy_next(&self, walk: &mut Walk<'_>, out: &mut String) -> Option<bool> {
        let first = walk.next();
        if self.is_leaf() || !matches!(first, b'{' | b'[') {
            let start = walk.at;
            walk.pass()?;
            out.push_str(if self.is_leaf() { &walk.text[start..walk.at] } else { "" });
            return Some(self.is_leaf());
        }
        walk.at += 1;
        out.push(char::from(first));
        let start = out.len();
        let close = if first == b'{' { b'}' } else { b']' };
        if walk.next() != close {
            loop {
                let before = out.len();
                let stays = if first == b'{' {
                    self.copy_member(walk, start, out)?
                } else {
                    begin_part(start, out);
                    self.copy_next(walk, out)?
                };
                if !stays {
                    out.truncate(before);
                }
                match walk.next() {
                    b',' => walk.at += 1,
                    next if next == close => break,
                    _ => return None,
                }
            }
        }
        walk.at += 1;
        out.push(char::from(close));
        Some(true)
    }

    /// Appends what stays of a member of an object.
    fn copy_member(&self, walk: &mut Walk<'_>, start: usize, out: &mut String) -> Option<bool> {
        let key = walk.key()?;
        if walk.next() != b':' {
            return None;
        }
        walk.at += 1;
        let Some(below) = self.below(&key) else {
            walk.pass()?;
            return Some(false);
        };
        begin_part(start, out);
        match &key {
            // It stands between its quotes as it is.
            Cow::Borrowed(key) => out.extend(["\"", key, "\":"]),
            Cow::Owned(key) => {
                // Writing a string as JSON cannot fail.
                out.push_str(&serde_json::to_string(key).unwrap_or_default());
                out.push(':');
            }
        }
        below.copy_next(walk, out)
    }
}

/// Puts a comma in front of every part but the first one.
fn begin_part(start: usize, out: &mut String) {
    if out.len() > start {
        out.push(',');
    }
}

/// Splits at dots; `\.` is a dot inside a key.
pub(crate) fn split_path(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = path.chars();
    while let Some(c) = chars.next() {
        match c {
            '.' => parts.push(String::new()),
            '\\' => last(&mut parts).extend(chars.next()),
            c => last(&mut parts).push(c),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn last(parts: &mut Vec<String>) -> &mut String {
    if parts.is_empty() {
        parts.push(String::new());
    }
    let end = parts.len() - 1;
    &mut parts[end]
}

/// The members of a JSON object in their order; `None` when the text is none.
pub(crate) fn members(text: &str) -> Option<Vec<(Cow<'_, str>, &RawValue)>> {
    serde_json::from_str::<Members<'_>>(text).ok().map(|members| members.0)
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A key: borrowed unless it is written with escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(map.size_hint().unwrap_or(8));
                while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key.0, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const NODE: &str = r#"{"kind":"Node", "metadata":{"name":"w0","uid":"u","labels":{"a.b/c":"1","d":"2"}},
        "spec":{"podCIDR":"10.0.0.0/24","taints":[{"key":"k","value":1e400},{"value":2},3]},"status":null}"#;

    fn check(paths: &[&str], expected: &str) {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        assert_eq!(Projection::new(&paths).apply(NODE), expected, "{paths:?}");
    }

    #[test]
    fn no_paths_keep_the_text_as_it_is() {
        check(&[], NODE);
        assert!(Projection::new(&[]).is_whole());
    }

    #[test]
    fn name_and_namespace_stay() {
        check(&["spec.podCIDR"], r#"{"metadata":{"name":"w0"},"spec":{"podCIDR":"10.0.0.0/24"}}"#);
        check(&["nothing.here"], r#"{"metadata":{"name":"w0"}}"#);
    }

    #[test]
    fn a_path_goes_through_lists() {
        check(
            &["spec.taints.value"],
            r#"{"metadata":{"name":"w0"},"spec":{"taints":[{"value":1e400},{"value":2}]}}"#,
        );
    }

    #[test]
    fn a_shorter_path_covers_a_longer_one() {
        let whole = r#"{"metadata":{"name":"w0","uid":"u","labels":{"a.b/c":"1","d":"2"}}}"#;
        check(&["metadata.uid", "metadata", "metadata.labels.d"], whole);
        check(&["metadata"], whole);
    }

    #[test]
    fn an_escaped_dot_belongs_to_the_key() {
        check(&[r"metadata.labels.a\.b/c"], r#"{"metadata":{"name":"w0","labels":{"a.b/c":"1"}}}"#);
    }

    #[test]
    fn null_and_scalars_stay_when_named_and_go_when_passed_through() {
        check(&["status"], r#"{"metadata":{"name":"w0"},"status":null}"#);
        check(&["kind.below"], r#"{"metadata":{"name":"w0"}}"#);
    }

    #[test]
    fn what_is_no_object_comes_back() {
        let projection = Projection::new(&["a".to_owned()]);
        for text in ["", "7", "{", "nonsense"] {
            assert_eq!(projection.apply(text), text);
        }
    }

    #[test]
    fn keys_with_escapes_are_found() {
        let projection = Projection::new(&["a\"b".to_owned()]);
        assert_eq!(projection.apply(r#"{"\u0061\"b": [1,2]}"#), r#"{"a\"b":[1,2]}"#);
    }

    /// The same by way of values.
    fn kept(value: &Value, tree: &Tree) -> Option<Value> {
        if tree.is_leaf() {
            return Some(value.clone());
        }
        match value {
            Value::Object(members) => {
                let kept = members
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone(), kept(value, tree.below(key)?)?)));
                Some(kept.collect())
            }
            Value::Array(items) => Some(items.iter().filter_map(|item| kept(item, tree)).collect()),
            _ => None,
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a\"\\\\{}\\[\\],: é]{0,6}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ab\"\\\\é]{1,2}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_stays_is_what_stays_of_the_values(
            value in any_value(),
            paths in prop::collection::vec(prop::collection::vec("[ab\"\\\\é]{1,2}", 1..4), 1..4),
            is_pretty in any::<bool>(),
        ) {
            let mut tree = Tree::default();
            for path in &paths {
                tree.add(path);
            }
            let text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let mut out = String::new();
            let stays = tree.copy(&text.unwrap(), &mut out);
            let expected = kept(&value, &tree);
            prop_assert_eq!(stays, expected.is_some());
            if let Some(expected) = expected {
                prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expected);
            }
        }

        #[test]
        fn any_text_is_survived(text in "[\\[\\]{},:\"\\\\a0 é]{0,40}") {
            let mut tree = Tree::default();
            tree.add(&["a".to_owned(), "0".to_owned()]);
            let _ = tree.copy(&text, &mut String::new());
        }
    }
}
