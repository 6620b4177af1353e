//! Columns: where probes become cells.
//!
//! Column ids and their order are a promise: add at the end only. Nothing is judged here.

use std::time::Duration;

use lab_plugin::{Health, Percent, row};

row! {
    /// One pair.
    pub struct PairRow {
        /// Where the probe runs.
        pub from: String,
        /// What is probed.
        pub to: String,
        /// How the routing tables say that it ends.
        pub predicted: Health,
        /// What came of it.
        pub measured: Health,
        /// Both together.
        pub verdict: Health,
        /// Share of packets, or connections, without an answer.
        pub loss: Option<Percent>,
        /// Mean round trip; of a connection the time until it stood.
        pub rtt: Option<Duration>,
        /// Hosts on the way there, the destination counted; only with --mtu.
        pub hops: Option<u32>,
        /// Largest packet that arrives whole; only with --mtu.
        pub path_mtu: Option<u32> = "pathMTU",
        /// The same as the routing tables and devices say.
        pub predicted_mtu: Option<u32> = "predictedMTU",
        /// Why it is lost, or not known.
        pub reason: Option<String>,
        /// Smallest round trip.
        pub rtt_min: Option<Duration> as wide,
        /// Hosts on the way back, guessed from an answer's TTL.
        pub hops_back: Option<u32> as wide,
        /// The address that was probed.
        pub address: Option<String> as wide,
        /// The command that was run.
        pub command: Option<String> as wide,
    }
}

row! {
    /// How many pairs have one verdict.
    pub struct CountRow {
        /// Prediction and measurement together.
        pub verdict: Health,
        /// How many pairs.
        pub pairs: i64,
    }
}
