//! The texts behind `kubectl lab explain reach/…`, one for each code a finding can carry.
//!
//! Apart from the checks, because the card carries them all before anything is judged. A test
//! holds the two lists together.

/// A finding's code and its text.
pub struct Explanation {
    /// Stable for life.
    pub code: &'static str,
    /// Checks · Why · See for yourself · Fix · Since · Source.
    pub text: &'static str,
}

/// Every code, in the order of the README.
pub const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        code: "reach/unpredicted-loss",
        text: "Checks: a probe gets no answer although every routing table on the way says that request and answer arrive.
Why: something stands in the way that routes do not show: a network policy, a filter on a host or in the network between, a datapath that does not do what its settings say, or a receiver that does not answer. Everything that looks at routes and objects alone calls this way healthy.
See for yourself: the command in the evidence; `tcpdump` on each host that the evidence names, where the last host that sees the packet is the place.
Fix: what is found there. Hosts that answer no ping at all are no fault: probe a port with TARGET:PORT.
Since: 0.1.0.
Source: the probe against the walk of `kubectl lab routes trace`.",
    },
    Explanation {
        code: "reach/lost",
        text: "Checks: a probe gets no answer, and the routing tables say that it cannot, or do not say.
Why: where both agree, the host that is named is where packets end; the cure goes there. For hosts beside the cluster it is information: they need no way to pods. Where the tables say nothing, the way leaves the known hosts, or one of them gave no answer.
See for yourself: the command in the evidence; `kubectl lab routes trace` with the same ends shows every hop.
Fix: the routes that are shown, or what `kubectl lab routes` says of that host.
Since: 0.1.0.
Source: the probe and the walk over the routing tables of every known host.",
    },
    Explanation {
        code: "reach/unpredicted-answer",
        text: "Checks: a probe is answered although the routing tables say that packets are lost.
Why: the prediction lacks something: a host or a link that nobody named, a translation, or a table that changed between the questions. Until it is known, other predictions over that host are not to be trusted.
See for yourself: the command in the evidence; `kubectl lab reach FROM TO --mtu` counts the hops.
Fix: name the missing host in the settings (`[extra-hosts.NAME]`), or report the case.
Since: 0.1.0.
Source: the probe against the walk of `kubectl lab routes trace`.",
    },
    Explanation {
        code: "reach/lossy",
        text: "Checks: some of a pair's probes are answered and some are not.
Why: a way with several next hops or a Service with several endpoints loses those that take the bad one; a link or a host that is overloaded loses any. The first probe of a pair may also be lost while a neighbor is looked up.
See for yourself: the command in the evidence with a larger count.
Fix: find whether the loss follows one endpoint: probe each by its own address.
Since: 0.1.0.
Source: the probes of this run.",
    },
    Explanation {
        code: "reach/mtu",
        text: "Checks: with --mtu, the largest packet that arrives whole is as large as the smallest MTU of all devices on the way.
Why: somewhere between the known devices large packets are lost, often without a message to the sender. Small requests work and large answers hang.
See for yourself: `ping -M do -s SIZE ADDRESS` with the two sizes in the evidence: one is answered and one is not.
Fix: let the ICMP messages pass by which routers say what is too big, or lower the MTU of the senders.
Since: 0.1.0.
Source: tracepath, or pings that may not be cut, against `ip -d link` of every known host.",
    },
];
