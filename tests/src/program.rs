//! The program, started as a user starts it, in an environment that holds nothing of the
//! developer's.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::Scratch;
use crate::guests::guest_file;
use crate::terminal;
use crate::terminal::Terminal;

/// Longest run of the program; a test that needs it has failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// A way to start the program: arguments, environment, and what is on the other end of stdout.
#[derive(Debug)]
pub struct Lab {
    args: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    input: Option<PathBuf>,
    terminal: Option<Terminal>,
    /// A plugin of the tests in place of the program's own.
    guest: Option<&'static str>,
    home: Scratch,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
}

impl Lab {
    /// The program with these words.
    pub fn new<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Self {
        let args = args.into_iter().map(|word| word.as_ref().to_owned()).collect();
        let home = Scratch::new();
        Self { args, variables: Vec::new(), input: None, terminal: None, guest: None, home }
    }

    /// The program with the words of a line.
    pub fn line(line: &str) -> Self {
        Self::new(line.split_whitespace())
    }

    /// More words.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// One more word.
    #[must_use]
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.args.push(word.as_ref().to_owned());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Writes a configuration file where the program looks for it.
    #[must_use]
    pub fn config(self, text: &str) -> Self {
        self.home.put(".config/kubectl-lab/config.toml", text);
        self
    }

    /// Writes a kubeconfig where the program looks for it.
    #[must_use]
    pub fn kubeconfig(self, text: &str) -> Self {
        self.home.put(".kube/config", text);
        self
    }

    /// Puts a terminal of that many columns on stdout and stderr; both arrive as `out`.
    #[must_use]
    pub fn terminal(mut self, columns: u16) -> Self {
        self.terminal = Some(Terminal { columns, rows: 24, later: None });
        self
    }

    /// Puts these bytes on the standard input.
    #[must_use]
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = Some(self.home.put(".input", bytes));
        self
    }

    /// Gives the terminal another size while the program runs.
    #[must_use]
    pub fn resized(mut self, after: Duration, columns: u16, rows: u16) -> Self {
        if let Some(terminal) = &mut self.terminal {
            terminal.later = Some((after, columns, rows));
        }
        self
    }

    /// Has a guest of the tests in place of the program's own plugins.
    #[must_use]
    pub fn guest(mut self, name: &'static str) -> Self {
        self.guest = Some(name);
        self.env("LAB_GUESTS", guest_file(name))
    }

    /// The user's folder of this run.
    pub fn home(&self) -> &Path {
        self.home.root()
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(&self) -> Run {
        let mut child = self.start();
        let (out, err) = (reader(child.stdout.take()), reader(child.stderr.take()));
        let status = wait(&mut child);
        let text = |reader: JoinHandle<Vec<u8>>| {
            String::from_utf8(reader.join().expect("reading does not fail"))
                .expect("the program writes UTF-8")
        };
        let (mut out, err) = (text(out), text(err));
        if self.terminal.is_some() {
            out = out.replace("\r\n", "\n");
        }
        Run { out, err, code: status.code() }
    }

    /// Starts it, both outputs in pipes, and leaves the rest to the test.
    pub fn start(&self) -> Child {
        warm();
        self.command().spawn().expect("the program starts")
    }

    /// The command as it would be started, for tests that put something else on its streams.
    pub fn command(&self) -> Command {
        let program = program(if self.guest.is_some() { "with-guests" } else { "under-test" });
        let mut command = if let Some(terminal) = &self.terminal {
            terminal::command(terminal, &program, &self.args)
        } else {
            let mut command = Command::new(program);
            command.args(&self.args);
            command
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.root())
            .env("XDG_CACHE_HOME", cache())
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(match &self.input {
                Some(path) => File::open(path).expect("it was written").into(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

impl Run {
    /// Fails the test unless the run ended with this code.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check alone is a whole test")]
    pub fn exits(self, code: u8) -> Self {
        assert_eq!(self.code, Some(code.into()), "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// Fails the test unless the run failed with one line that says this, nothing on stdout, and
    /// at most one more line with a cure.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the check alone is a whole test")]
    pub fn fails(self, saying: &str) -> Self {
        let run = self.exits(2);
        let lines: Vec<&str> = run.err.lines().collect();
        assert!(
            matches!(lines[..], [error] | [error, _] if error.starts_with("error: ")),
            "no single error: {}",
            run.err
        );
        assert!(lines.get(1).is_none_or(|hint| hint.starts_with("hint: ")), "{}", run.err);
        assert!(lines[0].contains(saying), "`{saying}` is not in `{}`", lines[0]);
        assert!(
            !run.err.contains("panicked") && !run.err.contains("RUST_BACKTRACE"),
            "{}",
            run.err
        );
        assert_eq!(run.out, "", "stdout is for data");
        run
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }
}

/// The program that cargo has built beside this test.
///
/// It is this package's target `kubectl-lab-under-test`, which compiles the program's own
/// `main.rs`, or `kubectl-lab-with-guests`; a path known at compile time exists only for programs
/// of a test's own package.
fn program(which: &str) -> PathBuf {
    let path = built().join(format!("kubectl-lab-{which}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is missing: run `cargo test -p lab-tests`", path.display());
    path
}

/// `target/<profile>`: tests are in `deps` below it.
pub(crate) fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a file");
    test.parent().and_then(Path::parent).expect("tests are in `deps`").to_owned()
}

/// Where compiled plugins are kept over all runs of all tests.
fn cache() -> PathBuf {
    built().join("lab-tests-cache")
}

/// Lets the first run compile the plugins, so that tests that run at once do not all do it.
fn warm() {
    static WARM: OnceLock<()> = OnceLock::new();
    WARM.get_or_init(|| {
        let mut first = Lab::line("routes --demo").command();
        let status = first.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.expect("the program starts");
    });
}

fn reader(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).expect("a pipe can be read");
        }
        bytes
    })
}

#[track_caller]
fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("the program did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
