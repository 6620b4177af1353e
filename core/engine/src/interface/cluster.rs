//! `interface cluster`: Kubernetes objects, read only.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use lab_backend::Answer;
use lab_backend::Change;
use lab_backend::Selection;
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::lab::plugin::cluster as wit;
use crate::bindings::lab::plugin::types::Failure;
use crate::inbox::Queue;
use crate::inbox::Source;
use crate::inbox::Watch;
use crate::state::State;

/// A selection being built.
pub struct SelectionHandle(Selection);

impl State {
    /// The selection, if the plugin may ask for it.
    fn allowed(&mut self, of: &Resource<SelectionHandle>) -> Result<Answer<Selection>> {
        let of = self.resources.get(of)?.0.clone();
        Ok(self.running()?.gate.objects(&of).map(|()| of))
    }
}

impl wit::Host for State {
    async fn version(&mut self) -> Result<Result<String, Failure>> {
        let backend = self.running()?.backend.clone();
        Ok(backend.version().await.map_err(Failure::from))
    }

    async fn logs(
        &mut self,
        namespace: String,
        pod: String,
        container: Option<String>,
        lines: u32,
        previous: bool,
    ) -> Result<Result<String, Failure>> {
        let running = self.running()?;
        let of =
            Selection { api_version: "v1".into(), kind: "Pod/log".into(), ..Selection::default() };
        if let Err(failure) = running.gate.objects(&of) {
            return Ok(Err(failure.into()));
        }
        let backend = running.backend.clone();
        let logs = backend.logs(&namespace, &pod, container.as_deref(), lines, previous).await;
        Ok(logs.map_err(Failure::from))
    }

    async fn get(
        &mut self,
        of: Resource<SelectionHandle>,
        name: String,
    ) -> Result<Result<String, Failure>> {
        let of = match self.allowed(&of)? {
            Ok(of) => of,
            Err(failure) => return Ok(Err(failure.into())),
        };
        let backend = self.running()?.backend.clone();
        Ok(backend.get(&of, &name).await.map_err(Failure::from))
    }

    async fn list(
        &mut self,
        of: Resource<SelectionHandle>,
        limit: u32,
        more: Option<String>,
    ) -> Result<Result<wit::Page, Failure>> {
        let of = match self.allowed(&of)? {
            Ok(of) => of,
            Err(failure) => return Ok(Err(failure.into())),
        };
        let running = self.running()?;
        let page = running.pages.page(&running.backend, of, limit, more).await;
        Ok(page.map(|page| wit::Page { items: page.items, more: page.more }).map_err(Failure::from))
    }
}

impl wit::HostSelection for State {
    async fn new(
        &mut self,
        api_version: String,
        kind: String,
    ) -> Result<Resource<SelectionHandle>> {
        let selection = Selection { api_version, kind, ..Selection::default() };
        Ok(self.resources.push(SelectionHandle(selection))?)
    }
    async fn namespace(&mut self, this: Resource<SelectionHandle>, name: String) -> Result<()> {
        self.resources.get_mut(&this)?.0.namespace = Some(name);
        Ok(())
    }
    async fn labels(&mut self, this: Resource<SelectionHandle>, selector: String) -> Result<()> {
        self.resources.get_mut(&this)?.0.labels = Some(selector);
        Ok(())
    }
    async fn fields(&mut self, this: Resource<SelectionHandle>, selector: String) -> Result<()> {
        self.resources.get_mut(&this)?.0.fields = Some(selector);
        Ok(())
    }
    async fn keep(&mut self, this: Resource<SelectionHandle>, path: String) -> Result<()> {
        self.resources.get_mut(&this)?.0.keep.push(path);
        Ok(())
    }
    async fn drop(&mut self, this: Resource<SelectionHandle>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}

impl wit::HostWatch for State {
    async fn start(
        &mut self,
        of: Resource<SelectionHandle>,
    ) -> Result<Result<Resource<Watch>, Failure>> {
        let of = match self.allowed(&of)? {
            Ok(of) => of,
            Err(failure) => return Ok(Err(failure.into())),
        };
        let bound = self.limits.queue;
        let running = self.running()?;
        let (backend, inbox) = (running.backend.clone(), running.inbox.clone());
        match backend.watch(of).await {
            Ok(stream) => Ok(Ok(self.resources.push(Queue::start(&inbox, stream, bound))?)),
            Err(failure) => Ok(Err(failure.into())),
        }
    }
    async fn source(&mut self, this: Resource<Watch>) -> Result<Source> {
        Ok(self.resources.get(&this)?.source())
    }
    async fn take(
        &mut self,
        this: Resource<Watch>,
        max: u32,
    ) -> Result<Result<Vec<wit::Change>, Failure>> {
        let watch = self.resources.get_mut(&this)?;
        let mut changes = Vec::new();
        while changes.len() < max as usize {
            let Some(change) = watch.take_if(|change| change.is_ok() || changes.is_empty()) else {
                break;
            };
            changes.push(match change {
                Ok(Change::Added(object)) => wit::Change::Added(object),
                Ok(Change::Modified(object)) => wit::Change::Modified(object),
                Ok(Change::Deleted(object)) => wit::Change::Deleted(object),
                Ok(Change::Synced) => wit::Change::Synced,
                Ok(Change::Restarted) => wit::Change::Restarted,
                // The changes before it were handed over by an earlier call.
                Err(failure) => return Ok(Err(failure.into())),
            });
        }
        Ok(Ok(changes))
    }
    async fn drop(&mut self, this: Resource<Watch>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}
