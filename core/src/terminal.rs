//! The only module that writes to the terminal: data on stdout, everything else on stderr.

use std::io;
use std::io::IsTerminal;
use std::io::Read;
use std::io::Write;
use std::sync::Mutex;
use std::sync::PoisonError;
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
use lab_types::Failure;

/// Progress is first shown after this long, and then not more often than every 100 ms.
const PATIENCE: Duration = Duration::from_millis(400);

/// Prints text on stdout. A closed pipe is the reader's choice.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
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

/// Columns of the terminal on stdout; none when it is not one.
pub(crate) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
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
    pub(crate) fn note(&self, line: &str) {
        if self.wanted >= Wanted::Info {
            self.clear();
            remark(line);
        }
    }

    /// Takes the line of progress away, before anything else is written.
    pub(crate) fn clear(&self) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut shown.line) {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
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
        self.clear();
        let mut line = format!("{plugin}: {message}");
        for (name, value) in fields {
            line.extend([" ", name, "=", value]);
        }
        remark(&line);
    }

    fn progress(&self, label: &str, done: u64, total: Option<u64>) {
        if !self.watched || self.started.elapsed() < PATIENCE {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
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
