//! Path MTU and hops of one pair: read from tracepath, or searched for by ping alone.
//!
//! The search is a state machine that says which ping comes next and takes its answer, so that
//! many pairs are searched at the same time and tests need no network. It believes what routers
//! say and finds its way without them: where a large packet vanishes in silence, which is the
//! case that hurts, it halves the sizes between.

use std::net::IpAddr;

use lab_plugin::{Failure, Outcome};

use crate::measure::{WAIT, answer_of};
use crate::parse::ping::{PingError, parse_ping};
use crate::parse::tracepath::parse_tracepath;

/// Hops that tracepath looks at: with a second for each of three tries it ends in time.
const MOST_HOPS: u32 = 8;
/// The TTL that hosts send with; a way that is longer was not answered before.
const MOST_TTL: u32 = 64;
/// The largest packet of either family.
const LARGEST: u32 = 65_535;
/// Steps of one search. Halving takes 16 for sizes and 6 for hops; the rest is for routers that
/// say something else each time.
const MOST_STEPS: u32 = 32;

/// What is known of a pair's way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PathFacts {
    /// Largest packet that arrives whole, in bytes with its IP header.
    pub mtu: Option<u32>,
    /// Hosts on the way there, the destination counted.
    pub hops: Option<u32>,
    /// Hosts on the way back, guessed from the TTL of an answer.
    pub back: Option<u32>,
    /// Commands and the lines of their output that say so.
    pub seen: Vec<(String, String)>,
    /// Why something is not known.
    pub failure: Option<Failure>,
}

/// `tracepath`, which finds both.
pub fn tracepath(address: IpAddr) -> Vec<String> {
    let most = MOST_HOPS.to_string();
    ["tracepath", "-n", "-m", &most, &address.to_string()].map(str::to_owned).to_vec()
}

/// What a run of tracepath says; nothing when it did not get there, because then its number is
/// no more than the first device's.
pub fn of_tracepath(argv: &[String], answer: &Result<Outcome, Failure>) -> Option<PathFacts> {
    let (_, out, _) = answer_of(argv, answer).ok()?;
    let path = parse_tracepath(&out);
    let command = argv.join(" ");
    path.reached.then(|| PathFacts {
        mtu: path.pmtu,
        hops: path.hops,
        back: path.back,
        seen: path.lines.into_iter().map(|line| (command.clone(), line)).collect(),
        failure: None,
    })
}

/// Narrows a number down between one that is below and one that is above a border.
#[derive(Clone, Debug)]
struct Border {
    below: u32,
    above: u32,
    /// Tried first, the last one before the others.
    guesses: Vec<u32>,
}

impl Border {
    fn next(&mut self) -> Option<u32> {
        if self.above <= self.below.saturating_add(1) {
            return None;
        }
        while let Some(guess) = self.guesses.pop() {
            if guess > self.below && guess < self.above {
                return Some(guess);
            }
        }
        Some(self.below + (self.above - self.below) / 2)
    }

    fn is_below(&mut self, value: u32) {
        self.below = self.below.max(value);
    }

    fn is_above(&mut self, value: u32) {
        self.above = self.above.min(value);
    }
}

/// What is asked next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Whether a packet of so many bytes arrives whole.
    Size(u32),
    /// Whether so many hops are enough.
    Hops(u32),
}

/// The search of one pair. Its destination is known to answer a small ping.
#[derive(Clone, Debug)]
pub struct Search {
    address: IpAddr,
    sizes: Border,
    hops: Border,
    step: Option<Step>,
    steps_left: u32,
    found: PathFacts,
    passed: Option<(String, String)>,
    failed: Option<(String, String)>,
}

impl Search {
    /// Begins. `expected` is the MTU that is predicted, `back` the hops of an answer: good
    /// guesses make a search short.
    pub fn new(address: IpAddr, expected: Option<u32>, back: Option<u32>) -> Self {
        // A ping that is not told its size carries 56 bytes.
        let below = 56 + headers(address);
        let sizes = [Some(1500), expected, Some(LARGEST)].into_iter().flatten().collect();
        let hops = back.into_iter().flat_map(|back| [back.saturating_sub(1), back]).collect();
        Self {
            address,
            sizes: Border { below, above: LARGEST + 1, guesses: sizes },
            hops: Border { below: 0, above: MOST_TTL, guesses: hops },
            step: None,
            steps_left: MOST_STEPS,
            found: PathFacts { back, ..PathFacts::default() },
            passed: None,
            failed: None,
        }
    }

    /// The next ping; none when the search is over.
    pub fn next_ping(&mut self) -> Option<Vec<String>> {
        if self.found.failure.is_some() {
            return None;
        }
        let sizes = &mut self.sizes;
        self.step = sizes.next().map(Step::Size).or_else(|| self.hops.next().map(Step::Hops));
        let step = self.step?;
        if self.steps_left == 0 {
            let why = format!("the way to {} changed while it was probed", self.address);
            self.found.failure = Some(Failure::Other(why));
            return None;
        }
        self.steps_left -= 1;
        let mut argv = ["ping", "-c", "2", "-i", "0.2", "-W"].map(str::to_owned).to_vec();
        argv.push(WAIT.to_string());
        match step {
            Step::Size(size) => {
                let carried = size.saturating_sub(headers(self.address));
                argv.extend(["-M", "do", "-s", &carried.to_string()].map(str::to_owned));
            }
            Step::Hops(ttl) => argv.extend(["-t".to_owned(), ttl.to_string()]),
        }
        argv.push(self.address.to_string());
        Some(argv)
    }

    /// Takes the answer to the ping that [`Search::next_ping`] gave.
    pub fn take(&mut self, argv: &[String], answer: &Result<Outcome, Failure>) {
        let Some(step) = self.step.take() else { return };
        let command = argv.join(" ");
        let (code, out, err) = match answer_of(argv, answer) {
            Ok(said) => said,
            Err(failure) => {
                self.found.failure = Some(failure);
                return;
            }
        };
        let report = parse_ping(&out, &err);
        let line = report.lines.first().cloned().unwrap_or_default();
        let arrives = report.received > 0;
        let was_sent =
            arrives || report.error.is_some() || report.sent.is_some_and(|sent| sent > 0);
        if !was_sent || report.error == Some(PingError::NoSuchOption) {
            let said = err.lines().chain(out.lines()).find(|line| !line.trim().is_empty());
            let said = said.unwrap_or("no message");
            let why = format!("`{command}`: exit code {code}: {said}");
            self.found.failure = Some(Failure::Other(why));
            return;
        }
        match step {
            Step::Size(size) if arrives => {
                self.sizes.is_below(size);
                self.passed = Some((command, line));
            }
            Step::Size(size) => {
                self.sizes.is_above(size);
                // Whoever says which size passes is asked for just that one.
                if let Some(PingError::TooLong(Some(told))) = report.error
                    && told < size
                {
                    self.sizes.is_above(told + 1);
                    self.sizes.guesses.push(told);
                    self.found.seen.push((command, line));
                } else {
                    self.failed = Some((command, line));
                }
            }
            Step::Hops(ttl) if arrives => self.hops.is_above(ttl),
            Step::Hops(ttl) => self.hops.is_below(ttl),
        }
    }

    /// What was found.
    pub fn finish(self) -> PathFacts {
        let Self { mut found, sizes, hops, passed, failed, .. } = self;
        let ends = |border: &Border| border.above <= border.below.saturating_add(1);
        found.mtu = ends(&sizes).then_some(sizes.below);
        found.hops = ends(&hops).then_some(hops.above);
        found.seen.extend(failed);
        found.seen.extend(passed);
        found
    }
}

/// Bytes of the IP and ICMP headers.
fn headers(address: IpAddr) -> u32 {
    if address.is_ipv4() { 28 } else { 48 }
}

#[cfg(test)]
mod tests;
