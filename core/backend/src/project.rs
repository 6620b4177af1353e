//! Cuts an object down to the paths that were asked for, so that a plugin is not handed
//! megabytes to read three fields. Pure text in, pure text out: the parts that stay are
//! copied as they stand, so numbers and order survive.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde::de::Error as _;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;

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
pub(crate) struct Tree(BTreeMap<String, Tree>);

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
        self.0.get(key)
    }

    /// Whether all below stays.
    pub(crate) fn is_leaf(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else { return };
        match self.0.get_mut(first) {
            // A longer path below one that is kept whole adds nothing.
            Some(tree) if tree.0.is_empty() => {}
            Some(tree) if rest.is_empty() => tree.0.clear(),
            Some(tree) => tree.add(rest),
            None => {
                let mut tree = Self::default();
                tree.add(rest);
                self.0.insert(first.clone(), tree);
            }
        }
    }

    /// Appends what stays of a JSON value; false when nothing of it can stay.
    fn copy(&self, text: &str, out: &mut String) -> bool {
        let mut json = serde_json::Deserializer::from_str(text);
        let stays = Copied { tree: self, out }.deserialize(&mut json);
        stays.is_ok_and(|stays| stays && json.end().is_ok())
    }
}

/// What stays of a value is appended while it is read: an object is passed through once, however
/// deep the paths go. Its value says whether anything can stay.
struct Copied<'t, 'o> {
    tree: &'t Tree,
    out: &'o mut String,
}

impl<'de> DeserializeSeed<'de> for Copied<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        if self.tree.is_leaf() {
            self.out.push_str(<&RawValue>::deserialize(deserializer)?.get());
            return Ok(true);
        }
        deserializer.deserialize_any(self)
    }
}

/// Scalars have nothing below.
macro_rules! has_nothing_below {
    ($($visit:ident: $of:ty),+) => {
        $(fn $visit<E>(self, _: $of) -> Result<bool, E> {
            Ok(false)
        })+
    };
}

impl<'de> Visitor<'de> for Copied<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    has_nothing_below!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self { tree, out } = self;
        out.push('{');
        let start = out.len();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            let Some(tree) = tree.below(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let before = begin_part(start, out);
            push_key(&key, out);
            if !map.next_value_seed(Copied { tree, out })? {
                out.truncate(before);
            }
        }
        out.push('}');
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let Self { tree, out } = self;
        out.push('[');
        let start = out.len();
        loop {
            let before = begin_part(start, out);
            match seq.next_element_seed(Copied { tree, out })? {
                Some(true) => {}
                Some(false) => out.truncate(before),
                None => {
                    out.truncate(before);
                    break;
                }
            }
        }
        out.push(']');
        Ok(true)
    }
}

/// Puts a comma in front of every part but the first one; where the text ends without the part.
fn begin_part(start: usize, out: &mut String) -> usize {
    let before = out.len();
    if before > start {
        out.push(',');
    }
    before
}

fn push_key(key: &str, out: &mut String) {
    // Writing a string as JSON cannot fail.
    out.push_str(&serde_json::to_string(key).unwrap_or_default());
    out.push(':');
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

/// The value at a path of keys, of which the first of a name counts; `None` when a key on the way
/// is missing. What stands behind it is not looked at.
pub(crate) fn lookup<'a>(text: &'a str, path: &[String]) -> Option<&'a str> {
    let mut text = text;
    for key in path {
        let mut found = None;
        // Reading ends with an error as soon as the key is found.
        let _ = Found { key, found: &mut found }
            .deserialize(&mut serde_json::Deserializer::from_str(text));
        text = found?;
    }
    Some(text)
}

/// Looks for one key of an object.
struct Found<'k, 'f, 'a> {
    key: &'k str,
    found: &'f mut Option<&'a str>,
}

impl<'de> DeserializeSeed<'de> for Found<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Found<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if key == self.key {
                *self.found = Some(map.next_value::<&RawValue>()?.get());
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
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

    #[test]
    fn lookup_walks_keys() {
        assert_eq!(lookup(NODE, &split_path("spec.podCIDR")), Some("\"10.0.0.0/24\""));
        assert_eq!(lookup(NODE, &split_path("status.phase")), None);
        assert_eq!(lookup(NODE, &split_path("spec.taints.key")), None);
    }
}
