//! A command that runs somewhere, seen as its output piece by piece.
//!
//! Apart so that exec and ssh are collected and streamed by the same code: limits, ends and errors
//! cannot differ between them. Knows nothing of what carries the pieces.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{Answer, Chunk, Outcome};
use lab_types::Failure;

/// How long a command is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Until it ends.
    ToTheEnd,
    /// Until we go away, however we go.
    WhileWeListen,
}

impl Wanted {
    /// The words to start.
    pub(crate) fn words(self, argv: &[String]) -> Vec<String> {
        let around = match self {
            Self::ToTheEnd => &[][..],
            Self::WhileWeListen => &["sh", "-c", UNTIL_WE_GO, "kubectl-lab"],
        };
        around.iter().map(|word| (*word).to_owned()).chain(argv.iter().cloned()).collect()
    }
}

/// Ends a command when its caller is gone. Without it a `cilium-dbg monitor` goes on for ever: the
/// runtime reads its output into nothing (seen with containerd 1.7, kubelet 1.33). The runtime does
/// close standard input when the connection ends, also after a `kill -9` here. The words of the
/// command are parameters and never text of the script; every child is waited for, since the first
/// process of a container need not collect orphans. A program that is not there is said in our own
/// words, which `no_program` knows: 127 alone may be the program's own.
const UNTIL_WE_GO: &str = r#"command -v -- "$1" >/dev/null 2>&1 || { echo "kubectl-lab: $1: not found" >&2; exit 127; }
exec 3<&0
"$@" </dev/null 3<&- & command=$!
{ while read -r _; do :; done <&3; kill $command; } 2>/dev/null & watch=$!
exec 3<&-
wait $command; code=$?
kill $watch 2>/dev/null; wait $watch 2>/dev/null
exit $code"#;

/// Whether a command without an exit code ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// Nobody can tell: it must not be started again.
    Perhaps,
    /// It did not.
    Not,
    /// It did not, for the program is not there.
    NoProgram,
    /// It did not, for the container is not there any more: another may be in its place.
    Gone,
    /// It did not, for the node runs another system than what we could run on it.
    OtherSystem,
    /// It did not, for there is no such host.
    NoHost,
}

/// Why a command has no exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered {
    pub(crate) ran: Ran,
    pub(crate) failure: Failure,
}

impl Unanswered {
    /// It did not run.
    pub(crate) fn not_run(failure: Failure) -> Self {
        Self { ran: Ran::Not, failure }
    }
    /// It may have run.
    pub(crate) fn perhaps(failure: Failure) -> Self {
        Self { ran: Ran::Perhaps, failure }
    }
}

/// A piece of a running command's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Standard output.
    Out(Vec<u8>),
    /// Standard error.
    Err(Vec<u8>),
    /// It ended; nothing follows.
    Ended(Result<i32, Unanswered>),
}

/// A started command. Dropping it lets go of the connection.
pub(crate) trait Running: Send {
    /// The next piece. After [`Piece::Ended`] it is not asked again.
    fn next(&mut self) -> BoxFuture<'_, Piece>;
}

/// How many times the limit is read, most of it to be dropped, before a command counts as one that
/// does not end.
const ENDLESS: usize = 8;

/// Runs to the end. Beyond `limit` bytes, both streams together, output is dropped but the status is
/// still awaited: a truncated answer says how the command ended. One that goes on and on has no
/// status, so it is a failure that says where it was cut. `what` is the command for messages.
pub(crate) async fn collect(
    running: &mut dyn Running,
    limit: usize,
    what: &str,
) -> Answer<Outcome> {
    let mut outcome = Outcome::default();
    let mut read: usize = 0;
    loop {
        let room = limit.saturating_sub(outcome.out.len() + outcome.err.len());
        let (into, piece) = match running.next().await {
            Piece::Out(piece) => (&mut outcome.out, piece),
            Piece::Err(piece) => (&mut outcome.err, piece),
            Piece::Ended(Ok(code)) => {
                outcome.code = code;
                return Ok(outcome);
            }
            Piece::Ended(Err(Unanswered { mut failure, .. })) => {
                if outcome.truncated {
                    failure.message.push_str("; it printed more than ");
                    failure.message.push_str(&size(limit));
                }
                return Err(failure);
            }
        };
        outcome.truncated |= piece.len() > room;
        read += piece.len();
        if read > limit.saturating_mul(ENDLESS) {
            return Err(Failure::other(format!(
                "`{what}` was cut: it printed more than {} and did not end",
                size(limit.saturating_mul(ENDLESS))
            ))
            .hint("ask for less, or for a bounded number of lines"));
        }
        into.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

fn size(bytes: usize) -> String {
    if bytes >= 1 << 20 { format!("{} MiB", bytes >> 20) } else { format!("{bytes} bytes") }
}

/// Hands the pieces over as they are asked for. Who drops it ends the connection.
pub(crate) fn stream(running: Box<dyn Running>) -> BoxStream<'static, Chunk> {
    futures::stream::unfold(Some(running), |running| async move {
        let mut running = running?;
        Some(match running.next().await {
            Piece::Out(piece) => (Chunk::Out(piece), Some(running)),
            Piece::Err(piece) => (Chunk::Err(piece), Some(running)),
            Piece::Ended(code) => {
                (Chunk::Ended(code.map_err(|unanswered| unanswered.failure)), None)
            }
        })
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Script(Vec<Piece>);

    impl Running for Script {
        fn next(&mut self) -> BoxFuture<'_, Piece> {
            let piece = self.0.remove(0);
            Box::pin(async { piece })
        }
    }

    fn script(end: Result<i32, Unanswered>) -> Script {
        Script(vec![
            Piece::Out(b"abc".to_vec()),
            Piece::Err(b"de".to_vec()),
            Piece::Out(b"f".to_vec()),
            Piece::Ended(end),
        ])
    }

    /// Prints for ever.
    struct Endless;

    impl Running for Endless {
        fn next(&mut self) -> BoxFuture<'_, Piece> {
            Box::pin(async { Piece::Out(b"y\n".repeat(100)) })
        }
    }

    #[tokio::test]
    async fn output_that_never_ends_is_cut_and_said_so() {
        let failure = collect(&mut Endless, 1000, "yes").await.unwrap_err();
        assert_eq!(
            failure.message,
            "`yes` was cut: it printed more than 8000 bytes and did not end"
        );
        // Slower ones end by their deadline.
        let late = script(Err(Unanswered::perhaps(Failure::timeout("late"))));
        let failure = collect(&mut { late }, 4, "x").await.unwrap_err();
        assert_eq!(failure.message, "late; it printed more than 4 bytes");
    }

    #[tokio::test]
    async fn output_is_cut_at_the_limit_and_says_so() {
        for (limit, out, err, truncated) in
            [(6, "abcf", "de", false), (5, "abc", "de", true), (2, "ab", "", true)]
        {
            let outcome = collect(&mut script(Ok(3)), limit, "x").await.unwrap();
            let expected = Outcome { code: 3, out: out.into(), err: err.into(), truncated };
            assert_eq!(outcome, expected, "{limit}");
        }
    }

    #[tokio::test]
    async fn a_lost_end_is_no_outcome_whatever_was_printed() {
        let lost = script(Err(Unanswered::perhaps(Failure::unavailable("lost"))));
        assert!(collect(&mut { lost }, 100, "x").await.is_err());
    }

    #[tokio::test]
    async fn a_stream_ends_after_its_status() {
        let chunks: Vec<Chunk> = stream(Box::new(script(Ok(0)))).collect().await;
        assert_eq!(chunks.len(), 4);
        assert_eq!(chunks[3], Chunk::Ended(Ok(0)));
    }

    /// The script in a local shell; its standard input is the connection.
    fn start(words: &[&str]) -> std::process::Child {
        use std::process::{Command, Stdio};
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let words = Wanted::WhileWeListen.words(&words);
        Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn a_command_ends_when_nobody_listens() {
        use std::io::{BufRead, BufReader};
        let mut child = start(&["sh", "-c", "echo $$; exec sleep 600"]);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(143), "ended by a TERM");
        assert!(!std::path::Path::new("/proc").join(line.trim()).exists());
    }

    #[test]
    fn a_program_that_is_not_there_is_said_in_words_of_ours() {
        for program in ["no-such-program", "/no/such", "-x"] {
            let words = Wanted::WhileWeListen.words(&[program.to_owned(), "a".to_owned()]);
            let output = std::process::Command::new(&words[0]).args(&words[1..]).output().unwrap();
            assert_eq!(output.status.code(), Some(127));
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(said, format!("kubectl-lab: {program}: not found\n"));
        }
    }

    #[test]
    fn a_command_that_ends_first_keeps_its_code_and_its_words() {
        let mut child =
            start(&["sh", "-c", "printf '%s|' \"$@\"; exit 9", "x", "a b", "$HOME", "'"]);
        let input = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(input);
        assert_eq!(output.status.code(), Some(9));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "a b|$HOME|'|");
    }
}
