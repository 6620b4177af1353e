//! What policies' neighbours bear: pools, BGP, redirects, Services, the settings themselves.

use std::collections::{BTreeMap, BTreeSet};

use lab_plugin::Fact;
use serde_json::Value;

use super::Mark;
use super::policies::{self, Found};
use crate::facts::Seen;
use crate::inputs::Inputs;
use crate::objects::AnyObject;

type Marks = BTreeMap<Mark, Fact<Vec<Seen>>>;

/// Kinds that hold policies.
const POLICIES: [&str; 2] = ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"];
/// Marks of policies, all of which are known together.
const OF_POLICIES: [Mark; 17] = [
    Mark::AnyPolicy,
    Mark::PolicyKafka,
    Mark::PolicyParser,
    Mark::PolicyRequires,
    Mark::PolicyFqdn,
    Mark::PolicyFqdnDeep,
    Mark::PolicyEmptyPeers,
    Mark::PolicyInit,
    Mark::PolicySeveralL7,
    Mark::PolicyTooMany,
    Mark::PolicyTerminatingTls,
    Mark::PolicyAuthentication,
    Mark::PolicyL7,
    Mark::PolicyNoSpec,
    Mark::PolicyNodeSelector,
    Mark::PolicyTopology,
    Mark::PolicyNoCidrGroup,
];
/// From here on the identities of a cluster are many; 65279 are the most.
const MANY_IDENTITIES: usize = 50_000;

/// Everything about custom resources, Services and settings.
pub fn look(inputs: &Inputs, marks: &mut Marks) {
    of_policies(inputs, marks);
    for (mark, kind, test) in TESTS {
        let seen = of_kind(inputs, kind, *test);
        match (marks.remove(mark), seen) {
            (Some(Fact::Known(mut first)), Fact::Known(second)) => {
                first.extend(second);
                marks.insert(*mark, Fact::Known(first));
            }
            // Where one of two kinds is not known, what the other has is not all there is.
            (Some(Fact::Unknown(why)), _) => {
                marks.insert(*mark, Fact::Unknown(why));
            }
            (Some(known), Fact::Absent) => {
                marks.insert(*mark, known);
            }
            (_, seen) => {
                marks.insert(*mark, seen);
            }
        }
    }
    services(inputs, marks);
    marks.insert(Mark::LocalRedirectService, redirects(inputs));
    settings(inputs, marks);
    let many = inputs.n_identities.map(|n| {
        let seen = || Seen::new("CiliumIdentity", format!("{n} of 65279"));
        (*n > MANY_IDENTITIES).then(seen).into_iter().collect()
    });
    marks.insert(Mark::IdentitiesMany, many);
}

fn of_policies(inputs: &Inputs, marks: &mut Marks) {
    let groups = inputs.objects.get("CiliumCIDRGroup").and_then(Fact::known);
    let groups: Option<BTreeSet<String>> =
        groups.map(|all| all.iter().map(|it| it.metadata.name.clone()).collect());
    let mut found = Found::default();
    let mut unknown = None;
    for kind in POLICIES {
        match inputs.objects.get(kind) {
            Some(Fact::Known(all)) => {
                for policy in all {
                    policies::look(kind, policy, groups.as_ref(), &mut found);
                }
            }
            Some(Fact::Absent) => {}
            Some(Fact::Unknown(why)) => unknown = unknown.or(Some(format!("{kind}: {why}"))),
            None => unknown = unknown.or(Some(format!("{kind}: not asked"))),
        }
    }
    for mark in OF_POLICIES {
        let seen = found.0.remove(&mark).unwrap_or_default();
        let fact = match &unknown {
            // What was found is there, whatever else could not be read.
            Some(why) if seen.is_empty() => Fact::Unknown(why.clone()),
            _ if mark == Mark::PolicyNoCidrGroup && groups.is_none() => {
                Fact::Unknown("CiliumCIDRGroup: not read".to_owned())
            }
            _ => Fact::Known(seen),
        };
        marks.insert(mark, fact);
    }
}

type ObjectTest = fn(&AnyObject) -> Option<String>;

/// Marks that objects of a kind bear, with what is shown of them.
const TESTS: &[(Mark, &str, ObjectTest)] = &[
    (Mark::PoolCidrs, "CiliumLoadBalancerIPPool", |it| {
        let cidrs = it.spec.get("cidrs")?.as_array()?;
        (!cidrs.is_empty()).then(|| "spec.cidrs".to_owned())
    }),
    (Mark::PoolEnds, "CiliumLoadBalancerIPPool", |it| {
        let ends = it.spec.get("allowFirstLastIPs").and_then(Value::as_str);
        ends.is_none_or(str::is_empty).then(|| "allowFirstLastIPs is not set".to_owned())
    }),
    (Mark::Pools, "CiliumLoadBalancerIPPool", |_| Some(String::new())),
    (Mark::CidrGroups, "CiliumCIDRGroup", |_| Some(String::new())),
    (Mark::BgpObjects, "CiliumBGPClusterConfig", |_| Some(String::new())),
    (Mark::BgpObjects, "CiliumBGPPeerConfig", |_| Some(String::new())),
    (Mark::BgpPeeringPolicy, "CiliumBGPPeeringPolicy", |_| Some(String::new())),
    (Mark::BgpLocalPort, "CiliumBGPPeerConfig", |it| {
        Some(format!("spec.transport.localPort: {}", it.spec.get("transport")?.get("localPort")?))
    }),
    (Mark::ExternalWorkload, "CiliumExternalWorkload", |_| Some(String::new())),
    (Mark::EnvoyConfig, "CiliumEnvoyConfig", |_| Some(String::new())),
    (Mark::EnvoyConfig, "CiliumClusterwideEnvoyConfig", |_| Some(String::new())),
    (Mark::LocalRedirect, "CiliumLocalRedirectPolicy", |_| Some(String::new())),
    (Mark::LocalRedirectBackend, "CiliumLocalRedirectPolicy", |it| {
        let skips = it.spec.get("skipRedirectFromBackend").and_then(Value::as_bool);
        (skips != Some(true)).then(|| "skipRedirectFromBackend is not true".to_owned())
    }),
    (Mark::EgressGateway, "CiliumEgressGatewayPolicy", |_| Some(String::new())),
    (Mark::EniOldFields, "CiliumNode", |it| {
        let eni = it.spec.get("eni")?;
        let moved = ["instance-id", "min-allocate", "pre-allocate", "max-above-watermark"];
        let found = moved.into_iter().find(|name| {
            eni.get(*name).is_some_and(|value| !matches!(value.as_i64(), Some(0)) && *value != "")
        });
        found.map(|name| format!("spec.eni.{name}"))
    }),
    (Mark::TlsRoute, "TLSRoute", |_| Some(String::new())),
];

fn of_kind(inputs: &Inputs, kind: &'static str, test: ObjectTest) -> Fact<Vec<Seen>> {
    let Some(objects) = inputs.objects.get(kind) else {
        return Fact::Unknown(format!("{kind}: not asked"));
    };
    match objects {
        Fact::Known(all) => {
            let found = all.iter().filter_map(|it| {
                Some(Seen::new(format!("{kind} {}", it.metadata.path()), test(it)?))
            });
            Fact::Known(found.collect())
        }
        Fact::Absent => Fact::Absent,
        Fact::Unknown(why) => Fact::Unknown(format!("{kind}: {why}")),
    }
}

fn services(inputs: &Inputs, marks: &mut Marks) {
    let affinity = inputs.services.map(|all| {
        let found = all.iter().filter(|it| it.has_affinity());
        found
            .map(|it| {
                Seen::new(format!("Service {}", it.metadata.path()), "sessionAffinity: ClientIP")
            })
            .collect()
    });
    marks.insert(Mark::SessionAffinity, affinity);
    let shared = inputs.services.map(|all| {
        let found = all.iter().filter_map(|it| {
            let place = format!("Service {}", it.metadata.path());
            Some(Seen::new(place, format!("port {} for several protocols", it.shared_port()?)))
        });
        found.collect()
    });
    marks.insert(Mark::SharedPort, shared);
}

/// Redirects of an address and a port that a Service has as well.
fn redirects(inputs: &Inputs) -> Fact<Vec<Seen>> {
    let kind = "CiliumLocalRedirectPolicy";
    let policies = match inputs.objects.get(kind) {
        Some(Fact::Known(policies)) => policies,
        Some(Fact::Absent) => return Fact::Known(Vec::new()),
        Some(Fact::Unknown(why)) => return Fact::Unknown(format!("{kind}: {why}")),
        None => return Fact::Unknown(format!("{kind}: not asked")),
    };
    let frontends: Vec<(String, Vec<Frontend<'_>>)> = policies
        .iter()
        .map(|it| (format!("{kind} {}", it.metadata.path()), frontends(&it.spec)))
        .filter(|(_, frontends)| !frontends.is_empty())
        .collect();
    if frontends.is_empty() {
        return Fact::Known(Vec::new());
    }
    inputs.services.map(|services| {
        let found = frontends.iter().filter_map(|(place, frontends)| {
            let mut taken = frontends.iter().filter_map(|&(address, port, protocol)| {
                let service = services.iter().find(|it| it.has(address, port, protocol))?;
                Some(format!("{address}:{port} is of Service {}", service.metadata.path()))
            });
            Some(Seen::new(place, taken.next()?))
        });
        found.collect()
    })
}

/// Address, port and protocol; no protocol means any.
type Frontend<'a> = (&'a str, u16, Option<&'a str>);

/// What a redirect by address takes away from where it goes.
fn frontends(spec: &Value) -> Vec<Frontend<'_>> {
    let matcher = spec.get("redirectFrontend").and_then(|it| it.get("addressMatcher"));
    let Some(matcher) = matcher else { return Vec::new() };
    let Some(address) = matcher.get("ip").and_then(Value::as_str) else { return Vec::new() };
    let ports = matcher.get("toPorts").and_then(Value::as_array);
    let frontends = ports.into_iter().flatten().filter_map(|it| {
        let port = it.get("port")?.as_str()?.parse().ok()?;
        let protocol = it.get("protocol").and_then(Value::as_str);
        Some((address, port, protocol.filter(|it| *it != "ANY")))
    });
    frontends.collect()
}

fn settings(inputs: &Inputs, marks: &mut Marks) {
    let setting = |make: &dyn Fn(&BTreeMap<String, String>) -> Option<String>| {
        inputs.config.map(|config| {
            let seen = make(config).map(|text| Seen::new("cilium-config", text));
            seen.into_iter().collect::<Vec<_>>()
        })
    };
    let name = setting(&|config| {
        let name = config.get("cluster-name")?;
        (!is_cluster_name(name)).then(|| format!("cluster-name: {name}"))
    });
    marks.insert(Mark::ClusterName, name);
    let mesh = setting(&|config| {
        let id = config.get("cluster-id")?;
        (id != "0" && !id.is_empty()).then(|| format!("cluster-id: {id}"))
    });
    marks.insert(Mark::ClusterMesh, mesh);
}

/// At most 32 lower-case letters, digits and `-`, the first and the last no `-`.
fn is_cluster_name(name: &str) -> bool {
    let is_part = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let (first, last) = (name.bytes().next(), name.bytes().last());
    name.len() <= 32
        && first.is_some_and(is_part)
        && last.is_some_and(is_part)
        && name.bytes().all(|letter| is_part(letter) || letter == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, spec: &Value) -> AnyObject {
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).expect("one")
    }

    fn seen(kind: &'static str, spec: &Value, mark: Mark) -> Vec<String> {
        let objects = BTreeMap::from([(kind, Fact::Known(vec![object("it", spec)]))]);
        let inputs = Inputs { objects, ..Inputs::default() };
        let mut marks = Marks::new();
        look(&inputs, &mut marks);
        let found = marks[&mark].known().cloned().unwrap_or_default();
        found.into_iter().map(|seen| seen.text).collect()
    }

    #[test]
    fn fields_are_told_from_their_absence() {
        let pool = "CiliumLoadBalancerIPPool";
        let cidrs = json!({"cidrs": [{"cidr": "10.0.0.0/24"}], "allowFirstLastIPs": "No"});
        assert_eq!(seen(pool, &cidrs, Mark::PoolCidrs), ["spec.cidrs"]);
        assert_eq!(seen(pool, &cidrs, Mark::PoolEnds), [""; 0]);
        let blocks = json!({"blocks": [{"cidr": "10.0.0.0/24"}]});
        assert_eq!(seen(pool, &blocks, Mark::PoolCidrs), [""; 0]);
        assert_eq!(seen(pool, &blocks, Mark::PoolEnds), ["allowFirstLastIPs is not set"]);
        let port = json!({"transport": {"localPort": 1790}});
        let found = seen("CiliumBGPPeerConfig", &port, Mark::BgpLocalPort);
        assert_eq!(found, ["spec.transport.localPort: 1790"]);
        let node = json!({"eni": {"instance-id": "", "pre-allocate": 8}});
        assert_eq!(seen("CiliumNode", &node, Mark::EniOldFields), ["spec.eni.pre-allocate"]);
        let node = json!({"eni": {"instance-id": "", "first-interface-index": 1}});
        assert_eq!(seen("CiliumNode", &node, Mark::EniOldFields), [""; 0]);
        let skips = json!({"skipRedirectFromBackend": true});
        let redirect = "CiliumLocalRedirectPolicy";
        assert_eq!(seen(redirect, &skips, Mark::LocalRedirectBackend), [""; 0]);
        assert_eq!(seen(redirect, &json!({}), Mark::LocalRedirectBackend).len(), 1);
    }

    #[test]
    fn a_redirect_takes_a_service_where_address_and_port_are_the_same() {
        let services = json!([
            {"metadata": {"name": "dns", "namespace": "n"}, "spec": {"clusterIPs": ["10.96.0.10"],
                "ports": [{"port": 53, "protocol": "UDP"}]}},
            {"metadata": {"name": "none"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}},
        ]);
        let seen = |ip: &str, port: &str, protocol: &str| {
            let spec = json!({"redirectFrontend": {"addressMatcher":
                {"ip": ip, "toPorts": [{"port": port, "protocol": protocol}]}}});
            let objects = BTreeMap::from([(
                "CiliumLocalRedirectPolicy",
                Fact::Known(vec![object("r", &spec)]),
            )]);
            let services = Fact::Known(serde_json::from_value(services.clone()).expect("Services"));
            redirects(&Inputs { objects, services, ..Inputs::default() })
        };
        let texts = |fact: Fact<Vec<Seen>>| -> Vec<String> {
            fact.known().expect("known").iter().map(|seen| seen.text.clone()).collect()
        };
        let taken = ["10.96.0.10:53 is of Service n/dns"];
        assert_eq!(texts(seen("10.96.0.10", "53", "UDP")), taken);
        assert_eq!(texts(seen("10.96.0.10", "53", "ANY")), taken);
        assert_eq!(texts(seen("10.96.0.10", "53", "TCP")), [""; 0]);
        assert_eq!(texts(seen("10.96.0.10", "54", "UDP")), [""; 0]);
        assert_eq!(texts(seen("169.254.169.254", "80", "TCP")), [""; 0]);
        assert_eq!(texts(seen("None", "1", "TCP")), [""; 0]);
        let by_service = json!({"redirectFrontend": {"serviceMatcher": {"serviceName": "dns"}}});
        let objects = BTreeMap::from([(
            "CiliumLocalRedirectPolicy",
            Fact::Known(vec![object("r", &by_service)]),
        )]);
        let unread = Fact::Unknown("not allowed to read it".to_owned());
        // Services do not matter where no redirect asks for them.
        let found = redirects(&Inputs { objects, services: unread.clone(), ..Inputs::default() });
        assert_eq!(found, Fact::Known(Vec::new()));
        assert_eq!(
            redirects(&Inputs { objects: BTreeMap::new(), services: unread, ..Inputs::default() }),
            Fact::Unknown("CiliumLocalRedirectPolicy: not asked".to_owned())
        );
    }

    #[test]
    fn cluster_names_have_a_form() {
        for good in ["default", "a", "eu-1", "a2345678901234567890123456789012"] {
            assert!(is_cluster_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "EU", "a_b", "a23456789012345678901234567890123"] {
            assert!(!is_cluster_name(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_not_read_stays_unknown() {
        let denied = Fact::Unknown("not allowed to read it".to_owned());
        let policy = object("p", &json!({"ingress": [{"fromRequires": [{}]}]}));
        let objects = BTreeMap::from([
            ("CiliumNetworkPolicy", Fact::Known(vec![policy])),
            ("CiliumClusterwideNetworkPolicy", denied),
        ]);
        let mut marks = Marks::new();
        look(&Inputs { objects, ..Inputs::default() }, &mut marks);
        assert_eq!(marks[&Mark::PolicyRequires].known().map(Vec::len), Some(1));
        assert!(
            matches!(&marks[&Mark::PolicyKafka], Fact::Unknown(why) if why.contains("allowed"))
        );
        assert!(matches!(marks[&Mark::EnvoyConfig], Fact::Unknown(_)));
    }
}
