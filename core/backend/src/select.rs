//! Label and field selectors, as kubectl's `-l` and `--field-selector` write them, judged
//! here because a capture has no API server that would do it.

use std::collections::BTreeSet;

use crate::project::split_path;
use crate::walk::lookup;

/// A selector that was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    /// Keys from the object's root.
    path: Vec<String>,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(BTreeSet<String>),
    /// Also true for what is missing, as the API server has it.
    NotIn(BTreeSet<String>),
    Above(i64),
    Below(i64),
    /// Fields only: what is missing counts as empty.
    Is(String),
    IsNot(String),
}

impl Selector {
    /// Understands a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`,
    /// `!a`, `a>1`, `a<1`, joined by commas.
    ///
    /// Errors: one line that names the part that is wrong.
    pub fn labels(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for part in split_commas(text)? {
            let (key, demand) = label(part.trim()).ok_or_else(|| {
                format!("label selector `{text}`: `{}` is not understood", part.trim())
            })?;
            let path = vec!["metadata".to_owned(), "labels".to_owned(), key];
            requirements.push(Requirement { path, test: demand });
        }
        Ok(Self { requirements })
    }

    /// Understands a field selector: `metadata.name=a`, `status.phase!=Running`, joined by
    /// commas; any dotted path will do.
    ///
    /// Errors: one line that names the part that is wrong.
    pub fn fields(text: &str) -> Result<Self, String> {
        let mut requirements = Vec::new();
        for part in split_escaped(text) {
            let wrong = || format!("field selector `{text}`: `{}` is not understood", part.trim());
            let (key, no, value) = field(&part).ok_or_else(wrong)?;
            let path = split_path(key.trim());
            if path.is_empty() {
                return Err(wrong());
            }
            let demand = if no { Test::IsNot(value) } else { Test::Is(value) };
            requirements.push(Requirement { path, test: demand });
        }
        Ok(Self { requirements })
    }

    /// Whether everything fits.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object, as JSON, fits.
    pub fn matches(&self, object: &str) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = lookup(object, &requirement.path).and_then(scalar);
            requirement.test.holds(value.as_deref())
        })
    }

    /// The paths that it looks at, as a [`crate::Projection`] writes them.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        self.requirements.iter().map(|requirement| {
            let parts = requirement.path.iter();
            let parts = parts.map(|part| part.replace('\\', "\\\\").replace('.', "\\."));
            parts.collect::<Vec<_>>().join(".")
        })
    }

    /// The value that a field must have, if the selector says so.
    pub(crate) fn demanded(&self, path: &str) -> Option<&str> {
        let path = split_path(path);
        self.requirements.iter().find(|requirement| requirement.path == path).and_then(|found| {
            match &found.test {
                Test::Is(value) => Some(value.as_str()),
                _ => None,
            }
        })
    }
}

impl Test {
    fn holds(&self, value: Option<&str>) -> bool {
        match self {
            Self::Exists => value.is_some(),
            Self::Missing => value.is_none(),
            Self::In(values) => value.is_some_and(|value| values.contains(value)),
            Self::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Self::Above(than) => number(value).is_some_and(|number| number > *than),
            Self::Below(than) => number(value).is_some_and(|number| number < *than),
            Self::Is(other) => value.unwrap_or_default() == other,
            Self::IsNot(other) => value.unwrap_or_default() != other,
        }
    }
}

fn number(value: Option<&str>) -> Option<i64> {
    value?.parse().ok()
}

/// A JSON scalar as the text that selectors compare; `None` for null.
fn scalar(json: &str) -> Option<String> {
    match json.as_bytes().first()? {
        b'n' => None,
        b'"' => serde_json::from_str(json).ok(),
        _ => Some(json.to_owned()),
    }
}

/// Splits at the commas outside of parentheses.
fn split_commas(text: &str) -> Result<Vec<&str>, String> {
    let mut parts = Vec::new();
    let (mut start, mut inside) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            '(' if !inside => inside = true,
            ')' if inside => inside = false,
            '(' | ')' => return Err(format!("label selector `{text}`: stray `{c}`")),
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err(format!("label selector `{text}`: `(` is not closed"));
    }
    if !(parts.is_empty() && text.trim().is_empty()) {
        parts.push(&text[start..]);
    }
    Ok(parts)
}

fn label(part: &str) -> Option<(String, Test)> {
    if let Some(key) = part.strip_prefix('!') {
        return Some((label_key(key)?, Test::Missing));
    }
    let Some(at) = part.find(['=', '!', '<', '>', '(', ' ', '\t']) else {
        return Some((label_key(part)?, Test::Exists));
    };
    let key = label_key(&part[..at])?;
    let rest = part[at..].trim();
    let one = |value: &str| Some(BTreeSet::from([label_value(value)?]));
    let test = if let Some(values) = rest.strip_prefix("notin") {
        Test::NotIn(label_values(values)?)
    } else if let Some(values) = rest.strip_prefix("in") {
        Test::In(label_values(values)?)
    } else if let Some(value) = rest.strip_prefix("!=") {
        Test::NotIn(one(value)?)
    } else if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        Test::In(one(value)?)
    } else if let Some(value) = rest.strip_prefix('>') {
        Test::Above(value.trim().parse().ok()?)
    } else {
        Test::Below(rest.strip_prefix('<')?.trim().parse().ok()?)
    };
    Some((key, test))
}

fn label_values(text: &str) -> Option<BTreeSet<String>> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    inner.split(',').map(label_value).collect()
}

fn label_key(text: &str) -> Option<String> {
    let key = text.trim();
    (!key.is_empty() && key.chars().all(|c| is_word(c) || c == '/')).then(|| key.to_owned())
}

fn label_value(text: &str) -> Option<String> {
    let value = text.trim();
    value.chars().all(is_word).then(|| value.to_owned())
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Splits a field selector at its commas; the escapes stay in the parts.
fn split_escaped(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == ',' {
            parts.push(String::new());
            continue;
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
            if c == '\\' {
                part.extend(chars.next());
            }
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Key, whether the value is excluded, value without its escapes.
fn field(part: &str) -> Option<(&str, bool, String)> {
    let at = part.find('=')?;
    let (key, value) = (&part[..at], &part[at + 1..]);
    let value = value.strip_prefix('=').unwrap_or(value).trim();
    let (key, no) = key.strip_suffix('!').map_or((key, false), |key| (key, true));
    let mut plain = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(chars.next().filter(|c| matches!(c, '\\' | ',' | '='))?),
            '=' => return None,
            c => plain.push(c),
        }
    }
    Some((key, no, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = r#"{"metadata":{"name":"a","namespace":"kube-system",
        "labels":{"k8s-app":"cilium","tier":"node","rev":"7","empty":"","x.io/y":"z"}},
        "spec":{"nodeName":"w0","hostNetwork":true,"priority":5},"status":{"phase":"Running"}}"#;

    fn labels(selector: &str, expected: bool) {
        let selector_ = Selector::labels(selector).unwrap();
        assert_eq!(selector_.matches(POD), expected, "{selector}");
    }

    fn fields(selector: &str, expected: bool) {
        let selector_ = Selector::fields(selector).unwrap();
        assert_eq!(selector_.matches(POD), expected, "{selector}");
    }

    #[test]
    fn labels_that_fit() {
        for selector in [
            "",
            "  ",
            "k8s-app",
            "k8s-app=cilium",
            "k8s-app == cilium",
            "k8s-app = cilium",
            "k8s-app!=other",
            "nothing!=other",
            "k8s-app in (cilium)",
            "k8s-app in ( a , cilium )",
            "k8s-app notin (a,b)",
            "nothing notin (a)",
            "!nothing",
            "! nothing",
            "empty=",
            "empty",
            "empty in ()",
            "x.io/y=z",
            "rev>6",
            "rev < 8",
            "k8s-app=cilium,tier=node,!a,rev in (7,8)",
            "k8s-app  notin(a)",
        ] {
            labels(selector, true);
        }
    }

    #[test]
    fn labels_that_do_not_fit() {
        for selector in [
            "nothing",
            "k8s-app=other",
            "nothing=",
            "k8s-app!=cilium",
            "!k8s-app",
            "k8s-app in (a,b)",
            "nothing in (a)",
            "k8s-app notin (cilium)",
            "rev>7",
            "tier>1",
            "nothing<5",
            "k8s-app=cilium,tier=x",
        ] {
            labels(selector, false);
        }
    }

    #[test]
    fn label_selectors_that_are_not_understood() {
        for selector in [
            ",",
            "a,",
            "=b",
            "a=b=c",
            "a in b",
            "a in (b",
            "a in b)",
            "a b",
            "a notin",
            "!",
            "a=b c",
            "a=(b)",
            "a>x",
            "a!b",
            "ä=b",
            "a in ((b))",
        ] {
            assert!(Selector::labels(selector).is_err(), "{selector}");
        }
    }

    #[test]
    fn fields_that_fit() {
        for selector in [
            "",
            "metadata.name=a",
            "metadata.name==a",
            "metadata.namespace=kube-system",
            "spec.nodeName=w0",
            "status.phase!=Pending",
            "spec.hostNetwork=true",
            "spec.priority=5",
            "status.nothing=",
            "status.nothing!=x",
            "metadata.name=a,status.phase=Running",
            r"metadata.labels.x\.io/y=z",
        ] {
            fields(selector, true);
        }
    }

    #[test]
    fn fields_that_do_not_fit() {
        for selector in [
            "metadata.name=b",
            "status.phase!=Running",
            "status.nothing=x",
            "metadata.name!=a",
            "spec.nodeName=",
        ] {
            fields(selector, false);
        }
    }

    #[test]
    fn field_values_may_be_escaped() {
        let selector = Selector::fields(r"a=x\,y\=z\\").unwrap();
        assert!(selector.matches(r#"{"a":"x,y=z\\"}"#));
        assert!(Selector::fields(r"a=x\y").is_err());
    }

    #[test]
    fn field_selectors_that_are_not_understood() {
        for selector in ["a", "=b", "a=b=c", "a in (b)"] {
            assert!(Selector::fields(selector).is_err(), "{selector}");
        }
    }

    #[test]
    fn a_demanded_value_is_known() {
        let selector = Selector::fields("metadata.name=a,status.phase!=x").unwrap();
        assert_eq!(selector.demanded("metadata.name"), Some("a"));
        assert_eq!(selector.demanded("status.phase"), None);
    }
}
