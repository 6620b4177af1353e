//! A path as rows: one for each direction, one for each host.

use lab_forwarding::datapath::View;
use lab_forwarding::trace::{Ends, Path};
use lab_forwarding::words::{health, not_known, say};
use lab_model::walk::{Branch, Hop, Step, Trace};

use crate::rows::{HopRow, WayRow};

/// A row for each direction.
pub fn way_rows(view: &View<'_>, ends: &Ends, path: &Path<'_>) -> [WayRow; 2] {
    let from = ends.source.name(view.cluster);
    let to = ends.destination.name(view.cluster);
    let there = way(view, "there", &from, &to, &path.there, path.mtu_there);
    let back = match &path.back {
        Ok(back) => way(view, "back", &to, &from, back, path.mtu_back),
        Err(why) => WayRow {
            way: "back",
            from: to,
            to: from,
            disposition: not_known(),
            hops: None,
            mtu: None,
            last: None,
            reason: Some((*why).to_owned()),
        },
    };
    [there, back]
}

/// A row for each host of both directions.
pub fn path_rows(view: &View<'_>, path: &Path<'_>) -> Vec<HopRow> {
    let mut rows = hop_rows(view, "there", &path.there);
    rows.extend(path.back.iter().flat_map(|back| hop_rows(view, "back", back)));
    rows
}

fn way(
    view: &View<'_>,
    name: &'static str,
    from: &str,
    to: &str,
    trace: &Trace<'_>,
    mtu: Option<u32>,
) -> WayRow {
    let end = trace.end();
    let worst = trace.branches.iter().find(|branch| branch.end == end);
    let last = worst.and_then(|branch| branch.hops.last());
    let longest = trace.branches.iter().map(|branch| branch.hops.len()).max();
    WayRow {
        way: name,
        from: from.to_owned(),
        to: to.to_owned(),
        disposition: health(end.disposition),
        hops: longest.and_then(|hops| u32::try_from(hops).ok()),
        mtu,
        last: last.map(|hop| view.cluster.hosts[hop.host].name.clone()),
        reason: say(end.reason),
    }
}

/// Every host of every branch, as rows.
fn hop_rows(view: &View<'_>, way: &'static str, trace: &Trace<'_>) -> Vec<HopRow> {
    let mut rows = Vec::new();
    for (branch, number) in trace.branches.iter().zip(1..) {
        for (hop, place) in branch.hops.iter().zip(1..) {
            let is_last = place as usize == branch.hops.len();
            rows.push(hop_row(view, way, number, place, hop, is_last.then_some(branch)));
        }
    }
    rows
}

fn hop_row(
    view: &View<'_>,
    way: &'static str,
    branch: u32,
    place: u32,
    hop: &Hop<'_>,
    ends: Option<&Branch<'_>>,
) -> HopRow {
    HopRow {
        way,
        branch,
        hop: place,
        host: view.cluster.hosts[hop.host].name.clone(),
        in_device: hop.in_device.map(|device| device.to_string()),
        packet: format!("{} > {}", hop.packet.source, hop.packet.destination),
        // Priority and selector are apart by a tab.
        rule: hop.rule.map(|rule| rule.to_string().replace('\t', " ")),
        // A route with several legs takes several lines; a cell is one.
        route: hop.route.map(|route| route.to_string().replace("\n\t", " ")),
        next_hop: hop.next_hop.map(|ip| ip.to_string()),
        out_device: hop.out_device.map(|device| device.to_string()),
        mtu: hop.mtu,
        action: hop.steps.iter().map(act).collect::<Vec<_>>().join(", "),
        disposition: ends.map(|branch| health(branch.end.disposition)),
    }
}

fn act(step: Step<'_>) -> String {
    match step {
        Step::Originate => "originate".to_owned(),
        Step::Forward => "forward".to_owned(),
        Step::Encapsulate(to) => format!("encapsulate to {to}"),
        Step::Decapsulate => "decapsulate".to_owned(),
        Step::Masquerade(source) => format!("masquerade as {source}"),
        Step::Translate(destination) => format!("translate back to {destination}"),
        Step::Deliver(to) => format!("deliver to {to}"),
        Step::Discard => "discard".to_owned(),
    }
}
