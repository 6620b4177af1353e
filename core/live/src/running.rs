//! A command that runs somewhere, seen as its output piece by piece.
//!
//! Apart so that exec and ssh are collected and streamed by the same code: limits, ends and errors
//! cannot differ between them. Knows nothing of what carries the pieces.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{Answer, Chunk, Outcome};
use tokio::sync::mpsc;

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
/// process of a container need not collect orphans.
const UNTIL_WE_GO: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & command=$!
{ while read -r _; do :; done <&3; kill $command; } 2>/dev/null & watch=$!
exec 3<&-
wait $command; code=$?
kill $watch 2>/dev/null; wait $watch 2>/dev/null
exit $code"#;

/// A started command. Dropping it lets go of the connection.
pub(crate) trait Running: Send {
    /// The next piece. After [`Chunk::Ended`] it is not asked again.
    fn next(&mut self) -> BoxFuture<'_, Chunk>;
}

/// Runs to the end. Beyond `limit` bytes, both streams together, output is dropped but the status is
/// still awaited: a truncated answer says how the command ended.
pub(crate) async fn collect(running: &mut dyn Running, limit: usize) -> Answer<Outcome> {
    let mut outcome = Outcome::default();
    loop {
        let room = limit.saturating_sub(outcome.out.len() + outcome.err.len());
        let (into, piece) = match running.next().await {
            Chunk::Out(piece) => (&mut outcome.out, piece),
            Chunk::Err(piece) => (&mut outcome.err, piece),
            Chunk::Ended(code) => {
                outcome.code = code?;
                return Ok(outcome);
            }
        };
        outcome.truncated |= piece.len() > room;
        into.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

/// Hands the pieces over as they come. At most 16 wait for a slow reader; a reader that goes away
/// ends the connection.
pub(crate) fn stream(mut running: Box<dyn Running>) -> BoxStream<'static, Chunk> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let chunk = tokio::select! {
                chunk = running.next() => chunk,
                () = sender.closed() => return,
            };
            let last = matches!(chunk, Chunk::Ended(_));
            if sender.send(chunk).await.is_err() || last {
                return;
            }
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    })
    .boxed()
}

#[cfg(test)]
mod tests {
    use lab_types::Failure;

    use super::*;

    struct Script(Vec<Chunk>);

    impl Running for Script {
        fn next(&mut self) -> BoxFuture<'_, Chunk> {
            let chunk = self.0.remove(0);
            Box::pin(async { chunk })
        }
    }

    fn script(end: Answer<i32>) -> Script {
        Script(vec![
            Chunk::Out(b"abc".to_vec()),
            Chunk::Err(b"de".to_vec()),
            Chunk::Out(b"f".to_vec()),
            Chunk::Ended(end),
        ])
    }

    #[tokio::test]
    async fn output_is_cut_at_the_limit_and_says_so() {
        for (limit, out, err, truncated) in [
            (6, "abcf", "de", false),
            (5, "abc", "de", true),
            (2, "ab", "", true),
            (0, "", "", true),
        ] {
            let outcome = collect(&mut script(Ok(3)), limit).await.unwrap();
            let expected = Outcome { code: 3, out: out.into(), err: err.into(), truncated };
            assert_eq!(outcome, expected, "{limit}");
        }
    }

    #[tokio::test]
    async fn a_lost_end_is_no_outcome_whatever_was_printed() {
        let lost = script(Err(Failure::unavailable("lost")));
        assert!(collect(&mut { lost }, 100).await.is_err());
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
