//! The model: which rules a release installs under which conditions.
//!
//! Apart from [`super::verdicts`] because it says what ought to be and never looks at a host.

use std::net::IpAddr;

use super::config::Config;

const MODEL: &str = include_str!("model.txt");

/// What the rules of a minor release were compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Dumps of nodes that run the release.
    Node,
    /// What the release's own code installs where nothing else is.
    Code,
    /// Its source, read.
    Source,
}

/// How well the model of a minor release is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What it was compared with.
    pub how: How,
    /// The release that it was compared with, such as `1.18.0`.
    pub release: &'static str,
}

impl Compared {
    /// What has to be said where no node was at hand.
    pub fn caveat(&self) -> Option<String> {
        let release = self.release;
        match self.how {
            How::Node => None,
            How::Code => Some(format!(
                "was compared with what the code of {release} installs, not with a node that runs it"
            )),
            How::Source => {
                Some(format!("was compared with the source of {release}, not with a dump"))
            }
        }
    }
}

/// A release: minor and patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    /// 18 of 1.18.0.
    pub minor: u32,
    /// 0 of 1.18.0.
    pub patch: u32,
}

/// `1.18.0` → 18 and 0. A text without a patch means the newest one.
pub fn release(version: &str) -> Option<Release> {
    bound(version, u32::MAX)
}

fn bound(version: &str, missing: u32) -> Option<Release> {
    let mut parts = version.strip_prefix("1.")?.splitn(2, '.');
    let number = |part: &str| {
        let digits = part.split(|letter: char| !letter.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    let minor = number(parts.next()?)?;
    Some(Release { minor, patch: parts.next().and_then(number).unwrap_or(missing) })
}

/// What the model of a minor release was compared with; none where there is no model.
pub fn compared(minor: u32) -> Option<Compared> {
    MODEL.lines().filter_map(|line| line.strip_prefix("= ")).find_map(|line| {
        let mut words = line.split(' ');
        let is_meant = bound(words.next()?, 0)?.minor == minor;
        let how = match words.next()? {
            "node" => How::Node,
            "code" => How::Code,
            _ => How::Source,
        };
        is_meant.then_some(Compared { how, release: words.next()? })
    })
}

/// Chains and their feeders: table, chain of the kernel, chain of Cilium, whether IPv6 has it too.
pub const CHAINS: [(&str, &str, &str, bool); 10] = [
    ("filter", "INPUT", "CILIUM_INPUT", true),
    ("filter", "OUTPUT", "CILIUM_OUTPUT", true),
    ("filter", "FORWARD", "CILIUM_FORWARD", true),
    ("raw", "OUTPUT", "CILIUM_OUTPUT_raw", true),
    ("raw", "PREROUTING", "CILIUM_PRE_raw", true),
    ("nat", "POSTROUTING", "CILIUM_POST_nat", true),
    ("nat", "OUTPUT", "CILIUM_OUTPUT_nat", false),
    ("nat", "PREROUTING", "CILIUM_PRE_nat", false),
    ("mangle", "POSTROUTING", "CILIUM_POST_mangle", false),
    ("mangle", "PREROUTING", "CILIUM_PRE_mangle", true),
];

/// What the model has to know of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its first podCIDR of the family.
    pub alloc: Option<String>,
    /// The address of its `cilium_host`, of the family.
    pub router: Option<IpAddr>,
}

/// One rule that ought to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its table.
    pub table: &'static str,
    /// Its chain.
    pub chain: &'static str,
    /// What stands behind `-A CHAIN`.
    pub spec: String,
    /// Why it ought to be there: conditions of the model.
    pub when: &'static str,
}

/// The rules of Cilium's own chains that a release installs on a host, in the order of the
/// chains. The second list says what is not known and so was left out.
pub fn rules(
    release: Release,
    config: &Config,
    is_v6: bool,
    facts: &Facts,
) -> (Vec<Expected>, Vec<String>) {
    let mut rules = Vec::new();
    let mut unknown = not_modelled(config, is_v6);
    for line in lines() {
        let family = if is_v6 { '6' } else { '4' };
        let is_meant = (line.from..=line.to).contains(&release) && line.families.contains(family);
        if !is_meant || !line.when.split(',').all(|word| config.holds(word, is_v6) == Some(true)) {
            continue;
        }
        match filled(line.spec, config, is_v6, facts) {
            Ok(spec) => {
                rules.push(Expected {
                    table: line.table,
                    chain: line.chain,
                    spec,
                    when: line.when,
                });
            }
            Err(why) if unknown.contains(&why) => {}
            Err(why) => unknown.push(why),
        }
    }
    (rules, unknown)
}

/// What is configured and not in the model.
fn not_modelled(config: &Config, is_v6: bool) -> Vec<String> {
    let holds = |word| config.holds(word, is_v6) == Some(true);
    let mut parts = Vec::new();
    if holds("masquerade") && !holds("no-egress-devices") {
        parts.push("rules of egress-masquerade-interfaces".to_owned());
    }
    if holds("masquerade") && !holds("no-source-route") {
        parts.push("rules of enable-masquerade-to-route-source".to_owned());
    }
    if holds("cloud") {
        parts.push("rules of the cloud's network interfaces".to_owned());
    }
    parts
}

struct Line {
    from: Release,
    to: Release,
    families: &'static str,
    when: &'static str,
    table: &'static str,
    chain: &'static str,
    spec: &'static str,
}

fn lines() -> impl Iterator<Item = Line> {
    MODEL.lines().filter(|line| line.starts_with("1.")).filter_map(line)
}

fn line(text: &'static str) -> Option<Line> {
    let mut words = text.splitn(6, ' ');
    let (from, to) = words.next()?.split_once('-')?;
    Some(Line {
        from: bound(from, 0)?,
        to: bound(to, u32::MAX)?,
        families: words.next()?,
        when: words.next()?,
        table: words.next()?,
        chain: words.next()?,
        spec: words.next()?,
    })
}

/// Puts values in the place of names.
fn filled(spec: &str, config: &Config, is_v6: bool, facts: &Facts) -> Result<String, String> {
    let native = if is_v6 { "ipv6-native-routing-cidr" } else { "ipv4-native-routing-cidr" };
    let alloc = || facts.alloc.clone().ok_or_else(|| "the host's podCIDR".to_owned());
    let mut text = spec.to_owned();
    for name in ["$DLV", "$ALLOC", "$NATIVE", "$EXCLUDE", "$ROUTER", "$RANDOM", "$TUNNEL"] {
        if !text.contains(name) {
            continue;
        }
        let value = match name {
            "$DLV" => config.delivery_device().to_owned(),
            "$ALLOC" => alloc()?,
            "$NATIVE" => config.text(native).ok_or_else(|| native.to_owned())?.to_owned(),
            "$EXCLUDE" => match config.text(native) {
                Some(cidr) => cidr.to_owned(),
                None => alloc()?,
            },
            "$ROUTER" => {
                facts.router.ok_or_else(|| "the address of cilium_host".to_owned())?.to_string()
            }
            "$RANDOM" if config.is_on("iptables-random-fully", false) => {
                " --random-fully".to_owned()
            }
            "$RANDOM" => String::new(),
            _ => tunnel_port(config),
        };
        text = text.replace(name, &value);
    }
    Ok(text)
}

fn tunnel_port(config: &Config) -> String {
    let default = match config.text("tunnel-protocol") {
        Some("geneve") => "6081",
        _ => "8472",
    };
    config.text("tunnel-port").filter(|port| *port != "0").unwrap_or(default).to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn config(lines: &[(&str, &str)]) -> Config {
        let data: BTreeMap<String, String> =
            lines.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Config::new(data)
    }

    const NEW: Release = Release { minor: 18, patch: 0 };

    fn facts() -> Facts {
        Facts { alloc: Some("172.20.0.0/24".into()), router: "172.20.0.35".parse().ok() }
    }

    #[test]
    fn every_line_of_the_model_is_read() {
        let is_rule = |line: &&str| !line.is_empty() && !line.starts_with(['#', '=']);
        let written = MODEL.lines().filter(is_rule).count();
        assert_eq!(lines().count(), written);
        for line in lines() {
            assert!(
                CHAINS
                    .iter()
                    .any(|(table, _, chain, _)| *table == line.table && *chain == line.chain)
            );
            for word in line.when.split(',') {
                assert!(Config::default().holds(word, false).is_some(), "{word}");
            }
            assert!(line.from <= line.to);
            assert!(compared(line.from.minor).is_some() && compared(line.to.minor).is_some());
            let set: Config = config(&[
                ("ipv4-native-routing-cidr", "10.0.0.0/8"),
                ("ipv6-native-routing-cidr", "fd00::/8"),
            ]);
            let spec = filled(line.spec, &set, line.families == "6", &facts());
            assert!(
                !spec.clone().unwrap_or_default().contains('$') && spec.is_ok(),
                "{}",
                line.spec
            );
        }
    }

    #[test]
    fn masquerading_depends_on_bpf_and_tunnel() {
        let nat = |config: &Config| {
            let (rules, unknown) = rules(NEW, config, false, &facts());
            assert_eq!(unknown, [""; 0]);
            rules.into_iter().filter(|it| it.table == "nat").map(|it| it.spec).collect::<Vec<_>>()
        };
        assert_eq!(nat(&config(&[("enable-bpf-masquerade", "true")])), [""; 0]);
        let tunnel = nat(&config(&[]));
        assert_eq!(tunnel.len(), 5);
        assert!(tunnel[0].starts_with("-s 172.20.0.0/24 ! -d 172.20.0.0/24 ! -o cilium_+"));
        assert!(tunnel[2].ends_with("-j SNAT --to-source 172.20.0.35"));
        let native = config(&[
            ("routing-mode", "native"),
            ("iptables-random-fully", "true"),
            ("ipv4-native-routing-cidr", "172.20.0.0/16"),
        ]);
        let native = nat(&native);
        assert!(native[0].contains("--match-set cilium_node_set_v4 dst"));
        assert!(
            native[1].ends_with("-j MASQUERADE --random-fully")
                && native[1].contains("! -d 172.20.0.0/16")
        );
    }

    #[test]
    fn what_is_not_known_is_said() {
        let (_, unknown) = rules(NEW, &config(&[]), false, &Facts::default());
        assert_eq!(unknown, ["the host's podCIDR", "the address of cilium_host"]);
    }

    #[test]
    fn releases_are_read_from_versions() {
        let newest = u32::MAX;
        for (version, expected) in [
            ("1.18.0", Some((18, 0))),
            ("1.17.6-rc1", Some((17, 6))),
            ("1.9", Some((9, newest))),
            ("1.20.0-rc.1", Some((20, 0))),
            ("1.19-dev", Some((19, newest))),
            ("2.0.0", None),
            ("", None),
        ] {
            let expected = expected.map(|(minor, patch)| Release { minor, patch });
            assert_eq!(release(version), expected, "{version}");
        }
    }

    #[test]
    fn each_minor_says_what_it_was_compared_with() {
        assert!((14..=20).all(|minor| compared(minor).is_some()));
        assert_eq!(compared(13), None);
        assert_eq!(compared(21), None);
        assert_eq!(compared(18).and_then(|it| it.caveat()), None);
        let said = |minor| compared(minor).and_then(|it| it.caveat()).unwrap_or_default();
        assert!(said(15).contains("the source of 1.15.19"));
        assert!(said(19).contains("the code of 1.19.6"));
    }

    #[test]
    fn patches_differ_where_the_code_was_changed() {
        let texts = |version: &str, lines: &[(&str, &str)]| {
            let release = release(version).unwrap_or(NEW);
            let (rules, _) = rules(release, &config(lines), false, &facts());
            rules.into_iter().map(|it| format!("{} {}", it.chain, it.spec)).collect::<Vec<_>>()
        };
        let has = |texts: &[String], part: &str| texts.iter().any(|text| text.contains(part));
        for (version, expected) in
            [("1.15.19", false), ("1.16.0", false), ("1.16.1", true), ("1.18.0", true)]
        {
            assert_eq!(has(&texts(version, &[]), "! -o lo -m socket"), expected, "{version}");
        }
        let wireguard = [("enable-wireguard", "true")];
        for (version, by_mark, by_port) in [
            ("1.18.0", false, false),
            ("1.19.0", true, false),
            ("1.19.4", true, false),
            ("1.19.5", false, true),
            ("1.20.0", false, true),
        ] {
            let texts = texts(version, &wireguard);
            assert_eq!(has(&texts, "cilium-encryption-notrack:"), by_mark, "{version}");
            assert_eq!(has(&texts, "--dport 51871"), by_port, "{version}");
        }
    }
}
