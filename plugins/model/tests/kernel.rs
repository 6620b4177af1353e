//! The FIB and the parsers against a real kernel and a real `ip`.
//!
//! Random routes and rules go into a network namespace; what `ip` then prints is parsed, and for
//! random packets the answer of the FIB is compared with that of `ip route get fibmatch`, which
//! prints the very route the kernel found. Skipped, and said so, where that is not possible.
#![expect(clippy::print_stderr, reason = "a skipped test says so, or nobody would notice")]

use std::{
    fmt::Write as _,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    process::{Command, Output, Stdio},
};

use lab_model::{
    AddressFamily,
    fib::{Fib, Outcome, Query},
    iproute2::{
        Route, RouteType, TableId, parse_routes, parse_routes_text, parse_rules, parse_rules_text,
    },
};

/// Devices `d0` to `d3`; their peers `p0` to `p3` are in the same namespace.
const N_DEVICES: u32 = 4;

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 11) % u64::from(end)).unwrap()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(u32::try_from(words.len()).unwrap()) as usize]
    }
}

/// A network namespace that goes away with the value.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).output();
    }
}

impl Namespace {
    /// Makes one with devices and addresses, or says why it cannot be.
    fn new(seed: u64, ignore_linkdown: bool) -> Result<Self, String> {
        let namespace = Self(format!("lab-model-{}-{seed}", std::process::id()));
        let made = Command::new("ip").args(["netns", "add", &namespace.0]).output();
        let made = made.map_err(|error| format!("cannot run `ip`: {error}"))?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(format!("cannot make a network namespace: {why}"));
        }
        let mut batch = String::from("link set lo up\n");
        for i in 0..N_DEVICES {
            // No addresses of their own: they would come when it pleases them.
            writeln!(
                batch,
                "link add d{i} type veth peer name p{i}\n\
                 link set d{i} addrgenmode none\nlink set p{i} addrgenmode none\n\
                 link set d{i} up\nlink set p{i} up\n\
                 addr add 10.100.{i}.1/24 dev d{i}\n\
                 addr add fd00:100:{i}::1/64 dev d{i} nodad"
            )
            .unwrap();
        }
        batch.push_str("link set p3 down\n");
        let made = namespace.batch(&["-batch", "-"], &batch);
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(format!("cannot make veth devices: {why}"));
        }
        let linkdown = u8::from(ignore_linkdown);
        namespace.set("all rp_filter 0\nall accept_local 1\nall forwarding 1\n", "ipv4");
        for i in 0..N_DEVICES {
            let text = format!("d{i} rp_filter 0\nd{i} ignore_routes_with_linkdown {linkdown}\n");
            namespace.set(&text, "ipv4");
            namespace.set(&format!("d{i} ignore_routes_with_linkdown {linkdown}\n"), "ipv6");
        }
        Ok(namespace)
    }

    /// Sets `device name value` settings of one family.
    fn set(&self, settings: &str, family: &str) {
        for line in settings.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let path = format!("/proc/sys/net/{family}/conf/{}/{}", words[0], words[1]);
            let script = format!("echo {} > {path}", words[2]);
            let done = Command::new("ip")
                .args(["netns", "exec", &self.0, "sh", "-c", &script])
                .output()
                .unwrap();
            assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
        }
    }

    fn batch(&self, args: &[&str], lines: &str) -> Output {
        let mut child = Command::new("ip")
            .args(["-n", &self.0])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Standard output of an `ip` command, or standard error where it failed.
    fn ip(&self, args: &[&str]) -> Result<String, String> {
        let done = Command::new("ip").args(["-n", &self.0]).args(args).output().unwrap();
        if done.status.success() {
            Ok(String::from_utf8(done.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
        }
    }
}

/// An address of a small world, so that prefixes overlap and addresses hit them.
fn address(random: &mut Random, family: AddressFamily) -> IpAddr {
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
fn random_route(random: &mut Random, family: AddressFamily) -> String {
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
fn random_rule(random: &mut Random, family: AddressFamily, priority: u32) -> String {
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
struct Question {
    args: Vec<String>,
    dst: IpAddr,
    src: Option<IpAddr>,
    iif: Option<String>,
    oif: Option<String>,
    mark: u32,
    protocol: (&'static str, u8),
    dport: u16,
    uid: u32,
}

fn random_question(random: &mut Random, family: AddressFamily) -> Question {
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

/// What decides whether two routes are the same one. With the default rules, IPv4 keeps the
/// local table in `main` and says so.
fn identity(route: &Route, fib: &Fib) -> String {
    let is_merged = route.family() == AddressFamily::V4 && fib.rules(AddressFamily::V4).len() == 3;
    let table = match route.table {
        TableId::LOCAL if is_merged => TableId::MAIN,
        table => table,
    };
    let mut legs: Vec<String> =
        route.legs().map(|leg| format!("{:?} {:?}", leg.gateway, leg.device)).collect();
    legs.sort();
    format!(
        "{} {} table {table} metric {} legs {legs:?}",
        route.route_type, route.dst, route.metric
    )
}

/// How the kernel words an outcome without a route.
fn errors(outcome: &Outcome<'_>) -> &'static [&'static str] {
    match outcome {
        Outcome::Discard(RouteType::Prohibit, _) => &["Permission denied"],
        Outcome::Discard(RouteType::Blackhole, _) => &["Invalid argument"],
        // A rule's own `unreachable` is another error than a route's.
        Outcome::Discard(RouteType::Unreachable, Some(_)) => &["No route to host"],
        Outcome::Discard(RouteType::Unreachable, None) | Outcome::NoRoute => {
            &["Network is unreachable"]
        }
        _ => &[],
    }
}

#[derive(Default)]
struct Tally {
    n_found: usize,
    n_errors: usize,
    mismatches: Vec<String>,
}

fn compare(
    namespace: &Namespace,
    fib: &Fib,
    question: &Question,
    ignore_linkdown: bool,
    tally: &mut Tally,
) {
    let query = Query {
        src: question.src,
        iif: question.iif.as_deref(),
        oif: question.oif.as_deref(),
        mark: question.mark,
        ip_protocol: Some(question.protocol.1),
        sport: Some(1234),
        dport: Some(question.dport),
        uid: Some(question.uid),
        ignore_linkdown,
        ..Query::to(question.dst)
    };
    let lookup = fib.lookup(&query);
    let args: Vec<&str> = question.args.iter().map(String::as_str).collect();
    let kernel = namespace.ip(&args);
    let same = match (&lookup.outcome, &kernel) {
        (Outcome::Found(route), Ok(text)) => {
            tally.n_found += 1;
            let (kernel, _) = parse_routes(text);
            let kernel = kernel.first().map(|route| identity(route, fib));
            kernel.as_deref() == Some(&identity(route, fib))
        }
        // Bound to a device, IPv4 takes the destination for on-link when there is no route, and
        // then has no route to print: one error for every outcome.
        (Outcome::Found(_), Err(_)) | (_, Ok(_)) => false,
        (outcome, Err(error)) => {
            tally.n_errors += 1;
            (question.oif.is_some() && question.dst.is_ipv4())
                || errors(outcome).iter().any(|wanted| error.contains(wanted))
        }
    };
    if !same {
        let fib = match lookup.outcome {
            Outcome::Found(route) => identity(route, fib),
            other => format!("{other:?}"),
        };
        let rule = lookup.rule.map(ToString::to_string);
        tally.mismatches.push(format!(
            "ip {}\n  kernel: {kernel:?}\n  fib: {fib}\n  rule: {rule:?}",
            args.join(" ")
        ));
    }
}

/// Parses what `ip` prints in both forms and compares them and their printing.
fn read_world(
    namespace: &Namespace,
    option: Option<&str>,
) -> (Vec<Route>, Vec<lab_model::iproute2::IpRule>) {
    let ip = |args: &[&str]| {
        let args: Vec<&str> = option.into_iter().chain(args.iter().copied()).collect();
        namespace.ip(&args).unwrap()
    };
    let family = if option.is_some() { AddressFamily::V6 } else { AddressFamily::V4 };
    let (mut text, mut json) = (String::new(), String::new());
    // Both at a moment when nothing changes.
    while text.is_empty() || text != ip(&["route", "show", "table", "all"]) {
        text = ip(&["route", "show", "table", "all"]);
        json = ip(&["-j", "route", "show", "table", "all"]);
    }
    let (from_text, text_problems) = parse_routes_text(&text);
    let (routes, problems) = parse_routes(&json);
    assert_eq!((text_problems, problems), (vec![], vec![]), "{text}");
    for (a, b) in from_text.iter().zip(&routes) {
        assert_eq!(a, b, "text and JSON differ");
    }
    assert_eq!(from_text.len(), routes.len());
    let printed: String = routes.iter().fold(String::new(), |all, route| format!("{all}{route}\n"));
    let trimmed: String =
        text.lines().fold(String::new(), |all, line| all + line.trim_end() + "\n");
    assert_eq!(printed, trimmed);

    let (text, json) = (ip(&["rule"]), ip(&["-j", "rule"]));
    let (rules, problems) = parse_rules(&json, family);
    let (from_text, text_problems) = parse_rules_text(&text, family);
    assert_eq!((text_problems, problems), (vec![], vec![]), "{text}");
    assert_eq!(from_text, rules, "{text}");
    for (line, rule) in text.lines().zip(&rules) {
        assert_eq!(line.trim_end().replace(" [unresolved]", ""), rule.to_string());
    }
    (routes, rules)
}

fn world(seed: u64) -> Result<Tally, String> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let ignore_linkdown = random.one_in(3);
    let namespace = Namespace::new(seed, ignore_linkdown)?;
    for family in [AddressFamily::V4, AddressFamily::V6] {
        let mut routes = String::new();
        let mut rules = String::new();
        for _ in 0..100 {
            let line = random_route(&mut random, family);
            routes.push_str(line.trim_start_matches("-6 "));
            routes.push('\n');
        }
        for _ in 0..random.below(12) {
            let priority = 200 + random.below(1000);
            rules.push_str(&random_rule(&mut random, family, priority));
            rules.push('\n');
        }
        if random.one_in(2) {
            // Cilium moves the lookup of the local table behind its own rules.
            rules.push_str("rule add pref 100 lookup local\nrule del pref 0\n");
        }
        let option = if family == AddressFamily::V6 { "-6" } else { "-4" };
        namespace.batch(&[option, "-force", "-batch", "-"], &routes);
        namespace.batch(&[option, "-force", "-batch", "-"], &rules);
    }
    let is_down = random.one_in(2);
    if is_down {
        // Kills the legs of routes with several ways out.
        namespace.ip(&["link", "set", "d2", "down"]).unwrap();
    }
    // The kernel notices lost carriers in its own time, and rewrites flags when it does.
    for _ in 0..20 {
        let before = dump(&namespace);
        std::thread::sleep(std::time::Duration::from_millis(50));
        if dump(&namespace) != before {
            continue;
        }
        let tally = questions(&namespace, &mut random, ignore_linkdown, is_down);
        if dump(&namespace) == before {
            return Ok(tally);
        }
    }
    Err("the namespace does not come to rest".to_owned())
}

/// All routes as text.
fn dump(namespace: &Namespace) -> String {
    namespace.ip(&["route", "show", "table", "all"]).unwrap()
}

/// Reads the namespace and compares lookups with it.
fn questions(
    namespace: &Namespace,
    random: &mut Random,
    ignore_linkdown: bool,
    is_down: bool,
) -> Tally {
    let (routes, mut rules) = read_world(namespace, None);
    let (v6_routes, v6_rules) = read_world(namespace, Some("-6"));
    // `table all` without a family prints both.
    let n_v6 = routes.iter().filter(|route| route.family() == AddressFamily::V6).count();
    assert_eq!(n_v6, v6_routes.len());
    assert!(routes.len() > 60, "too few routes were installed: {}", routes.len());
    rules.extend(v6_rules);
    let fib = Fib::new(rules, routes);
    let mut tally = Tally::default();
    for family in [AddressFamily::V4, AddressFamily::V6] {
        for _ in 0..150 {
            let question = random_question(random, family);
            // A socket bound to a device that is down gets nowhere, whatever the routes.
            if question.oif.as_deref() == Some("d2") && is_down {
                continue;
            }
            compare(namespace, &fib, &question, ignore_linkdown, &mut tally);
        }
    }
    tally
}

#[test]
fn lookups_and_parsers_agree_with_the_kernel() {
    let n_worlds = std::env::var("LAB_MODEL_WORLDS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let mut all = Tally::default();
    for seed in 1..=n_worlds {
        match world(seed) {
            Ok(tally) => {
                all.n_found += tally.n_found;
                all.n_errors += tally.n_errors;
                all.mismatches
                    .extend(tally.mismatches.into_iter().map(|it| format!("seed {seed}: {it}")));
            }
            Err(why) => {
                eprintln!("SKIPPED: the FIB was not compared with the kernel: {why}");
                return;
            }
        }
    }
    eprintln!("{} routes and {} errors compared with the kernel", all.n_found, all.n_errors);
    let shown: Vec<String> = all.mismatches.iter().take(8).cloned().collect();
    assert!(all.mismatches.is_empty(), "{}\n{} mismatches", shown.join("\n"), all.mismatches.len());
    assert!(all.n_found > 100 && all.n_errors > 20, "the worlds are too simple");
}

#[test]
fn local_and_main_are_one_table_until_a_rule_is_added() {
    let namespace = match Namespace::new(1_000_000, false) {
        Ok(namespace) => namespace,
        Err(why) => {
            eprintln!("SKIPPED: the FIB was not compared with the kernel: {why}");
            return;
        }
    };
    namespace.batch(
        &["-batch", "-"],
        "route add local 10.200.0.0/16 dev lo table local\n\
         route add 10.200.5.0/24 via 10.100.0.2\n\
         route add 10.200.0.0/16 via 10.100.0.2\n",
    );
    for (rule, wanted) in [(None, "10.200.5.0/24"), (Some("77"), "10.200.0.0/16")] {
        if let Some(priority) = rule {
            namespace.ip(&["rule", "add", "pref", priority, "lookup", "9"]).unwrap();
        }
        let (routes, rules) = read_world(&namespace, None);
        let fib = Fib::new(rules, routes);
        for (dst, wanted) in [("10.200.5.7", wanted), ("10.200.6.7", "10.200.0.0/16")] {
            let kernel = namespace.ip(&["-j", "route", "get", "fibmatch", dst]).unwrap();
            let kernel = parse_routes(&kernel).0.remove(0);
            assert_eq!(kernel.dst.to_string(), wanted, "the kernel changed its mind");
            let lookup = fib.lookup(&Query::to(dst.parse().unwrap()));
            assert_eq!(identity(lookup.route().unwrap(), &fib), identity(&kernel, &fib));
        }
    }
}
