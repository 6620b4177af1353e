//! The only module that writes to the terminal: data on stdout, everything else on stderr.

use std::collections::VecDeque;
use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Read;
use std::io::Write;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use lab_cli::Color;
use lab_cli::Settings;
use lab_cli::settings::LogLevel as Wanted;
use lab_engine::Listener;
use lab_engine::LogLevel;
use lab_output::Report;
use lab_render::Options;
use lab_render::RenderError;
use lab_render::live::Size;
use lab_types::Failure;

/// Progress is first shown after this long, and then not more often than every 100 ms.
const PATIENCE: Duration = Duration::from_millis(400);

/// Log lines that are kept while a live view has the terminal.
const HELD: usize = 100;

/// Whether a live view has the terminal.
static ON_SCREEN: AtomicBool = AtomicBool::new(false);
/// Set when the program ends: whoever still draws must not do so on what comes after it.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Prints text on stdout. A closed pipe is the reader's choice.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match write(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Writes bytes on stdout at once.
pub(crate) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

/// Whether the reader of stdout went away. A pipe says so before anything is written.
#[cfg(unix)]
pub(crate) fn is_closed() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = io::stdout();
    let mut ends = [PollFd::new(&out, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut ends, Some(&at_once)).is_ok() && ends[0].revents().contains(PollFlags::ERR)
}

/// Elsewhere only writing tells.
#[cfg(not(unix))]
pub(crate) fn is_closed() -> bool {
    false
}

/// Draws a live view.
pub(crate) fn paint(text: &str) -> io::Result<()> {
    if text.is_empty() || ENDED.load(Ordering::Acquire) {
        return Ok(());
    }
    if !ON_SCREEN.swap(true, Ordering::AcqRel) {
        let told = std::panic::take_hook();
        // What broke is told where it can be read.
        std::panic::set_hook(Box::new(move |broken| {
            end();
            told(broken);
        }));
    }
    write(text.as_bytes())
}

/// Ends a live view; `text` gives the terminal back.
pub(crate) fn leave(text: &str) {
    if ON_SCREEN.swap(false, Ordering::AcqRel) {
        // A terminal that is gone needs nothing.
        let _ = write(text.as_bytes());
    }
}

/// Ends whatever is drawn, before the program ends in the middle of it.
pub(crate) fn end() {
    ENDED.store(true, Ordering::Release);
    leave(lab_render::live::LEAVE);
}

/// Prints `error: …` and `hint: …` on stderr.
pub(crate) fn complain(failure: &Failure) {
    // Nobody is left to tell when stderr is gone.
    let _ = lab_render::render_failure(failure, &mut io::stderr().lock());
}

/// Prints one line on stderr.
pub(crate) fn remark(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", lab_render::clean(line));
}

/// Reads the standard input to its end.
///
/// Errors: it is longer than `most` bytes, or cannot be read.
pub(crate) fn input(most: u64) -> Result<Vec<u8>, Failure> {
    let input = io::stdin().lock();
    if input.is_terminal() {
        remark("paste it here, then press Ctrl-D on a line of its own");
    }
    let mut bytes = Vec::new();
    let read = input.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::other(format!("cannot read the standard input: {error}")))?;
    if bytes.len() as u64 > most {
        return Err(Failure::invalid(format!(
            "the standard input is longer than {} MiB",
            most >> 20
        )));
    }
    Ok(bytes)
}

/// Whether somebody can be asked: questions go to stderr, answers come from stdin.
pub(crate) fn interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Writes text on stderr and waits for a line; none when there will be no more. The caller has
/// to make the text safe.
pub(crate) fn ask(text: &str) -> Option<String> {
    let mut err = io::stderr().lock();
    err.write_all(text.as_bytes()).and_then(|()| err.flush()).ok()?;
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(read) if read > 0 => Some(line),
        _ => {
            // The cursor still stands behind the question.
            let _ = writeln!(err);
            None
        }
    }
}

/// How a run drew its report.
pub(crate) enum Drawn {
    /// To the end.
    Whole,
    /// The reader went away.
    PipeClosed,
}

/// Draws a report.
pub(crate) fn draw(report: &Report, options: &Options) -> Result<Drawn, Failure> {
    let mut out = io::stdout().lock();
    let mut err = io::stderr().lock();
    match lab_render::render(report, options, &mut out, &mut err) {
        Ok(()) => Ok(Drawn::Whole),
        Err(RenderError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(Drawn::PipeClosed)
        }
        Err(RenderError::Write(error)) => Err(Failure::other(format!("cannot write: {error}"))),
        Err(RenderError::Unsuited(failure)) => Err(failure),
    }
}

/// The size of the terminal on stdout; none when it is not one.
pub(crate) fn size() -> Option<Size> {
    let (columns, rows) = terminal_size::terminal_size_of(io::stdout())?;
    Some(Size { columns: columns.0.into(), rows: rows.0.into() })
}

/// Whether stdout gets colors.
pub(crate) fn color(settings: &Settings) -> bool {
    match settings.view.color.value {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stdout().is_terminal(),
    }
}

/// Whether a person looks at stderr.
pub(crate) fn watched(settings: &Settings) -> bool {
    settings.log >= Wanted::Normal && io::stderr().is_terminal()
}

/// Shows progress and log lines of a run on stderr.
pub(crate) struct Console {
    wanted: Wanted,
    watched: bool,
    started: Instant,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    at: Option<Instant>,
    line: bool,
    held: Option<Held>,
}

/// What is said while a live view has the terminal.
#[derive(Default)]
struct Held {
    lines: VecDeque<String>,
    n_dropped: usize,
    note: Option<String>,
}

impl Console {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            wanted: settings.log,
            watched: watched(settings),
            started: Instant::now(),
            shown: Mutex::default(),
        }
    }

    /// Shows a step of the program itself, to those who asked for steps.
    pub(crate) fn step(&self, line: &str) {
        if self.wanted >= Wanted::Info {
            self.say(line.to_owned());
        }
    }

    /// Writes a line, or keeps it while a live view has the terminal.
    fn say(&self, line: String) {
        if let Some(held) = &mut self.shown().held {
            held.note = Some(line.clone());
            held.lines.push_back(line);
            if held.lines.len() > HELD {
                held.lines.pop_front();
                held.n_dropped += 1;
            }
            return;
        }
        self.clear();
        remark(&line);
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the line of progress away, before anything else is written.
    pub(crate) fn clear(&self) {
        if std::mem::take(&mut self.shown().line) {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }

    /// Keeps what would disturb a live view, if both are on a terminal.
    pub(crate) fn hold(&self) {
        self.clear();
        if io::stderr().is_terminal() {
            self.shown().held.get_or_insert_default();
        }
    }

    /// What a live view says of progress, or of the last line of the log.
    pub(crate) fn note(&self) -> Option<String> {
        self.shown().held.as_ref()?.note.clone()
    }

    /// Writes the lines that were kept.
    pub(crate) fn release(&self) {
        let Some(held) = self.shown().held.take() else { return };
        if held.n_dropped > 0 {
            remark(&format!("{} of the log not kept", lab_render::count(held.n_dropped, "line")));
        }
        held.lines.iter().for_each(|line| remark(line));
    }
}

impl Listener for Console {
    fn log(&self, plugin: &str, level: LogLevel, message: &str, fields: &[(String, String)]) {
        let threshold = match self.wanted {
            Wanted::Quiet => LogLevel::Error,
            Wanted::Normal => LogLevel::Warn,
            Wanted::Info => LogLevel::Info,
            Wanted::Debug => LogLevel::Debug,
            Wanted::Trace => LogLevel::Trace,
        };
        if level < threshold {
            return;
        }
        let mut line = format!("{plugin}: {message}");
        for (name, value) in fields {
            line.extend([" ", name, "=", value]);
        }
        self.say(line);
    }

    fn progress(&self, label: &str, done: u64, total: Option<u64>) {
        let mut shown = self.shown();
        if let Some(held) = &mut shown.held {
            let is_over = total.is_some_and(|total| done >= total);
            let of = total.map_or(String::new(), |total| format!("/{total}"));
            held.note = (!is_over).then(|| format!("{label} {done}{of}"));
            return;
        }
        if !self.watched || self.started.elapsed() < PATIENCE {
            return;
        }
        let now = Instant::now();
        let due = shown.at.is_none_or(|at| now - at >= Duration::from_millis(100));
        if !due {
            return;
        }
        shown.at = Some(now);
        shown.line = true;
        let label = lab_render::clean(label);
        let mut err = io::stderr().lock();
        let _ = match total {
            Some(total) => {
                let bar = bar(done, total);
                write!(err, "\r\x1b[K{bar} {label} {done}/{total}")
            }
            None => write!(err, "\r\x1b[K{label} {done}"),
        };
        let _ = err.flush();
    }
}

/// A bar of twenty columns.
fn bar(done: u64, total: u64) -> String {
    const COLUMNS: u64 = 20;
    let full = (done.min(total) * COLUMNS).checked_div(total).unwrap_or(COLUMNS);
    let full = usize::try_from(full).unwrap_or_default();
    format!("[{:<20}]", "=".repeat(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_is_as_full_as_the_work_is_done() {
        assert_eq!(bar(0, 4), "[                    ]");
        assert_eq!(bar(2, 4), "[==========          ]");
        assert_eq!(bar(9, 4), "[====================]");
        assert_eq!(bar(0, 0), "[====================]");
    }
}
