//! Columns: a promise, add at the end only.

use std::borrow::Cow;
use std::net::IpAddr;

use lab_plugin::{Health, Timestamp, row};

row! {
    /// One event.
    pub struct EventRow<'e> {
        /// When it came; unknown in a recording that does not say.
        pub time: Option<Timestamp>,
        /// The node that saw it.
        pub node: &'e str,
        /// What became of the packet or the request.
        pub verdict: Health<Cow<'e, str>>,
        /// Who sent it: pod, service, node, host, or address with identity.
        pub source: &'e str as subject,
        /// Who was to get it.
        pub destination: &'e str as subject,
        /// Protocol.
        pub protocol: Cow<'e, str>,
        /// Flags of TCP, or the type of an ICMP message.
        pub flags: &'e str,
        /// Why it was dropped, what the policy matched, what was requested, what the agent did.
        pub reason: Cow<'e, str>,
        /// Kind of the event, in Cilium's words.
        pub r#type: &'static str,
        /// Length of the packet.
        pub bytes: Option<u32>,
        /// Into the endpoint or out of it, where that is told.
        pub direction: Option<&'static str>,
        /// Observation point.
        pub point: Option<&'static str>,
        /// State of the connection.
        pub state: &'e str as wide,
        /// Device.
        pub interface: &'e str as wide,
        /// Security identity of the source.
        pub source_identity: Option<&'e str> as wide,
        /// Security identity of the destination.
        pub destination_identity: Option<&'e str> as wide,
        /// Number of the endpoint that reported it, on its node.
        pub endpoint: Option<u32> as wide,
        /// Where in the datapath it was dropped.
        pub file: Option<String> as wide,
        /// Policies that decided, where they are told.
        pub policies: Option<String> as wide,
        /// The tunnel around the packet.
        pub tunnel: Option<String> as wide,
        /// Source address before translation.
        pub original: Option<IpAddr> as wide,
        /// Hash of the flow.
        pub flow_hash: Option<&'e str> as wide,
        /// Processor that reported it.
        pub cpu: Option<u32> as wide,
        /// The whole record as the agent prints it, with `--detail 1` or more.
        pub record: Option<&'e str> as wide,
    }
}

row! {
    /// Packets dropped for one reason between two sides.
    pub struct DropRow {
        /// Why, in Cilium's words.
        pub reason: Health,
        /// Who sent them.
        pub source: String as subject,
        /// Who was to get them.
        pub destination: String as subject,
        /// Protocol.
        pub protocol: String,
        /// Packets.
        pub count: i64,
        /// Packets each second, over the last ten.
        pub rate: Option<f64>,
        /// When the last one came; unknown in a recording that does not say.
        pub last_seen: Option<Timestamp>,
        /// Nodes that dropped them.
        pub nodes: String,
        /// Policies that decided, where they are told.
        pub policies: Option<String>,
        /// What `kubectl lab explain` calls the reason.
        pub explain: Option<String>,
        /// The reason's code.
        pub code: Option<u32> as wide,
        /// Into the endpoint or out of it, where that is told.
        pub direction: Option<&'static str> as wide,
        /// Where in the datapath.
        pub file: Option<String> as wide,
        /// Bytes.
        pub bytes: i64 as wide,
    }
}

row! {
    /// A conversation: everything that was seen of it, both directions.
    pub struct FlowRow {
        /// Who asked.
        pub client: String as subject,
        /// Who was asked.
        pub server: String as subject,
        /// Protocol.
        pub protocol: String,
        /// Events of requests.
        pub requests: i64,
        /// Events of answers.
        pub answers: i64,
        /// Packets that were dropped.
        pub drops: i64,
        /// Bytes of the packets that were seen.
        pub bytes: i64,
        /// Events each second, over the last ten.
        pub rate: Option<f64>,
        /// When the last one came; unknown in a recording that does not say.
        pub last_seen: Option<Timestamp>,
        /// Nodes that saw it.
        pub nodes: String,
        /// Requests at layer 7 that the proxy denied.
        pub denied: i64 as wide,
    }
}

row! {
    /// A node's stream of events.
    pub struct StreamRow {
        /// The node.
        pub node: String,
        /// Whether its events come.
        pub state: Health,
        /// Events that came.
        pub events: i64,
        /// Events that the agent could not hand over, as it says.
        pub lost: i64,
        /// Lines that were not understood; they are events of the type `other`.
        pub other: i64,
        /// How often it was started again.
        pub restarts: i64,
    }
}

row! {
    /// Where a pair's packets were seen.
    pub struct SightRow {
        /// `there` for the first pod's requests, `back` for the answers.
        pub way: &'static str,
        /// The node.
        pub node: String,
        /// What the node did, in Cilium's words.
        pub point: String,
        /// Device.
        pub interface: String,
        /// Packets.
        pub count: i64,
        /// Protocols and flags of them.
        pub packets: String,
        /// When the last one came; unknown in a recording that does not say.
        pub last_seen: Option<Timestamp>,
    }
}

row! {
    /// What became of a pair's packets.
    pub struct WayRow {
        /// `there` or `back`.
        pub way: &'static str,
        /// Who sends.
        pub from: String as subject,
        /// Who is to get it.
        pub to: String as subject,
        /// What the events say.
        pub seen: Health,
        /// Where the packets were seen last.
        pub last: Option<String>,
        /// What the routing tables of all hosts say.
        pub predicted: Health,
        /// The host on which that way ends.
        pub ends_on: Option<String>,
        /// Why.
        pub reason: Option<String>,
    }
}
