//! Kubernetes objects, read only.

use std::collections::VecDeque;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::Failure;
use crate::host;

/// Which objects are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// `v1`, `cilium.io/v2`.
    pub api_version: String,
    /// `Node`.
    pub kind: String,
    /// Only this namespace.
    pub namespace: Option<String>,
    /// As kubectl's `-l`.
    pub labels: Option<String>,
    /// As kubectl's `--field-selector`.
    pub fields: Option<String>,
    /// Dotted paths to keep; all when empty.
    pub keep: Vec<String>,
}

impl Selection {
    /// Every object of a kind.
    pub fn new(api_version: &str, kind: &str) -> Self {
        Self { api_version: api_version.to_owned(), kind: kind.to_owned(), ..Self::default() }
    }
    /// Only this namespace.
    #[must_use]
    pub fn namespace(mut self, name: &str) -> Self {
        self.namespace = Some(name.to_owned());
        self
    }
    /// Only objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.labels = Some(selector.to_owned());
        self
    }
    /// Only objects with these fields.
    #[must_use]
    pub fn fields(mut self, selector: &str) -> Self {
        self.fields = Some(selector.to_owned());
        self
    }
    /// Keeps only this path, such as `spec.nodeName`, and others named so: less to carry.
    #[must_use]
    pub fn keep(mut self, path: &str) -> Self {
        self.keep.push(path.to_owned());
        self
    }
    /// The objects, page by page. An item that is not a `T` is a failure in its place and the
    /// others follow; a page that fails ends the list.
    pub fn list<T: DeserializeOwned>(self) -> Objects<T> {
        Objects { selection: self, page: VecDeque::new(), next: Next::First, item: PhantomData }
    }
    /// One object by name.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it does not exist; the host's failures.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        parse(&host::get(self, name)?, self)
    }
}

/// The API server's version document.
///
/// # Errors
/// The host's failures.
pub fn version() -> Result<String, Failure> {
    host::version()
}

/// The last lines of a container's log; with `previous` of the run before its last restart. The
/// card asks for it as `v1/Pod/log`.
///
/// # Errors
/// [`Failure::NotFound`] when there is none; the host's failures.
pub fn logs(
    namespace: &str,
    pod: &str,
    container: &str,
    lines: u32,
    previous: bool,
) -> Result<String, Failure> {
    host::logs(namespace, pod, container, lines, previous)
}

enum Next {
    First,
    Page(String),
    End,
}

/// Iterator over typed objects; see [`Selection::list`].
pub struct Objects<T> {
    selection: Selection,
    page: VecDeque<String>,
    next: Next,
    item: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Iterator for Objects<T> {
    type Item = Result<T, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.page.pop_front() {
                return Some(parse(&item, &self.selection));
            }
            let more = match std::mem::replace(&mut self.next, Next::End) {
                Next::First => None,
                Next::Page(token) => Some(token),
                Next::End => return None,
            };
            match host::list(&self.selection, more.as_deref()) {
                Ok((items, more)) => {
                    self.page = items.into();
                    if let Some(token) = more {
                        self.next = Next::Page(token);
                    }
                }
                Err(failure) => return Some(Err(failure)),
            }
        }
    }
}

pub(crate) fn parse<T: DeserializeOwned>(item: &str, selection: &Selection) -> Result<T, Failure> {
    serde_json::from_str(item).map_err(|error| {
        Failure::Other(format!(
            "cannot read a {}/{}: {error}",
            selection.api_version, selection.kind
        ))
    })
}
