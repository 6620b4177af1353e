//! The FIB and the parsers against a real kernel and a real `ip`.
//!
//! Random routes and rules go into a network namespace; what `ip` then prints is parsed, and for
//! random packets the answer of the FIB is compared with that of `ip route get fibmatch`, which
//! prints the very route the kernel found. Skipped, and said so, where that is not possible.
#![expect(clippy::print_stderr, reason = "a skipped test says so, or nobody would notice")]
#![expect(clippy::unwrap_used, reason = "all of it is a test, helpers included")]

mod forms;
mod namespace;
mod random;

use lab_model::{
    AddressFamily,
    fib::{Fib, Outcome, Query},
    iproute2::{
        Route, RouteType, TableId, parse_routes, parse_routes_text, parse_rules, parse_rules_text,
    },
};

use crate::{
    namespace::Namespace,
    random::{Question, Random, random_question, random_route, random_rule},
};

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
