//! One thing that an agent saw.
//!
//! Apart from the parsers because they all fill it, and because another source of events fills
//! it as well: nothing in it belongs to one way of printing. It must not know where its text
//! came from.

use std::{borrow::Cow, net::IpAddr};

use super::{Point, TcpFlags, reasons};

/// What kind of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// A packet that the datapath refused.
    Drop,
    /// A packet that passed an observation point.
    Trace,
    /// What a policy said of a packet.
    PolicyVerdict,
    /// A request or response that the proxy saw.
    L7,
    /// A packet captured for debugging.
    Capture,
    /// A message of the datapath's debugging.
    Debug,
    /// Something that the agent did: an endpoint regenerated, a policy updated.
    Agent,
    /// A socket whose peer was translated.
    TraceSock,
    /// A packet of the recorder, gone since 1.20.
    Recorder,
    /// Events that the agent could not hand over; their number is in [`Event::count`].
    Lost,
    /// What the monitor says of itself: banners, errors, a connection that closed.
    Log,
    /// None of these, word for word.
    #[default]
    Other,
}

impl Kind {
    /// Every kind, in the order of help.
    pub const ALL: [Self; 12] = [
        Self::Drop,
        Self::Trace,
        Self::PolicyVerdict,
        Self::L7,
        Self::Capture,
        Self::Debug,
        Self::Agent,
        Self::TraceSock,
        Self::Recorder,
        Self::Lost,
        Self::Log,
        Self::Other,
    ];

    /// The agent's word where it has one: what `--type` of `cilium-dbg monitor` takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Trace => "trace",
            Self::PolicyVerdict => "policy-verdict",
            Self::L7 => "l7",
            Self::Capture => "capture",
            Self::Debug => "debug",
            Self::Agent => "agent",
            Self::TraceSock => "trace-sock",
            Self::Recorder => "recorder",
            Self::Lost => "lost",
            Self::Log => "log",
            Self::Other => "other",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The layer above IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    /// Not said.
    #[default]
    Unknown,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP of IPv4.
    Icmp,
    /// ICMP of IPv6.
    Icmpv6,
    /// VRRP.
    Vrrp,
    /// IGMP.
    Igmp,
    /// Any other, by its number of IANA.
    Number(u8),
}

impl Protocol {
    /// The protocol of IANA's number.
    pub const fn of_number(number: u8) -> Self {
        match number {
            1 => Self::Icmp,
            2 => Self::Igmp,
            6 => Self::Tcp,
            17 => Self::Udp,
            58 => Self::Icmpv6,
            112 => Self::Vrrp,
            132 => Self::Sctp,
            other => Self::Number(other),
        }
    }

    /// The protocol of the agent's word, upper or lower case.
    pub fn parse(word: &str) -> Option<Self> {
        const WORDS: [(&str, Protocol); 8] = [
            ("tcp", Protocol::Tcp),
            ("udp", Protocol::Udp),
            ("sctp", Protocol::Sctp),
            ("icmp", Protocol::Icmp),
            ("icmpv4", Protocol::Icmp),
            ("icmpv6", Protocol::Icmpv6),
            ("vrrp", Protocol::Vrrp),
            ("igmp", Protocol::Igmp),
        ];
        let found = WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        found.map(|(_, protocol)| *protocol)
    }

    /// Lower case; the number where there is no word; empty when it is not known.
    pub fn as_str(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Unknown => "",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::Icmp => "icmp",
            Self::Icmpv6 => "icmpv6",
            Self::Vrrp => "vrrp",
            Self::Igmp => "igmp",
            Self::Number(number) => return Cow::Owned(number.to_string()),
        })
    }
}

/// One side of a packet, as far as the source of the event told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party<'a> {
    /// Its address.
    pub address: Option<IpAddr>,
    /// Its port.
    pub port: Option<u16>,
    /// Cilium's numeric identity; 0 when the datapath did not know it.
    pub identity: Option<u32>,
    /// The endpoint's number on the node that saw the event.
    pub endpoint: Option<u32>,
    /// What the source of the event calls it: `namespace/pod`, or a hardware address where
    /// there is no other.
    pub name: Cow<'a, str>,
    /// Its labels, where the source tells them and has no name for it.
    pub labels: Vec<Cow<'a, str>>,
}

/// Into the endpoint, or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Into.
    Ingress,
    /// Out of.
    Egress,
}

impl Direction {
    /// The word of Cilium.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// The file of the datapath in which a packet was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFile<'a> {
    /// By name, as text has it.
    Name(Cow<'a, str>),
    /// By number, as JSON has it; see [`file_name`](super::file_name).
    Id(u8),
}

/// Why a packet was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Drop<'a> {
    /// The reason in the agent's words, without the extended error; the number for a code that
    /// the agent does not know.
    pub reason: Cow<'a, str>,
    /// The code, where it was told or the words are known.
    pub code: Option<u8>,
    /// The extended error; 0 for none.
    pub ext_error: i32,
    /// Where in the datapath.
    pub file: Option<SourceFile<'a>>,
    /// The line of that file.
    pub line: Option<u32>,
}

/// What a policy said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict<'a> {
    /// `allow`, `deny`, `redirect`, `audit`.
    pub action: Cow<'a, str>,
    /// What matched: `L3-Only`, `none` …
    pub matched: Cow<'a, str>,
    /// The kind of authentication, `disabled` mostly.
    pub auth: Cow<'a, str>,
}

/// The outer addresses of a packet in a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tunnel<'a> {
    /// Where it comes from.
    pub source: Party<'a>,
    /// Where it goes.
    pub destination: Party<'a>,
    /// `vxlan`, `geneve`; empty when it is not said.
    pub protocol: Cow<'a, str>,
}

/// One event.
///
/// - Shape: what the source did not tell is absent, empty or `Unknown`; never zero.
/// - Units: bytes; milliseconds since 1970 in UTC.
/// - Source: pkg/monitor of Cilium 1.14 to 1.20; api/v1/flow for flows of Hubble.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event<'a> {
    /// What it is.
    pub kind: Kind,
    /// When, if the source says so; the agent's monitor does not.
    pub time: Option<i64>,
    /// The node that saw it, if the source says so; the agent's monitor does not.
    pub node: Cow<'a, str>,
    /// The processor that reported it.
    pub cpu: Option<u32>,
    /// The hash of the flow (`mark` in the agent's words); 0 is none.
    pub flow_hash: Option<u32>,
    /// The endpoint whose program reported it, by its number on the node.
    pub reporter: Option<u32>,
    /// Where the packet comes from.
    pub source: Party<'a>,
    /// Where it goes.
    pub destination: Party<'a>,
    /// What it carries.
    pub protocol: Protocol,
    /// Flags of TCP.
    pub flags: TcpFlags,
    /// Type and code of an ICMP message, such as `EchoRequest`; the type of an Ethernet frame
    /// that carries no IP.
    pub message: Cow<'a, str>,
    /// Its length.
    pub bytes: Option<u32>,
    /// Bytes of it that the agent was given.
    pub captured: Option<u32>,
    /// The tunnel around it.
    pub tunnel: Option<Box<Tunnel<'a>>>,
    /// Into an endpoint or out of it.
    pub direction: Option<Direction>,
    /// Where in the datapath it was seen.
    pub point: Option<Point>,
    /// The state of its connection: `new`, `established`, `reply` …
    pub state: Cow<'a, str>,
    /// The device, by name; a number where the agent had no name.
    pub interface: Cow<'a, str>,
    /// The source address before translation.
    pub original: Option<IpAddr>,
    /// The proxy's port where it goes to the proxy.
    pub proxy_port: Option<u16>,
    /// Why it was dropped.
    pub drop: Option<Drop<'a>>,
    /// What the policy said.
    pub verdict: Option<Verdict<'a>>,
    /// Policies that decided, as `namespace/name`, where the source names them.
    pub policies: Vec<Cow<'a, str>>,
    /// Of L7 the request in one line; of an agent's notification its kind and document; of
    /// every other kind without packets the message.
    pub text: Cow<'a, str>,
    /// `http`, `dns`, `kafka` …
    pub l7_protocol: Cow<'a, str>,
    /// `Request` or `Response`.
    pub l7_type: Cow<'a, str>,
    /// What the proxy did: `Forwarded`, `Denied`, `Error`.
    pub l7_verdict: Cow<'a, str>,
    /// Events that were lost.
    pub count: Option<u64>,
    /// The record as it came, without the end of its last line.
    pub raw: Cow<'a, str>,
}

impl<'a> Event<'a> {
    /// An event of a kind about which nothing else is known.
    pub fn of(kind: Kind, raw: &'a str) -> Self {
        Self { kind, raw: Cow::Borrowed(raw), ..Self::default() }
    }

    /// An event whose text is all that there is to it.
    pub fn words(kind: Kind, text: &'a str, raw: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), ..Self::of(kind, raw) }
    }

    /// Fills the reason of a drop from the agent's words: `Policy denied`, `FIB lookup failed,
    /// 14`, or `217, 0` for a code without words.
    pub(super) fn set_reason(&mut self, words: Cow<'a, str>) {
        let drop = self.drop.get_or_insert_default();
        let split =
            words.rsplit_once(", ").and_then(|(head, tail)| Some((head.len(), tail.parse().ok()?)));
        let (end, ext_error) = split.map_or((words.len(), None), |(end, ext)| (end, Some(ext)));
        drop.reason = match words {
            Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
            Cow::Owned(mut text) => {
                text.truncate(end);
                Cow::Owned(text)
            }
        };
        drop.ext_error = ext_error.unwrap_or(drop.ext_error);
        drop.code = reasons::code_of(&drop.reason);
    }

    /// Draws the direction from what else is known, where that is sure.
    pub(super) fn set_direction(&mut self) {
        self.direction = self.direction.or(match (self.kind, self.point) {
            (Kind::Trace, Some(Point::ToEndpoint)) => Some(Direction::Ingress),
            (Kind::Trace, Some(Point::FromEndpoint)) => Some(Direction::Egress),
            // The program that drops runs for the endpoint it goes to, or for another one.
            (Kind::Drop, _) => match (self.reporter, self.destination.endpoint) {
                (Some(reporter), Some(to)) if reporter == to => Some(Direction::Ingress),
                _ => None,
            },
            _ => None,
        });
    }

    /// The same event with texts of its own.
    pub fn into_owned(self) -> Event<'static> {
        Event {
            node: own(self.node),
            source: self.source.into_owned(),
            destination: self.destination.into_owned(),
            message: own(self.message),
            tunnel: self.tunnel.map(|tunnel| Box::new(tunnel.into_owned())),
            state: own(self.state),
            interface: own(self.interface),
            drop: self.drop.map(Drop::into_owned),
            verdict: self.verdict.map(Verdict::into_owned),
            policies: self.policies.into_iter().map(own).collect(),
            text: own(self.text),
            l7_protocol: own(self.l7_protocol),
            l7_type: own(self.l7_type),
            l7_verdict: own(self.l7_verdict),
            raw: own(self.raw),
            ..Event {
                kind: self.kind,
                time: self.time,
                cpu: self.cpu,
                flow_hash: self.flow_hash,
                reporter: self.reporter,
                protocol: self.protocol,
                flags: self.flags,
                bytes: self.bytes,
                captured: self.captured,
                direction: self.direction,
                point: self.point,
                original: self.original,
                proxy_port: self.proxy_port,
                count: self.count,
                ..Event::default()
            }
        }
    }
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl Party<'_> {
    fn into_owned(self) -> Party<'static> {
        Party {
            address: self.address,
            port: self.port,
            identity: self.identity,
            endpoint: self.endpoint,
            name: own(self.name),
            labels: self.labels.into_iter().map(own).collect(),
        }
    }
}

impl Tunnel<'_> {
    fn into_owned(self) -> Tunnel<'static> {
        Tunnel {
            source: self.source.into_owned(),
            destination: self.destination.into_owned(),
            protocol: own(self.protocol),
        }
    }
}

impl Drop<'_> {
    fn into_owned(self) -> Drop<'static> {
        let file = self.file.map(|file| match file {
            SourceFile::Name(name) => SourceFile::Name(own(name)),
            SourceFile::Id(id) => SourceFile::Id(id),
        });
        Drop {
            reason: own(self.reason),
            file,
            ..Drop {
                code: self.code,
                ext_error: self.ext_error,
                line: self.line,
                ..Drop::default()
            }
        }
    }
}

impl Verdict<'_> {
    fn into_owned(self) -> Verdict<'static> {
        Verdict { action: own(self.action), matched: own(self.matched), auth: own(self.auth) }
    }
}
