//! Health of an agent's modules: what they report of their own work.
//!
//! Apart from the status because the status leaves it out. Three forms tell it: a table of the
//! agent's shell, a dump of its database (which 1.17 has), and one line of the verbose status.

use lab_model::Problem;
use serde_json::Value;

/// How a part of a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it ought to be.
    Ok,
    /// It has ended, as tasks do that run once.
    Stopped,
    /// It says that it does not work.
    Degraded,
}

/// A part of a module that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degraded {
    /// The module, such as `agent.controlplane.node-manager`.
    pub module: String,
    /// Its part, such as `nodes-add`; empty for the module itself.
    pub component: String,
    /// What it was doing.
    pub message: String,
    /// Why that failed.
    pub error: String,
    /// Since when, as the agent writes it.
    pub since: String,
}

/// Health of all modules of an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modules {
    /// Parts that work.
    pub ok: usize,
    /// Parts that have ended.
    pub stopped: usize,
    /// How many do not work.
    pub n_degraded: usize,
    /// Those that do not work; empty in a form that counts only.
    pub degraded: Vec<Degraded>,
}

impl Modules {
    fn add(&mut self, level: Level, make: impl FnOnce() -> Degraded) {
        match level {
            Level::Ok => self.ok += 1,
            Level::Stopped => self.stopped += 1,
            Level::Degraded => {
                self.n_degraded += 1;
                self.degraded.push(make());
            }
        }
    }
}

fn level(word: &str) -> Option<Level> {
    match word {
        "OK" => Some(Level::Ok),
        "Stopped" => Some(Level::Stopped),
        "Degraded" => Some(Level::Degraded),
        _ => None,
    }
}

/// Reads any of the forms.
///
/// - Errors: never fails; text that is none of them is one [`Problem`].
/// - Source: `cilium-dbg shell -- db/show health` of 1.18.0, `cilium-dbg statedb dump` of 1.17.6
///   and 1.18.0, `cilium-dbg status --verbose`.
pub fn parse(text: &str) -> (Modules, Vec<Problem>) {
    let unread = |what: &str| {
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        (Modules::default(), vec![Problem::new("the health of modules", line, what)])
    };
    if text.trim_start().starts_with('{') {
        return match serde_json::from_str::<Value>(text) {
            Ok(dump) => document(&dump).map_or_else(
                || unread("there is no table `health` in it"),
                |modules| (modules, Vec::new()),
            ),
            Err(error) => unread(&format!("it is no JSON: {error}")),
        };
    }
    if let Some(modules) = table(text).or_else(|| summary(text)) {
        return (modules, Vec::new());
    }
    unread("there is no table of modules in it")
}

fn document(dump: &Value) -> Option<Modules> {
    let mut modules = Modules::default();
    for entry in dump.get("health")?.as_array()? {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let path = |name: &str| -> String {
            let parts = entry.pointer(&format!("/ID/{name}")).and_then(Value::as_array);
            let parts = parts.into_iter().flatten().filter_map(Value::as_str);
            parts.collect::<Vec<_>>().join(".")
        };
        let Some(level) = level(text("Level")) else { continue };
        modules.add(level, || Degraded {
            module: path("Module"),
            component: path("Component"),
            message: text("Message").to_owned(),
            error: text("Error").to_owned(),
            since: text("Updated").to_owned(),
        });
    }
    Some(modules)
}

/// The table, whose columns begin where the words of its header do.
fn table(text: &str) -> Option<Modules> {
    const WORDS: [&str; 7] =
        ["Module", "Component", "Level", "Message", "Error", "LastOK", "UpdatedAt"];
    let mut lines = text.lines().skip_while(|line| !line.starts_with("Module "));
    let header = lines.next()?;
    let mut starts = Vec::new();
    for word in WORDS {
        starts.push(header[..header.find(word)?].chars().count());
    }
    let mut modules = Modules::default();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let letters: Vec<char> = line.chars().collect();
        let cell = |at: usize| -> String {
            let end = starts.get(at + 1).copied().unwrap_or(letters.len()).min(letters.len());
            let from = starts.get(at).copied().unwrap_or_default().min(end);
            letters[from..end].iter().collect::<String>().trim().to_owned()
        };
        let Some(level) = level(&cell(2)) else { continue };
        modules.add(level, || Degraded {
            module: cell(0),
            component: cell(1),
            message: cell(3),
            error: cell(4),
            since: cell(6).split_whitespace().next().unwrap_or_default().to_owned(),
        });
    }
    Some(modules)
}

/// `Modules Health: Stopped(11) Degraded(1) OK(62)` of the status.
fn summary(text: &str) -> Option<Modules> {
    let line = text.lines().find_map(|line| line.strip_prefix("Modules Health:"))?;
    let count = |word: &str| -> Option<usize> {
        let (_, rest) = line.split_once(&format!("{word}("))?;
        rest.split_once(')')?.0.parse().ok()
    };
    Some(Modules {
        ok: count("OK")?,
        stopped: count("Stopped").unwrap_or_default(),
        n_degraded: count("Degraded")?,
        degraded: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_by_its_header() {
        let text = "Module                 Component    Level      Message           Error             LastOK                 UpdatedAt              Count\n\
                    agent.bgp              observer     OK         OK (97.242µs) [11]                  2026-11-23T03:07:18Z   2026-11-23T03:07:18Z   1\n\
                    agent.daemon                        Stopped    done                                2026-11-23T03:07:18Z   2026-11-23T03:07:18Z   1\n\
                    agent.node-manager     nodes-add    Degraded   Failed to add     no such gateway   0001-01-01T00:00:00Z   2026-11-23T02:59:55Z   1\n";
        let (modules, problems) = parse(text);
        assert_eq!(problems, []);
        assert_eq!((modules.ok, modules.stopped, modules.n_degraded), (1, 1, 1));
        let degraded = &modules.degraded[0];
        assert_eq!(
            (degraded.module.as_str(), degraded.component.as_str()),
            ("agent.node-manager", "nodes-add")
        );
        assert_eq!(
            (degraded.message.as_str(), degraded.error.as_str()),
            ("Failed to add", "no such gateway")
        );
        assert_eq!(degraded.since, "2026-11-23T02:59:55Z");
    }

    #[test]
    fn a_dump_and_a_summary_say_the_same() {
        let dump = r#"{"health":[{"ID":{"Module":["agent","a"],"Component":null},"Level":"OK"},
            {"ID":{"Module":["agent","b"],"Component":["c"]},"Level":"Degraded","Message":"m","Error":"e"},
            {"Level":"Unheard"},7],"devices":[]}"#;
        let (modules, problems) = parse(dump);
        assert_eq!(problems, []);
        assert_eq!((modules.ok, modules.n_degraded), (1, 1));
        assert_eq!(modules.degraded[0].module, "agent.b");
        let (modules, _) =
            parse("Cluster health: 1/1\nModules Health:\tStopped(11) Degraded(1) OK(62)\n");
        assert_eq!((modules.ok, modules.stopped, modules.n_degraded), (62, 11, 1));
    }

    #[test]
    fn what_is_none_of_them_is_told() {
        for text in ["", "{", "{}", "unknown command \"shell\"", "Modules Health: all fine"] {
            assert_eq!(parse(text).1.len(), 1, "{text}");
        }
    }
}
