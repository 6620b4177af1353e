//! The rounds of probes: pings and connections first, then the way of what answered.
//!
//! Pure: whoever calls hands over how commands are run. Each round asks for all pairs at once,
//! because the next one of a pair depends on the answer to the last.

use std::net::IpAddr;
use std::time::Duration;

use lab_forwarding::model::Cluster;
use lab_plugin::{Failure, Outcome};

use crate::collect::Ask;
use crate::ends::{Source, Target};
use crate::measure::{self, Measurement, State};
use crate::path::{self, PathFacts, Search};
use crate::predict::{Prediction, predict};

/// How is probed.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Pings, or connections, for each pair.
    pub count: u32,
    /// Time between two pings.
    pub interval: Duration,
    /// Also find the path MTU and the hops.
    pub with_path: bool,
}

/// A pair, what should come of it, and what came.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Position of the sender.
    pub source: usize,
    /// Position of the destination.
    pub target: usize,
    /// What the routing tables say.
    pub prediction: Prediction,
    /// What the probe says.
    pub measured: Measurement,
    /// The way, where it was asked for and something answered.
    pub path: Option<PathFacts>,
}

/// Answers, in the order of the questions.
pub type Answers = Vec<Result<Outcome, Failure>>;

/// Predicts and probes every pair.
///
/// # Errors
/// Those of `ask`.
pub fn probe(
    cluster: &Cluster,
    ends: (&[Source], &[Target]),
    pairs: &[(usize, usize)],
    options: Options,
    mut ask: impl FnMut(&[Ask]) -> Result<Answers, Failure>,
) -> Result<Vec<Probe>, Failure> {
    let (sources, targets) = ends;
    let predicted = |&(source, target): &(usize, usize)| {
        let prediction = predict(cluster, &sources[source], &targets[target]);
        (source, target, prediction)
    };
    let predicted: Vec<(usize, usize, Prediction)> = pairs.iter().map(predicted).collect();
    let mut asks = Vec::new();
    let mut commands = Vec::with_capacity(predicted.len());
    for (source, target, prediction) in &predicted {
        let Ok(address) = prediction.address else {
            commands.push(None);
            continue;
        };
        let (argv, times) = match targets[*target].port {
            None => (measure::ping(options.count, options.interval, address), 1),
            Some(port) => (measure::curl(address, port), options.count),
        };
        commands.push(Some((argv.clone(), times)));
        asks.extend((0..times).map(|_| sources[*source].ask(argv.clone())));
    }
    let mut answers = ask(&asks)?.into_iter();
    let mut probes = Vec::with_capacity(predicted.len());
    for ((source, target, prediction), command) in predicted.into_iter().zip(commands) {
        let measured = match (&command, targets[target].port) {
            (None, _) => {
                let why = prediction.address.clone().err().unwrap_or_default();
                Measurement::unknown(String::new(), Failure::Other(why))
            }
            (Some((argv, _)), None) => match answers.next() {
                Some(answer) => measure::of_ping(argv, &answer),
                None => Measurement::unknown(argv.join(" "), Failure::Stopped),
            },
            (Some((argv, times)), Some(_)) => {
                let own = answers.by_ref().take(*times as usize);
                let tried: Vec<_> = own.map(|answer| measure::of_connect(argv, &answer)).collect();
                measure::of_connects(argv, &tried)
            }
        };
        probes.push(Probe { source, target, prediction, measured, path: None });
    }
    connect_again(ends, options, &mut probes, &mut ask)?;
    if options.with_path {
        find_paths(ends, &mut probes, &mut ask)?;
    }
    Ok(probes)
}

/// Connections for which there was no curl, by netcat.
fn connect_again(
    (sources, targets): (&[Source], &[Target]),
    options: Options,
    probes: &mut [Probe],
    ask: &mut impl FnMut(&[Ask]) -> Result<Answers, Failure>,
) -> Result<(), Failure> {
    let mut again = Vec::new();
    for (idx, probe) in probes.iter().enumerate() {
        if probe.measured.state == State::Unknown
            && let (Ok(address), Some(port)) =
                (probe.prediction.address.clone(), targets[probe.target].port)
        {
            again.push((idx, measure::netcat(address, port)));
        }
    }
    let times = options.count as usize;
    let asks: Vec<Ask> = again
        .iter()
        .flat_map(|(idx, argv)| {
            let one = sources[probes[*idx].source].ask(argv.clone());
            std::iter::repeat_n(one, times)
        })
        .collect();
    if asks.is_empty() {
        return Ok(());
    }
    let answers = ask(&asks)?;
    for ((idx, argv), own) in again.iter().zip(answers.chunks(times)) {
        let tried: Vec<_> = own.iter().map(|answer| measure::of_connect(argv, answer)).collect();
        let measured = measure::of_connects(argv, &tried);
        // The first failure says as much, and of the tool that is more common.
        if measured.state != State::Unknown {
            probes[*idx].measured = measured;
        }
    }
    Ok(())
}

/// Path MTU and hops of every ping that was answered: by tracepath where it gets there, by
/// pings otherwise.
fn find_paths(
    (sources, _): (&[Source], &[Target]),
    probes: &mut [Probe],
    ask: &mut impl FnMut(&[Ask]) -> Result<Answers, Failure>,
) -> Result<(), Failure> {
    let answered = |probe: &Probe| -> Option<IpAddr> {
        let is_ping = probe.measured.command.starts_with("ping ");
        let address = probe.prediction.address.clone().ok()?;
        (is_ping && probe.measured.state == State::Answered).then_some(address)
    };
    let due: Vec<(usize, IpAddr)> = probes
        .iter()
        .enumerate()
        .filter_map(|(idx, probe)| Some((idx, answered(probe)?)))
        .collect();
    if due.is_empty() {
        return Ok(());
    }
    let asks: Vec<Ask> = due
        .iter()
        .map(|(idx, address)| sources[probes[*idx].source].ask(path::tracepath(*address)))
        .collect();
    let mut searches = Vec::new();
    for (((idx, address), asked), answer) in due.into_iter().zip(&asks).zip(ask(&asks)?) {
        let probe = &mut probes[idx];
        if let Some(found) = path::of_tracepath(&asked.argv, &answer) {
            probe.path = Some(found);
        } else {
            let back = probe.measured.hops_back();
            searches.push((idx, Search::new(address, probe.prediction.mtu, back)));
        }
    }
    loop {
        let mut asks = Vec::new();
        let mut waiting = Vec::new();
        for (place, (idx, search)) in searches.iter_mut().enumerate() {
            if let Some(argv) = search.next_ping() {
                asks.push(sources[probes[*idx].source].ask(argv));
                waiting.push(place);
            }
        }
        if asks.is_empty() {
            break;
        }
        for ((place, asked), answer) in waiting.into_iter().zip(&asks).zip(ask(&asks)?) {
            searches[place].1.take(&asked.argv, &answer);
        }
    }
    for (idx, search) in searches {
        probes[idx].path = Some(search.finish());
    }
    Ok(())
}

impl Source {
    fn ask(&self, argv: Vec<String>) -> Ask {
        Ask { at: self.at.clone(), host: self.host, argv }
    }
}
