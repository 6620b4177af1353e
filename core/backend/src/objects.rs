//! The objects of one kind: the text of its file, and where in it each one stands. Objects
//! are handed out as they stand in the file, never written anew.

use std::ops::Range;

use lab_types::Failure;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Answer;
use crate::Page;
use crate::Selection;
use crate::project::Projection;
use crate::select::Selector;
use crate::walk::lookup;

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
        let items = find(&text)?;
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

    fn nth(&self, place: usize) -> Option<&str> {
        self.items.get(place).map(|range| &self.text[range.clone()])
    }

    /// One object by name; any namespace when none is asked.
    pub(crate) fn get(&self, of: &Selection, name: &str) -> Option<String> {
        get(of, name, |place| Ok(self.nth(place))).ok().flatten()
    }

    /// A page of the objects that fit. Errors: the question's.
    pub(crate) fn page(&self, of: &Selection, limit: u32, more: Option<&str>) -> Answer<Page> {
        page(of, limit, more, |place| Ok(self.nth(place)))
    }
}

/// Where the objects of a text stand: of a list, or of one object.
pub(crate) fn find(text: &str) -> Result<Vec<Range<usize>>, serde_json::Error> {
    let document: Document<'_> = serde_json::from_str(text)?;
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
    Ok(items)
}

/// One object by name among those that `nth` gives by their place; any namespace when none is
/// asked.
pub(crate) fn get<'t>(
    of: &Selection,
    name: &str,
    nth: impl Fn(usize) -> Answer<Option<&'t str>>,
) -> Answer<Option<String>> {
    let mut place = 0;
    while let Some(item) = nth(place)? {
        if metadata(item, "name").as_deref() == Some(name) && is_in(of, item) {
            return Ok(Some(Projection::new(&of.keep).apply(item)));
        }
        place += 1;
    }
    Ok(None)
}

/// A page of those of the objects that fit that `nth` gives by their place. Errors: also those of
/// the question, in one line.
pub(crate) fn page<'t>(
    of: &Selection,
    limit: u32,
    more: Option<&str>,
    nth: impl Fn(usize) -> Answer<Option<&'t str>>,
) -> Answer<Page> {
    let labels = Selector::labels(of.labels.as_deref().unwrap_or_default());
    let fields = Selector::fields(of.fields.as_deref().unwrap_or_default());
    let (labels, fields) = (labels.map_err(Failure::invalid)?, fields.map_err(Failure::invalid)?);
    let projection = Projection::new(&of.keep);
    let limit = if limit == 0 { PAGE } else { usize::try_from(limit).unwrap_or(usize::MAX) };
    let mut place = match more {
        None => 0,
        Some(token) => match token.parse() {
            // Behind the last one there is nothing, and behind that no page.
            Ok(start) if start == 0 || nth(start - 1)?.is_some() => start,
            _ => {
                let what = format!("`{token}` is not the beginning of a page");
                return Err(Failure::invalid(what));
            }
        },
    };
    let fits = |item: &str| {
        is_in(of, item)
            && (labels.is_empty() || labels.matches(item))
            && (fields.is_empty() || fields.matches(item))
    };
    let mut page = Page::default();
    while let Some(item) = nth(place)? {
        if fits(item) {
            if page.items.len() == limit {
                page.more = Some(place.to_string());
                break;
            }
            page.items.push(projection.apply(item));
        }
        place += 1;
    }
    Ok(page)
}

fn is_in(of: &Selection, item: &str) -> bool {
    of.namespace.as_ref().is_none_or(|of| metadata(item, "namespace").as_ref() == Some(of))
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
