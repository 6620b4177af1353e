//! One place to wait for many sources: ticks, watched objects, output of running commands.
//!
//! Each source has a bounded queue that a task fills; a full queue pauses the task, so memory
//! stays bounded however slow the guest is.

#![expect(unreachable_pub, reason = "the generated bindings re-export the handles")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::Notify;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Number of a source, as the guest sees it.
pub(crate) type Source = u32;

#[derive(Default)]
struct Sources {
    next: Source,
    open: BTreeSet<Source>,
    ready: BTreeSet<Source>,
    stopped: bool,
    /// A queue is full: whoever fills it can do nothing more.
    full: bool,
    /// When a guest was last handed sources, where that is paced.
    handed: Option<Instant>,
}

/// Which sources have something to take.
#[derive(Clone)]
pub(crate) struct Inbox {
    sources: Arc<Mutex<Sources>>,
    wake: Arc<Notify>,
    /// Ends a pause: what came cannot wait.
    hurry: Arc<Notify>,
    ticks_count: bool,
}

impl Inbox {
    /// An inbox without sources. Where everything was recorded, a tick brings nothing new:
    /// then `ticks_count` is false, and tickers alone are not waited for.
    pub(crate) fn new(ticks_count: bool) -> Self {
        let (sources, wake, hurry) = Default::default();
        Self { sources, wake, hurry, ticks_count }
    }

    fn lock(&self) -> MutexGuard<'_, Sources> {
        // A panic while holding it cannot leave the sets half changed.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new source; if it counts, it is reason enough to wait.
    pub(crate) fn open(&self, counts: bool) -> Source {
        let mut sources = self.lock();
        let source = sources.next;
        sources.next += 1;
        if counts {
            sources.open.insert(source);
        }
        source
    }

    pub(crate) fn ready(&self, source: Source) {
        self.lock().ready.insert(source);
        self.wake.notify_one();
    }

    /// There is nothing more of it, as far as its reader saw.
    fn drained(&self, source: Source) {
        self.lock().ready.remove(&source);
    }

    fn is_full(&self) {
        self.lock().full = true;
        self.hurry.notify_one();
    }

    pub(crate) fn close(&self, source: Source) {
        let mut sources = self.lock();
        sources.open.remove(&source);
        sources.ready.remove(&source);
        drop(sources);
        self.wake.notify_one();
    }

    /// Ends every wait, now and later.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.wake.notify_one();
        self.hurry.notify_one();
    }

    /// Waits for sources; none when stopped, or when nothing is left to wait for.
    pub(crate) async fn wait(&self) -> Option<Vec<Source>> {
        loop {
            match self.look() {
                Poll::Ready(sources) => return sources,
                Poll::Pending => self.wake.notified().await,
            }
        }
    }

    /// The same, at most once in `pace` unless a queue is full: a guest that is woken for every line
    /// of a hundred agents does little else. What comes after a time of quiet comes at once.
    pub(crate) async fn wait_paced(&self, pace: Duration) -> Option<Vec<Source>> {
        loop {
            let due = match &*self.lock() {
                Sources { stopped: false, full: false, handed: Some(handed), .. } => *handed + pace,
                _ => break,
            };
            tokio::select! {
                () = tokio::time::sleep_until(due) => break,
                () = self.hurry.notified() => {}
            }
        }
        let sources = self.wait().await;
        let mut state = self.lock();
        state.full = false;
        state.handed = Some(Instant::now());
        sources
    }

    /// The same without waiting.
    pub(crate) fn look(&self) -> Poll<Option<Vec<Source>>> {
        let mut sources = self.lock();
        if sources.stopped || sources.open.is_empty() {
            Poll::Ready(None)
        } else if sources.ready.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(Some(std::mem::take(&mut sources.ready).into_iter().collect()))
        }
    }
}

/// A regular tick.
pub struct Ticker {
    source: Source,
    ticks: Arc<AtomicU32>,
    task: AbortHandle,
    inbox: Inbox,
}

impl Ticker {
    pub(crate) fn start(inbox: &Inbox, every: Duration) -> Self {
        let source = inbox.open(inbox.ticks_count);
        let ticks = Arc::new(AtomicU32::new(0));
        let (counter, told) = (ticks.clone(), inbox.clone());
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                counter.fetch_add(1, Ordering::Relaxed);
                told.ready(source);
            }
        });
        Self { source, ticks, task: task.abort_handle(), inbox: inbox.clone() }
    }
    pub(crate) fn source(&self) -> Source {
        self.source
    }
    /// Ticks since the last take.
    pub(crate) fn take(&self) -> u32 {
        self.ticks.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.task.abort();
        self.inbox.close(self.source);
    }
}

/// Changes of a watched selection.
pub type Watch = Queue<lab_backend::Answer<lab_backend::Change>>;

/// A stream on its way to the guest.
pub struct Queue<T> {
    source: Source,
    items: mpsc::Receiver<T>,
    /// Looked at and not taken yet.
    next: Option<T>,
    task: AbortHandle,
    inbox: Inbox,
}

impl<T: Send + 'static> Queue<T> {
    /// Reads a stream ahead, up to `bound` items.
    pub(crate) fn start(inbox: &Inbox, mut stream: BoxStream<'static, T>, bound: usize) -> Self {
        let source = inbox.open(true);
        let (sender, items) = mpsc::channel(bound.max(1));
        let told = inbox.clone();
        let task = tokio::spawn(async move {
            while let Some(item) = stream.next().await {
                if sender.capacity() == 0 {
                    told.is_full();
                }
                if sender.send(item).await.is_err() {
                    return;
                }
                told.ready(source);
            }
            drop(sender);
            // So that the guest comes once more and finds the end.
            told.ready(source);
        });
        Self { source, items, next: None, task: task.abort_handle(), inbox: inbox.clone() }
    }
    pub(crate) fn source(&self) -> Source {
        self.source
    }
    /// The next item, if it has come and is wanted; an unwanted one stays. A guest that stops
    /// taking while there is more is told again.
    pub(crate) fn take_if(&mut self, wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        if self.next.is_none() {
            let mut taken = self.items.try_recv();
            if matches!(taken, Err(mpsc::error::TryRecvError::Empty)) {
                self.inbox.drained(self.source);
                // What came meanwhile may have been told of before that.
                taken = self.items.try_recv();
            }
            match taken {
                Ok(item) => self.next = Some(item),
                Err(mpsc::error::TryRecvError::Empty) => return None,
                Err(mpsc::error::TryRecvError::Disconnected) => {
                    self.inbox.close(self.source);
                    return None;
                }
            }
        }
        self.inbox.ready(self.source);
        self.next.take_if(|item| wanted(item))
    }
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        self.task.abort();
        self.inbox.close(self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_of_a_stream_arrives_and_then_the_wait_ends() {
        let inbox = Inbox::new(true);
        let mut queue = Queue::start(&inbox, futures::stream::iter(0..100).boxed(), 7);
        let mut seen = Vec::new();
        while let Some(ready) = inbox.wait().await {
            assert_eq!(ready, [queue.source()]);
            seen.extend((0..3).map_while(|_| queue.take_if(|_| true)));
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_soon_after_comes_along() {
        let inbox = Inbox::new(true);
        let sources = [inbox.open(true), inbox.open(true), inbox.open(true)];
        let teller = inbox.clone();
        tokio::spawn(async move {
            for source in sources {
                tokio::time::sleep(Duration::from_millis(4)).await;
                teller.ready(source);
            }
        });
        let (pace, start) = (Duration::from_millis(20), Instant::now());
        assert_eq!(inbox.wait_paced(pace).await, Some(vec![0]));
        assert_eq!(start.elapsed().as_millis(), 4, "the first one does not wait");
        assert_eq!(inbox.wait_paced(pace).await, Some(vec![1, 2]));
        assert_eq!(start.elapsed().as_millis(), 24);
        inbox.stop();
        assert_eq!(inbox.wait_paced(pace).await, None);
        assert_eq!(start.elapsed().as_millis(), 24, "an end does not wait");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_does_not_wait() {
        let inbox = Inbox::new(true);
        let mut queue = Queue::start(&inbox, futures::stream::iter(0..100).boxed(), 10);
        let (pace, start) = (Duration::from_secs(1), Instant::now());
        let mut seen = Vec::new();
        while let Some(ready) = inbox.wait_paced(pace).await {
            assert_eq!(ready, [queue.source()]);
            seen.extend(std::iter::from_fn(|| queue.take_if(|_| true)));
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        assert!(start.elapsed() < 3 * pace, "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn what_was_taken_to_the_end_is_not_told_again() {
        let inbox = Inbox::new(true);
        let once = futures::stream::iter([7]).chain(futures::stream::pending());
        let mut queue = Queue::start(&inbox, once.boxed(), 7);
        assert_eq!(inbox.wait().await, Some(vec![queue.source()]));
        assert_eq!(queue.take_if(|_| false), None);
        assert!(inbox.look().is_ready(), "it stays there and is told again");
        assert_eq!((queue.take_if(|_| true), queue.take_if(|_| true)), (Some(7), None));
        assert!(inbox.look().is_pending());
    }

    #[tokio::test]
    async fn stop_ends_a_wait_that_has_nothing_to_wait_for() {
        let inbox = Inbox::new(true);
        let _queue = Queue::start(&inbox, futures::stream::pending::<()>().boxed(), 7);
        let stopper = inbox.clone();
        let wait = tokio::spawn(async move { inbox.wait().await });
        stopper.stop();
        assert_eq!(wait.await.unwrap(), None);
    }

    #[tokio::test]
    async fn ticks_alone_are_waited_for_only_where_something_new_can_come() {
        let every = Duration::from_millis(1);
        for (ticks_count, expected) in [(true, Some(vec![0])), (false, None)] {
            let inbox = Inbox::new(ticks_count);
            let _ticker = Ticker::start(&inbox, every);
            assert_eq!(inbox.wait().await, expected);
        }
    }

    #[tokio::test]
    async fn no_source_means_nothing_to_wait_for() {
        assert_eq!(Inbox::new(true).wait().await, None);
    }
}
