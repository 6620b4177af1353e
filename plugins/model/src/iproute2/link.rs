//! Devices of a host: MTU, state, kind and what they hang on.
//!
//! Apart because a route says only a device's name. It must not know what Cilium calls its
//! devices.

use serde::Deserialize;

use crate::{Problem, iproute2::address::device_of_heading, problem::read_entries};

/// One network device.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// Its number on the host.
    pub ifindex: u32,
    /// Its name, such as `eth1`.
    pub name: String,
    /// MTU in bytes, `None` when not printed.
    pub mtu: Option<u32>,
    /// Operational state as printed: `UP`, `DOWN`, `UNKNOWN`, `LOWERLAYERDOWN` …
    pub operstate: String,
    /// Flags as printed: `UP`, `LOWER_UP`, `NO-CARRIER` …
    pub flags: Vec<String>,
    /// The bridge, bond or VRF it belongs to.
    pub master: Option<String>,
    /// Its other end, when that is in the same network namespace (`eth1@eth0`).
    pub peer: Option<String>,
    /// Its kind, such as `veth`, `vxlan` or `macvlan`; only `ip -d` prints it, and a physical
    /// device has none.
    pub kind: Option<String>,
    /// Network identifier of a VXLAN or Geneve device; `None` also for one that takes it from
    /// each packet, as Cilium's do.
    pub tunnel_id: Option<u32>,
    /// Routing table of a VRF device.
    pub vrf_table: Option<u32>,
}

impl Link {
    /// Whether somebody switched it on; it may still have no carrier.
    pub fn is_up(&self) -> bool {
        self.flags.iter().any(|flag| flag == "UP")
    }

    /// Whether the other end of the cable is there.
    pub fn has_carrier(&self) -> bool {
        self.flags.iter().any(|flag| flag == "LOWER_UP")
    }
}

#[derive(Deserialize)]
struct RawLink {
    ifindex: Option<u32>,
    ifname: String,
    mtu: Option<u32>,
    operstate: Option<String>,
    #[serde(default)]
    flags: Vec<String>,
    master: Option<String>,
    link: Option<String>,
    linkinfo: Option<RawInfo>,
}

#[derive(Deserialize)]
struct RawInfo {
    info_kind: Option<String>,
    info_data: Option<RawData>,
}

#[derive(Deserialize)]
struct RawData {
    // Other kinds use `id` for other things, and not always as a number.
    id: Option<serde_json::Value>,
    external: Option<bool>,
    table: Option<u32>,
}

/// Reads the devices of one host from `ip -j -d link`.
///
/// - Shape: one JSON array; unknown keys are ignored; without `-d` there is no kind.
/// - Units: `mtu` in bytes.
/// - Errors: never fails; an entry without `ifname` becomes a [`Problem`].
/// - Source: output of iproute2 6.1.
pub fn parse_links(text: &str) -> (Vec<Link>, Vec<Problem>) {
    let (entries, problems) = read_entries::<RawLink>(text);
    let links = entries.into_iter().map(|raw| {
        let (kind, numbers) =
            raw.linkinfo.map_or((None, None), |linkinfo| (linkinfo.info_kind, linkinfo.info_data));
        let is = |name: &str| kind.as_deref() == Some(name);
        let is_external = numbers.as_ref().is_some_and(|numbers| numbers.external == Some(true));
        let id = numbers
            .as_ref()
            .and_then(|numbers| numbers.id.as_ref())
            .and_then(serde_json::Value::as_u64);
        let id = id.and_then(|id| u32::try_from(id).ok());
        Link {
            ifindex: raw.ifindex.unwrap_or_default(),
            name: raw.ifname,
            mtu: raw.mtu,
            operstate: raw.operstate.unwrap_or_default(),
            flags: raw.flags,
            master: raw.master,
            peer: raw.link,
            tunnel_id: id.filter(|_| !is_external && (is("vxlan") || is("geneve"))),
            vrf_table: numbers.and_then(|numbers| numbers.table).filter(|_| is("vrf")),
            kind,
        }
    });
    (links.collect(), problems)
}

/// Reads the devices of one host from the headings of `ip link` or `ip addr`.
///
/// - Shape: `3: eth1@if3: <BROADCAST,UP> mtu 1500 qdisc noqueue master br0 state UP …`; a peer in
///   another network namespace is printed as `if3` and is left out, as in the JSON form. The kind
///   is on a line of its own without a label, and is not read.
/// - Errors: never fails; a heading without a name becomes a [`Problem`].
/// - Source: output of iproute2 6.1.
pub fn parse_links_text(text: &str) -> (Vec<Link>, Vec<Problem>) {
    let (mut links, mut problems) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        if !line.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        if let Some(link) = link_of(line) {
            links.push(link);
        } else {
            let place = format!("line {}", index + 1);
            problems.push(Problem::new(place, line, "the device cannot be read"));
        }
    }
    (links, problems)
}

fn link_of(heading: &str) -> Option<Link> {
    let name = device_of_heading(heading)?;
    let mut words = heading.split_whitespace();
    let ifindex = words.next()?.strip_suffix(':')?.parse().ok()?;
    let peer = words.next()?.trim_end_matches(':').split_once('@').map(|(_, peer)| peer.to_owned());
    let mut link = Link { ifindex, name: name.to_string(), ..Link::default() };
    let is_number = |peer: &str| {
        peer.strip_prefix("if").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    link.peer = peer.filter(|peer| !is_number(peer) && peer != "NONE");
    while let Some(word) = words.next() {
        match word {
            "mtu" => link.mtu = words.next()?.parse().ok(),
            "state" => words.next()?.clone_into(&mut link.operstate),
            "master" => link.master = words.next().map(str::to_owned),
            _ => {
                if let Some(flags) = word.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'))
                {
                    link.flags = flags.split(',').map(str::to_owned).collect();
                }
            }
        }
    }
    Some(link)
}
