//! Random routes, rules and packets of a world small enough that they meet.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use lab_model::AddressFamily;

use crate::namespace::N_DEVICES;

/// Numbers that look random and are the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 11) % u64::from(end)).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(u32::try_from(words.len()).unwrap()) as usize]
    }
}

/// An address of a small world, so that prefixes overlap and addresses hit them.
pub(crate) fn address(random: &mut Random, family: AddressFamily) -> IpAddr {
    match family {
        AddressFamily::V4 => {
            let octet = |random: &mut Random| u8::try_from(random.below(4) * 64).unwrap();
            let first = if random.one_in(3) { 10 } else { 20 };
            let (second, third, fourth) = (octet(random), octet(random), octet(random));
            let second = if first == 10 { 100 } else { second };
            let third = if first == 10 { third / 64 } else { third };
            Ipv4Addr::new(first, second, third, fourth + u8::try_from(random.below(3)).unwrap())
                .into()
        }
        AddressFamily::V6 => {
            let part = |random: &mut Random| u16::try_from(random.below(4) << 14).unwrap();
            let own = random.one_in(3);
            let second = if own { 0x100 } else { part(random) };
            let third = if own { part(random) >> 14 } else { part(random) };
            let last = u16::try_from(random.below(3)).unwrap();
            let first = if own { 0xfd00 } else { 0x2001 };
            Ipv6Addr::new(first, second, third, part(random), 0, 0, 0, last).into()
        }
    }
}

fn prefix(random: &mut Random, family: AddressFamily) -> String {
    let address = address(random, family);
    let len = match family {
        AddressFamily::V4 => 1 + random.below(32),
        AddressFamily::V6 => 1 + random.below(128),
    };
    let len = if random.one_in(3) { family.bits().into() } else { len };
    lab_model::Prefix::new(address, u8::try_from(len).unwrap()).unwrap().to_string()
}

fn gateway(random: &mut Random, family: AddressFamily) -> (String, String) {
    let device = random.below(N_DEVICES);
    let host = 2 + random.below(5);
    let gateway = match family {
        AddressFamily::V4 => format!("10.100.{device}.{host}"),
        AddressFamily::V6 => format!("fd00:100:{device}::{host}"),
    };
    (gateway, format!("d{device}"))
}

const TABLES: [&str; 5] = ["main", "main", "100", "101", "102"];

/// One line for `ip -batch`; some are refused, which is as good.
pub(crate) fn random_route(random: &mut Random, family: AddressFamily) -> String {
    let option = if family == AddressFamily::V6 { "-6 " } else { "" };
    let dst = if random.one_in(12) { "default".to_owned() } else { prefix(random, family) };
    let verb = if random.one_in(4) { "append" } else { "add" };
    let mut line = String::from("route ");
    let kind = random.below(12);
    let discard = ["blackhole", "unreachable", "prohibit", "throw"];
    if let Some(word) = discard.get(kind as usize) {
        write!(line, "{verb} {word} {dst}").unwrap();
    } else {
        write!(line, "{verb} {dst}").unwrap();
    }
    write!(line, " table {}", random.pick(&TABLES)).unwrap();
    if random.one_in(3) {
        write!(line, " metric {}", 1 + random.below(3)).unwrap();
    }
    if random.one_in(3) {
        write!(line, " proto {}", random.pick(&["static", "bgp", "77", "kernel", "dhcp"])).unwrap();
    }
    if random.one_in(5) && kind >= 4 {
        write!(line, " mtu {}", 1280 + random.below(200)).unwrap();
    }
    if random.one_in(10) && kind >= 4 && family == AddressFamily::V6 {
        write!(line, " pref {}", random.pick(&["low", "high"])).unwrap();
    }
    if random.one_in(8) && kind >= 4 && family == AddressFamily::V6 {
        write!(line, " from {}", prefix(random, family)).unwrap();
    }
    match kind {
        0..=3 => {}
        4 | 5 => {
            for _ in 0..2 + random.below(2) {
                let (gateway, device) = gateway(random, family);
                let weight = 1 + random.below(4);
                write!(line, " nexthop via {gateway} dev {device} weight {weight}").unwrap();
            }
        }
        6 | 7 => write!(line, " dev d{}", random.below(N_DEVICES)).unwrap(),
        8 if family == AddressFamily::V4 => {
            let (gateway, device) = gateway(random, AddressFamily::V6);
            write!(line, " via inet6 {gateway} dev {device}").unwrap();
        }
        _ => {
            let (gateway, device) = gateway(random, family);
            write!(line, " via {gateway} dev {device}").unwrap();
            if random.one_in(4) {
                line.push_str(" onlink");
            }
        }
    }
    format!("{option}{line}")
}

/// What `ip -batch` takes has no `-6`, so each family has a batch of its own.
pub(crate) fn random_rule(random: &mut Random, family: AddressFamily, priority: u32) -> String {
    let mut line = format!("rule add pref {priority}");
    if random.one_in(6) {
        line.push_str(" not");
    }
    if random.one_in(3) {
        write!(line, " from {}", prefix(random, family)).unwrap();
    }
    if random.one_in(3) {
        write!(line, " to {}", prefix(random, family)).unwrap();
    }
    if random.one_in(3) {
        write!(line, " fwmark {:#x}/{:#x}", random.below(4) << 8, 0xf00).unwrap();
    }
    if random.one_in(5) {
        write!(line, " iif {}", random.pick(&["d0", "d1", "lo"])).unwrap();
    }
    if random.one_in(6) {
        write!(line, " oif d{}", random.below(2)).unwrap();
    }
    if random.one_in(6) {
        write!(line, " ipproto {}", random.pick(&["tcp", "udp", "icmp"])).unwrap();
    }
    if random.one_in(8) {
        write!(line, " dport {}-{}", 1 + random.below(50), 60 + random.below(50)).unwrap();
    }
    if random.one_in(8) {
        write!(line, " uidrange 0-{}", random.below(3)).unwrap();
    }
    match random.below(12) {
        0 => line.push_str(random.pick(&[" blackhole", " unreachable", " prohibit"])),
        1 | 2 => write!(line, " goto {}", priority + 1 + random.below(300)).unwrap(),
        3 => line.push_str(" nop"),
        _ => {
            write!(line, " lookup {}", random.pick(&TABLES)).unwrap();
            if random.one_in(3) {
                write!(line, " suppress_prefixlength {}", random.pick(&["0", "8", "24"])).unwrap();
            }
        }
    }
    line
}

/// Text of what was asked, and the question itself.
pub(crate) struct Question {
    pub(crate) args: Vec<String>,
    pub(crate) dst: IpAddr,
    pub(crate) src: Option<IpAddr>,
    pub(crate) iif: Option<String>,
    pub(crate) oif: Option<String>,
    pub(crate) mark: u32,
    pub(crate) protocol: (&'static str, u8),
    pub(crate) dport: u16,
    pub(crate) uid: u32,
}

pub(crate) fn random_question(random: &mut Random, family: AddressFamily) -> Question {
    let dst = address(random, family);
    let own = |random: &mut Random| -> IpAddr {
        let device = random.below(N_DEVICES);
        match family {
            AddressFamily::V4 => format!("10.100.{device}.1").parse().unwrap(),
            AddressFamily::V6 => format!("fd00:100:{device}::1").parse().unwrap(),
        }
    };
    let (mut src, mut iif, mut oif) = (None, None, None);
    match random.below(4) {
        0 => src = Some(own(random)),
        1 => {
            // An address that is not the host's: it came from outside.
            src = Some(address(random, family)).filter(|src| *src != dst);
            iif = src.map(|_| format!("d{}", random.below(2)));
        }
        2 => oif = Some(format!("d{}", random.below(N_DEVICES))),
        _ => {}
    }
    if oif.is_some() && random.one_in(3) {
        src = Some(own(random));
    }
    let mark = random.below(4) << 8;
    let protocol = [("tcp", 6), ("udp", 17)][random.below(2) as usize];
    let dport = u16::try_from(1 + random.below(100)).unwrap();
    // For packets that came in, only `ip -6 route get` can say another user than root.
    let uid = if iif.is_some() { 0 } else { random.below(4) };
    let mut args: Vec<String> = Vec::new();
    if family == AddressFamily::V6 {
        args.push("-6".to_owned());
    }
    args.extend(["-j", "route", "get", "fibmatch"].map(str::to_owned));
    args.push(dst.to_string());
    let mut option = |name: &str, value: Option<String>| {
        args.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
    };
    option("from", src.map(|src| src.to_string()));
    option("iif", iif.clone());
    option("oif", oif.clone());
    option("mark", (mark != 0).then(|| mark.to_string()));
    option("ipproto", Some(protocol.0.to_owned()));
    option("sport", Some("1234".to_owned()));
    option("dport", Some(dport.to_string()));
    option("uid", Some(uid.to_string()));
    Question { args, dst, src, iif, oif, mark, protocol, dport, uid }
}
