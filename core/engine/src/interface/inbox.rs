//! `interface inbox`: one place to wait.

use std::task::Poll;
use std::time::Duration;

use wasmtime::Result;
use wasmtime::component::Resource;

use crate::bindings::lab::plugin::inbox as wit;
use crate::inbox::Source;
use crate::inbox::Ticker;
use crate::state::State;

/// No plugin has a reason to wake more often; a terminal shows ten pictures a second.
const SHORTEST_TICK: Duration = Duration::from_millis(20);

/// What is live comes in a little later than it could, and more of it at once.
const PACE: Duration = Duration::from_millis(25);

impl wit::Host for State {
    async fn wait(&mut self) -> Result<Option<Vec<Source>>> {
        let running = self.running()?;
        while !running.timeline.is_empty() {
            match running.inbox.look() {
                Poll::Ready(sources) => return Ok(sources),
                Poll::Pending => running.timeline.step(&running.inbox).await,
            }
        }
        let inbox = running.inbox.clone();
        Ok(if running.backend.is_recorded() {
            inbox.wait().await
        } else {
            inbox.wait_paced(PACE).await
        })
    }
    async fn now(&mut self) -> Result<Option<i64>> {
        let running = self.running()?;
        if running.backend.is_recorded() {
            return Ok(running.timeline.now().and_then(|now| i64::try_from(now).ok()));
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Ok(since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()))
    }
}

impl wit::HostTicker for State {
    async fn new(&mut self, every_ms: u32) -> Result<Resource<Ticker>> {
        let every = Duration::from_millis(every_ms.into()).max(SHORTEST_TICK);
        let ticker = Ticker::start(&self.running()?.inbox, every);
        Ok(self.resources.push(ticker)?)
    }
    async fn source(&mut self, this: Resource<Ticker>) -> Result<Source> {
        Ok(self.resources.get(&this)?.source())
    }
    async fn take(&mut self, this: Resource<Ticker>) -> Result<u32> {
        Ok(self.resources.get(&this)?.take())
    }
    async fn drop(&mut self, this: Resource<Ticker>) -> Result<()> {
        self.resources.delete(this)?;
        Ok(())
    }
}
