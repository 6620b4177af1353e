//! The common case of a pair, without a walk: a plain rule set, one route to exactly the range,
//! and its gateway is the owner, on the link.
//!
//! Says only "arrives", never "is lost": whatever is not that plain is walked. A test holds it
//! to what the walk says. It is apart because it is the one shortcut, and it exists for a
//! thousand nodes: a million pairs, four lookups each.

use std::net::IpAddr;

use lab_model::iproute2::{DeviceName, IpRule, Route, RouteFlags, RouteType, RuleAction, TableId};
use lab_model::{AddressFamily, Prefix};

use crate::model::{Cluster, Host, PodCidr};
use crate::settings::{Mode, Settings};

/// What is needed of each range, worked out once for all senders.
pub struct Receivers<'c> {
    ranges: Vec<Receiver>,
    /// Whose word on sources it is; other settings are asked for each pair.
    native: Option<&'c [Prefix]>,
}

struct Receiver {
    gateway: Option<IpAddr>,
    /// Whether packets to the range keep their source.
    keeps_source: bool,
}

/// What is needed of one sender, worked out once for all its pairs.
pub struct Sender<'c> {
    /// Routes of `main` by destination, and how far the pairs have come: ranges are asked for
    /// in the same order, so both lists are walked once, side by side.
    routes: Vec<&'c Route>,
    next: usize,
    /// The host's own addresses and networks, none inside another, and how far they are walked.
    local: Vec<Prefix>,
    next_local: usize,
    settings: &'c Settings,
    /// Whether what is known of the receivers holds for these settings.
    has_common_settings: bool,
    devices: Vec<Device>,
    /// The one that led to the last gateway.
    device: usize,
}

/// A device through which neighbors are reached.
struct Device {
    name: DeviceName,
    network: Prefix,
    mtu: Option<u32>,
}

impl<'c> Receivers<'c> {
    /// For each range the only address by which its owner can be a next hop, if the owner hands
    /// what comes in by the network to its pods.
    pub fn new(cluster: &'c Cluster) -> Self {
        let gateway = |cidr: &PodCidr| {
            let owner = &cluster.hosts[cidr.host];
            let settings = owner.settings.as_ref()?;
            if settings.legacy_host_routing || owner.addresses.is_err() {
                return None;
            }
            let v4 = cidr.prefix.family() == AddressFamily::V4;
            let own = owner.internal.iter().find(|ip| ip.is_ipv4() == v4)?;
            (cluster.owner(*own) == Some(cidr.host)).then_some(*own)
        };
        // A range that another node claims a part of is walked, and so is one with known pods.
        let alone = |idx: usize| {
            let this = &cluster.cidrs[idx].prefix;
            let beside = [idx.checked_sub(1), Some(idx + 1)].into_iter().flatten();
            cluster.pods.is_none()
                && !beside.filter_map(|at| cluster.cidrs.get(at)).any(|it| it.prefix.overlaps(this))
        };
        // Settings are those of one ConfigMap, but for a few hosts.
        let settings = cluster.hosts.iter().find_map(|host| host.settings.as_ref());
        let of_range = |(idx, cidr): (usize, &PodCidr)| Receiver {
            gateway: alone(idx).then(|| gateway(cidr)).flatten(),
            keeps_source: settings.is_some_and(|it| it.keeps_source_towards(cidr.prefix.address())),
        };
        Self {
            ranges: cluster.cidrs.iter().enumerate().map(of_range).collect(),
            native: settings.map(|settings| &*settings.native_cidrs),
        }
    }
}

impl<'c> Sender<'c> {
    /// A node whose rules and settings leave nothing to weigh.
    pub fn new(host: &'c Host, receivers: &Receivers<'_>) -> Option<Self> {
        let settings = host.settings.as_ref()?;
        let fib = host.fib.as_ref().ok()?;
        let plain = settings.mode == Mode::Native
            && !settings.ip_masq_agent
            && host.dead.is_empty()
            && [AddressFamily::V4, AddressFamily::V6]
                .iter()
                .all(|family| is_plain(fib.rules(*family)));
        if !plain {
            return None;
        }
        let up = |own: &&crate::model::Address| {
            host.links.get(&own.device).is_none_or(|link| !link.is_down)
        };
        let devices = host.addresses.as_ref().ok()?.iter().filter(up).map(|own| Device {
            name: own.device,
            network: own.network,
            mtu: host.links.get(&own.device).and_then(|link| link.mtu),
        });
        let (mut routes, mut local) = (Vec::new(), Vec::<Prefix>::new());
        for all in [Prefix::DEFAULT_V4, Prefix::DEFAULT_V6] {
            routes.extend(fib.within(TableId::MAIN, all));
            for Route { dst, .. } in fib.within(TableId::LOCAL, all) {
                if local.last().is_none_or(|before| !before.covers(dst)) {
                    local.push(*dst);
                }
            }
        }
        Some(Self {
            routes,
            next: 0,
            local,
            next_local: 0,
            settings,
            has_common_settings: receivers.native == Some(&settings.native_cidrs),
            devices: devices.collect(),
            device: 0,
        })
    }

    /// The MTU of the way to a range, if packets plainly arrive there. Ranges must be asked for
    /// in ascending order.
    pub fn arrives(
        &mut self,
        receivers: &Receivers<'_>,
        idx: usize,
        range: &Prefix,
    ) -> Option<Option<u32>> {
        let rest = self.routes.get(self.next..)?;
        // Nearly always the next one.
        self.next +=
            rest.iter().take_while(|route| route.dst != *range && route.dst < *range).count();
        let route = *self.routes.get(self.next)?;
        let receiver = receivers.ranges.get(idx)?;
        let gateway = receiver.gateway?;
        let is_plain = route.dst == *range
            && route.gateway == Some(gateway)
            && route.route_type == RouteType::Unicast
            && !route.flags.has(RouteFlags::DEAD)
            && route.extra.is_none();
        // What follows in this order is a longer route inside the range, if there is one.
        let is_whole = self.routes.get(self.next + 1).is_none_or(|after| !range.covers(&after.dst));
        if !is_plain || !is_whole || self.is_partly_local(range) {
            return None;
        }
        let device_mtu = self.device(route, gateway)?.mtu;
        // Where the source may be masqueraded, the walk asks by which address.
        let keeps_source = if self.has_common_settings {
            receiver.keeps_source
        } else {
            self.settings.keeps_source_towards(range.address())
        };
        keeps_source.then(|| match (route.mtu_bytes(), device_mtu) {
            (Some(route), Some(device)) => Some(route.min(device)),
            (route, device) => route.or(device),
        })
    }

    /// Whether some address of a range is the host's own. As none of these prefixes is inside
    /// another, only those beside the range's place can overlap it.
    fn is_partly_local(&mut self, range: &Prefix) -> bool {
        let rest = self.local.get(self.next_local..).unwrap_or_default();
        self.next_local += rest.iter().take_while(|local| *local < range).count();
        let overlaps = |at: usize| self.local.get(at).is_some_and(|local| local.overlaps(range));
        overlaps(self.next_local) || self.next_local.checked_sub(1).is_some_and(overlaps)
    }

    /// The device of a route, if the gateway is on its link. Looked for where the last one was
    /// found first.
    fn device(&mut self, route: &Route, gateway: IpAddr) -> Option<&Device> {
        let name = route.device?;
        let leads = |device: &Device| device.name == name && device.network.contains(gateway);
        if !self.devices.get(self.device).is_some_and(leads) {
            self.device = self.devices.iter().position(leads)?;
        }
        self.devices.get(self.device)
    }
}

/// Whether rules without a selector look up `local`, then `main`, and the others want a mark
/// that the pods' packets do not have.
fn is_plain(rules: &[IpRule]) -> bool {
    let mut tables = Vec::with_capacity(3);
    for rule in rules {
        let RuleAction::Lookup(table) = rule.action else { return false };
        let other = IpRule {
            mark: rule.mark,
            table_name: rule.table_name.clone(),
            protocol: rule.protocol,
            ..IpRule::lookup(rule.family, rule.priority, table)
        };
        if *rule != other {
            return false;
        }
        match rule.mark {
            Some(mark) if mark.value & mark.mask != 0 => {}
            Some(_) => return false,
            None => tables.push(table),
        }
    }
    tables.starts_with(&[TableId::LOCAL, TableId::MAIN])
}
