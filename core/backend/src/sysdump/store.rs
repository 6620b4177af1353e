//! The objects of a sysdump that were asked for. Lists are long and questions want little of
//! each object, so what is held is what one question keeps; the next question that keeps the
//! same does not read the list again.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;

use lab_types::Failure;

use super::kinds;
use super::kinds::Row;
use super::load::load;
use crate::Answer;
use crate::Page;
use crate::Selection;
use crate::Selector;
use crate::files::Files;
use crate::objects::Objects;
use crate::walk::lookup;

/// What is held, by kind and by the paths that are kept.
type Slots = HashMap<(&'static str, Vec<String>), Arc<OnceLock<Answer<Arc<Objects>>>>>;

/// The objects so far.
#[derive(Debug, Default)]
pub(super) struct Store {
    slots: Mutex<Slots>,
}

impl Store {
    /// The objects of a kind with at least what a selection needs, and their row.
    pub(super) fn load(
        &self,
        files: &Files,
        names: &BTreeMap<String, String>,
        of: &Selection,
    ) -> Answer<(Arc<Objects>, &'static Row)> {
        let row = kinds::row(&of.api_version, &of.kind).ok_or_else(|| lacks(&of.to_string()))?;
        let paths = needed(of, row)?;
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            let whole = slots.get(&(row.kind, Vec::new())).filter(|slot| slot.get().is_some());
            match whole {
                Some(whole) => Arc::clone(whole),
                None => Arc::clone(slots.entry((row.kind, paths.clone())).or_default()),
            }
        };
        let objects = slot.get_or_init(|| {
            let mut objects = Objects::default();
            let mut found = false;
            for stem in row.stems {
                let known =
                    [".yaml", ".json"].iter().find_map(|end| names.get(&format!("{stem}{end}")));
                if let Some(name) = known {
                    found |= load(files, name, &paths, &mut objects)?;
                }
            }
            if found { Ok(Arc::new(objects)) } else { Err(lacks(&of.to_string())) }
        });
        let objects = Arc::clone(objects.as_ref().map_err(Clone::clone)?);
        check_version(of, row, &objects)?;
        Ok((objects, row))
    }

    /// Any list of a kind that is held already.
    pub(super) fn held(&self, kind: &str) -> Option<Arc<Objects>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = slots.iter().filter(|((of, _), _)| *of == kind);
        held.find_map(|(_, slot)| slot.get()?.as_ref().ok().map(Arc::clone))
    }
}

/// One object by name.
pub(super) fn get(objects: &Objects, row: &Row, of: &Selection, name: &str) -> Answer<String> {
    match objects.get(of, name) {
        Some(object) => Ok(object),
        None if row.whole => Err(Failure::not_found(format!("{of} {name} not found"))),
        None => Err(lacks(&format!("{of} {name}"))),
    }
}

/// A page of the objects that fit.
pub(super) fn page(
    objects: &Objects,
    row: &Row,
    of: &Selection,
    limit: u32,
    more: Option<&str>,
) -> Answer<Page> {
    let page = objects.page(of, limit, more)?;
    if row.whole {
        return Ok(page);
    }
    // Of a kind that is there in parts, only what has a name can be told to be all.
    let fields = Selector::fields(of.fields.as_deref().unwrap_or_default()).unwrap_or_default();
    match fields.demanded("metadata.name") {
        Some(_) if !page.items.is_empty() => Ok(page),
        _ => Err(lacks(&format!("every {of}"))),
    }
}

/// What a sysdump does not hold.
pub(super) fn lacks(what: &str) -> Failure {
    Failure::unavailable(format!("not in this sysdump: {what}"))
}

/// The paths that have to be kept of each object, for the answer and for choosing; none when
/// all is.
fn needed(of: &Selection, row: &Row) -> Answer<Vec<String>> {
    if of.keep.is_empty() {
        return Ok(Vec::new());
    }
    let mut paths = of.keep.clone();
    let labels = Selector::labels(of.labels.as_deref().unwrap_or_default());
    let fields = Selector::fields(of.fields.as_deref().unwrap_or_default());
    if !labels.map_err(Failure::invalid)?.is_empty() {
        paths.push("metadata.labels".to_owned());
    }
    paths.extend(fields.map_err(Failure::invalid)?.paths());
    if row.versions.len() > 1 {
        paths.push("apiVersion".to_owned());
    }
    if row.kind == "Pod" {
        // Which agent ran where is read from any list of pods.
        paths.push("spec.nodeName".to_owned());
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Refuses objects that say they are of another version than was asked.
fn check_version(of: &Selection, row: &Row, objects: &Objects) -> Answer<()> {
    if row.versions.len() < 2 {
        return Ok(());
    }
    let first = objects.all().next();
    let version = first.and_then(|object| lookup(object, &["apiVersion".to_owned()]));
    let version = version.and_then(|json| serde_json::from_str::<String>(json).ok());
    match version {
        Some(version) if version != of.api_version => {
            Err(lacks(&format!("{of}, but there is {version}")))
        }
        _ => Ok(()),
    }
}
