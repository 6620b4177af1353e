//! A capture with as many events as are asked for: the demo's, over and over.
//!
//! Apart from the generated cluster because these lines are real: what is measured on them is
//! their length and their shape.

use std::path::Path;

use futures::executor::block_on;
use lab_backend::{Answer, Backend, Place, Question, Selection, Writer, demo};

/// Kinds that give names to events.
const KINDS: [(&str, &str); 6] = [
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "Node"),
    ("cilium.io/v2", "CiliumEndpoint"),
    ("cilium.io/v2", "CiliumNode"),
    ("cilium.io/v2", "CiliumIdentity"),
];

/// Writes so many events, a third of them on each node.
///
/// - Errors: the disk's.
pub fn write(n_events: u32, path: &Path) -> Answer<()> {
    let demo = demo::open()?;
    let mut writer = Writer::new("2026-01-01T00:00:00+00:00", &demo.about());
    let hosts = block_on(demo.hosts())?;
    let nodes: Vec<_> =
        hosts.into_iter().filter(|host| host.kind == lab_backend::HostKind::Node).collect();
    let argv = ["cilium-dbg", "monitor", "-j"].map(str::to_owned).to_vec();
    let question =
        |host: &str| Question { place: Place::Agent { host: host.to_owned() }, argv: argv.clone() };
    // One mix for all nodes: that of the busiest one alone would be of hosts only.
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for node in &nodes {
        let out = block_on(demo.run(&question(&node.name)))?.out;
        let objects = out.split_inclusive(|byte| *byte == b'\n');
        lines.extend(objects.filter(|line| line.starts_with(b"{")).map(<[u8]>::to_vec));
    }
    let each = n_events as usize / nodes.len().max(1);
    for node in &nodes {
        writer.host(node)?;
        let out: Vec<u8> = lines.iter().cycle().take(each).flatten().copied().collect();
        let outcome = lab_backend::Outcome { out, ..lab_backend::Outcome::default() };
        writer.command(None, &question(&node.name), outcome, None)?;
    }
    for (api_version, kind) in KINDS {
        let of = Selection {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            ..Selection::default()
        };
        writer.kind(&of)?;
        for item in block_on(demo.list(&of, 0, None))?.items {
            writer.object(&of, &item)?;
        }
    }
    writer.write(path)
}
