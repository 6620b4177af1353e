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

    /// The text of an object by its place. A file that is damaged says so once its sound objects
    /// were handed over.
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
