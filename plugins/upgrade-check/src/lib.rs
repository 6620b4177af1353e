//! `kubectl lab upgrade-check`: is this cluster ready for that version of Cilium, and what will
//! change.
//!
//! The card, then the stages in order: collect, build, judge, report. Nothing is created and
//! nothing is run.

pub mod build;
pub mod check;
pub mod collect;
pub mod condition;
pub mod explain;
pub mod fact_set;
pub mod facts;
pub mod inputs;
pub mod kernels;
pub mod marks;
pub mod objects;
pub mod plan;
pub mod predict;
pub mod releases;
pub mod report;
pub mod report_config;
pub mod report_plan;
pub mod rows;
pub mod rule;
pub mod state;
pub mod values;

use std::collections::HashSet;

use lab_plugin::{
    Argument, Call, Card, Command, Fact, Failure, Finding, Kind, Plugin, Table, TableRow,
};

use facts::Facts;
use inputs::Inputs;
use rule::Rule;
use version::Version;

// Charts and versions are shared with other plugins; here they go by short names.
pub use lab_charts::{chart, version};

/// The plugin.
pub struct UpgradeCheck;

lab_plugin::export!(UpgradeCheck);

impl Plugin for UpgradeCheck {
    fn describe() -> Card {
        let newest = releases::NEWEST.name();
        let card = Card::new("Check whether a cluster is ready for another version of Cilium")
            .homepage("https://github.com/kubectl-lab/kubectl-lab")
            .license("MIT OR Apache-2.0")
            .command(
                looking(Command::new(
                    &["upgrade-check"],
                    "Check whether the cluster is ready for a version of Cilium",
                ))
                .argument(to().default(&newest))
                .argument(Argument::flag("all", Kind::Boolean, "Also what passes or is skipped"))
                .argument(deep())
                .example("kubectl lab upgrade-check --to 1.18", "what is in the way, worst first")
                .example(
                    "kubectl lab upgrade-check --values helm:cilium",
                    "also which Helm values the new chart refuses",
                ),
            )
            .command(
                looking(Command::new(
                    &["upgrade-check", "plan"],
                    "Show the road to a version, one minor at a time",
                ))
                .argument(to().default(&newest))
                .argument(deep())
                .example(
                    "kubectl lab upgrade-check plan --to 1.20",
                    "every step with its commands",
                ),
            )
            .command(
                looking(Command::new(
                    &["upgrade-check", "config"],
                    "Show what becomes of every key of cilium-config",
                ))
                .argument(to().default(&newest))
                .argument(Argument::flag("all", Kind::Boolean, "Also keys that stay as they are"))
                .example(
                    "kubectl lab upgrade-check config --to 1.18.0",
                    "keys that go, come, or get another default",
                ),
            )
            .command(
                Command::new(
                    &["upgrade-check", "diff"],
                    "Show what an upgrade may change, to compare before with after",
                )
                .argument(to())
                .argument(Argument::flag("from-version", Kind::Text, FROM_VERSION))
                .example(
                    "kubectl lab upgrade-check diff --from after.zip --against before.zip",
                    "what really changed",
                )
                .example(
                    "kubectl lab upgrade-check diff --against before.zip --to 1.18.0",
                    "the same live, beside what was predicted",
                ),
            );
        let (rules, _) = rule::built_in();
        rules
            .iter()
            .fold(card, |card, rule| {
                card.explain(&format!("upgrade-check/{}", rule.id), &explain::text(rule))
            })
            .asks("hosts", &collect::COMMANDS)
            .asks("cluster", &collect::KINDS)
    }

    fn run(call: &Call) -> Result<(), Failure> {
        match call.path().get(1..).unwrap_or_default() {
            ["plan"] => run_plan(call),
            ["config"] => run_config(call),
            ["diff"] => run_diff(call),
            _ => run_check(call),
        }
    }
}

const FROM_VERSION: &str = "The version that runs, where it cannot be read";

fn to() -> Argument {
    Argument::flag("to", Kind::Text, "The version that is wanted, such as 1.18 or 1.18.0")
}

fn deep() -> Argument {
    Argument::flag("deep", Kind::Boolean, "Also ask every agent which settings it runs with")
}

/// What every command takes that looks at what there is.
fn looking(command: Command) -> Command {
    command
        .argument(Argument::flag("from-version", Kind::Text, FROM_VERSION))
        .argument(Argument::flag(
            "values",
            Kind::Path,
            "Values of the Helm release: helm:cilium reads them out of its Secret, as you; else a \
             file with what `helm get values cilium -n kube-system` prints, - for standard input",
        ).release())
        .argument(
            Argument::flag("rules", Kind::Path, "File with rules of your own, as TOML").repeated(),
        )
}

/// What a call is about: versions, facts, rules.
struct Subject {
    inputs: Inputs,
    facts: Facts,
    rules: Vec<Rule>,
}

impl Subject {
    fn of(call: &Call) -> Result<Self, Failure> {
        let rules = rules(call)?;
        let mut inputs = collect::core();
        let (from, to) = versions(call, &inputs)?;
        inputs.values = match call.files("values").first() {
            Some((_, text)) => Fact::Known(values::read(text)?),
            None => Fact::Absent,
        };
        collect::rest(&mut inputs, &from, call.flag("deep"));
        let facts = build::build(&inputs, from, to);
        Ok(Self { inputs, facts, rules })
    }
}

/// The rules that come with the plugin, then the user's.
fn rules(call: &Call) -> Result<Vec<Rule>, Failure> {
    let (mut rules, mut errors) = rule::built_in();
    let mut ids: HashSet<String> = rules.iter().map(|rule| rule.id.clone()).collect();
    let own = call.files("rules").into_iter();
    let own = own.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let setting = collect::extra_rules();
    let setting = setting.map(|text| ("extra-rules of the configuration file".to_owned(), text));
    for (file, text) in setting.into_iter().chain(own) {
        let (more, wrong) = rule::parse(&file, "own", &text);
        errors.extend(wrong);
        for rule in more {
            if !ids.insert(rule.id.clone()) {
                return Err(Failure::InvalidInput(format!(
                    "{file}: rule `{}`: there is one of this id already: give it another",
                    rule.id
                )));
            }
            rules.push(rule);
        }
    }
    match errors.as_slice() {
        [] => Ok(rules),
        errors => {
            let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Failure::InvalidInput(said.join("\n")))
        }
    }
}

fn version_of(call: &Call, name: &str) -> Result<Option<Version>, Failure> {
    let Some(text) = call.text(name) else { return Ok(None) };
    let version: Version =
        text.parse().map_err(|error| Failure::InvalidInput(format!("--{name}: {error}")))?;
    Ok(Some(releases::meant(version)))
}

fn versions(call: &Call, inputs: &Inputs) -> Result<(Version, Version), Failure> {
    let to = version_of(call, "to")?.unwrap_or_else(|| releases::NEWEST.newest());
    if let Some(from) = version_of(call, "from-version")? {
        return Ok((from, to));
    }
    match inputs::running_version(inputs) {
        Fact::Known((from, _)) => Ok((from, to)),
        Fact::Absent => Err(Failure::NotFound(
            "no DaemonSet with the label k8s-app=cilium in any namespace: Cilium does not run \
             here, or under another name; --from-version goes on without it"
                .to_owned(),
        )),
        Fact::Unknown(why) => Err(Failure::Other(format!(
            "which version of Cilium runs cannot be read: {why}; give it with --from-version"
        ))),
    }
}

fn show<R: TableRow>(
    name: &str,
    rows: impl IntoIterator<Item = (String, R)>,
) -> Result<(), Failure> {
    let mut table = Table::<R>::new(name);
    for (key, row) in rows {
        table.push(&key, row)?;
    }
    table.commit()
}

fn run_check(call: &Call) -> Result<(), Failure> {
    let subject = Subject::of(call)?;
    let outcomes = check::all(&subject.rules, &subject.facts);
    show("checks", report::check_rows(&outcomes, call.flag("all")))?;
    report::findings(&outcomes).into_iter().try_for_each(Finding::report)
}

fn run_plan(call: &Call) -> Result<(), Failure> {
    let subject = Subject::of(call)?;
    let steps = plan::plan(&subject.facts, &subject.rules, subject.inputs.namespace());
    show("plan", report_plan::plan_rows(&steps))?;
    show("commands", report_plan::command_rows(&steps))?;
    show("images", report_plan::image_rows(&steps))?;
    if subject.facts.values.known().is_some() {
        show("values", report_config::value_rows(&subject.facts, &subject.rules))?;
    }
    Ok(())
}

fn run_config(call: &Call) -> Result<(), Failure> {
    let subject = Subject::of(call)?;
    let facts = &subject.facts;
    let keys = report_config::keys(facts)?;
    show("config", report_config::key_rows(&keys, call.flag("all")))?;
    show("definitions", report_config::definition_rows(facts, call.flag("all")))?;
    show("values", report_config::value_rows(facts, &subject.rules))
}

fn run_diff(call: &Call) -> Result<(), Failure> {
    let mut inputs = collect::core();
    inputs.crds = collect::crds();
    let to = version_of(call, "to")?;
    let way = match to {
        Some(to) => {
            let from = version_of(call, "from-version")?;
            let released = inputs::released_version(&inputs).map(|(version, _)| version);
            let running = || inputs::running_version(&inputs).known().map(|it| it.0.clone());
            from.or(released).or_else(running).map(|from| (from, to))
        }
        None => None,
    };
    let way = way.as_ref().map(|(from, to)| (from, to));
    show("settings", state::setting_rows(&inputs.config, way))?;
    show("definitions", state::defined_rows(&inputs.crds, way))?;
    show("agents", state::agent_rows(&inputs.agents))?;
    show("hosts", state::line_rows(&collect::host_state()))?;
    let (endpoints, identities) = collect::endpoints();
    show("endpoints", state::endpoint_rows(&endpoints))?;
    show("identities", state::identity_rows(&identities))
}
