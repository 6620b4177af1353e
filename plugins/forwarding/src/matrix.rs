//! Every node's pods to every other node's: who reaches whom, and where the others end.
//!
//! Keeps one byte for each pair and words for the exceptions only, so that a thousand nodes
//! stay a megabyte.

use lab_model::walk::{Disposition, End, HostIdx, Summary};

use crate::datapath::View;
use crate::direct::{Receivers, Sender};
use crate::model::{Cluster, PodCidr};
use crate::reach::reach;

/// A pair that does not arrive.
#[derive(Clone, Copy, Debug)]
pub struct Exception<'v> {
    /// Whose pods send.
    pub from: HostIdx,
    /// Position of the range they send to, in [`Cluster::cidrs`].
    pub to: usize,
    /// How it ends.
    pub end: End<'v>,
    /// The last host that saw the packet.
    pub last: HostIdx,
}

/// The result of all walks between ranges.
pub struct Matrix<'v> {
    n_cidrs: usize,
    ends: Vec<Option<Disposition>>,
    /// Pairs that do not arrive, by sender.
    pub exceptions: Vec<Exception<'v>>,
    /// Smallest MTU of the ways from each host's pods that arrive, with the range it was seen
    /// towards.
    pub narrowest: Vec<Option<(u32, usize)>>,
}

/// Walks from every host that `sends` to every range that `takes` of another host.
pub fn matrix<'v>(
    view: &'v View<'_>,
    sends: impl Fn(HostIdx) -> bool,
    takes: impl Fn(&PodCidr) -> bool,
) -> Matrix<'v> {
    let cluster = view.cluster;
    let n_cidrs = cluster.cidrs.len();
    let mut made = Matrix {
        n_cidrs,
        ends: vec![None; cluster.hosts.len() * n_cidrs],
        exceptions: Vec::new(),
        narrowest: vec![None; cluster.hosts.len()],
    };
    let receivers = Receivers::new(cluster);
    for (from, host) in cluster.hosts.iter().enumerate() {
        if !host.is_node || host.pod_cidrs.is_empty() || !sends(from) {
            continue;
        }
        let mut sender = Sender::new(host, &receivers);
        for (to, cidr) in cluster.cidrs.iter().enumerate() {
            if cidr.host == from || !takes(cidr) {
                continue;
            }
            if let Some(sender) = &mut sender
                && let Some(mtu) = sender.arrives(&receivers, to, &cidr.prefix)
            {
                let summary = Summary { last: cidr.host, hops: 2, mtu, source: None };
                made.note(from, to, End::plain(Disposition::Delivered), &summary);
                continue;
            }
            if !host.pod_cidrs.iter().any(|own| own.family() == cidr.prefix.family()) {
                continue;
            }
            let (end, summary) = reach(view, from, cidr);
            made.note(from, to, end, &summary);
        }
    }
    made
}

impl<'v> Matrix<'v> {
    fn note(&mut self, from: HostIdx, to: usize, end: End<'v>, summary: &Summary) {
        self.ends[from * self.n_cidrs + to] = Some(end.disposition);
        if !end.disposition.is_success() {
            self.exceptions.push(Exception { from, to, end, last: summary.last });
        } else if let Some(mtu) = summary.mtu
            && self.narrowest[from].is_none_or(|(least, _)| mtu < least)
        {
            self.narrowest[from] = Some((mtu, to));
        }
    }

    /// How packets of a host's pods to a range end; absent for pairs that were not walked.
    pub fn end(&self, from: HostIdx, to: usize) -> Option<Disposition> {
        self.ends[from * self.n_cidrs + to]
    }

    /// How the answers to packets of `from` to a range end: those of its owner to the first
    /// range of `from` in the family.
    pub fn back(&self, cluster: &Cluster, from: HostIdx, to: usize) -> Option<Disposition> {
        let cidr = &cluster.cidrs[to];
        let own = cluster.hosts[from]
            .pod_cidrs
            .iter()
            .find(|own| own.family() == cidr.prefix.family())?;
        let at = cluster.cidrs.partition_point(|known| (known.prefix, known.host) < (*own, from));
        cluster.cidrs.get(at).filter(|known| known.host == from)?;
        self.end(cidr.host, at)
    }

    /// How many pairs end in each way, best first.
    pub fn counts(&self) -> Vec<(Disposition, usize)> {
        let mut counts = [0_usize; Disposition::ALL.len()];
        for end in self.ends.iter().flatten() {
            counts[*end as usize] += 1;
        }
        Disposition::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// How many pairs were walked.
    pub fn n_pairs(&self) -> usize {
        self.ends.iter().flatten().count()
    }
}
