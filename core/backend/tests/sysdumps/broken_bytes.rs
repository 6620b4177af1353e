//! Whatever the bytes are, asking everything ends in answers or failures.

use std::sync::LazyLock;

use futures::StreamExt;
use futures::executor::block_on;
use lab_backend::Backend;
use lab_backend::Selection;
use lab_backend::open_any;
use proptest::prelude::*;

use crate::support::*;

fn ask_everything(backend: &dyn Backend) {
    let _ = backend.about();
    let _ = block_on(backend.version());
    let mut hosts = vec!["k8s-w0".to_owned()];
    hosts.extend(block_on(backend.hosts()).unwrap_or_default().into_iter().map(|host| host.name));
    for host in &hosts {
        for line in ["ip -4 r", "iptables-save -c", "ip -4 route show table 9", "bpftool map show"]
        {
            let _ = run(backend, &on_host(host, line));
        }
        let question = on_agent(host, "cilium-dbg status --verbose");
        if let Ok(chunks) = block_on(backend.start(question)) {
            let _ = block_on(chunks.count());
        }
    }
    for of in [kind("v1", "Pod"), kind("v1", "Node"), kind("v1", "ConfigMap")] {
        let of =
            Selection { keep: vec!["spec.nodeName".into()], labels: Some("a!=b".into()), ..of };
        let _ = list(backend, &of, 1);
        let _ = list(backend, &Selection { keep: Vec::new(), ..of.clone() }, 0);
        let _ = block_on(backend.get(&of, "cilium-config"));
    }
    let _ = block_on(backend.logs("kube-system", "p", None, 1, false));
}

/// Small enough to be broken often: the first pods and nodes, one bugtool of each kind.
static SMALL: LazyLock<Vec<Files>> = LazyLock::new(|| {
    LAYOUTS
        .map(|(layout, bugtool)| {
            let mut files = sysdump(layout, bugtool);
            files.retain(|name, _| {
                !name.contains("namespaces")
                    && !name.contains("status")
                    && !name.contains("daemonset")
            });
            let pods = list(&capture(), &kind("v1", "Pod"), 0).unwrap();
            let pods = yaml_list("v1", "Pod", &pods[..2]).into_bytes();
            files.insert(format!("k8s-pods-{STAMP}.yaml"), pods);
            files
        })
        .into()
});

fn changed(bytes: &mut [u8], changes: &[(prop::sample::Index, u8)]) {
    if !bytes.is_empty() {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    /// A zip with some bytes changed and its end cut off.
    #[test]
    fn a_changed_zip(
        which in 0_usize..5,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = zipped(Layout::New, "x", &SMALL[which]);
        changed(&mut bytes, &changes);
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let scratch = Scratch::new();
        if let Ok(backend) = open_any(scratch.put("x.zip", bytes)) {
            ask_everything(&*backend);
        }
    }

    /// A file of a folder with some bytes changed or its end cut off: this reaches the parsers,
    /// which a zip's checksums protect.
    #[test]
    fn a_changed_file(
        layout in 0_usize..5,
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::weighted(0.3, any::<prop::sample::Index>()),
    ) {
        let mut files = SMALL[layout].clone();
        let name = files.keys().nth(which.index(files.len())).unwrap().clone();
        let bytes = files.get_mut(&name).unwrap();
        changed(bytes, &changes);
        if let Some(cut) = cut.filter(|_| !bytes.is_empty()) {
            bytes.truncate(cut.index(bytes.len()));
        }
        let scratch = Scratch::new();
        if let Ok(backend) = open_any(scratch.unpack("x", &files)) {
            ask_everything(&*backend);
        }
    }
}
