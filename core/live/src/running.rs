//! A command that runs somewhere, seen as its output piece by piece.
//!
//! Apart so that exec and ssh are collected and streamed by the same code: limits, ends and errors
//! cannot differ between them. Knows nothing of what carries the pieces.

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use lab_backend::{Answer, Chunk, Outcome};
use tokio::sync::mpsc;

/// A started command. Dropping it lets go of the connection; the far end notices when it next writes.
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
}
