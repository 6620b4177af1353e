//! `monitor lost`: where the packets of a pair were seen last, and what the routing tables say.
//!
//! Apart from the sights, which only see. Here the two are put beside each other.

use std::rc::Rc;

use lab_forwarding::datapath::View;
use lab_forwarding::trace::{Endpoint, Ends};
use lab_forwarding::words;
use lab_model::monitor::Event;
use lab_model::walk::Trace;
use lab_plugin::{Failure, Finding, Health, Level, Table};

use crate::collect::{Seen, Sink};
use crate::names::Names;
use crate::rows::{SightRow, WayRow};
use crate::show;
use crate::sights::{self, Sights, Way};

/// A pair that is watched.
pub struct Lost {
    /// What was seen of it.
    pub sights: Sights,
    ends: [Endpoint; 2],
    table: Table<SightRow>,
    has_new: bool,
}

impl Lost {
    /// For two ends.
    pub fn new(ends: &Ends) -> Self {
        let ends = [ends.source.clone(), ends.destination.clone()];
        Self { sights: Sights::default(), ends, table: Table::new("seen"), has_new: false }
    }

    /// Shows where the packets were seen.
    ///
    /// # Errors
    /// As [`Sink::event`].
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.send()?;
        self.table.commit()
    }

    fn send(&mut self) -> Result<(), Failure> {
        for row in self.sights.rows() {
            let key = format!("{}/{}/{}/{}", row.way, row.node, row.point, row.interface);
            self.table.push(&key, row)?;
        }
        Ok(())
    }
}

/// Whether an end has an address.
fn has(end: &Endpoint, address: Option<std::net::IpAddr>) -> bool {
    let Some(address) = address else { return false };
    match end {
        Endpoint::Pod { ips, .. } => ips.contains(&address),
        Endpoint::Host { ip: Some(ip), .. } | Endpoint::Outside(ip) => *ip == address,
        Endpoint::Host { ip: None, .. } => false,
    }
}

impl Sink for Lost {
    fn event(&mut self, event: &Event<'_>, seen: &Seen<'_>) -> Result<(), Failure> {
        let [first, second] = &self.ends;
        let (source, destination) = (event.source.address, event.destination.address);
        let way = if has(first, source) && has(second, destination) {
            Way::There
        } else if has(second, source) && has(first, destination) {
            Way::Back
        } else {
            return Ok(());
        };
        let node: Rc<str> =
            if event.node.is_empty() { seen.node.clone() } else { Rc::from(&*event.node) };
        self.sights.add(way, event, &node, seen.time);
        self.has_new = true;
        Ok(())
    }

    fn show(&mut self, _names: &Names, is_tick: bool) -> Result<(), Failure> {
        if !is_tick || !std::mem::take(&mut self.has_new) {
            return Ok(());
        }
        self.send()?;
        self.table.commit()
    }
}

/// Rows and findings: what was seen beside what is predicted.
///
/// # Errors
/// Ends that no packet can be sent between.
pub fn conclude(
    view: &View<'_>,
    ends: &Ends,
    sights: &Sights,
) -> Result<(Vec<WayRow>, Vec<Finding>), Failure> {
    let path = ends.walk(view).map_err(|why| Failure::InvalidInput(why.0))?;
    let names = [ends.source.name(view.cluster), ends.destination.name(view.cluster)];
    let node = |end: &Endpoint| end.host().map(|host| view.cluster.hosts[host].name.as_str());
    let seen = [
        sights.seen(Way::There, node(&ends.destination)),
        sights.seen(Way::Back, node(&ends.source)),
    ];
    let traces = [Ok(&path.there), path.back.as_ref().map_err(|why| *why)];
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for (at, (seen, trace)) in seen.iter().zip(traces).enumerate() {
        let way = [Way::There, Way::Back][at];
        let (from, to) = (&names[at], &names[1 - at]);
        let predicted = predict(view, trace);
        findings.extend(find(&names, from, to, seen, &predicted));
        rows.push(WayRow {
            way: way.word(),
            from: from.clone(),
            to: to.clone(),
            seen: seen.word.clone(),
            last: seen.last.clone(),
            predicted: predicted.word,
            ends_on: predicted.host,
            reason: predicted.reason,
        });
    }
    Ok((rows, findings))
}

/// What the routing tables say of a way.
struct Predicted {
    word: Health,
    host: Option<String>,
    reason: Option<String>,
    /// The route of its last host.
    route: Option<String>,
    is_lost: bool,
}

fn predict(view: &View<'_>, trace: Result<&Trace<'_>, &'static str>) -> Predicted {
    let trace = match trace {
        Ok(trace) => trace,
        Err(why) => {
            let (word, reason) = (words::not_known(), Some(why.to_owned()));
            return Predicted { word, host: None, reason, route: None, is_lost: false };
        }
    };
    let end = trace.end();
    let worst = trace.branches.iter().find(|branch| branch.end == end);
    let last = worst.and_then(|branch| branch.hops.last());
    let word = words::health(end.disposition);
    Predicted {
        is_lost: word.0 == Level::Bad,
        word,
        host: last.map(|hop| view.cluster.hosts[hop.host].name.clone()),
        reason: words::say(end.reason),
        route: last.map(|hop| words::line(hop.route)),
    }
}

fn find(
    names: &[String; 2],
    from: &str,
    to: &str,
    seen: &sights::Seen,
    predicted: &Predicted,
) -> Option<Finding> {
    let last = seen.last.clone().unwrap_or_default();
    let subject = format!("{from} -> {to}");
    let (code, message) = match (seen.is_lost, &*seen.word.1) {
        (true, _) => ("monitor/lost", last),
        (false, "dropped") => ("monitor/dropped", last),
        _ => return None,
    };
    let mut finding = Finding::bad(code, subject, message);
    if let Some((node, raw)) = &seen.evidence {
        finding = finding.evidence(format!("{node}: {}", show::origin(raw)), raw.as_str());
    }
    if code == "monitor/dropped" {
        return Some(finding.fix(format!("kubectl lab monitor drops --related-to {to}")));
    }
    if let (Some(host), Some(route), true) = (&predicted.host, &predicted.route, predicted.is_lost)
    {
        finding = finding.evidence(format!("{host}: ip -j route show table all"), route.as_str());
    }
    let cure = if predicted.is_lost {
        let [first, second] = names;
        format!("kubectl lab routes trace {first} {second} names the host and its route")
    } else {
        "the routing tables lead there: look at what is between the hosts".to_owned()
    };
    Some(finding.fix(cure))
}
