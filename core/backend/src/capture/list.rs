//! The objects of one kind in a capture: the text of their file, read no further than questions
//! go. Plugins list thousands by pages, and read the first ones while the others are found.

use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::Answer;
use crate::files::Files;
use crate::objects::find;
use crate::split::Next;
use crate::split::Split;

/// A list, as far as it was read.
#[derive(Debug)]
pub(super) struct List {
    files: Arc<Files>,
    name: String,
    text: String,
    found: Mutex<Found>,
}

#[derive(Debug)]
struct Found {
    items: Vec<Range<usize>>,
    /// Where there may be more.
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Split(Split),
    /// What it is shows when all of it is read at once.
    Whole,
    None,
}

impl List {
    /// The text of a file, which is named in errors.
    pub(super) fn new(files: Arc<Files>, name: String, text: String) -> Self {
        let rest = Split::new(&text).map_or(Rest::Whole, Rest::Split);
        let found = Mutex::new(Found { items: Vec::new(), rest });
        Self { files, name, text, found }
    }

    /// The text of an object by its place. Of a file that is damaged those in front of the damage
    /// can be had, and every place behind them is its fault.
    pub(super) fn nth(&self, place: usize) -> Answer<Option<&str>> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        while found.items.len() <= place {
            match &mut found.rest {
                Rest::None => return Ok(None),
                Rest::Split(split) => match split.next(&self.text) {
                    Next::Item(item) => found.items.push(item),
                    Next::End => found.rest = Rest::None,
                    Next::Other => found.rest = Rest::Whole,
                },
                Rest::Whole => {
                    let items = find(&self.text)
                        .map_err(|error| self.files.malformed(&self.name, &error))?;
                    *found = Found { items, rest: Rest::None };
                }
            }
        }
        let item = found.items[place].clone();
        Ok(Some(&self.text[item]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> List {
        let files = Arc::clone(&crate::demo::open().unwrap().files);
        List::new(files, "objects/v1/Pod.json".to_owned(), text.to_owned())
    }

    #[test]
    fn objects_are_found_in_any_order_of_questions() {
        let list = list(r#"{"items":[{"a":1},{"b":2}],"kind":"List"}"#);
        assert_eq!(list.nth(1).unwrap(), Some(r#"{"b":2}"#));
        assert_eq!(list.nth(0).unwrap(), Some(r#"{"a":1}"#));
        assert_eq!(list.nth(2).unwrap(), None);
    }

    #[test]
    fn what_stands_before_the_damage_is_there() {
        for damaged in [r#"{"items":[{"a":1},{"b":"#, r#"{"items":[{"a":1}],"items":[]}"#] {
            let list = list(damaged);
            assert_eq!(list.nth(0).unwrap(), Some(r#"{"a":1}"#), "{damaged}");
            for _ in 0..2 {
                let failure = list.nth(1).unwrap_err();
                assert!(failure.message.contains("cannot read objects/v1/Pod.json"), "{failure}");
            }
        }
    }

    #[test]
    fn one_object_is_a_list_of_it() {
        let list = list(r#" {"kind":"Pod","metadata":{}} "#);
        assert_eq!(list.nth(0).unwrap(), Some(r#"{"kind":"Pod","metadata":{}}"#));
        assert_eq!(list.nth(1).unwrap(), None);
    }
}
