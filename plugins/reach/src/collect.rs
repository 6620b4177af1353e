//! Asks: Services, and every probe, a few at a time from each host.
//!
//! The only file that waits. The cluster itself is asked for by `lab-forwarding`.

use std::collections::HashMap;
use std::time::Duration;

use lab_model::walk::HostIdx;
use lab_plugin::{Batch, Failure, Outcome, Place, Selection, Ticker, hosts, inbox, partial};

use crate::ends::At;
use crate::parse::objects::{EndpointSlice, Service};
use crate::services::Services;

/// The commands of probes, as the card declares them, beside those of `lab-forwarding`.
pub const PROBES: [&str; 14] = [
    "host: ping -c * -W * *",
    "pod: ping -c * -W * *",
    "host: ping -c * -i * -W * *",
    "pod: ping -c * -i * -W * *",
    "host: ping -c * -i * -W * -M do -s * *",
    "pod: ping -c * -i * -W * -M do -s * *",
    "host: ping -c * -i * -W * -t * *",
    "pod: ping -c * -i * -W * -t * *",
    "host: tracepath -n -m * *",
    "pod: tracepath -n -m * *",
    "host: curl -sv -o /dev/null -w %{time_connect} --max-time * *",
    "pod: curl -sv -o /dev/null -w %{time_connect} --max-time * *",
    "host: nc -v -z -w * * *",
    "pod: nc -v -z -w * * *",
];

/// The kinds of objects behind Services.
pub const KINDS: [&str; 2] = ["v1/Service", "discovery.k8s.io/v1/EndpointSlice"];

/// Probes that run at the same time from one host, its pods counted.
const MOST_AT_ONCE: usize = 4;
/// Time between the end of some probes and the start of the next ones.
const SPACING: Duration = Duration::from_millis(50);

/// One command and where it runs.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where.
    pub at: At,
    /// The host that carries it.
    pub host: HostIdx,
    /// Program and arguments.
    pub argv: Vec<String>,
}

/// Names of the hosts that can be asked in this run.
///
/// # Errors
/// The host program's failures.
pub fn asked() -> Result<Vec<String>, Failure> {
    Ok(hosts::list()?.into_iter().map(|host| host.name).collect())
}

/// Every Service and its endpoints; what cannot be read is told and left out.
pub fn services() -> Services {
    let kept = Selection::new("v1", "Service")
        .keep("metadata.name")
        .keep("metadata.namespace")
        .keep("spec")
        .keep("status");
    let services: Vec<Service> = list(kept);
    let kept = Selection::new("discovery.k8s.io/v1", "EndpointSlice")
        .keep("metadata.namespace")
        .keep("metadata.labels")
        .keep("endpoints");
    let slices: Vec<EndpointSlice> = list(kept);
    Services::new(services, &slices)
}

fn list<T: serde::de::DeserializeOwned>(of: Selection) -> Vec<T> {
    let subject = of.kind.clone();
    let mut all = Vec::new();
    for object in of.list::<T>() {
        match object {
            Ok(object) => all.push(object),
            Err(failure) => {
                partial(&subject, &failure);
                break;
            }
        }
    }
    all
}

/// Runs every command, a few from each host at a time, and hands back the answers in order.
///
/// # Errors
/// [`Failure::Stopped`] when the run was stopped meanwhile.
pub fn ask(asks: &[Ask]) -> Result<Vec<Result<Outcome, Failure>>, Failure> {
    let mut answers: Vec<Option<Result<Outcome, Failure>>> = asks.iter().map(|_| None).collect();
    let mut waiting: Vec<usize> = (0..asks.len()).collect();
    let mut is_first = true;
    while !waiting.is_empty() {
        if !is_first {
            pause()?;
        }
        is_first = false;
        let (now, later) = turn(asks, &waiting);
        waiting = later;
        let mut batch = Batch::new();
        for &idx in &now {
            let words: Vec<&str> = asks[idx].argv.iter().map(String::as_str).collect();
            batch.add(&place(&asks[idx].at), &words);
        }
        for (index, answer) in batch.as_they_come() {
            if answer == Err(Failure::Stopped) {
                return Err(Failure::Stopped);
            }
            if let Some(&idx) = now.get(index as usize) {
                answers[idx] = Some(answer);
            }
        }
    }
    let none = || Err(Failure::Other("no answer came".to_owned()));
    Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(none)).collect())
}

/// Which of those that wait may run now: the first few of each host.
fn turn(asks: &[Ask], waiting: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut running: HashMap<HostIdx, usize> = HashMap::new();
    waiting.iter().partition(|idx| {
        let running = running.entry(asks[**idx].host).or_default();
        *running += 1;
        *running <= MOST_AT_ONCE
    })
}

fn pause() -> Result<(), Failure> {
    if inbox::now().is_none() {
        // Recorded: nothing is sent, so nothing has to be spread over time.
        return Ok(());
    }
    let ticker = Ticker::every(SPACING);
    while let Some(ready) = inbox::wait() {
        if ready.contains(&ticker.source()) {
            return Ok(());
        }
    }
    Err(Failure::Stopped)
}

fn place(at: &At) -> Place {
    match at {
        At::Host(name) => Place::host(name),
        At::Pod { namespace, name } => {
            Place::Pod { namespace: namespace.clone(), name: name.clone(), container: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_host_runs_more_than_a_few_at_once() {
        let ask = |host| Ask { at: At::Host("h".to_owned()), host, argv: Vec::new() };
        let asks: Vec<Ask> = [0, 0, 1, 0, 0, 0, 1, 0].into_iter().map(ask).collect();
        let all: Vec<usize> = (0..asks.len()).collect();
        let (now, later) = turn(&asks, &all);
        assert_eq!(now, [0, 1, 2, 3, 4, 6]);
        assert_eq!(later, [5, 7]);
        assert_eq!(turn(&asks, &later), (vec![5, 7], Vec::new()));
    }
}
