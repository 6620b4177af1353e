//! Questions about objects, answered from a capture: which kinds it has, and whether it has
//! all that is asked for.

use std::sync::Arc;
use std::sync::PoisonError;

use lab_types::Failure;

use super::cover::covers;
use super::list::List;
use super::reader::Capture;
use super::reader::Kind;
use super::reader::unanswered;
use crate::Answer;
use crate::Page;
use crate::Selection;
use crate::files::path;
use crate::objects::page;

impl Capture {
    /// The objects of a kind; `None` when the capture has no file of it.
    fn kind(&self, of: &Selection) -> Answer<Kind> {
        if !of.api_version.split('/').all(path::is_part) || !path::is_part(&of.kind) {
            return Err(Failure::invalid(format!("`{of}` is not a kind of object")));
        }
        let name = format!("objects/{of}.json");
        let slot = {
            let mut kinds = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(kinds.entry(name.clone()).or_default())
        };
        slot.get_or_init(|| {
            let text = self.files.read_text(&name)?;
            Ok(text.map(|text| List::new(Arc::clone(&self.files), name, text)))
        });
        Ok(slot)
    }

    /// Answers from the objects of a kind, if all that the question asks for was recorded.
    pub(super) fn ask<T>(
        &self,
        of: &Selection,
        name: Option<&str>,
        answer: impl FnOnce(&List, bool) -> Answer<T>,
    ) -> Answer<T> {
        let kind = self.kind(of)?;
        let selected = self.head.selected.get(&of.to_string());
        let covered = selected.is_none_or(|selected| covers(selected, of, name));
        match kind.get() {
            Some(Ok(Some(list))) => answer(list, covered),
            Some(Err(failure)) => Err(failure.clone()),
            Some(Ok(None)) | None => Err(self.no_objects(of, name)),
        }
    }

    pub(super) fn no_objects(&self, of: &Selection, name: Option<&str>) -> Failure {
        let kind = of.to_string();
        let why = self.head.missing.iter().find(|missing| {
            missing.kind.as_ref() == Some(&kind)
                && covers(std::slice::from_ref(&missing.selected), of, name)
        });
        let what = match (name, &of.namespace) {
            (Some(name), Some(namespace)) => format!("{kind} {namespace}/{name}"),
            (Some(name), None) => format!("{kind} {name}"),
            (None, Some(namespace)) => format!("{kind} in {namespace}"),
            (None, None) => kind,
        };
        unanswered(&what, why)
    }

    pub(super) fn page(&self, of: &Selection, limit: u32, more: Option<&str>) -> Answer<Page> {
        self.ask(of, None, |list, covered| {
            if !covered {
                return Err(self.no_objects(of, None));
            }
            page(of, limit, more, |place| list.nth(place))
        })
    }

    pub(super) fn everything(&self, of: &Selection) -> Answer<Vec<String>> {
        let mut items = Vec::new();
        let mut more = None;
        loop {
            let mut page = self.page(of, 0, more.as_deref())?;
            items.append(&mut page.items);
            match page.more {
                Some(_) => more = page.more,
                None => return Ok(items),
            }
        }
    }
}
