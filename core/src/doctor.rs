//! `kubectl lab doctor`: checks what the other commands need, one line for each check.
//!
//! Apart from `run` because nothing here goes through a plugin, and because it must go on where the
//! others stop: with a broken file, without a cluster, without rights. It changes nothing and waits
//! for nothing longer than its deadline.

mod agents;
mod bounds;
mod capture;
mod check;
mod cluster;
mod hosts;
mod local;
mod review;
mod rights;
mod role;

use std::sync::Arc;

use lab_backend::HostFilter;
use lab_cli::Doctor;
use lab_cli::Globals;
use lab_cli::Settings;
use lab_cli::exit;
use lab_cli::settings::Source;
use lab_cli::settings::System;
use lab_types::Card;
use lab_types::Failure;

use crate::run::Installed;
use crate::terminal;
use crate::terminal::Console;
use crate::terminal::Drawn;
use crate::view;
use bounds::Bounds;
use rights::Namespaces;

/// What every check may look at.
struct Patient<'a> {
    settings: &'a Settings,
    /// The cards of the plugins that were asked about.
    cards: &'a [(String, Card)],
    bounds: Bounds,
    console: Arc<Console>,
}

impl Patient<'_> {
    /// Whether `--host` leaves a host in.
    fn asks(&self, host: &str) -> bool {
        let only = &self.settings.hosts.only;
        only.is_empty() || HostFilter::new((), only).allows(host)
    }
}

/// Checks everything and draws the table; the answer is the exit code.
pub(crate) async fn examine(
    asked: Doctor,
    globals: Globals,
    installed: Installed,
) -> Result<u8, Failure> {
    let (settings, config) = local::settings(&globals)?;
    let view = view::view(&settings)?;
    let now = view::now();
    let cards = chosen(&installed.cards, &asked);
    let console = Arc::new(Console::new(&settings));
    let bounds = Bounds::new(&settings, console.clone());
    let patient = Patient { settings: &settings, cards: &cards, bounds, console: console.clone() };

    let mut checks = vec![config];
    let far = async {
        match &settings.source {
            Source::Live => Box::pin(cluster::checks(&patient, now)).await,
            Source::Demo | Source::Capture(_) => (capture::checks(&patient).await, None),
        }
    };
    let ((found, server), kubectl) = tokio::join!(far, local::kubectl(&patient));
    checks.extend(found);
    checks.push(local::judge_kubectl(kubectl, server.as_deref()));
    checks.extend(local::checks(installed.plugins));
    console.clear();

    let report = view::apply(&view, check::report(&checks)?, &settings, now)?;
    if let Drawn::PipeClosed = terminal::draw(&report, &view::options(&settings, now, Vec::new()))?
    {
        return Ok(exit::CLEAN);
    }
    let findings = report.findings.iter().map(|finding| finding.level).collect();
    Ok(exit::code(&exit::Outcome { findings, ..exit::Outcome::default() }, settings.fail_on.value))
}

/// The YAML of the least roles for the plugins. Asks no cluster.
pub(crate) fn roles(
    asked: &Doctor,
    globals: &Globals,
    cards: &[(String, Card)],
) -> Result<String, Failure> {
    let settings = Settings::load(globals, &System)?;
    let within = Namespaces::new(&settings, None);
    role::print(&chosen(cards, asked), cards.len(), &within, asked.subject.as_deref())
}

fn chosen(cards: &[(String, Card)], asked: &Doctor) -> Vec<(String, Card)> {
    cards.iter().filter(|(name, _)| asked.plugins.contains(name)).cloned().collect()
}
