//! What a running plugin's calls act on.

use std::collections::BTreeMap;
use std::sync::Arc;

use lab_backend::Backend;
use lab_output::Change;
use lab_output::Needs;
use lab_output::Report;
use lab_types::Card;
use wasmtime::StoreLimits;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

use crate::Flow;
use crate::Limits;
use crate::Listener;
use crate::Reader;
use crate::inbox::Inbox;
use crate::pages::Pages;
use crate::timeline::Timeline;
use lab_backend::Gate;

/// What a plugin may do now: describe itself with nothing to ask, or run.
pub(crate) enum Phase {
    Describing(Card),
    Running(Running),
}

/// A run's world.
pub(crate) struct Running {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) gate: Gate,
    pub(crate) pages: Pages,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) report: Report,
    /// Rows of the report, or of what a reader has not taken yet.
    pub(crate) rows: usize,
    pub(crate) inbox: Inbox,
    pub(crate) timeline: Timeline,
    pub(crate) needs: Needs,
    pub(crate) reader: Option<Arc<dyn Reader>>,
    /// What changed in each table since its last commit, for the reader.
    pub(crate) pending: Vec<Vec<Change>>,
}

impl Running {
    /// Hands over what changed in a table.
    pub(crate) fn commit(&mut self, table: usize) -> Flow {
        let Some(reader) = &self.reader else { return Flow::On };
        let changes = std::mem::take(&mut self.pending[table]);
        let taken = changes.iter().map(|change| match change {
            Change::Rows(rows) => rows.len(),
            Change::Packed(rows) => rows.len(),
            Change::Removed(_) => 0,
        });
        self.rows -= taken.sum::<usize>();
        reader.commit(table, changes)
    }

    /// Hands over what was never committed: rows of before a failure are not lost.
    pub(crate) fn finish(&mut self) {
        for table in 0..self.pending.len() {
            if !self.pending[table].is_empty() {
                self.commit(table);
            }
        }
    }
}

/// The data of a store.
pub(crate) struct State {
    pub(crate) plugin: String,
    pub(crate) phase: Phase,
    pub(crate) limits: Limits,
    pub(crate) memory: StoreLimits,
    pub(crate) resources: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) stderr: MemoryOutputPipe,
    pub(crate) listener: Arc<dyn Listener>,
    pub(crate) log_lines: u32,
    /// Epochs spent computing, and how many are allowed; no limit for live commands.
    pub(crate) ticks: u64,
    pub(crate) ticks_allowed: Option<u64>,
}

impl State {
    /// The run's world.
    ///
    /// # Errors
    /// A trap: only the card may be used while a plugin describes itself.
    pub(crate) fn running(&mut self) -> wasmtime::Result<&mut Running> {
        match &mut self.phase {
            Phase::Running(running) => Ok(running),
            Phase::Describing(_) => {
                Err(wasmtime::Error::msg("`describe` may use nothing but its card"))
            }
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}
