//! `kubectl lab each`: one command on every host at once, equal answers folded into one.
//!
//! The card, then the stages in order: collect, fold, and then text, diff or document, rows.

pub mod collect;
pub mod diff;
pub mod document;
pub mod explain;
pub mod fold;
pub mod judge;
pub mod rows;
pub mod text;

use lab_plugin::{
    Argument, Call, Card, Cell, Command, Failure, Finding, Kind, Plugin, Table, partial,
};

use collect::{Asked, At};
use document::Shape;
use fold::Group;

/// The plugin.
pub struct Each;

lab_plugin::export!(Each);

const LONG: &str = "Runs one command on every host at once, or on those of --host, and shows each \
different answer once, with the hosts that gave it. Put the command behind `--`: then every word \
of it reaches the hosts as it is. There is no shell in between; ask for one where you need it.

A command that is known to only read runs at once. For every other one you are asked first, and \
shown its exact words; --yes agrees beforehand. `kubectl lab plugin info each` lists what is known.";

impl Plugin for Each {
    fn describe() -> Card {
        let card = Card::new("Run one command on every host, and fold equal answers")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(
                Command::new(&["each"], "Run one command on every host, and fold equal answers")
                    .long_about(LONG)
                    .argument(Argument::flag(
                        "diff",
                        Kind::Boolean,
                        "Show how the others differ from the answer that most hosts gave",
                    ))
                    .argument(Argument::flag(
                        "json",
                        Kind::Boolean,
                        "Read each answer as JSON, and make rows of it",
                    ))
                    .argument(Argument::flag(
                        "agent",
                        Kind::Boolean,
                        "Run it in the container of each node's Cilium agent",
                    ))
                    .argument(
                        Argument::positional("command", Kind::Text, "The command, word by word")
                            .required()
                            .command(),
                    )
                    .example("kubectl lab each -- ip -br addr", "the addresses of every host")
                    .example("kubectl lab each --diff -- sysctl -a", "which host is set otherwise")
                    .example(
                        "kubectl lab each --json --filter ifname=eth0 -- ip -j link",
                        "rows from a command that prints JSON",
                    )
                    .example(
                        "kubectl lab each --agent -- cilium-dbg status --brief",
                        "every agent, in its own container",
                    )
                    .example(
                        "kubectl lab each --yes --host 'k8s-w*' -- sh -c 'ip route | grep eth1'",
                        "a shell, with consent beforehand",
                    ),
            )
            .ask(
                "hosts",
                &["host: **", "agent: **"],
                "the command that you type, on hosts or with --agent in agents",
            );
        explain::EXPLANATIONS.iter().fold(card, |card, (code, text)| card.explain(code, text))
    }

    fn run(call: &Call) -> Result<(), Failure> {
        let argv = call.texts("command");
        check(&argv)?;
        if call.flag("json") && call.flag("diff") {
            return Err(Failure::InvalidInput(
                "--json makes rows and --diff compares texts (hint: leave one of them out)".into(),
            ));
        }
        let at = if call.flag("agent") { At::Agent } else { At::Host };
        let asked = collect::collect(at, &argv)?;
        if call.flag("json") { report_rows(asked) } else { report_texts(asked, call, &argv) }
    }
}

/// What is wrong with a command before anybody is asked to run it.
fn check(argv: &[&str]) -> Result<(), Failure> {
    let invalid = |text: String| Err(Failure::InvalidInput(text));
    match argv {
        [] | ["", ..] => invalid("the command has no program".to_owned()),
        _ if argv.iter().any(|word| word.contains('\0')) => {
            invalid("a word of the command holds a zero byte".to_owned())
        }
        [line] if line.contains(char::is_whitespace) => invalid(format!(
            "`{line}` is one word, and no program is called that \
             (hint: leave out the quotes, or ask for a shell with `-- sh -c '{line}'`)"
        )),
        _ => Ok(()),
    }
}

/// One row for each different answer.
fn report_texts(asked: Asked, call: &Call, argv: &[&str]) -> Result<(), Failure> {
    let compares = call.flag("diff");
    let groups = asked.groups.sorted();
    let diffs = if compares { diff::against_first(&groups) } else { Vec::new() };
    let findings = judge::differing(&groups, &diffs, &asked.hosts, &argv.join(" "));
    let rows = rows::answers(groups, diffs, &asked.hosts);
    let mut table = Table::<Vec<Cell>>::declare("answers", &rows::columns(&rows, compares));
    for row in rows {
        let (key, cells) = rows::keyed(row);
        table.push_cells(&key, &cells)?;
    }
    table.commit()?;
    findings.into_iter().try_for_each(Finding::report)
}

/// Rows of what was printed as JSON, host by host.
fn report_rows(asked: Asked) -> Result<(), Failure> {
    let mut groups = asked.groups.sorted();
    let mut shape = Shape::default();
    groups.retain(|group| match read(group, &mut shape) {
        Ok(()) => true,
        Err(why) => {
            let why = Failure::Other(why);
            group.hosts.iter().for_each(|&host| partial(&asked.hosts[host], &why));
            false
        }
    });
    let mut of_host: Vec<Option<&Group>> = vec![None; asked.hosts.len()];
    for group in &groups {
        for &host in &group.hosts {
            of_host[host] = Some(group);
        }
    }
    let mut table = Table::<Vec<Cell>>::declare("rows", &rows::columns_of(&shape));
    for (host, group) in asked.hosts.iter().zip(of_host) {
        let Some(group) = group else { continue };
        let text = group.answer.out.text().unwrap_or_default();
        let mut place = 0;
        shape.rows(&text, |cells| {
            let key = format!("{host}/{place}");
            place += 1;
            table.push_cells(&key, &rows::with_host(host, cells))
        })?;
    }
    table.commit()
}

/// Adds the keys of a group's answer, or says why it is none.
fn read(group: &Group, shape: &mut Shape) -> Result<(), String> {
    let answer = &group.answer;
    if answer.code != 0 {
        let err = text::of(&answer.err).text.unwrap_or_default();
        let line = err.lines().next().filter(|line| !line.is_empty()).unwrap_or("no message");
        return Err(format!("exit code {}: {line}", answer.code));
    }
    if answer.truncated || answer.out.is_cut() {
        return Err("the output was cut, so it is no whole JSON".to_owned());
    }
    let text = answer.out.text().ok_or("the output is not JSON: it is not UTF-8")?;
    shape.learn(&text).map_err(|why| format!("the output is not JSON: {why}"))
}
