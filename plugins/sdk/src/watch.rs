//! Kubernetes objects, followed as they change.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::Failure;
use crate::Selection;
use crate::bindings::lab::plugin::cluster::Change as RawChange;
use crate::cluster::parse;
use crate::host;
use crate::inbox::Source;

/// Changes taken at once: one crossing to the host costs as much as many changes.
const BATCH: u32 = 256;

/// One change of a followed selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// A new object.
    Added(T),
    /// A changed object.
    Modified(T),
    /// The last state of an object that is gone.
    Deleted(T),
    /// Everything that existed at the start has been handed over.
    Synced,
    /// Changes were lost: forget everything, it comes again.
    Restarted,
}

/// A selection that is followed; see [`Selection::watch`].
pub struct Watch<T> {
    following: host::Watch,
    selection: Selection,
    item: PhantomData<fn() -> T>,
}

impl Selection {
    /// Follows the objects, from those that exist now.
    ///
    /// # Errors
    /// The host's failures.
    pub fn watch<T: DeserializeOwned>(self) -> Result<Watch<T>, Failure> {
        let following = host::Watch::start(&self)?;
        Ok(Watch { following, selection: self, item: PhantomData })
    }
}

impl<T: DeserializeOwned> Watch<T> {
    /// What [`inbox::wait`](crate::inbox::wait) names when there are changes.
    pub fn source(&self) -> Source {
        Source(self.following.source())
    }

    /// Changes that have come. An object that is not a `T` is a failure in its place.
    ///
    /// # Errors
    /// The host's failures.
    pub fn take(&self) -> Result<Vec<Result<Change<T>, Failure>>, Failure> {
        let changes = self.following.take(BATCH)?;
        Ok(changes.into_iter().map(|change| self.read(change)).collect())
    }

    fn read(&self, change: RawChange) -> Result<Change<T>, Failure> {
        let object = |text: String| parse(&text, &self.selection);
        Ok(match change {
            RawChange::Added(text) => Change::Added(object(text)?),
            RawChange::Modified(text) => Change::Modified(object(text)?),
            RawChange::Deleted(text) => Change::Deleted(object(text)?),
            RawChange::Synced => Change::Synced,
            RawChange::Restarted => Change::Restarted,
        })
    }
}
