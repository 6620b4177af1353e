//! The API server: found, answering, how fast, its clock, who it takes us for, what was left there.
//!
//! Apart because everything about a live cluster begins here: what makes no sense after a failure is
//! skipped, and says so.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use lab_backend::Backend;
use lab_backend::HostKind;
use lab_live::Leftover;
use lab_live::Live;
use lab_live::RoundTrip;
use lab_types::Failure;
use lab_types::FailureKind;
use serde::Deserialize;

use super::Patient;
use super::agents;
use super::check::Area;
use super::check::Check;
use super::check::Outcome;
use super::hosts;
use super::review;
use crate::source;

/// Requests for `/version`; the first also connects.
const TRIPS: usize = 5;
/// From here on a table over a few kinds and nodes feels slow.
const SLOW: Duration = Duration::from_secs(1);
/// Certificates and tokens are made with some seconds of tolerance.
const SKEW: Duration = Duration::from_secs(10);

/// Every check that needs a cluster or a host, and the API server's version.
pub(super) async fn checks(patient: &Patient<'_>, now: i64) -> (Vec<Check>, Option<String>) {
    let (hosts, (mut checks, version)) =
        tokio::join!(hosts::checks(patient), cluster(patient, now));
    checks.extend(hosts);
    (checks, version)
}

async fn cluster(patient: &Patient<'_>, now: i64) -> (Vec<Check>, Option<String>) {
    let mut options = source::live_options(patient.settings);
    options.request_timeout = Some(patient.bounds.request);
    options.command_timeout = patient.bounds.command;
    let live = match patient.bounds.within(Live::connect(options)).await {
        Ok(live) => live,
        Err(failure) => {
            let mut checks = vec![Check::failed(Area::Kubeconfig, "", Outcome::Bad, &failure)];
            checks.push(Check::skipped(Area::Api, "no API server is known"));
            checks.extend(without("no API server is known"));
            return (checks, None);
        }
    };
    let hears = patient.console.clone();
    live.tell(Box::new(move |line| hears.step(line)));
    let mut checks = vec![kubeconfig(&live)];
    let server = live.link().server;
    let trips = trips(patient, &live).await;
    let user = match &trips {
        Ok(_) | Err(Failure { kind: FailureKind::Denied, .. }) => {
            Some(patient.bounds.within(live.user()).await)
        }
        Err(_) => None,
    };
    let reached = match (&trips, &user) {
        // Some servers hide their version from strangers and answer everything else.
        (Err(failure), Some(Ok(_))) => {
            checks.push(Check::failed(Area::Api, &server, Outcome::Unknown, failure));
            None
        }
        (Err(failure), _) => {
            checks.push(Check::failed(Area::Api, &server, Outcome::Bad, failure));
            let why = match failure.kind {
                FailureKind::Denied => "the API server was reached but refuses",
                _ => "the API server does not answer",
            };
            checks.extend(without(why));
            return (checks, None);
        }
        (Ok(trips), _) => {
            checks.push(speed(&server, trips));
            checks.push(clock(trips));
            let (check, version) = kubernetes(trips);
            checks.push(check);
            version
        }
    };
    checks.push(match &user {
        Some(Ok(user)) => {
            let seen = format!("{} ({})", user.name, user.groups.join(", "));
            Check::new(Area::User, "", Outcome::Fine, seen)
        }
        Some(Err(failure)) => Check::failed(Area::User, "", Outcome::Unknown, failure),
        None => Check::new(Area::User, "", Outcome::Unknown, "not asked"),
    });
    let user = user.as_ref().and_then(|user| user.as_ref().ok());
    let (rights, agents, debug_pods, leftovers) = tokio::join!(
        review::checks(patient, &live, user),
        agents::checks(patient, &live),
        debug_pods(patient, &live),
        leftovers(patient, &live, now),
    );
    checks.extend(rights.into_iter().chain(agents).chain([debug_pods]).chain(leftovers));
    (checks, reached)
}

/// The lines of everything that needs the API server.
fn without(why: &str) -> Vec<Check> {
    use Area::{Agent, Clock, DebugPod, Leftover, Rights, Tools, User, Version};
    let areas = [Clock, User, Version, Rights, Agent, Tools, DebugPod, Leftover];
    areas.into_iter().map(|area| Check::skipped(area, why)).collect()
}

fn kubeconfig(live: &Live) -> Check {
    let link = live.link();
    let files: Vec<String> = link.kubeconfigs.iter().map(|it| it.display().to_string()).collect();
    let seen = match &link.context {
        Some(context) => format!("context {context} of {}", files.join(", ")),
        None if files.is_empty() => "the service account of this pod, or `--server`".to_owned(),
        None => "no context: `--server` alone".to_owned(),
    };
    if link.insecure {
        let seen = format!("{seen}; the certificate of the API server is not checked");
        return Check::new(Area::Kubeconfig, "", Outcome::Warn, seen).fix(
            "leave out `--insecure-skip-tls-verify`, and name its authority in the kubeconfig",
        );
    }
    Check::new(Area::Kubeconfig, "", Outcome::Fine, seen)
}

async fn trips(patient: &Patient<'_>, live: &Live) -> Result<Vec<RoundTrip>, Failure> {
    let mut trips = Vec::new();
    for _ in 0..TRIPS {
        trips.push(patient.bounds.within(live.round_trip()).await?);
    }
    Ok(trips)
}

fn speed(server: &str, trips: &[RoundTrip]) -> Check {
    let first = trips.first().map(|trip| trip.took).unwrap_or_default();
    let mut rest: Vec<Duration> = trips.iter().skip(1).map(|trip| trip.took).collect();
    rest.sort_unstable();
    let least = rest.first().copied().unwrap_or(first);
    let median = rest.get(rest.len() / 2).copied().unwrap_or(first);
    let seen = format!(
        "answers in {} at best, {} median of {}; the first took {} with connecting",
        milliseconds(least),
        milliseconds(median),
        rest.len(),
        milliseconds(first),
    );
    if median < SLOW {
        return Check::new(Area::Api, server, Outcome::Fine, seen);
    }
    Check::new(Area::Api, server, Outcome::Warn, seen)
        .fix("ask fewer at once with `--concurrency 8`, wait longer with `--request-timeout 60s`")
}

pub(super) fn milliseconds(time: Duration) -> String {
    let tenths = time.as_micros() / 100;
    if tenths < 100 {
        format!("{}.{} ms", tenths / 10, tenths % 10)
    } else {
        format!("{} ms", tenths / 10)
    }
}

/// Our clock against the server's, by the shortest trip.
fn clock(trips: &[RoundTrip]) -> Check {
    let check = |outcome, seen: String| Check::new(Area::Clock, "", outcome, seen);
    let best = trips.iter().min_by_key(|trip| trip.took);
    let Some((trip, theirs)) = best.and_then(|trip| Some((trip, date(trip.date.as_deref()?)?)))
    else {
        return check(
            Outcome::Unknown,
            "the API server's answers have no readable date".to_owned(),
        );
    };
    // The header counts whole seconds, so the server's clock is anywhere in that second.
    let (word, skew) = match trip.at.duration_since(theirs) {
        Ok(ahead) => ("ahead of", ahead.saturating_sub(Duration::from_secs(1))),
        Err(behind) => ("behind", behind.duration()),
    };
    if skew < Duration::from_secs(1) {
        return check(Outcome::Fine, "agrees with the API server's to a second".to_owned());
    }
    let seen = format!("{} s {word} the API server's", skew.as_secs());
    if skew < SKEW {
        return check(Outcome::Fine, seen);
    }
    check(Outcome::Warn, seen)
        .fix("synchronise the clock that is wrong: `timedatectl set-ntp true`")
}

/// Reads a `Date` header: `Thu, 26 Nov 2026 16:10:36 GMT`.
fn date(text: &str) -> Option<SystemTime> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let seconds = parser.parse_timestamp(text).ok()?.as_second();
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).ok()?))
}

fn kubernetes(trips: &[RoundTrip]) -> (Check, Option<String>) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    let text = trips.first().map(|trip| trip.text.as_str()).unwrap_or_default();
    match serde_json::from_str::<Version>(text) {
        Ok(version) => {
            let seen = version.git_version.clone();
            let check = Check::new(Area::Version, "Kubernetes", Outcome::Fine, seen);
            (check, Some(version.git_version))
        }
        Err(error) => {
            let seen =
                format!("what answers is no API server: `/version` is not readable: {error}");
            let check = Check::new(Area::Version, "Kubernetes", Outcome::Bad, seen)
                .fix("is a proxy in between? `--context` or `--server` choose another one");
            (check, None)
        }
    }
}

/// Debug pods of runs that are over, or still go on.
async fn leftovers(patient: &Patient<'_>, live: &Live, now: i64) -> Vec<Check> {
    match patient.bounds.within(live.leftovers()).await {
        Ok(pods) if pods.is_empty() => {
            vec![Check::new(Area::Leftover, "", Outcome::Fine, "no debug pod in the cluster")]
        }
        Ok(pods) => pods.iter().map(|pod| leftover(pod, now)).collect(),
        Err(failure) => vec![Check::failed(Area::Leftover, "", Outcome::Unknown, &failure)],
    }
}

fn leftover(pod: &Leftover, now: i64) -> Check {
    let Leftover { namespace, name, node, run, created, phase, is_stale } = pod;
    let mut seen = format!("debug pod of run {run} on {node}, {}", phase.to_lowercase());
    if let Ok(made) = created.parse::<jiff::Timestamp>() {
        let minutes = now.saturating_sub(made.as_millisecond()).max(0) / 60_000;
        seen.extend([", made ", &minutes.to_string(), " min ago"]);
    }
    let delete = format!("kubectl delete pod -n {namespace} {name}");
    let subject = format!("{namespace}/{name}");
    if *is_stale {
        return Check::new(Area::Leftover, subject, Outcome::Warn, seen).fix(delete);
    }
    // It may belong to somebody who works with it.
    Check::new(Area::Leftover, subject, Outcome::Fine, format!("{seen}: its run may go on"))
        .fix(format!("if no run goes on: {delete}"))
}

/// Whether a debug pod would be admitted, asked with a dry run on one node.
async fn debug_pods(patient: &Patient<'_>, live: &Live) -> Check {
    let check = |outcome, seen: String| Check::new(Area::DebugPod, "", outcome, seen);
    if !patient.settings.hosts.debug_pods.value {
        return check(Outcome::Skipped, "not allowed; `--debug-pods` would".to_owned());
    }
    let tried = async {
        let hosts = live.hosts().await?;
        let node = hosts
            .into_iter()
            .find(|host| host.kind == HostKind::Node && patient.asks(&host.name))
            .ok_or_else(|| Failure::not_found("there is no node to try one on"))?;
        live.debug_pod_trial(&node.name).await
    };
    match patient.bounds.within(tried).await {
        Ok(namespace) => {
            check(Outcome::Fine, format!("would be admitted in {namespace} (a dry run)"))
        }
        Err(failure) => Check::failed(Area::DebugPod, "", Outcome::Bad, &failure),
    }
}

#[cfg(test)]
mod tests;
