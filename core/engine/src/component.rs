//! A plugin as a WebAssembly component: compiled once, described once, run as often as asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lab_backend::Backend;
use lab_output::Needs;
use lab_output::Report;
use lab_types::Card;
use lab_types::Failure;
use lab_types::Value;
use wasmtime::Store;
use wasmtime::StoreLimitsBuilder;
use wasmtime::UpdateDeadline;
use wasmtime::component::HasSelf;
use wasmtime::component::Linker;
use wasmtime::component::Resource;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

use crate::ArtifactCache;
use crate::Engine;
use crate::Limits;
use crate::Listener;
use crate::Reader;
use crate::Silent;
use crate::bindings::Host_ as Bindings;
use crate::bindings::exports::lab::plugin::command::Value as WitValue;
use crate::engine::TICK;
use crate::inbox::Inbox;
use crate::interface::card::CardHandle;
use crate::packed::unpack;
use crate::pages::Pages;
use crate::state::Phase;
use crate::state::Running;
use crate::state::State;
use crate::timeline::Timeline;
use lab_backend::Gate;

/// A command of the card with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `["routes", "trace"]`.
    pub path: Vec<String>,
    /// In the order of the card, defaults filled in.
    pub values: Vec<(String, Value)>,
}

/// What a run needs besides the component.
pub struct Run {
    /// Who answers.
    pub backend: Arc<dyn Backend>,
    /// What may be asked.
    pub gate: Gate,
    /// The plugin's own settings.
    pub settings: BTreeMap<String, String>,
    /// Caps.
    pub limits: Limits,
    /// The command runs until stopped: no limit on computing.
    pub live: bool,
    /// What is asked was recorded: nothing new comes, so ticks alone are not waited for.
    pub recorded: bool,
    /// Which columns of the report anybody will look at.
    pub needs: Needs,
    /// Who reads along; without one everything is in the report at the end.
    pub reader: Option<Arc<dyn Reader>>,
    /// Who hears of progress.
    pub listener: Arc<dyn Listener>,
    /// Told when the user wants the end.
    pub stop: Arc<tokio::sync::Notify>,
}

/// Bytes of a guest's standard error that are kept; a guest that writes more is stopped.
const STDERR: usize = 64 << 10;

/// How long a plugin may take to end after it was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// A plugin that ended by a trap: a bug of the plugin, or a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// One line.
    pub message: String,
    /// Everything that is known, for `-v`.
    pub details: String,
}

/// How a run ended that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// The plugin said why.
    Failed(Failure),
    /// The plugin broke, or was stopped at a limit.
    Crashed(Crash),
}

/// What a run found, however it ended: rows of before a failure are not lost.
#[derive(Debug)]
pub struct Finished {
    /// Tables, findings, partials; nothing of it when there was a reader.
    pub report: Report,
    /// How it ended.
    pub result: Result<(), RunError>,
}

/// A plugin ready to run.
pub struct Component {
    name: String,
    code: wasmtime::component::Component,
    linker: Linker<State>,
    engine: wasmtime::Engine,
    compiled: bool,
}

impl Component {
    /// Loads a component's artifact from the cache, or compiles it and keeps the artifact. The
    /// component may be packed by gzip; it is unpacked only when it is compiled.
    ///
    /// # Errors
    /// Not a component, or one that needs what this host does not offer.
    pub fn load(
        engine: &Engine,
        cache: &ArtifactCache,
        name: &str,
        wasm: &[u8],
    ) -> Result<Self, Crash> {
        let inner = engine.inner();
        let failed = |error: wasmtime::Error| crash(&error, "cannot be loaded");
        // One of the right hash that the engine refuses is another machine's, say.
        let kept = cache.find(inner, wasm).and_then(|path| map(inner, &path).ok());
        let compiled = kept.is_none();
        let component = if let Some(component) = kept {
            component
        } else {
            let compile = || inner.precompile_component(&unpack(wasm)?);
            let artifact = compile().map_err(failed)?;
            cache.keep(inner, wasm, &artifact);
            deserialize(inner, &artifact).map_err(failed)?
        };
        let mut linker = Linker::new(inner);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(failed)?;
        Bindings::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state).map_err(failed)?;
        Ok(Self { name: name.to_owned(), code: component, linker, engine: inner.clone(), compiled })
    }

    /// Whether loading had to compile.
    pub fn compiled(&self) -> bool {
        self.compiled
    }

    /// Asks the plugin for its card. It can ask nothing meanwhile.
    ///
    /// # Errors
    /// The plugin broke, asked something, or took longer than a second of computing.
    pub async fn describe(&self) -> Result<Card, Crash> {
        let limits =
            Limits { memory: 64 << 20, compute: Duration::from_secs(1), ..Limits::default() };
        let mut store =
            self.store(Phase::Describing(Card::default()), limits, false, Arc::new(Silent));
        let stderr = store.data().stderr.clone();
        let failed = |error: wasmtime::Error| {
            crash(&error, "broke while describing itself").with_last_words(&stderr.contents())
        };
        let bindings = Bindings::instantiate_async(&mut store, &self.code, &self.linker)
            .await
            .map_err(failed)?;
        let handle = store.data_mut().resources.push(CardHandle).map_err(|e| failed(e.into()))?;
        let borrowed = Resource::new_borrow(handle.rep());
        bindings.lab_plugin_command().call_describe(&mut store, borrowed).await.map_err(failed)?;
        match store.into_data().phase {
            Phase::Describing(card) => Ok(card),
            Phase::Running(_) => Ok(Card::default()),
        }
    }

    /// Runs one command.
    pub async fn run(&self, call: Call, run: Run) -> Finished {
        let inbox = Inbox::new(!run.recorded);
        let running = Running {
            backend: run.backend,
            gate: run.gate,
            pages: Pages::default(),
            settings: run.settings,
            report: Report::default(),
            rows: 0,
            inbox: inbox.clone(),
            timeline: Timeline::default(),
            needs: run.needs,
            reader: run.reader,
            pending: Vec::new(),
        };
        let mut store = self.store(Phase::Running(running), run.limits, run.live, run.listener);
        let result = tokio::select! {
            result = self.call(&mut store, call) => result,
            () = ended(&run.stop, &inbox) => Err(RunError::Failed(Failure::stopped())),
        };
        let report = match store.into_data().phase {
            Phase::Running(mut running) => {
                running.finish();
                running.report
            }
            Phase::Describing(_) => Report::default(),
        };
        Finished { report, result }
    }

    async fn call(&self, store: &mut Store<State>, call: Call) -> Result<(), RunError> {
        let stderr = store.data().stderr.clone();
        let crashed = |error: wasmtime::Error| match error.downcast_ref::<Failure>() {
            // The user refused: no fault of the plugin.
            Some(refusal) => RunError::Failed(refusal.clone()),
            None => RunError::Crashed(crash(&error, "crashed").with_last_words(&stderr.contents())),
        };
        let bindings = Bindings::instantiate_async(&mut *store, &self.code, &self.linker)
            .await
            .map_err(crashed)?;
        let values: Vec<(String, WitValue)> =
            call.values.into_iter().map(|(name, value)| (name, value.into())).collect();
        bindings
            .lab_plugin_command()
            .call_run(&mut *store, &call.path, &values)
            .await
            .map_err(crashed)?
            .map_err(|failure| RunError::Failed(failure.into()))
    }

    fn store(
        &self,
        phase: Phase,
        limits: Limits,
        live: bool,
        listener: Arc<dyn Listener>,
    ) -> Store<State> {
        let memory = StoreLimitsBuilder::new()
            .memory_size(limits.memory)
            .table_elements(limits.table_elements)
            .instances(limits.instances)
            .trap_on_grow_failure(true)
            .build();
        let ticks = limits.compute.as_nanos() / TICK.as_nanos();
        let stderr = MemoryOutputPipe::new(STDERR);
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(limits.handles);
        let state = State {
            plugin: self.name.clone(),
            phase,
            memory,
            resources,
            // Closed: no environment, no files, no sockets. What a guest writes to its standard
            // error is kept for the case that it breaks: a panic says there what it was.
            wasi: WasiCtxBuilder::new().stderr(stderr.clone()).build(),
            stderr,
            listener,
            log_lines: 0,
            ticks: 0,
            ticks_allowed: (!live).then(|| u64::try_from(ticks).unwrap_or(u64::MAX)),
            limits,
        };
        let mut store = Store::new(&self.engine, state);
        store.set_hostcall_fuel(store.data().limits.hostcall_bytes);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        // Called only while the guest computes; waiting for an answer costs nothing.
        store.epoch_deadline_callback(|mut context| {
            let state = context.data_mut();
            state.ticks += 1;
            match state.ticks_allowed {
                Some(allowed) if state.ticks > allowed => Err(wasmtime::Error::msg(format!(
                    "computed for more than {:?}",
                    state.limits.compute
                ))),
                _ => Ok(UpdateDeadline::Yield(1)),
            }
        });
        store
    }
}

/// Waits for the wish to stop, ends the guest's waiting, and gives it time to say its last.
async fn ended(stop: &tokio::sync::Notify, inbox: &Inbox) {
    stop.notified().await;
    inbox.stop();
    tokio::time::sleep(GRACE).await;
}

/// Loads compiled code.
#[expect(unsafe_code, reason = "loading compiled code cannot be checked by the compiler")]
fn deserialize(
    engine: &wasmtime::Engine,
    artifact: &[u8],
) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: the bytes were made by `precompile_component` of this engine just now.
    unsafe { wasmtime::component::Component::deserialize(engine, artifact) }
}

/// Maps compiled code from a file of the cache.
#[expect(unsafe_code, reason = "loading compiled code cannot be checked by the compiler")]
fn map(
    engine: &wasmtime::Engine,
    path: &std::path::Path,
) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: an earlier run wrote what `precompile_component` of this engine made and noted its
    // checksum, which was compared; only this user can write the file, and whoever replaces it puts
    // another one in its place.
    unsafe { wasmtime::component::Component::deserialize_file(engine, path) }
}

impl Crash {
    /// Adds what the guest wrote before it broke: the text of a panic is there, not in the trap.
    fn with_last_words(mut self, stderr: &[u8]) -> Self {
        let text = String::from_utf8_lossy(stderr);
        let mut lines = text.lines().skip_while(|line| !line.contains("panicked at "));
        if let Some((_, place)) = lines.next().and_then(|line| line.split_once("panicked at ")) {
            let words = lines.next().unwrap_or_default();
            let what = self.message.split(": ").next().unwrap_or_default();
            self.message = format!("{what}: panicked at {place} {words}");
        }
        if !text.is_empty() {
            self.details = format!("{}\n{}", text.trim_end(), self.details);
        }
        self
    }
}

/// The last cause is what went wrong; the frames before it are for `-v`.
fn crash(error: &wasmtime::Error, what: &str) -> Crash {
    let cause = error.root_cause().to_string();
    let line = match cause.lines().next().unwrap_or_default() {
        line if line.starts_with("forcing trap when growing memory") => {
            "asked for more memory than a plugin may have"
        }
        line => line,
    };
    Crash { message: format!("{what}: {line}"), details: format!("{error:?}") }
}

impl From<Value> for WitValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Text(text) => Self::Text(text),
            Value::Integer(number) => Self::Integer(number),
            Value::Decimal(number) => Self::Decimal(number),
            Value::Boolean(on) => Self::Boolean(on),
            Value::Duration(nanoseconds) => Self::Duration(nanoseconds),
            Value::Texts(texts) => Self::Texts(texts),
        }
    }
}
