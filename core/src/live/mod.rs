//! A command while it runs: takes what it commits, and shows it as far as there is somebody to
//! look: a picture on a terminal, lines in a pipe, or everything at the end.
//!
//! Decides when something is drawn. What a picture looks like is the renderer's business, and
//! how long the command runs is that of `run`.

mod kept;
mod rest;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use lab_cli::Settings;
use lab_engine::Flow;
use lab_engine::Reader;
use lab_output::Change;
use lab_output::Column;
use lab_output::Finding;
use lab_output::Partial;
use lab_output::View;
use lab_render::Format;
use lab_render::RenderError;
use lab_render::live::Part;
use lab_render::live::Screen;
use lab_render::live::Status;
use lab_render::live::Stream;
use lab_render::live::Throttle;
use lab_render::live::picture;
use lab_types::Failure;
use tokio::sync::Notify;

use crate::terminal;
use crate::terminal::Console;
use crate::view;
use kept::Kept;
use kept::Keyed;

/// Between two pictures, and the longest that a line waits for others.
const EVERY: Duration = Duration::from_millis(100);
/// Lines are written when there are so many bytes of them, or when the last write is so long ago.
const BYTES: usize = 32 << 10;
const PAUSE: Duration = Duration::from_millis(20);
/// Rows without a key that are kept for a terminal: more than any has lines.
const LATEST: usize = 1_000;

/// Shows a live command.
pub(crate) struct Live {
    view: View,
    settings: Arc<Settings>,
    console: Arc<Console>,
    stop: Arc<Notify>,
    /// Rows that may be kept.
    most: usize,
    started: Instant,
    /// The time from which ages count, if it does not move: that of a capture.
    created: Option<i64>,
    state: Mutex<State>,
}

struct State {
    way: Way,
    kept: Kept,
    hosts: Vec<String>,
    /// When something was last committed.
    changed: Option<Duration>,
    /// Nothing more is taken: nobody looks, or enough was seen.
    closed: Option<Closed>,
}

/// Why nothing more is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The first picture was all that was wanted, or as many rows came as were.
    Enough,
    /// The reader went away.
    Unread,
    /// It cannot be shown.
    Failed(Failure),
}

/// How rows are shown.
enum Way {
    Screen { screen: Screen, throttle: Throttle },
    Lines { stream: Box<Stream>, bytes: Vec<u8>, written: Duration },
    End,
}

impl Live {
    /// `created` is the time of a capture, `most` how many rows may be kept.
    pub(crate) fn new(
        view: View,
        settings: Arc<Settings>,
        console: Arc<Console>,
        stop: Arc<Notify>,
        created: Option<i64>,
        most: usize,
    ) -> Self {
        let options = view::options(&settings, created.unwrap_or_default(), Vec::new());
        // What is ordered or folded is not known before the last row.
        let whole = view.sort.is_some() || view.fold.is_some();
        let way = if settings.live.once || !Stream::suits(options.format) {
            Way::End
        } else if matches!(options.format, Format::Table | Format::Wide)
            && terminal::size().is_some()
        {
            console.hold();
            let (screen, throttle) = (Screen::default(), Throttle::new(EVERY));
            Way::Screen { screen, throttle }
        } else if whole {
            Way::End
        } else {
            let stream = Box::new(Stream::new(options));
            Way::Lines { stream, bytes: Vec::new(), written: Duration::ZERO }
        };
        let kept = Kept::default();
        let state = State { way, kept, hosts: Vec::new(), changed: None, closed: None };
        Self {
            view,
            settings,
            console,
            stop,
            most,
            started: Instant::now(),
            created,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What a panic leaves half drawn is drawn anew.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.created.unwrap_or_else(view::now)
    }

    /// Tells who is asked, for the remark about those that give no answer.
    pub(crate) fn asks(&self, hosts: Vec<String>) {
        self.lock().hosts = hosts;
    }

    /// Draws now and then, until it is dropped.
    pub(crate) async fn follow(&self) {
        loop {
            tokio::time::sleep(EVERY / 2).await;
            // Where somebody draws, there is no need to.
            let Ok(mut state) = self.state.try_lock() else { continue };
            if state.closed.is_none() && terminal::is_closed() {
                self.close(&mut state, Closed::Unread);
            }
            if let Way::Lines { stream, bytes, .. } = &mut state.way
                && let Err(error) = stream.tick(self.started.elapsed(), bytes)
            {
                self.fail(&mut state, error);
            }
            self.show(&mut state);
        }
    }

    /// Shows what is due.
    fn show(&self, state: &mut State) {
        let now = self.started.elapsed();
        match &mut state.way {
            Way::Screen { throttle, .. } if throttle.is_due(now) => self.paint(state, now),
            Way::Lines { bytes, written, .. } => {
                let is_due = bytes.len() >= BYTES || now >= *written + PAUSE;
                if is_due && !bytes.is_empty() {
                    *written = now;
                    let result = tokio::task::block_in_place(|| terminal::write(bytes));
                    bytes.clear();
                    if let Err(error) = result {
                        self.fail(state, error.into());
                    }
                }
            }
            _ => {}
        }
    }

    fn paint(&self, state: &mut State, now: Duration) {
        let Some(size) = terminal::size() else { return };
        let options = view::options(&self.settings, self.now(), state.hosts.clone());
        let parts = match self.parts(state, options.now, size.rows) {
            Ok(parts) => parts,
            Err(failure) => return self.close(state, Closed::Failed(failure)),
        };
        let status = Status {
            running: now,
            until: self.settings.live.run_for,
            unchanged: state.changed.map(|changed| now.saturating_sub(changed)),
            note: self.console.note(),
        };
        let scene = state.kept.scene(&parts, &status);
        let lines = picture(&scene, &options, size).lines;
        let Way::Screen { screen, throttle } = &mut state.way else { return };
        let mut text = String::new();
        screen.draw(lines, size, now, &mut text);
        let result = tokio::task::block_in_place(|| terminal::paint(&text));
        throttle.done(now, self.started.elapsed().saturating_sub(now));
        if let Err(error) = result {
            self.fail(state, error.into());
        }
    }

    fn parts(&self, state: &State, now: i64, most: usize) -> Result<Vec<Part>, Failure> {
        state.kept.parts(&self.view, now, most, view::shown(&self.settings))
    }

    fn fail(&self, state: &mut State, error: RenderError) {
        let closed = match error {
            RenderError::Write(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                Closed::Unread
            }
            RenderError::Write(error) => {
                Closed::Failed(Failure::other(format!("cannot write: {error}")))
            }
            RenderError::Unsuited(failure) => Closed::Failed(failure),
        };
        self.close(state, closed);
    }

    fn close(&self, state: &mut State, closed: Closed) {
        state.closed.get_or_insert(closed);
        self.stop.notify_one();
    }

    /// Takes what changed in a table.
    fn take(
        &self,
        state: &mut State,
        table: usize,
        changes: Vec<Change>,
    ) -> Result<(), RenderError> {
        let (now, ms) = (self.started.elapsed(), self.now());
        state.changed = Some(now);
        state.kept.plan(&self.view)?;
        let State { way, kept, .. } = state;
        kept.committed(table);
        for change in changes {
            let rows = match change {
                Change::Removed(keys) => {
                    match way {
                        Way::Lines { stream, bytes, .. } if stream.tells_changes() => {
                            for key in &keys {
                                stream.removed(table, key, bytes);
                            }
                        }
                        _ => kept.remove(table, &keys),
                    }
                    continue;
                }
                Change::Packed(rows) => {
                    if let Way::Lines { stream, bytes, .. } = &mut *way
                        && stream.tells_changes()
                        && kept.shows_all(&self.view, table)
                    {
                        stream.packed(table, kept.passed_on(table, &rows), &rows, bytes)?;
                        continue;
                    }
                    kept.unpack(table, &rows)?
                }
                Change::Rows(rows) => rows,
            };
            match way {
                Way::Lines { stream, bytes, .. } => {
                    let keyed = if stream.tells_changes() { Keyed::Lines } else { Keyed::Kept };
                    let mut batch = kept.lines(&self.view, table, rows, keyed, ms)?;
                    stream.options.now = ms;
                    stream.rows(table, &mut batch, now, bytes)?;
                }
                Way::Screen { .. } => kept.keep(&self.view, table, rows, LATEST, ms)?,
                Way::End => kept.keep(&self.view, table, rows, usize::MAX, ms)?,
            }
        }
        Ok(())
    }
}

impl Reader for Live {
    fn table(&self, name: &str, columns: &[Column]) {
        let mut state = self.lock();
        if let Way::Lines { stream, .. } = &mut state.way {
            stream.add(name);
        }
        state.kept.declare(name, columns);
    }

    fn commit(&self, table: usize, changes: Vec<Change>) -> Flow {
        let mut state = self.lock();
        if state.closed.is_none() {
            if let Err(error) = self.take(&mut state, table, changes) {
                self.fail(&mut state, error);
            }
            let once = self.settings.live.once && state.kept.is_complete();
            if once || state.kept.is_enough(&self.view) {
                self.close(&mut state, Closed::Enough);
            }
            // One that is drawn on a terminal or at the end is kept.
            if state.kept.rows() > self.most {
                return Flow::Full;
            }
            self.show(&mut state);
        }
        match state.closed {
            None => Flow::On,
            // A plugin that is told to stop may still have a finding to tell.
            Some(Closed::Enough) if self.settings.live.once => Flow::On,
            Some(_) => Flow::Closed,
        }
    }

    fn finding(&self, finding: Finding) {
        let mut state = self.lock();
        if let Way::Lines { stream, bytes, .. } = &mut state.way
            && let Err(error) = stream.finding(&finding, bytes)
        {
            return self.fail(&mut state, error);
        }
        state.kept.finding(finding);
    }

    fn partial(&self, partial: Partial) {
        self.lock().kept.partial(partial);
    }
}
