//! Makes a capture of a cluster of any size: every node has a direct route to every other one.
//!
//! Apart from recorded captures because no lab has a thousand nodes. What is written has the
//! shape and the order of keys of iproute2 6.1 and of the API server's lists, with Cilium 1.18
//! in native routing with `autoDirectNodeRoutes` and without endpoint routes. The same size
//! gives the same bytes. It must not know how anything is judged.

mod breaks;
mod chance;
mod fields;
mod host;
mod objects;
mod recorded;
mod sysdump;

use std::net::Ipv4Addr;
use std::path::Path;

use lab_backend::{About, Answer, Host, HostKind, Outcome, Place, Question, Selection, Writer};
use lab_types::Failure;

pub use breaks::Fault;
pub use recorded::{MOST_PODS, Shape, agent_name, namespace, node_name, objects, pod_name};
pub use sysdump::{NEEDED, write_sysdump};

/// Most nodes: as many /24 as there are in 10.128.0.0/9, less some, so that the addresses of
/// nobody stay free.
pub const MOST_NODES: u32 = 30_000;

/// Addresses of nodes in each /24 of 192.168.0.0/16.
const NODES_A_BLOCK: u32 = 250;

/// First address of the range that podCIDRs are cut from.
const POOL: u32 = u32::from_be_bytes([10, 128, 0, 0]);
/// First address of the network between the nodes.
const LINK: u32 = u32::from_be_bytes([192, 168, 0, 0]);
/// The router of that network.
const GATEWAY: &str = "192.168.255.254";
/// An address of that network that nobody has.
const NOBODY: &str = "192.168.255.1";

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many nodes, at least 1.
    pub nodes: u32,
    /// How many of their routes are broken: every other one is missing, the rest has a next hop
    /// that nobody is.
    pub broken: u32,
}

/// One node and all that follows from its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    number: u32,
}

impl Node {
    fn name(self) -> String {
        format!("node-{:05}", self.number)
    }

    fn address(self) -> Ipv4Addr {
        let block = self.number / NODES_A_BLOCK;
        Ipv4Addr::from_bits(LINK + (block << 8) + self.number % NODES_A_BLOCK + 1)
    }

    /// First address of its podCIDR.
    fn base(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(POOL + (self.number << 8))
    }

    fn pod_cidr(self) -> String {
        format!("{}/24", self.base())
    }

    /// The address of `cilium_host`.
    fn router(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base().to_bits() + 10 + self.number % 100)
    }

    /// The address of its only pod.
    fn pod(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base().to_bits() + 200 + self.number % 50)
    }

    /// A number for each of its devices that looks like chance and is none.
    fn chance(self, device: u64) -> u64 {
        chance::mixed(u64::from(self.number) << 8 | device)
    }
}

/// Writes the capture: a zip when the path ends in `.zip`, a new folder otherwise.
///
/// - Errors: more nodes than there are addresses, more broken routes than routes, or the disk's.
pub fn write(size: Size, path: &Path) -> Answer<()> {
    capture(size)?.write(path)
}

/// Everything the capture holds, in memory.
fn capture(size: Size) -> Answer<Writer> {
    if !(1..=MOST_NODES).contains(&size.nodes) {
        return Err(Failure::invalid(format!(
            "{} nodes: from 1 to {MOST_NODES} can be made",
            size.nodes
        )));
    }
    let Some(broken) = breaks::choose(size) else {
        return Err(Failure::invalid(format!(
            "{} broken routes are more than half of all between {} nodes",
            size.broken, size.nodes
        )));
    };
    let about = About {
        context: Some("generated".to_owned()),
        versions: [("kubernetes", "v1.33.13"), ("cilium", "1.18.0")]
            .map(|(of, version)| (of.to_owned(), version.to_owned()))
            .into(),
        ..About::default()
    };
    let mut writer = Writer::new("2026-01-01T00:00:00+00:00", &about);
    writer.version(objects::VERSION);
    let nodes: Vec<Node> = (0..size.nodes).map(|number| Node { number }).collect();
    for node in &nodes {
        let name = node.name();
        let addresses = vec![node.address().to_string()];
        writer.host(&Host { name: name.clone(), kind: HostKind::Node, addresses })?;
        for (agent, command, out) in host::commands(*node, &nodes, &broken) {
            let host = name.clone();
            let place = if agent { Place::Agent { host } } else { Place::Host { host } };
            let argv = command.split(' ').map(str::to_owned).collect();
            let outcome = Outcome { out: out.into_bytes(), ..Outcome::default() };
            writer.command(None, &Question { place, argv }, outcome, None)?;
        }
    }
    for (api_version, kind, items) in objects::lists(&nodes) {
        let of = Selection {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            ..Selection::default()
        };
        writer.kind(&of)?;
        for item in items {
            writer.object(&of, &item)?;
        }
    }
    Ok(writer)
}

#[cfg(test)]
mod tests {
    use lab_model::iproute2::{
        parse_addresses, parse_links, parse_neighbors, parse_routes, parse_rules,
    };
    use lab_model::{AddressFamily, Problem};

    use super::*;

    fn nodes(n_nodes: u32) -> Vec<Node> {
        (0..n_nodes).map(|number| Node { number }).collect()
    }

    fn output(n_nodes: u32, broken: u32, of: usize, command: &str) -> String {
        let nodes = nodes(n_nodes);
        let broken = breaks::choose(Size { nodes: n_nodes, broken }).unwrap();
        let mut all = host::commands(nodes[of], &nodes, &broken);
        all.retain(|(_, line, _)| *line == command);
        all.pop().unwrap().2
    }

    fn clean<T>((records, problems): (Vec<T>, Vec<Problem>)) -> Vec<T> {
        assert!(problems.is_empty(), "{problems:?}");
        assert!(!records.is_empty());
        records
    }

    #[test]
    fn every_output_is_understood_without_a_problem() {
        let routes = clean(parse_routes(&output(300, 0, 260, "ip -j route show table all")));
        let direct = routes.iter().filter(|route| {
            route.dst.to_string().starts_with("10.1") && route.dst.to_string().ends_with(".0/24")
        });
        assert_eq!(direct.count(), 300);
        clean(parse_routes(&output(3, 0, 1, "ip -j -6 route show table all")));
        clean(parse_rules(&output(3, 0, 1, "ip -j rule"), AddressFamily::V4));
        clean(parse_addresses(&output(3, 0, 1, "ip -j addr")));
        clean(parse_links(&output(3, 0, 1, "ip -j -d link")));
        clean(parse_neighbors(&output(3, 0, 1, "ip -j neigh")));
    }

    #[test]
    fn lines_are_those_of_iproute2() {
        let text = output(3, 0, 1, "ip -j route show table all");
        let start = concat!(
            r#"[{"dst":"default","gateway":"192.168.255.254","dev":"eth0","flags":[]},"#,
            r#"{"dst":"10.128.0.0/24","gateway":"192.168.0.1","dev":"eth0","protocol":"kernel","flags":[]},"#,
            r#"{"dst":"10.128.1.0/24","gateway":"10.128.1.11","dev":"cilium_host","protocol":"kernel","prefsrc":"10.128.1.11","flags":[]},"#,
            r#"{"dst":"10.128.1.11","dev":"cilium_host","protocol":"kernel","scope":"link","flags":[]},"#,
            r#"{"dst":"10.128.2.0/24","gateway":"192.168.0.3","dev":"eth0","protocol":"kernel","flags":[]},"#,
        );
        assert_eq!(&text[..start.len()], start);
    }

    #[test]
    fn broken_routes_are_as_many_as_asked() {
        let whole: Vec<String> =
            (0..20).map(|of| output(20, 0, of, "ip -j route show table all")).collect();
        let broken: Vec<String> =
            (0..20).map(|of| output(20, 10, of, "ip -j route show table all")).collect();
        let routes = |texts: &[String]| texts.iter().map(|text| text.matches("dst").count()).sum();
        let (n_whole, n_broken): (usize, usize) = (routes(&whole), routes(&broken));
        assert_eq!(n_whole - n_broken, 5);
        let wrong: usize = broken.iter().map(|text| text.matches(NOBODY).count()).sum();
        assert_eq!(wrong, 5);
    }

    #[test]
    fn too_much_is_refused() {
        for (nodes, broken) in [(0, 0), (MOST_NODES + 1, 0), (1, 1), (3, 4)] {
            assert!(capture(Size { nodes, broken }).is_err(), "{nodes} {broken}");
        }
    }

    #[test]
    fn addresses_never_meet() {
        let last = Node { number: MOST_NODES - 1 };
        assert!(last.address() < NOBODY.parse::<Ipv4Addr>().unwrap());
        assert!(last.base() < Ipv4Addr::new(11, 0, 0, 0));
        for number in [0, 99, 100, 49, 50] {
            assert_ne!(Node { number }.router(), Node { number }.pod());
        }
    }
}
