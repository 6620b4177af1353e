//! Neighbors of a host: which hardware address answers for which IP address.
//!
//! Apart because a route to a neighbor that does not answer leads nowhere. It must not know which
//! neighbor ought to be there.

use std::net::IpAddr;

use serde::Deserialize;

use crate::{Problem, iproute2::DeviceName, problem::read_entries};

/// What the kernel knows about one neighbor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeighborState {
    /// Set by an administrator, or by Cilium.
    Permanent,
    /// Answers.
    Reachable,
    /// Answered once; asked again when it is next used.
    Stale,
    /// Waits before it asks again.
    Delay,
    /// Asks now.
    Probe,
    /// Asks for the first time.
    Incomplete,
    /// Does not answer.
    Failed,
    /// Needs no answer, as on a device without hardware addresses.
    Noarp,
    /// Nothing is known.
    None,
}

impl NeighborState {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "PERMANENT" => Self::Permanent,
            "REACHABLE" => Self::Reachable,
            "STALE" => Self::Stale,
            "DELAY" => Self::Delay,
            "PROBE" => Self::Probe,
            "INCOMPLETE" => Self::Incomplete,
            "FAILED" => Self::Failed,
            "NOARP" => Self::Noarp,
            "NONE" => Self::None,
            _ => return None,
        })
    }
}

/// One entry of the neighbor table.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbor {
    /// The neighbor's IP address.
    pub dst: IpAddr,
    /// The device it is behind.
    pub device: Option<DeviceName>,
    /// Its hardware address as printed, `None` while it has not answered.
    pub lladdr: Option<String>,
    /// States, nearly always one.
    pub states: Vec<NeighborState>,
}

impl Neighbor {
    /// Whether the kernel asked and got no answer.
    pub fn failed(&self) -> bool {
        self.states.contains(&NeighborState::Failed)
    }
}

#[derive(Deserialize)]
struct RawNeighbor {
    dst: IpAddr,
    dev: Option<String>,
    lladdr: Option<String>,
    #[serde(default)]
    state: Vec<String>,
}

/// Reads the neighbors of one host from `ip -j neigh`.
///
/// - Shape: one JSON array of both families; unknown keys and states are ignored.
/// - Errors: never fails; an entry without an address becomes a [`Problem`].
/// - Source: output of iproute2 6.1.
pub fn parse_neighbors(text: &str) -> (Vec<Neighbor>, Vec<Problem>) {
    let (entries, problems) = read_entries::<RawNeighbor>(text);
    let neighbors = entries.into_iter().map(|raw| Neighbor {
        dst: raw.dst,
        device: raw.dev.as_deref().and_then(DeviceName::new),
        lladdr: raw.lladdr,
        states: raw.state.iter().filter_map(|state| NeighborState::parse(state)).collect(),
    });
    (neighbors.collect(), problems)
}

/// Reads the neighbors of one host from the text of `ip neigh`.
///
/// - Shape: `192.168.10.101 dev eth1 lladdr 2e:2f:91:32:28:e3 REACHABLE`; words that are not
///   known are passed over.
/// - Errors: never fails; a line that does not start with an address becomes a [`Problem`].
/// - Source: output of iproute2 6.1.
pub fn parse_neighbors_text(text: &str) -> (Vec<Neighbor>, Vec<Problem>) {
    let (mut neighbors, mut problems) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let Some(dst) = words.next().and_then(|word| word.parse().ok()) else {
            let place = format!("line {}", index + 1);
            problems.push(Problem::new(place, line, "the line does not start with an address"));
            continue;
        };
        let mut neighbor = Neighbor { dst, device: None, lladdr: None, states: Vec::new() };
        while let Some(word) = words.next() {
            match word {
                "dev" => neighbor.device = words.next().and_then(DeviceName::new),
                "lladdr" => neighbor.lladdr = words.next().map(str::to_owned),
                _ => neighbor.states.extend(NeighborState::parse(word)),
            }
        }
        neighbors.push(neighbor);
    }
    (neighbors, problems)
}
