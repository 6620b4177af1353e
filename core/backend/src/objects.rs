//! The objects of one kind: the text of its file, and where in it each one stands. Objects
//! are handed out as they stand in the file, never written anew.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Page;
use crate::Selection;
use crate::project::Projection;
use crate::project::lookup;
use crate::select::Selector;

/// How many objects a page has when the caller does not say; the API's usual chunk.
const PAGE: usize = 500;

/// All objects of one kind.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    text: String,
    items: Vec<Range<usize>>,
}

/// A list as `kubectl get -o json` prints it, or one object.
#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
    #[serde(default)]
    kind: Option<String>,
}

impl Objects {
    /// Finds the objects in a file's text.
    pub(crate) fn parse(text: String) -> Result<Self, serde_json::Error> {
        let document: Document<'_> = serde_json::from_str(&text)?;
        let mut items = Vec::new();
        match document {
            Document { items: Some(found), .. } => items.extend(found.into_iter().map(|item| {
                let start = item.get().as_ptr().addr() - text.as_ptr().addr();
                start..start + item.get().len()
            })),
            // Without `items` it is one object, unless it says that it is a list of none.
            Document { metadata: Some(_), kind, .. }
                if !kind.as_deref().unwrap_or_default().ends_with("List") =>
            {
                items.push(text.len() - text.trim_start().len()..text.trim_end().len());
            }
            Document { .. } => {}
        }
        Ok(Self { text, items })
    }

    /// Adds the text of one object.
    pub(crate) fn push(&mut self, object: &str) {
        let start = self.text.len();
        self.text.push_str(object);
        self.items.push(start..self.text.len());
    }

    /// Each object's text.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.items.iter().map(|range| &self.text[range.clone()])
    }

    /// One object by name; any namespace when none is asked.
    pub(crate) fn get(&self, of: &Selection, name: &str) -> Option<String> {
        let found = self.all().find(|item| {
            metadata(item, "name").as_deref() == Some(name)
                && of
                    .namespace
                    .as_ref()
                    .is_none_or(|ns| metadata(item, "namespace").as_ref() == Some(ns))
        })?;
        Some(Projection::new(&of.keep).apply(found))
    }

    /// A page of the objects that fit. Errors: one line about the question.
    pub(crate) fn page(
        &self,
        of: &Selection,
        limit: u32,
        more: Option<&str>,
    ) -> Result<Page, String> {
        let labels = Selector::labels(of.labels.as_deref().unwrap_or_default())?;
        let fields = Selector::fields(of.fields.as_deref().unwrap_or_default())?;
        let projection = Projection::new(&of.keep);
        let limit = if limit == 0 { PAGE } else { usize::try_from(limit).unwrap_or(usize::MAX) };
        let start = match more {
            None => 0,
            Some(token) => token
                .parse()
                .ok()
                .filter(|start| *start <= self.items.len())
                .ok_or_else(|| format!("`{token}` is not the beginning of a page"))?,
        };
        let fits = |item: &str| {
            of.namespace.as_ref().is_none_or(|ns| metadata(item, "namespace").as_ref() == Some(ns))
                && (labels.is_empty() || labels.matches(item))
                && (fields.is_empty() || fields.matches(item))
        };
        let mut page = Page::default();
        for (position, range) in self.items.iter().enumerate().skip(start) {
            let item = &self.text[range.clone()];
            if !fits(item) {
                continue;
            }
            if page.items.len() == limit {
                page.more = Some(position.to_string());
                break;
            }
            page.items.push(projection.apply(item));
        }
        Ok(page)
    }
}

/// A text in an object's metadata.
pub(crate) fn metadata(item: &str, key: &str) -> Option<String> {
    let path = ["metadata".to_owned(), key.to_owned()];
    lookup(item, &path).and_then(|json| serde_json::from_str(json).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"{"kind":"PodList","items":[
        {"metadata":{"name":"a","namespace":"x","labels":{"l":"1"}},"spec":{"n":1.50}},
        {"metadata":{"name":"a","namespace":"y"}},
        {"metadata":{"name":"b","namespace":"x"}},
        {"metadata":{"name":"c"}}]}"#;

    fn names(page: &Page) -> Vec<String> {
        page.items.iter().map(|item| metadata(item, "name").unwrap()).collect()
    }

    #[test]
    fn items_come_as_they_stand() {
        let objects = Objects::parse(LIST.to_owned()).unwrap();
        let first =
            r#"{"metadata":{"name":"a","namespace":"x","labels":{"l":"1"}},"spec":{"n":1.50}}"#;
        assert_eq!(objects.all().next(), Some(first));
        assert_eq!(objects.all().count(), 4);
    }

    #[test]
    fn pages_hold_what_fits_and_the_last_one_says_so() {
        let objects = Objects::parse(LIST.to_owned()).unwrap();
        let of = Selection { namespace: Some("x".into()), ..Selection::default() };
        let first = objects.page(&of, 1, None).unwrap();
        assert_eq!((names(&first), first.more.as_deref()), (vec!["a".to_owned()], Some("2")));
        let second = objects.page(&of, 1, first.more.as_deref()).unwrap();
        assert_eq!((names(&second), second.more), (vec!["b".to_owned()], None));
        assert!(objects.page(&of, 1, Some("x")).is_err());
        assert!(objects.page(&of, 1, Some("5")).is_err());
    }

    #[test]
    fn get_minds_the_namespace() {
        let objects = Objects::parse(LIST.to_owned()).unwrap();
        let of = Selection { namespace: Some("y".into()), ..Selection::default() };
        assert!(objects.get(&of, "a").unwrap().contains("\"y\""));
        assert_eq!(objects.get(&of, "b"), None);
        assert!(objects.get(&Selection::default(), "c").is_some());
    }

    #[test]
    fn one_object_is_a_list_of_one() {
        let one =
            Objects::parse(" {\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"}}\n".into()).unwrap();
        assert_eq!(
            one.all().collect::<Vec<_>>(),
            ["{\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"}}"]
        );
    }

    #[test]
    fn lists_of_nothing() {
        for text in
            [r#"{"items":[]}"#, r#"{"items":null}"#, r#"{"kind":"NodeList","metadata":{}}"#, "{}"]
        {
            assert_eq!(Objects::parse(text.into()).unwrap().all().count(), 0, "{text}");
        }
        for text in ["", "[", "{\"items\":[}", "7", "{\"items\":{}}"] {
            assert!(Objects::parse(text.into()).is_err(), "{text}");
        }
    }
}
