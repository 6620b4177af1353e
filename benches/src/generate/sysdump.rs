//! A Cilium sysdump of a generated cluster: as large as those of real ones, with much in it that
//! nobody asks.
//!
//! Lists are as the collecting tool streams them, `items` before `kind`; outputs are the text of
//! the very state that the generated capture holds as JSON.

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use lab_model::AddressFamily;
use lab_model::iproute2::{parse_addresses, parse_links, parse_routes, parse_rules};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Node, Size, breaks, chance, host};

/// The time in every name.
const STAMP: &str = "20260101-000000";

/// Beginnings and parts of the names of files that `routes` needs, for whoever inflates them
/// alone.
pub const NEEDED: [&str; 12] = [
    "k8s-nodes-",
    "k8s-pods-",
    "k8s-version-",
    "ciliumnodes-",
    "cilium-configmap-",
    "cilium-daemonset-",
    "/cmd/ip--4-r.md",
    "/cmd/ip--6-r.md",
    "/cmd/ip--d-rule.md",
    "/cmd/ip-a.md",
    "/cmd/cilium-dbg-status---verbose.md",
    "/cmd/cilium-dbg-config--a.md",
];

/// One pod as the API server prints it with `-o yaml`. What no two pods or no two workloads have in
/// common are names to be filled in: a file of copies of one pod inflates as no real one does.
const POD: &str = include_str!("pod.yaml");

type Zip = ZipWriter<BufWriter<File>>;

/// Writes the sysdump of a cluster with so many pods: a zip of about 30 kB for each pod,
/// unpacked.
///
/// - Errors: those of the disk, and of [`super::write`].
pub fn write_sysdump(size: Size, pods: u32, path: &Path) -> Result<(), String> {
    let broken = breaks::choose(size).ok_or("more broken routes than half of all")?;
    let nodes: Vec<Node> = (0..size.nodes).map(|number| Node { number }).collect();
    let file = File::create(path).map_err(|error| error.to_string())?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    let written = (|| -> io::Result<()> {
        objects(&mut zip, &nodes, pods)?;
        for node in &nodes {
            let outputs = host::commands(*node, &nodes, &broken);
            bugtool(&mut zip, *node, &outputs)?;
        }
        noise(&mut zip, &nodes, pods)?;
        zip.finish()?.flush()
    })();
    written.map_err(|error| error.to_string())
}

fn start(zip: &mut Zip, name: &str) -> io::Result<()> {
    let name = format!("cilium-sysdump-{STAMP}/{name}");
    zip.start_file(name, SimpleFileOptions::default().large_file(true)).map_err(Into::into)
}

fn list(
    zip: &mut Zip,
    name: &str,
    (version, kind): (&str, &str),
    items: impl Iterator<Item = String>,
) -> io::Result<()> {
    start(zip, &format!("{name}-{STAMP}.yaml"))?;
    writeln!(zip, "apiVersion: {version}\nitems:")?;
    for item in items {
        for (number, line) in item.lines().enumerate() {
            writeln!(zip, "{}{line}", if number == 0 { "- " } else { "  " })?;
        }
    }
    writeln!(zip, "kind: {kind}List\nmetadata:\n  resourceVersion: \"\"")
}

fn objects(zip: &mut Zip, nodes: &[Node], pods: u32) -> io::Result<()> {
    list(zip, "k8s-nodes", ("v1", "Node"), nodes.iter().copied().map(node))?;
    let agents = nodes.iter().copied().map(|node| {
        let name = agent_of(node);
        // From the end, as those of other pods are from the beginning.
        let number = u32::MAX - node.number;
        let text = pod(node, "kube-system", &name, (number, node.address()));
        text.replace(&format!("    app: {}\n", app(number)), "    k8s-app: cilium\n")
    });
    let others = (0..pods).map(|number| pod_of(nodes, number));
    list(zip, "k8s-pods", ("v1", "Pod"), agents.chain(others))?;
    let cilium_nodes = nodes.iter().copied().map(cilium_node);
    list(zip, "ciliumnodes", ("cilium.io/v2", "CiliumNode"), cilium_nodes)?;
    start(zip, &format!("cilium-configmap-{STAMP}.yaml"))?;
    zip.write_all(
        b"apiVersion: v1\ndata:\n  auto-direct-node-routes: \"true\"\n  \
          cluster-pool-ipv4-cidr: 10.128.0.0/9\n  cluster-pool-ipv4-mask-size: \"24\"\n  \
          enable-ipv6: \"false\"\n  ipam: cluster-pool\n  ipv4-native-routing-cidr: 10.128.0.0/9\n  \
          routing-mode: native\nkind: ConfigMap\nmetadata:\n  name: cilium-config\n  namespace: kube-system\n",
    )?;
    start(zip, &format!("k8s-version-{STAMP}.txt"))?;
    zip.write_all(b"v1.33.13")
}

fn node(node: Node) -> String {
    let (name, address) = (node.name(), node.address());
    format!(
        "apiVersion: v1\nkind: Node\nmetadata:\n  labels:\n    kubernetes.io/hostname: {name}\n  \
         name: {name}\nspec: {{}}\nstatus:\n  addresses:\n  - address: {address}\n    \
         type: InternalIP\n  - address: {name}\n    type: Hostname\n  capacity:\n    cpu: \"8\"\n    pods: \"110\"\n"
    )
}

fn cilium_node(node: Node) -> String {
    let (name, address, router) = (node.name(), node.address(), node.router());
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNode\nmetadata:\n  name: {name}\nspec:\n  addresses:\n  \
         - ip: {address}\n    type: InternalIP\n  - ip: {router}\n    type: CiliumInternalIP\n  \
         ipam:\n    podCIDRs:\n    - {}\n    pools: {{}}\n",
        node.pod_cidr()
    )
}

fn agent_of(node: Node) -> String {
    format!("cilium-{:05}", node.number)
}

/// A pod with this number; ten in a row are of one workload.
fn pod(node: Node, namespace: &str, name: &str, (number, ip): (u32, Ipv4Addr)) -> String {
    let workload = number / 10;
    let of_pod = Digits(u64::from(number) << 1);
    let of_workload = Digits(u64::from(workload) << 1 | 1);
    let moment = |seconds: u32| {
        let (day, rest) = (seconds / 86_400 % 28 + 1, seconds % 86_400);
        format!("11-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
    };
    let created = number.wrapping_mul(7919) % 2_000_000;
    let pairs = [
        ("$NAMESPACE", namespace.to_owned()),
        ("$NAME", name.to_owned()),
        ("$NODE", node.name()),
        ("$HOST", node.address().to_string()),
        ("$IP", ip.to_string()),
        ("$APP", app(number)),
        ("$HASH", of_workload.hex(0, 10)),
        ("$OWNER", of_workload.uid(1)),
        ("$IMAGE", of_workload.hex(4, 64)),
        ("$TAG", format!("1.{}.{}", workload % 40, workload % 7)),
        ("$UID", of_pod.uid(0)),
        ("$CONTAINER", of_pod.hex(3, 64)),
        ("$TOKEN", of_pod.hex(8, 5)),
        ("$VERSION", (u64::from(number) * 977 + 100_000).to_string()),
        ("${CREATED}", moment(created)),
        ("${STARTED}", moment(created + 3 + number % 13)),
    ];
    pairs.iter().fold(POD.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The workload of a pod.
fn app(number: u32) -> String {
    format!("app-{:04}", number / 10)
}

/// Digits that look like chance and are the same each time.
struct Digits(u64);

impl Digits {
    fn word(&self, place: u64) -> u64 {
        chance::mixed(self.0 << 8 | place)
    }

    fn hex(&self, from: u64, n_digits: usize) -> String {
        let mut digits = String::new();
        for place in from..from + n_digits.div_ceil(16) as u64 {
            let _infallible = write!(digits, "{:016x}", self.word(place));
        }
        digits.truncate(n_digits);
        digits
    }

    fn uid(&self, from: u64) -> String {
        chance::uid(self.word(from), self.word(from + 1))
    }
}

fn pod_of(nodes: &[Node], number: u32) -> String {
    let n_nodes = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let node = nodes[(number % n_nodes) as usize];
    let ip = Ipv4Addr::from_bits(node.base().to_bits() + 2 + number / n_nodes % 250);
    let name = format!("{}-{number:05}", app(number));
    pod(node, "default", &name, (number, ip))
}

/// What the agent's bugtool wrote: the outputs of the generated capture in their text forms, and
/// maps that nobody asks for.
fn bugtool(zip: &mut Zip, node: Node, outputs: &[(bool, &str, String)]) -> io::Result<()> {
    let folder = format!("cilium-bugtool-{}-{STAMP}/cmd", agent_of(node));
    let json = |command: &str| {
        let found = outputs.iter().find(|(_, line, _)| *line == command);
        found.map(|(_, _, out)| out.as_str()).unwrap_or_default()
    };
    let (routes, _) = parse_routes(json("ip -j route show table all"));
    let main = routes.iter().filter(|route| {
        route.table == lab_model::iproute2::TableId::MAIN && route.family() == AddressFamily::V4
    });
    let main = lines(main.map(|route| format!("{route} ")));
    let (rules, _) = parse_rules(json("ip -j rule"), AddressFamily::V4);
    let rules = lines(rules.iter().map(ToString::to_string));
    let config: serde_json::Value =
        serde_json::from_str(json("cilium-dbg config --all -o json")).unwrap_or_default();
    let fields = config.as_object().into_iter().flatten();
    let fields = fields.filter(|(_, value)| !value.is_object()).map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name:<34}: {value}")
    });
    let config = format!("#### Read-only configurations ####\n{}", lines(fields));
    let status = "KVStore:                 Disabled   \nCilium:                 Ok   1.18.0 (v1.18.0-274205f0)\n";
    let addresses = addresses(json("ip -j addr"));
    for (name, body) in [
        ("ip--4-r", main.as_str()),
        ("ip--6-r", ""),
        ("ip--d-rule", rules.as_str()),
        ("ip-a", addresses.as_str()),
        ("cilium-dbg-status---verbose", status),
        ("cilium-dbg-config--a", config.as_str()),
        ("hostname", node.name().as_str()),
    ] {
        start(zip, &format!("{folder}/{name}.md"))?;
        zip.write_all(body.as_bytes())?;
    }
    for map in ["lxc", "lb4_services_v2", "ct4_global", "policy_maps", "ipcache_v2", "metrics"] {
        let path = "bpftool-map-dump-pinned--sys-fs-bpf-tc-globals";
        start(zip, &format!("{folder}/{path}-cilium_{map}.md"))?;
        for line in 0..4000_u64 {
            let key = node.chance(line);
            writeln!(zip, "key: {key:016x}  value: {:016x} 00 00 00 00 00 00", key.rotate_left(7))?;
        }
    }
    Ok(())
}

/// The text of `ip addr`.
fn addresses(json: &str) -> String {
    let ((addresses, _), (links, _)) = (parse_addresses(json), parse_links(json));
    let mut text = Vec::new();
    for link in links {
        let (mtu, flags) = (link.mtu.unwrap_or(1500), link.flags.join(","));
        text.push(format!(
            "{}: {}: <{flags}> mtu {mtu} qdisc noqueue state {} group default qlen 1000",
            link.ifindex, link.name, link.operstate
        ));
        for own in addresses.iter().filter(|own| own.device.as_str() == link.name) {
            let word = if own.address.is_ipv4() { "inet" } else { "inet6" };
            text.push(format!(
                "    {word} {}/{} scope {} {}",
                own.address, own.prefix_len, own.scope, link.name
            ));
            text.push("       valid_lft forever preferred_lft forever".to_owned());
        }
    }
    lines(text.into_iter())
}

/// Each line with its end.
fn lines(lines: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// What a sysdump holds besides: endpoints, events, logs and flows.
fn noise(zip: &mut Zip, nodes: &[Node], pods: u32) -> io::Result<()> {
    for (name, kind) in [
        ("ciliumendpoints", ("cilium.io/v2", "CiliumEndpoint")),
        ("k8s-events", ("v1", "Event")),
        ("k8s-endpointslices", ("discovery.k8s.io/v1", "EndpointSlice")),
    ] {
        let items = (0..pods)
            .map(|number| pod_of(nodes, number).replace("kind: Pod", &format!("kind: {}", kind.1)));
        list(zip, name, kind, items.step_by(2))?;
    }
    for node in nodes {
        let agent = agent_of(*node);
        start(zip, &format!("logs-{agent}-cilium-agent-{STAMP}.log"))?;
        for line in 0..8000_u64 {
            writeln!(
                zip,
                "time=2026-01-01T00:00:00Z level=info msg=\"endpoint {:x} regenerated\" subsys=endpoint",
                node.chance(line)
            )?;
        }
        start(zip, &format!("hubble-flows-{agent}-{STAMP}.json"))?;
        for line in 0..2000_u64 {
            writeln!(
                zip,
                r#"{{"flow":{{"time":"2026-01-01T00:00:00Z","uuid":"{:x}","verdict":"FORWARDED","node_name":"{}"}}}}"#,
                node.chance(line),
                node.name()
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_a_sysdump_that_answers() {
        use futures::executor::block_on;
        use lab_backend::{Backend, Place, Question, Selection, Sysdump};
        use std::collections::BTreeSet;
        let path = std::env::temp_dir().join(format!("lab-benches-{}.zip", std::process::id()));
        write_sysdump(Size { nodes: 3, broken: 0 }, 20, &path).unwrap();
        let sysdump = Sysdump::open(&path).unwrap();
        assert_eq!(block_on(sysdump.hosts()).unwrap().len(), 3);
        let argv = ["ip", "-4", "r"].map(str::to_owned).to_vec();
        let place = Place::Host { host: "node-00001".into() };
        let routes = block_on(sysdump.run(&Question { place, argv })).unwrap().out;
        let routes = String::from_utf8(routes).unwrap();
        assert!(routes.contains("10.128.2.0/24 via 192.168.0.3 dev eth0 proto kernel"), "{routes}");
        let of = Selection { api_version: "v1".into(), kind: "Pod".into(), ..Selection::default() };
        let pods = block_on(sysdump.list(&of, 100, None)).unwrap().items;
        let uid = |pod: &String| {
            let pod: serde_json::Value = serde_json::from_str(pod).unwrap();
            pod["metadata"]["uid"].as_str().map(str::to_owned)
        };
        let uids: BTreeSet<String> = pods.iter().filter_map(uid).collect();
        assert_eq!((pods.len(), uids.len()), (23, 23), "no two pods are the same");
        std::fs::remove_file(path).unwrap();
    }
}
