//! A Cilium sysdump as a [`Backend`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use futures::stream::BoxStream;
use lab_types::Failure;
use serde::Deserialize;

use super::agents::Agents;
use super::bugtool::Bugtool;
use super::commands;
use super::layout;
use super::layout::Layout;
use super::store;
use super::store::Store;
use super::store::lacks;
use crate::About;
use crate::Answer;
use crate::Backend;
use crate::Change;
use crate::Chunk;
use crate::Host;
use crate::HostKind;
use crate::Limits;
use crate::Outcome;
use crate::Page;
use crate::Place;
use crate::Question;
use crate::Selection;
use crate::capture::last_lines;
use crate::files::Files;
use crate::files::path;
use crate::nodes::hosts_of;
use crate::replay::replay;

/// A cluster as `cilium sysdump` saw it.
///
/// Every method may be called from many tasks at once. The first question for a kind reads its
/// list, and the first for a command the list of pods; who asks for the same waits for it.
#[derive(Debug)]
pub struct Sysdump {
    files: Files,
    about: About,
    /// The files at the top, by their names without time.
    names: BTreeMap<String, String>,
    bugtools: Vec<Bugtool>,
    objects: Store,
    hosts: OnceLock<Answer<Vec<Host>>>,
    agents: OnceLock<Agents>,
}

impl Sysdump {
    /// Opens a zip or a folder.
    pub fn open(path: impl AsRef<Path>) -> Answer<Self> {
        Self::open_with(path, Limits::default())
    }

    /// Opens a zip or a folder, with limits of one's own.
    pub fn open_with(path: impl AsRef<Path>, limits: Limits) -> Answer<Self> {
        let files = Files::open(path.as_ref(), limits)?;
        let root = Self::root(&files).ok_or_else(|| {
            Failure::invalid(format!("{} is not a Cilium sysdump", files.name))
                .hint("name the zip that `cilium sysdump` wrote, or the folder in it")
        })?;
        Ok(Self::from_files(files, root))
    }

    /// The folder in which a sysdump begins; `None` when there is none in the files.
    pub(crate) fn root(files: &Files) -> Option<String> {
        layout::root(&files.names())
    }

    /// Opens what was found to be a sysdump.
    pub(crate) fn from_files(mut files: Files, root: String) -> Self {
        files.enter(root);
        let layout = Layout::new(&files.names());
        let mut sysdump = Self {
            about: About {
                source: format!("sysdump {}", files.short),
                created: layout.created(),
                ..About::default()
            },
            names: layout.files,
            bugtools: layout.bugtools.into_iter().map(Bugtool::new).collect(),
            files,
            objects: Store::default(),
            hosts: OnceLock::new(),
            agents: OnceLock::new(),
        };
        let versions = [("kubernetes", sysdump.kubernetes()), ("cilium", sysdump.cilium())];
        sysdump.about.versions = versions
            .into_iter()
            .filter_map(|(of, version)| Some((of.to_owned(), version?)))
            .collect();
        sysdump
    }

    /// The text of a file at the top, if it can be read.
    fn text(&self, name: &str) -> Option<String> {
        self.files.read_text(self.names.get(name)?).ok().flatten()
    }

    /// The version that the API server gave.
    fn kubernetes(&self) -> Option<String> {
        let text = self.text("k8s-version.txt")?;
        let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | '}'));
        words.into_iter().find(|word| is_version(word)).map(str::to_owned)
    }

    /// The version of the agents, by the tag of their image.
    fn cilium(&self) -> Option<String> {
        let of = selection("apps/v1", "DaemonSet", &["spec.template.spec.containers"]);
        let (objects, _) = self.objects.load(&self.files, &self.names, &of).ok()?;
        let agent = objects.get(&of, "cilium")?;
        let agent: DaemonSet = serde_json::from_str(&agent).ok()?;
        let containers = agent.spec.template.spec.containers;
        let image = &containers.iter().find(|container| container.name == "cilium-agent")?.image;
        let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
        is_version(tag).then(|| tag.trim_start_matches('v').to_owned())
    }

    fn listed(&self) -> Answer<&[Host]> {
        let hosts = self.hosts.get_or_init(|| self.list_hosts());
        hosts.as_deref().map_err(Clone::clone)
    }

    fn list_hosts(&self) -> Answer<Vec<Host>> {
        let nodes = self.nodes("v1", "Node", "status.addresses");
        let nodes = nodes.or_else(|failure| {
            self.nodes("cilium.io/v2", "CiliumNode", "spec.addresses").map_err(|_| failure)
        });
        let mut hosts = nodes.or_else(|failure| {
            // At least those are known that have a bugtool.
            let host = |name: &String| Host {
                name: name.clone(),
                kind: HostKind::Node,
                addresses: Vec::new(),
            };
            let hosts: Vec<Host> = self.agents(&[]).nodes().map(host).collect();
            if hosts.is_empty() { Err(failure) } else { Ok(hosts) }
        })?;
        hosts.sort_by(|a, b| a.name.cmp(&b.name));
        hosts.dedup_by(|a, b| a.name == b.name);
        Ok(hosts)
    }

    /// The nodes of a kind, with their `InternalIP`s.
    fn nodes(&self, api_version: &str, kind: &str, addresses: &str) -> Answer<Vec<Host>> {
        let of = selection(api_version, kind, &[addresses]);
        let (objects, _) = self.objects.load(&self.files, &self.names, &of)?;
        Ok(hosts_of(objects.all()))
    }

    /// Which bugtool is whose.
    fn agents(&self, nodes: &[Host]) -> &Agents {
        self.agents.get_or_init(|| {
            let pods = if self.bugtools.is_empty() {
                None
            } else {
                self.objects.held("Pod").or_else(|| {
                    let of = selection("v1", "Pod", &["spec.nodeName"]);
                    self.objects.load(&self.files, &self.names, &of).ok().map(|(pods, _)| pods)
                })
            };
            Agents::new(&self.bugtools, pods.as_deref(), nodes, &self.files)
        })
    }

    fn outcome(&self, question: &Question) -> Answer<Outcome> {
        let what = crate::capture::shown(question);
        let bugtools: Vec<&Bugtool> = match &question.place {
            Place::Relay => return Err(lacks(&what)),
            Place::Pod { name, .. } => {
                self.bugtools.iter().filter(|bugtool| bugtool.pod() == name).collect()
            }
            Place::Host { host } | Place::Agent { host } => {
                let hosts = self.listed()?;
                if !hosts.iter().any(|known| known.name == *host) {
                    return Err(lacks(&format!("host {host}")));
                }
                let agents = self.agents(hosts);
                agents.of(host).iter().filter_map(|position| self.bugtools.get(*position)).collect()
            }
        };
        let is_host = matches!(question.place, Place::Host { .. });
        if is_host && !commands::is_of_the_host(&question.argv) {
            return Err(lacks(&what));
        }
        if bugtools.is_empty() {
            return Err(lacks(&format!("{what}: there is no bugtool of its agent")));
        }
        if matches!(question.place, Place::Agent { .. })
            && let Some(flows) = self.flows(&bugtools, &question.argv)?
        {
            return Ok(flows);
        }
        let mut why = String::new();
        for bugtool in bugtools {
            match bugtool.run(&self.files, &question.argv)? {
                Ok(outcome) => return Ok(outcome),
                Err(reason) if why.is_empty() => why = reason,
                Err(_) => {}
            }
        }
        Err(lacks(&if why.is_empty() { what } else { format!("{what}: {why}") }))
    }

    /// The flows that Hubble remembered on a node; they are beside the bugtool.
    fn flows(&self, bugtools: &[&Bugtool], argv: &[String]) -> Answer<Option<Outcome>> {
        if !commands::is_flows(argv) {
            return Ok(None);
        }
        for bugtool in bugtools {
            let name = format!("hubble-flows-{}.json", bugtool.pod());
            if let Some(file) = self.names.get(&name)
                && let Some(out) = self.files.read(file)?
            {
                return Ok(Some(Outcome { code: 0, out, err: Vec::new(), truncated: false }));
            }
        }
        Ok(None)
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
        let parts = [Some(namespace), Some(pod), container];
        if parts.into_iter().flatten().any(|part| !path::is_part(part)) {
            return Err(Failure::invalid(format!("`{namespace}/{pod}` is not a pod")));
        }
        let end = if previous { "-prev.log" } else { ".log" };
        let begin = format!("logs-{pod}-");
        let name = if let Some(container) = container {
            self.names.get(&format!("{begin}{container}{end}"))
        } else {
            let logs = self.names.iter().filter_map(|(stem, name)| {
                Some((stem.strip_prefix(&begin)?.strip_suffix(end)?, name))
            });
            let logs: Vec<(&str, &String)> = logs.collect();
            if logs.len() > 1 {
                let containers: Vec<&str> = logs.iter().map(|(container, _)| *container).collect();
                return Err(Failure::invalid(format!(
                    "{namespace}/{pod} has several containers: name one of {}",
                    containers.join(", ")
                )));
            }
            logs.first().map(|(_, name)| *name)
        };
        let bytes = self.files.read(name.ok_or_else(|| lacks(&what))?)?;
        let text = String::from_utf8_lossy(&bytes.ok_or_else(|| lacks(&what))?).into_owned();
        Ok(last_lines(&text, lines).to_owned())
    }
}

impl Backend for Sysdump {
    fn about(&self) -> About {
        self.about.clone()
    }

    fn is_recorded(&self) -> bool {
        true
    }

    fn hosts(&self) -> BoxFuture<'_, Answer<Vec<Host>>> {
        Box::pin(async move { self.listed().map(<[Host]>::to_vec) })
    }

    fn version(&self) -> BoxFuture<'_, Answer<String>> {
        Box::pin(async move {
            let version = self.about.versions.get("kubernetes");
            let version = version.ok_or_else(|| lacks("version.json"))?;
            Ok(serde_json::json!({ "gitVersion": version }).to_string())
        })
    }

    fn get<'a>(&'a self, of: &'a Selection, name: &'a str) -> BoxFuture<'a, Answer<String>> {
        Box::pin(async move {
            let (objects, row) = self.objects.load(&self.files, &self.names, of)?;
            store::get(&objects, row, of, name)
        })
    }

    fn list<'a>(
        &'a self,
        of: &'a Selection,
        limit: u32,
        more: Option<String>,
    ) -> BoxFuture<'a, Answer<Page>> {
        Box::pin(async move {
            let (objects, row) = self.objects.load(&self.files, &self.names, of)?;
            store::page(&objects, row, of, limit, more.as_deref())
        })
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
        Box::pin(async move { self.outcome(question) })
    }

    /// Replays what is in the sysdump; streams such as those of a monitor are not.
    fn start(&self, question: Question) -> BoxFuture<'_, Answer<BoxStream<'static, Chunk>>> {
        Box::pin(async move { Ok(replay(self.outcome(&question)?, Vec::new())) })
    }

    /// Hands over everything that is there; nothing can change afterwards.
    fn watch(&self, of: Selection) -> BoxFuture<'_, Answer<BoxStream<'static, Answer<Change>>>> {
        Box::pin(async move {
            let (objects, row) = self.objects.load(&self.files, &self.names, &of)?;
            let page = store::page(&objects, row, &of, u32::MAX, None)?;
            let added = page.items.into_iter().map(Change::Added);
            let changes: Vec<_> = added.chain([Change::Synced]).map(Ok).collect();
            Ok(stream::iter(changes).boxed())
        })
    }
}

fn selection(api_version: &str, kind: &str, keep: &[&str]) -> Selection {
    Selection {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        keep: keep.iter().map(|path| (*path).to_owned()).collect(),
        ..Selection::default()
    }
}

/// `v1.33.13`, `1.18.0-rc.1`.
fn is_version(word: &str) -> bool {
    let plain = word.strip_prefix('v').unwrap_or(word);
    plain.contains('.')
        && plain.starts_with(|c: char| c.is_ascii_digit())
        && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DaemonSet {
    spec: Template,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Template {
    template: PodTemplate,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodTemplate {
    spec: PodSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodSpec {
    containers: Vec<Container>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
}
