//! The commands around captures: what is asked for one, and what is added to one.

use super::{Action, Addition, Args, Capture, Captured, Parser, Run, file_of};
use crate::error::CliError;
use crate::globals::Globals;
use crate::tree::{Node, Role};
use crate::typed::{self, Values};
use crate::walk::Walk;
use lab_types::Value;
use std::ffi::OsString;
use std::time::Duration;

impl Parser<'_> {
    pub(super) fn capture(
        &self,
        mut values: Values,
        walk: &Walk<'_>,
        mut outer: Globals,
        called: &str,
    ) -> Result<Args, CliError> {
        let file = file_of(&mut values, called)?;
        let redact = texts(&mut values, "redact");
        let plugins = list(&texts(&mut values, "plugins"));
        let (what, globals) = match walk.tail.as_deref() {
            None | Some([]) => (self.cards(&plugins, outer.run_for.take(), called)?, outer),
            Some(words) => {
                if !plugins.is_empty() {
                    return Err(CliError::new("--plugins is for everything, not for one command")
                        .hint("leave out --plugins, or the command behind `--`"));
                }
                let inner = self.line(words)?;
                if matches!(inner.action, Action::Help(_)) {
                    return Ok(inner);
                }
                let Action::Run(run) = inner.action else {
                    return Err(CliError::new(format!(
                        "`{called}`: only a plugin's command can be captured"
                    ))
                    .hint(format!("for example `{called} FILE -- routes`")));
                };
                if outer.run_for.is_some() && !run.live {
                    return Err(CliError::new(
                        "--for is for commands that do not end by themselves",
                    )
                    .hint("leave out --for, or the command behind `--`"));
                }
                (Captured::Command(run), outer.then(inner.globals))
            }
        };
        Ok(Args { action: Action::Capture(Capture { file, what, redact }), globals })
    }

    fn cards(
        &self,
        named: &[String],
        for_: Option<Duration>,
        called: &str,
    ) -> Result<Captured, CliError> {
        let mut plugins: Vec<String> = Vec::new();
        for name in named {
            let name = self.plugin(Some(name.clone()))?;
            if !plugins.contains(&name) {
                plugins.push(name);
            }
        }
        if named.is_empty() {
            plugins.extend(self.cards.iter().map(|(name, _)| name.clone()));
        }
        if plugins.is_empty() {
            return Err(CliError::new(format!("`{called}`: no plugin has a command to capture")));
        }
        let (live, runs) = self.wordless(self.root, &plugins).into_iter().partition(|run| run.live);
        Ok(Captured::Cards { plugins, runs, live, for_ })
    }

    /// Every command of these plugins that runs without further words.
    fn wordless(&self, node: &Node, plugins: &[String]) -> Vec<Run> {
        let mut runs = Vec::new();
        if let Role::Plugin { name, path } = &node.role
            && plugins.contains(name)
            && !node.arguments.iter().any(|argument| argument.required)
        {
            let words: Vec<OsString> = path.iter().map(OsString::from).collect();
            if let Ok((_, values)) = typed::read(&Walk::new(self.root, &words), &path.join(" ")) {
                let live = self.is_live(name, path, &values);
                runs.push(Run { plugin: name.clone(), path: path.clone(), values, live });
            }
        }
        runs.extend(node.children.iter().flat_map(|child| self.wordless(child, plugins)));
        runs
    }
}

/// What `capture add` was told.
pub(super) fn addition(
    mut values: Values,
    globals: &Globals,
    called: &str,
) -> Result<Action, CliError> {
    let file = file_of(&mut values, called)?;
    let redact = texts(&mut values, "redact");
    let argv = texts(&mut values, "command");
    let addresses = list(&texts(&mut values, "address"));
    let [is_objects, is_extra, in_agent] =
        ["objects", "extra", "agent"].map(|name| switch(&mut values, name));
    let refuse = |what: &str| {
        Err(CliError::new(format!("`{called}`: {what}")).hint(format!(
            "either `{called} FILE --host NAME -- COMMAND < FILE` or `{called} FILE --objects < FILE`"
        )))
    };
    let addition = if is_objects {
        if !argv.is_empty()
            || !globals.hosts.is_empty()
            || is_extra
            || in_agent
            || !addresses.is_empty()
        {
            return refuse("objects are of the cluster, not of a host");
        }
        Addition::Objects(globals.namespace.clone().filter(|_| !globals.all_namespaces))
    } else {
        let [host] = globals.hosts.as_slice() else {
            return refuse(match globals.hosts.len() {
                0 => "it is not said whose output it is",
                _ => "an output is of one host",
            });
        };
        if host.contains(['*', '?']) {
            return refuse("the host is named, not matched");
        }
        if argv.is_empty() {
            return refuse("no command was named");
        }
        if let Some(odd) = addresses.iter().find(|text| text.parse::<std::net::IpAddr>().is_err()) {
            return Err(CliError::new(format!("--address: `{odd}` is not an address")));
        }
        if is_extra && in_agent {
            return refuse("there is no agent on a host beside the cluster");
        }
        Addition::Output { host: host.clone(), is_extra, in_agent, addresses, argv }
    };
    Ok(Action::CaptureAdd { file, addition, redact })
}

fn take(values: &mut Values, name: &str) -> Option<Value> {
    let idx = values.iter().position(|(known, _)| known == name)?;
    Some(values.swap_remove(idx).1)
}

fn texts(values: &mut Values, name: &str) -> Vec<String> {
    match take(values, name) {
        Some(Value::Texts(texts)) => texts,
        _ => Vec::new(),
    }
}

fn switch(values: &mut Values, name: &str) -> bool {
    matches!(take(values, name), Some(Value::Boolean(true)))
}

/// What stands between commas.
fn list(texts: &[String]) -> Vec<String> {
    let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
