//! Runs programs as whole processes and counts what they cost.
//!
//! Peers are run in turn, one round after the other, so that a machine that slows down slows
//! all of them. The median of the rounds counts: on a shared machine the mean is the
//! neighbors' noise.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program with its arguments.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the tables call it.
    pub name: String,
    program: OsString,
    args: Vec<OsString>,
}

impl Subject {
    /// A program and its arguments.
    pub fn new<S: Into<OsString>>(
        name: &str,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { name: name.to_owned(), program: program.into(), args }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).stdin(Stdio::null());
        command
    }

    /// Its output.
    ///
    /// - Errors: it cannot be started, or did not end well.
    pub fn output(&self) -> Result<String, String> {
        let output = self.command().output().map_err(|error| self.cannot(&error))?;
        if !is_good(output.status.code()) {
            let err = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {}: {}", self.name, output.status, err.trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn cannot(&self, error: &std::io::Error) -> String {
        format!("{}: cannot run {}: {error}", self.name, self.program.display())
    }
}

/// Findings (1) and hosts without an answer (3) are results; 2 is a failure.
fn is_good(code: Option<i32>) -> bool {
    matches!(code, Some(0 | 1 | 3))
}

/// What one process cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// From its start to its end.
    pub wall: Duration,
    /// Of all its threads, in user and in kernel mode.
    pub cpu: Duration,
    /// Largest resident size, in bytes.
    pub peak: u64,
}

/// What all rounds of one program cost.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    rounds: Vec<Cost>,
}

impl Costs {
    /// Those of the only round.
    pub fn once(cost: Cost) -> Self {
        Self { rounds: vec![cost] }
    }

    /// Median wall time.
    pub fn wall(&self) -> Duration {
        median(self.rounds.iter().map(|cost| cost.wall))
    }

    /// Least wall time: that of the least disturbed round.
    pub fn least(&self) -> Duration {
        self.rounds.iter().map(|cost| cost.wall).min().unwrap_or_default()
    }

    /// Median of the time of all threads.
    pub fn cpu(&self) -> Duration {
        median(self.rounds.iter().map(|cost| cost.cpu))
    }

    /// Largest resident size of any round, in bytes.
    pub fn peak(&self) -> u64 {
        self.rounds.iter().map(|cost| cost.peak).max().unwrap_or_default()
    }
}

/// The middle one; of an even number the later of the two.
pub fn median(values: impl Iterator<Item = Duration>) -> Duration {
    let mut values: Vec<Duration> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Runs every program once to warm up, then all of them in turn, `rounds` times.
///
/// - Errors: one cannot be started, or did not end well.
pub fn in_turn(subjects: &[Subject], rounds: u32) -> Result<Vec<Costs>, String> {
    for subject in subjects {
        subject.output()?;
    }
    let mut costs = vec![Costs::default(); subjects.len()];
    for _ in 0..rounds {
        for (subject, costs) in subjects.iter().zip(&mut costs) {
            costs.rounds.push(once(subject)?);
        }
    }
    Ok(costs)
}

fn once(subject: &Subject) -> Result<Cost, String> {
    Running::start(subject, Stdio::null())?.end()
}

/// A program that runs, and can be looked at meanwhile.
#[derive(Debug)]
pub struct Running<'a> {
    subject: &'a Subject,
    child: std::process::Child,
    start: Instant,
}

impl<'a> Running<'a> {
    /// Starts a program that writes to `stdout`.
    ///
    /// - Errors: it cannot be started.
    pub fn start(subject: &'a Subject, stdout: Stdio) -> Result<Self, String> {
        let mut command = subject.command();
        command.stdout(stdout).stderr(Stdio::null());
        let start = Instant::now();
        let child = command.spawn().map_err(|error| subject.cannot(&error))?;
        Ok(Self { subject, child, start })
    }

    /// Its resident size now, in bytes; none where there is no `/proc`, or no process any more.
    pub fn resident(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? << 10)
    }

    /// Waits for its end.
    ///
    /// - Errors: it did not end well.
    pub fn end(self) -> Result<Cost, String> {
        let Self { subject, child, start } = self;
        let (code, cpu, peak) = wait(child).map_err(|error| subject.cannot(&error))?;
        let wall = start.elapsed();
        if !is_good(code) {
            return Err(format!("{}: ended with {code:?}", subject.name));
        }
        Ok(Cost { wall, cpu, peak })
    }
}

/// Waits for a child: its exit code, the time of its threads, and its largest resident size.
///
/// The kernel counts the size of the process that started it too, until the new program is in
/// place; so whoever measures must itself stay small.
#[cfg(unix)]
#[expect(unsafe_code, reason = "only `wait4` tells what a child has used")]
fn wait(child: std::process::Child) -> std::io::Result<(Option<i32>, Duration, u64)> {
    use std::os::unix::process::ExitStatusExt;

    let pid = libc::pid_t::try_from(child.id()).map_err(std::io::Error::other)?;
    let mut status = 0;
    // SAFETY: `rusage` is a plain struct of numbers, for which zeros are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to locals that live across the call. The child is ours, and
    // was not waited for: dropping a `Child` does not, and `child` is not used any more.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    if waited != pid {
        return Err(std::io::Error::last_os_error());
    }
    drop(child);
    let time = |of: libc::timeval| {
        let micros = of.tv_sec * 1_000_000 + of.tv_usec;
        Duration::from_micros(u64::try_from(micros).unwrap_or_default())
    };
    // Kilobytes on Linux, bytes on macOS.
    let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
    let peak = u64::try_from(usage.ru_maxrss).unwrap_or_default() * unit;
    let code = std::process::ExitStatus::from_raw(status).code();
    Ok((code, time(usage.ru_utime) + time(usage.ru_stime), peak))
}

/// Without `wait4` the time of the threads and the resident size are not known.
#[cfg(not(unix))]
fn wait(mut child: std::process::Child) -> std::io::Result<(Option<i32>, Duration, u64)> {
    Ok((child.wait()?.code(), Duration::ZERO, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_the_middle() {
        let of = |values: &[u64]| median(values.iter().copied().map(Duration::from_millis));
        assert_eq!(of(&[9, 1, 5]), Duration::from_millis(5));
        assert_eq!(of(&[1, 9]), Duration::from_millis(9));
        assert_eq!(of(&[]), Duration::ZERO);
    }

    #[cfg(unix)]
    #[test]
    fn a_process_costs_memory_and_a_failed_one_is_an_error() {
        let sh = |line: &str| Subject::new("sh", Path::new("/bin/sh"), ["-c", line]);
        let costs = in_turn(&[sh("exit 0")], 2).unwrap();
        assert!(costs[0].peak() > 0);
        assert!(in_turn(&[sh("exit 2")], 1).is_err());
        assert!(in_turn(&[Subject::new("none", Path::new("/no/such"), [""])], 1).is_err());
    }
}
