//! Whatever the bytes are, asking everything ends in answers or failures.

use futures::StreamExt;
use futures::executor::block_on;
use lab_backend::Backend;
use lab_backend::Capture;
use lab_backend::Selection;
use proptest::prelude::*;

use crate::support::Scratch;
use crate::support::in_pod;
use crate::support::kind;
use crate::support::list;
use crate::support::on_agent;
use crate::support::on_host;
use crate::support::run;
use crate::support::small;
use crate::support::zip;

/// Asks all that a capture can be asked.
fn ask_everything(capture: &Capture) {
    let _ = capture.about();
    let _ = block_on(capture.version());
    let mut hosts = vec!["a".to_owned(), "r".to_owned()];
    hosts.extend(block_on(capture.hosts()).unwrap_or_default().into_iter().map(|host| host.name));
    for host in &hosts {
        for question in [on_host(host, "ip -j rule"), on_agent(host, "false")] {
            let _ = run(capture, &question);
            if let Ok(chunks) = block_on(capture.start(question)) {
                let _ = block_on(chunks.count());
            }
        }
    }
    let _ = run(capture, &in_pod("n", "p", "ping x"));
    for of in [kind("v1", "Node"), kind("cilium.io/v2", "CiliumNode")] {
        let of = Selection {
            labels: Some("x!=2".into()),
            fields: Some("metadata.name!=b".into()),
            keep: vec!["spec".into()],
            ..of
        };
        let _ = list(capture, &of, 1);
        let _ = block_on(capture.get(&of, "a"));
        if let Ok(changes) = block_on(capture.watch(of)) {
            let _ = block_on(changes.count());
        }
    }
    let _ = block_on(capture.logs("n", "p", None, 1, false));
    let _ = block_on(capture.logs("n", "p", Some("c"), 1, true));
    let _ = capture.to_writer();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A zip with some bytes changed and its end cut off.
    #[test]
    fn a_changed_zip(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = zip(&small());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let scratch = Scratch::new();
        if let Ok(capture) = Capture::open(scratch.put("x.zip", bytes)) {
            ask_everything(&capture);
        }
    }

    /// A file of a folder with some bytes changed: this reaches the parsers, which a zip's
    /// checksums protect.
    #[test]
    fn a_changed_file(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let scratch = Scratch::new();
        let files = small();
        let which = which.index(files.len());
        for (position, (name, bytes)) in files.iter().enumerate() {
            let mut bytes = bytes.to_vec();
            if position == which && !bytes.is_empty() {
                for (at, byte) in &changes {
                    let at = at.index(bytes.len());
                    bytes[at] = *byte;
                }
            }
            scratch.put(&format!("lab/{name}"), bytes);
        }
        if let Ok(capture) = Capture::open(scratch.path("lab")) {
            ask_everything(&capture);
        }
    }

    /// Nothing but noise.
    #[test]
    fn noise(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let scratch = Scratch::new();
        prop_assert!(Capture::open(scratch.put("x.zip", bytes)).is_err());
    }
}
