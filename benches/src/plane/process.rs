//! One program of the control plane: started with a log, asked to end, and ended.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that runs; it ends with this.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts a program that writes its log into a folder.
    pub(super) fn start(program: &Path, args: &[String], folder: &Path) -> Result<Self, String> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let log = folder.join(format!("{name}.log"));
        let cannot = |error: std::io::Error| format!("cannot run {}: {error}", program.display());
        let out = File::create(&log).map_err(cannot)?;
        let err = out.try_clone().map_err(cannot)?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(out).stderr(err);
        Ok(Self { child: command.spawn().map_err(cannot)?, name, log })
    }

    /// Waits until `is_up` says so.
    ///
    /// - Errors: it has ended, or it takes too long; the end of its log.
    pub(super) fn until(
        &mut self,
        most: Duration,
        mut is_up: impl FnMut() -> bool,
    ) -> Result<(), String> {
        let start = Instant::now();
        while !is_up() {
            let ended = self.child.try_wait().map_err(|error| error.to_string())?;
            if ended.is_some() || start.elapsed() > most {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(3).collect();
                let how = ended.map_or("does not come up".to_owned(), |status| status.to_string());
                return Err(format!("{}: {how}: {}", self.name, last.join(" | ")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Asks it to end, and ends it when it does not.
    pub(super) fn end(&mut self) {
        // The standard library can only kill; this is for the store's sake.
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).stderr(Stdio::null()).status());
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                _ => return,
            }
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.end();
        }
    }
}

/// Ports of loopback that nobody has at this moment.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N], String> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        // All are held until the last one is known, so that no two are the same.
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        *port = listener.local_addr().map_err(|error| error.to_string())?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ() {
        let [a, b, c] = free_ports::<3>().unwrap();
        assert!(a != b && b != c && a != c);
    }

    #[test]
    fn what_ended_is_told_with_the_end_of_its_log() {
        let folder = std::env::temp_dir().join(format!("lab-process-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let args = ["-c", "echo no store; exit 3"].map(str::to_owned);
        let mut process = Process::start(Path::new("/bin/sh"), &args, &folder).unwrap();
        let why = process.until(Duration::from_secs(20), || false).unwrap_err();
        assert!(why.contains("no store") && why.contains('3'), "{why}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
