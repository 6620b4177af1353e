//! The folder of `kubectl cluster-info dump --output-directory` as a [`Backend`]: objects and
//! logs, and no command.

use std::collections::BTreeSet;
use std::path::Path;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use futures::stream::BoxStream;
use lab_types::Failure;

use super::load::load;
use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Change;
use crate::Chunk;
use crate::Host;
use crate::Limits;
use crate::Outcome;
use crate::Page;
use crate::Question;
use crate::Selection;
use crate::capture::last_lines;
use crate::files::Files;
use crate::files::path;
use crate::nodes::hosts_of;
use crate::objects::Objects;
use crate::walk::lookup;

/// Kinds and their files, in the folder of each namespace.
///
/// Source: kubectl, `pkg/cmd/clusterinfo/clusterinfo_dump.go`.
const KINDS: [(&str, &str, &str); 7] = [
    ("v1", "Event", "events"),
    ("v1", "ReplicationController", "replication-controllers"),
    ("v1", "Service", "services"),
    ("v1", "Pod", "pods"),
    ("apps/v1", "DaemonSet", "daemonsets"),
    ("apps/v1", "Deployment", "deployments"),
    ("apps/v1", "ReplicaSet", "replicasets"),
];

const ENDINGS: [&str; 2] = [".json", ".yaml"];

/// Every cluster has these, and a dump that was not made with `--all-namespaces` has not.
const EVERYWHERE: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// A cluster as `kubectl cluster-info dump` saw it.
#[derive(Debug)]
pub struct ClusterInfo {
    files: Files,
    about: About,
    namespaces: BTreeSet<String>,
    nodes: String,
}

impl ClusterInfo {
    /// Opens a folder, or a zip of one.
    pub fn open(path: impl AsRef<Path>) -> Answer<Self> {
        Self::open_with(path, Limits::default())
    }

    /// Opens a folder, or a zip of one, with limits of one's own.
    pub fn open_with(path: impl AsRef<Path>, limits: Limits) -> Answer<Self> {
        let files = Files::open(path.as_ref(), limits)?;
        let root = Self::root(&files).ok_or_else(|| {
            Failure::invalid(format!("{} is not a dump of cluster-info", files.name))
                .hint("name the folder of `kubectl cluster-info dump --output-directory FOLDER`")
        })?;
        Ok(Self::from_files(files, root))
    }

    /// The folder in which a dump begins; `None` when there is none in the files.
    pub(crate) fn root(files: &Files) -> Option<String> {
        let names = files.names();
        let is_dump = |root: &str| {
            ENDINGS.iter().any(|end| {
                names.contains(&format!("{root}nodes{end}"))
                    && names.iter().any(|name| {
                        let below = name.strip_prefix(root).and_then(|name| name.split_once('/'));
                        below.is_some_and(|(_, file)| file.strip_suffix(end) == Some("pods"))
                    })
            })
        };
        if is_dump("") {
            return Some(String::new());
        }
        let folders: BTreeSet<&str> =
            names.iter().filter_map(|name| Some(name.split_once('/')?.0)).collect();
        let mut roots = folders.into_iter().map(|folder| format!("{folder}/"));
        roots.find(|root| is_dump(root))
    }

    /// Opens what was found to be a dump.
    pub(crate) fn from_files(mut files: Files, root: String) -> Self {
        files.enter(root);
        let names = files.names();
        let namespaces = names.iter().filter_map(|name| Some(name.split_once('/')?.0.to_owned()));
        let nodes = ENDINGS.iter().map(|end| format!("nodes{end}"));
        let mut dump = Self {
            about: About {
                source: format!("cluster-info dump {}", files.short),
                ..About::default()
            },
            namespaces: namespaces.collect(),
            nodes: nodes.into_iter().find(|name| names.contains(name)).unwrap_or_default(),
            files,
        };
        dump.about.created = dump.last_heartbeat();
        dump
    }

    /// The last word of a kubelet, shortly before the dump was made: it has no date of its own.
    fn last_heartbeat(&self) -> Option<String> {
        let nodes = self.node_objects("status.conditions").ok()?;
        let path = ["status".to_owned(), "conditions".to_owned()];
        let conditions = nodes.all().filter_map(|node| lookup(node, &path));
        let beats = conditions.flat_map(|json| {
            let conditions: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
            conditions.into_iter().filter_map(|condition| {
                Some(condition.get("lastHeartbeatTime")?.as_str()?.to_owned())
            })
        });
        beats.max()
    }

    fn node_objects(&self, keep: &str) -> Answer<Objects> {
        let mut objects = Objects::default();
        load(&self.files, &self.nodes, &[keep.to_owned()], &mut objects)?;
        Ok(objects)
    }

    /// The objects that a selection may want.
    fn objects(&self, of: &Selection) -> Answer<Objects> {
        let mut objects = Objects::default();
        let kind = of.to_string();
        if kind == "v1/Node" {
            load(&self.files, &self.nodes, &[], &mut objects)?;
            return Ok(objects);
        }
        let row =
            KINDS.iter().find(|(version, kind, _)| *version == of.api_version && *kind == of.kind);
        let (_, _, stem) = row.ok_or_else(|| lacks(&kind))?;
        let wanted: Vec<&String> = match &of.namespace {
            Some(namespace) => self.namespaces.get(namespace).into_iter().collect(),
            None if EVERYWHERE.iter().all(|every| self.namespaces.contains(*every)) => {
                self.namespaces.iter().collect()
            }
            None => {
                return Err(lacks(&format!("{kind} of all namespaces")).hint(
                    "dump again with `--all-namespaces`, or ask for one namespace with `-n`",
                ));
            }
        };
        let mut found = false;
        for namespace in wanted {
            for end in ENDINGS {
                found |= load(&self.files, &format!("{namespace}/{stem}{end}"), &[], &mut objects)?;
            }
        }
        if found { Ok(objects) } else { Err(lacks(&kind)) }
    }

    fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        lines: u32,
        previous: bool,
    ) -> Answer<String> {
        let what = crate::capture::log_name(namespace, pod, container, previous);
        if [namespace, pod].into_iter().any(|part| !path::is_part(part)) {
            return Err(Failure::invalid(format!("`{namespace}/{pod}` is not a pod")));
        }
        if previous {
            return Err(lacks(&what));
        }
        let bytes = self.files.read(&format!("{namespace}/{pod}/logs.txt"))?;
        let text = String::from_utf8_lossy(&bytes.ok_or_else(|| lacks(&what))?).into_owned();
        let logs = containers(&text);
        let log = match (container, logs.as_slice()) {
            (Some(container), _) => logs.iter().find(|(name, _)| *name == container),
            (None, [] | [_]) => logs.first(),
            (None, many) => {
                let names: Vec<&str> = many.iter().map(|(name, _)| *name).collect();
                return Err(Failure::invalid(format!(
                    "{namespace}/{pod} has several containers: name one of {}",
                    names.join(", ")
                )));
            }
        };
        log.map(|(_, log)| last_lines(log, lines).to_owned()).ok_or_else(|| lacks(&what))
    }

    fn no_commands<T>(question: &Question) -> Answer<T> {
        Err(lacks(&crate::capture::shown(question)))
    }
}

/// The logs in one file, by container; each stands between two lines that name it.
fn containers(text: &str) -> Vec<(&str, &str)> {
    let mut logs = Vec::new();
    let mut rest = text;
    while let Some((_, begin)) = rest.split_once("==== START logs for container ") {
        let (head, body) = begin.split_once('\n').unwrap_or((begin, ""));
        let name = head.split(' ').next().unwrap_or_default();
        let end = format!("==== END logs for container {name} ");
        let (log, behind) = body.split_once(&end).unwrap_or((body, ""));
        logs.push((name, log));
        rest = behind;
    }
    logs
}

fn lacks(what: &str) -> Failure {
    Failure::unavailable(format!("not in this cluster-info dump: {what}"))
}

impl Backend for ClusterInfo {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn is_recorded(&self) -> bool {
        true
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        Box::pin(async move {
            let mut hosts = hosts_of(self.node_objects("status.addresses")?.all());
            hosts.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(hosts)
        })
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        Box::pin(async { Err(lacks("version.json")) })
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async move {
            let found = self.objects(of)?.get(of, name);
            found.ok_or_else(|| Failure::not_found(format!("{of} {name} not found")))
        })
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        Box::pin(async move { self.objects(of)?.page(of, limit, more.as_deref()) })
    }

    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        container: Option<&'a str>,
        lines: u32,
        previous: bool,
    ) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async move { self.log(namespace, pod, container, lines, previous) })
    }

    fn run<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Answer<Outcome>> {
        Box::pin(async move { Self::no_commands(question) })
    }

    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        Box::pin(async move { Self::no_commands(&question) })
    }

    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        Box::pin(async move {
            let page = self.objects(&of)?.page(&of, u32::MAX, None)?;
            let added = page.items.into_iter().map(Change::Added);
            let changes: Vec<_> = added.chain([Change::Synced]).map(Ok).collect();
            Ok(stream::iter(changes).boxed())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::containers;

    #[test]
    fn logs_of_several_containers() {
        let text = "==== START logs for container a of pod n/p ====\n1\n2\n==== END logs for container a of pod n/p ====\n==== START logs for container b of pod n/p ====\n==== END logs for container b of pod n/p ====\n";
        assert_eq!(containers(text), [("a", "1\n2\n"), ("b", "")]);
        assert_eq!(
            containers("==== START logs for container a of pod n/p ====\ncut"),
            [("a", "cut")]
        );
        assert_eq!(containers("nothing"), []);
    }
}
