//! Which files a sysdump has, by what their names say. The time in the names differs from
//! bundle to bundle, the folder around everything may be missing, and so may any file.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

/// Names that only a sysdump has, without time and ending.
const MARKS: [&str; 6] = [
    "cilium-sysdump",
    "k8s-nodes",
    "k8s-pods",
    "ciliumnodes",
    "cilium-configmap",
    "cilium-daemonset",
];

/// The beginning of the names of bugtool folders and archives.
const BUGTOOL: &str = "cilium-bugtool-";

/// The files of a sysdump, sorted.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// When it was made, as the names say: `20261123-031020`.
    pub(super) stamp: Option<String>,
    /// Files at the top, by their names without time: `k8s-nodes.yaml`.
    pub(super) files: BTreeMap<String, String>,
    /// What the agents' bugtool left, one for each pod.
    pub(super) bugtools: Vec<Found>,
}

/// The outputs of one agent's bugtool.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The agent's pod.
    pub(super) pod: String,
    /// Files of `cmd/`, by name.
    pub(super) files: BTreeMap<String, String>,
    /// The archive, when it was not unpacked.
    pub(super) packed: Option<String>,
}

/// The folder in which a sysdump begins, with its slash; `None` when there is none in the files.
pub(super) fn root(names: &BTreeSet<String>) -> Option<String> {
    let marked = |name: &str| {
        let first = name.split('/').next().unwrap_or_default();
        first.starts_with(BUGTOOL) || (first == name && MARKS.contains(&split_stamp(name).0))
    };
    if names.iter().any(|name| marked(name)) {
        return Some(String::new());
    }
    let folders: BTreeSet<&str> = names
        .iter()
        .filter_map(|name| name.split_once('/'))
        .filter(|(_, below)| marked(below))
        .map(|(folder, _)| folder)
        .collect();
    match folders.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => Some(format!("{one}/")),
        _ => None,
    }
}

impl Layout {
    pub(super) fn new(names: &BTreeSet<String>) -> Self {
        let mut layout = Self::default();
        let mut bugtools: BTreeMap<String, Found> = BTreeMap::new();
        for name in names {
            let (first, below) = name.split_once('/').unwrap_or((name, ""));
            let (stem, stamp, end) = split_stamp(first);
            if let Some(stamp) = stamp
                && layout.stamp.as_deref().is_none_or(|known| known < stamp)
            {
                layout.stamp = Some(stamp.to_owned());
            }
            let Some(pod) = stem.strip_prefix(BUGTOOL).filter(|pod| !pod.is_empty()) else {
                if below.is_empty() {
                    layout.files.insert(format!("{stem}{end}"), name.clone());
                }
                continue;
            };
            let found = bugtools.entry(pod.to_owned()).or_default();
            if below.is_empty() {
                if [".tar.gz", ".tgz", ".tar"].contains(&end) {
                    found.packed = Some(name.clone());
                }
            } else if let Some(command) = command_of(below) {
                found.files.insert(command.to_owned(), name.clone());
            }
        }
        layout.bugtools = bugtools.into_iter().map(|(pod, found)| Found { pod, ..found }).collect();
        layout
    }

    /// When it was made, as RFC 3339. The names have the time of the machine that collected,
    /// and no zone: it is taken for UTC.
    pub(super) fn created(&self) -> Option<String> {
        let (date, time) = self.stamp.as_deref()?.split_once('-')?;
        Some(format!(
            "{}-{}-{}T{}:{}:{}Z",
            &date[..4],
            &date[4..6],
            &date[6..],
            &time[..2],
            &time[2..4],
            &time[4..]
        ))
    }
}

/// The name of a command's file, wherever in the bugtool's folder its `cmd` is.
pub(super) fn command_of(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    (folder == "cmd" || folder.ends_with("/cmd")).then_some(name)
}

/// What stands in a name before the time, the time, and what comes behind it:
/// `logs-p-c-20261123-031020-prev.log` is `logs-p-c`, `20261123-031020`, `-prev.log`.
fn split_stamp(name: &str) -> (&str, Option<&str>, &str) {
    const LEN: usize = "20261123-031020".len();
    for (at, _) in name.rmatch_indices('-') {
        let Some(stamp) = name.get(at + 1..at + 1 + LEN) else { continue };
        let is_stamp = stamp.bytes().enumerate().all(|(position, byte)| match position {
            8 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        if is_stamp {
            return (&name[..at], Some(stamp), &name[at + 1 + LEN..]);
        }
    }
    let at = name.find(".tar").or_else(|| name.rfind('.')).unwrap_or(name.len());
    (&name[..at], None, &name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn times_are_found_in_names() {
        for (name, stem, stamp, end) in [
            ("k8s-nodes-20261123-031020.yaml", "k8s-nodes", Some("20261123-031020"), ".yaml"),
            ("logs-p-c-20261123-031020-prev.log", "logs-p-c", Some("20261123-031020"), "-prev.log"),
            (
                "cilium-bugtool-cilium-x-20261123-031020.tar.gz",
                "cilium-bugtool-cilium-x",
                Some("20261123-031020"),
                ".tar.gz",
            ),
            ("cilium-sysdump.log", "cilium-sysdump", None, ".log"),
            ("kvstore-ips.json", "kvstore-ips", None, ".json"),
            ("cilium-bugtool-x.tar.gz", "cilium-bugtool-x", None, ".tar.gz"),
            ("20261123-031020", "20261123-031020", None, ""),
            ("a-2026112é-031020", "a-2026112é-031020", None, ""),
        ] {
            assert_eq!(split_stamp(name), (stem, stamp, end), "{name}");
        }
    }

    #[test]
    fn a_sysdump_is_known_by_its_names() {
        let file = "k8s-nodes-20261123-031020.yaml";
        assert_eq!(root(&names(&[file])).as_deref(), Some(""));
        assert_eq!(root(&names(&["x/a", &format!("x/{file}")])).as_deref(), Some("x/"));
        assert_eq!(
            root(&names(&["cilium-bugtool-p-20261123-031020/cmd/ip-a.md"])).as_deref(),
            Some("")
        );
        assert_eq!(root(&names(&[&format!("x/{file}"), &format!("y/{file}")])), None);
        assert_eq!(root(&names(&[&format!("x/y/{file}"), "a.txt"])), None);
    }

    #[test]
    fn files_are_sorted_by_what_they_are() {
        let layout = Layout::new(&names(&[
            "k8s-nodes-20261123-031020.yaml",
            "k8s-version-20261123-031021.txt",
            "cilium-bugtool-cilium-a-20261123-031020/cmd/ip-a.md",
            "cilium-bugtool-cilium-a-20261123-031020/conf/kernel-config",
            "cilium-bugtool-cilium-b-20261123-031020/cilium-bugtool-2026-x/cmd/ip-a.md",
            "cilium-bugtool-cilium-c-20261123-031020.tar",
        ]));
        assert_eq!(layout.created().as_deref(), Some("2026-11-23T03:10:21Z"));
        assert_eq!(layout.files["k8s-nodes.yaml"], "k8s-nodes-20261123-031020.yaml");
        let pods: Vec<_> = layout.bugtools.iter().map(|found| found.pod.as_str()).collect();
        assert_eq!(pods, ["cilium-a", "cilium-b", "cilium-c"]);
        assert_eq!(layout.bugtools[0].files.len(), 1);
        assert_eq!(layout.bugtools[1].files.len(), 1);
        assert!(layout.bugtools[2].packed.is_some());
    }
}
