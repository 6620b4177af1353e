//! The plugin on captures of real clusters: counts, names and places checked by hand against the
//! agents' raw output.
#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use lab_output::{Cell, Table};
use lab_plugin_test::{Lab, Run};
use lab_types::Value;
use monitor::Monitor;

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/captures");

fn lab(cluster: &str) -> Lab {
    Lab::open(format!("{CAPTURES}/{cluster}.zip"))
}

fn run(cluster: &str, path: &[&str], values: &[(&str, Value)]) -> Run {
    let run = lab(cluster).run::<Monitor>(path, values);
    assert_eq!(run.result, Ok(()), "{cluster} {path:?}");
    run
}

fn table<'r>(run: &'r Run, name: &str) -> &'r Table {
    run.report.tables.iter().find(|table| table.name() == name).unwrap()
}

/// Cells of some columns, as text.
fn cells(table: &Table, ids: &[&str]) -> Vec<Vec<String>> {
    let column = |id: &&str| table.columns().iter().position(|column| column.id == **id).unwrap();
    let columns: Vec<usize> = ids.iter().map(column).collect();
    let text = |cell: &Cell| match cell {
        Cell::Text(text) | Cell::Health(_, text) => text.to_string(),
        Cell::Integer(number) => number.to_string(),
        _ => String::new(),
    };
    table
        .rows()
        .iter()
        .map(|row| columns.iter().map(|&at| text(&row.cells[at])).collect())
        .collect()
}

fn texts(words: &[&str]) -> Value {
    Value::Texts(words.iter().map(|&word| word.to_owned()).collect())
}

/// Reason, both sides, count and nodes of every row, in order.
fn drops(cluster: &str) -> Vec<Vec<String>> {
    let run = run(cluster, &["monitor", "drops"], &[]);
    assert_eq!(run.report.partials, []);
    let mut rows =
        cells(table(&run, "drops"), &["reason", "source", "destination", "count", "nodes"]);
    rows.sort();
    rows
}

const CURL: &str = "default/curl-pod";
const DENIED: &str = "Policy denied";

/// Counted in the agents' own lines (`cilium-dbg monitor --type drop -j`), addresses looked up
/// among the pods by hand.
#[test]
fn denied_pings_are_counted_with_their_pods() {
    let pod = |name: &str| format!("default/webpod-77cccf8449-{name}");
    for (cluster, denied) in [
        (
            "cilium-1.17.6-native",
            &[("2b9h6", "2", "k8s-ctr"), ("xx222", "2", "k8s-w1"), ("xx222:8080", "1", "k8s-w1")]
                as &[_],
        ),
        (
            "cilium-1.18.0-native",
            &[("6vmxh", "2", "k8s-ctr"), ("qhlsr", "2", "k8s-w1"), ("qhlsr:8080", "1", "k8s-w1")],
        ),
        (
            "cilium-1.18.0-native-seed",
            &[("sl8fn", "2", "k8s-ctr"), ("xk62f", "2", "k8s-w1"), ("xk62f:8080", "1", "k8s-w1")],
        ),
        (
            "cilium-1.18.0-tunnel",
            &[
                ("47qz2", "2", "k8s-ctr"),
                ("qqhmr", "2", "k8s-w0"),
                ("wk7bw", "2", "k8s-w1"),
                ("wk7bw:8080", "1", "k8s-w1"),
            ],
        ),
    ] {
        let found: Vec<_> = drops(cluster).into_iter().filter(|row| row[0] == DENIED).collect();
        let expected: Vec<_> = denied
            .iter()
            .map(|(name, count, node)| {
                [DENIED, CURL, &pod(name), count, node].map(str::to_owned).to_vec()
            })
            .collect();
        assert_eq!(found, expected, "{cluster}");
    }
    // A host beside the cluster is denied, too, and has its name.
    let fixed = drops("cilium-1.18.0-native-fixed");
    let router = ["Policy denied", "router", &pod("47qz2"), "1", "k8s-ctr"];
    assert!(fixed.contains(&router.map(str::to_owned).to_vec()), "{fixed:?}");
}

#[test]
fn each_reason_is_a_finding_with_the_agents_own_line() {
    let run = run("cilium-1.18.0-native", &["monitor", "drops"], &[]);
    let found: Vec<_> = run
        .report
        .findings
        .iter()
        .map(|finding| (finding.code.as_str(), finding.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("drop/policy-denied", "5 packets dropped: Policy denied"),
            ("drop/unsupported-l3-protocol", "3 packets dropped: Unsupported L3 protocol"),
        ]
    );
    let evidence = &run.report.findings[0].evidence[0];
    assert_eq!(evidence.place, "k8s-ctr: cilium-dbg monitor");
    assert!(evidence.text.starts_with(r#"{"cpu":"CPU 01:","type":"drop""#), "{}", evidence.text);
}

/// What leaves k8s-ctr by eth1 to the pod on k8s-w0 and is never seen there: the pod's packets
/// were counted in the raw lines of all agents.
#[test]
fn the_black_hole_is_found_and_the_routing_tables_say_why() {
    for (cluster, pod, count) in [
        ("cilium-1.18.0-native", "default/webpod-77cccf8449-b9dzs", "5"),
        ("cilium-1.18.0-native-seed", "default/webpod-77cccf8449-zljh8", "6"),
        ("cilium-1.17.6-native", "default/webpod-77cccf8449-zkvng", "4"),
    ] {
        let values =
            [("first", Value::Text(CURL.to_owned())), ("second", Value::Text(pod.to_owned()))];
        let run = run(cluster, &["monitor", "lost"], &values);
        let seen = cells(table(&run, "seen"), &["way", "node", "point", "interface", "count"]);
        assert_eq!(seen, [["there", "k8s-ctr", "to-network", "eth1", count]], "{cluster}");
        let ways = cells(table(&run, "ways"), &["way", "seen", "last", "predicted", "endsOn"]);
        assert_eq!(
            ways[0],
            [
                "there",
                "lost",
                "leaves k8s-ctr by eth1 (to-network), never seen on k8s-w0",
                "black-hole",
                "router"
            ],
            "{cluster}"
        );
        assert_eq!(ways[1][..2], ["back", "not seen"], "{cluster}");
        let finding = &run.report.findings[0];
        assert_eq!(finding.code, "monitor/lost");
        assert_eq!(finding.subject, format!("{CURL} -> {pod}"));
        let router = &finding.evidence[1];
        assert_eq!(router.place, "router: ip -j route show table all");
        assert!(router.text.starts_with("default via 10.0.2.2"), "{}", router.text);
    }
}

#[test]
fn what_arrives_is_not_called_lost() {
    let values = [
        ("first", Value::Text(CURL.to_owned())),
        ("second", Value::Text("default/webpod-77cccf8449-qqhmr".to_owned())),
    ];
    // A policy was put in place while it was recorded: some packets arrive, some are denied.
    let run = run("cilium-1.18.0-native-fixed", &["monitor", "lost"], &values);
    let ways = cells(table(&run, "ways"), &["way", "seen", "predicted"]);
    assert_eq!(ways, [["there", "partly dropped", "delivered"], ["back", "arrives", "delivered"]]);
    assert_eq!(run.report.findings, []);
}

#[test]
fn filters_leave_what_was_asked_for() {
    let events = |values: &[(&str, Value)]| {
        let run = run("cilium-1.18.0-native", &["monitor"], values);
        cells(table(&run, "events"), &["node", "type", "source", "destination", "reason"])
    };
    let all = events(&[]);
    let one = |name: &str| [("related-to", texts(&[name]))];
    let curl = events(&one("curl-pod"));
    assert!(!curl.is_empty() && curl.len() < all.len());
    for row in &curl {
        let is = |side: &String| side.starts_with(CURL) || side.contains("app=curl");
        assert!(is(&row[2]) || is(&row[3]) || row[1] == "policy-verdict", "{row:?}");
    }
    // What is left out and what is kept is everything.
    let not = events(&[one("curl-pod")[0].clone(), ("not", Value::Boolean(true))]);
    assert_eq!(curl.len() + not.len(), all.len());
    // The last ones are the last of all.
    let last = events(&[("last", Value::Integer(3))]);
    assert_eq!(last, all[all.len() - 3..]);
    assert_eq!(events(&[("last", Value::Integer(0))]), Vec::<Vec<String>>::new());
    let drops = events(&[("reason", Value::Text("^policy".into())), ("type", texts(&["drop"]))]);
    assert_eq!(drops.len(), 5);
    assert_eq!(events(&[("port", texts(&["8080"])), ("type", texts(&["drop"]))]).len(), 1);
    assert_eq!(events(&[("type", texts(&["agent"]))]).len(), 17);
}

#[test]
fn bad_words_are_failures_with_their_flag() {
    for (values, word) in [
        (vec![("port", texts(&["http"]))], "--port http"),
        (vec![("reason", Value::Text("(".into()))], "--reason ("),
        (vec![("detail", Value::Integer(3))], "--detail 3"),
        (vec![("last", Value::Integer(-1))], "--last"),
    ] {
        let run = lab("cilium-1.18.0-native").run::<Monitor>(&["monitor"], &values);
        let failure = run.result.unwrap_err();
        assert!(failure.message().contains(word), "{failure:?}");
    }
    let values = [("first", Value::Text("no/pod".into())), ("second", Value::Text(CURL.into()))];
    let run = lab("cilium-1.18.0-native").run::<Monitor>(&["monitor", "lost"], &values);
    assert!(run.result.unwrap_err().message().contains("no/pod"));
}

#[test]
fn each_depth_shows_the_records_as_the_agents_print_them() {
    for (detail, is_whole) in [(1, false), (2, true)] {
        let run = run("cilium-1.18.0-native", &["monitor"], &[("detail", Value::Integer(detail))]);
        let rows = cells(table(&run, "events"), &["type", "record"]);
        let drop = rows.iter().find(|row| row[0] == "drop").unwrap();
        assert_eq!(drop[1].contains("Ethernet\t{"), is_whole, "{}", drop[1]);
        assert_eq!(rows.iter().any(|row| row[0] == "trace-sock"), !is_whole);
    }
}

#[test]
fn conversations_hold_both_directions() {
    let run = run("cilium-1.18.0-native", &["monitor", "flows"], &[]);
    let ids = ["client", "server", "requests", "answers", "drops", "bytes", "nodes"];
    let rows = cells(table(&run, "flows"), &ids);
    // 4 requests to and 2 answers from the pod of k8s-w1, seen on both nodes, and 3 drops
    // there, of which one was TCP: counted in the raw lines.
    let w1 = "default/webpod-77cccf8449-qhlsr";
    let of = |server: &str| {
        let row = rows.iter().find(|row| row[0] == CURL && row[1] == server).unwrap();
        row[2..].to_vec()
    };
    assert_eq!(of(w1), ["3", "2", "2", "686", "k8s-ctr,k8s-w1"]);
    assert_eq!(of(&format!("{w1}:8080")), ["3", "2", "1", "404", "k8s-ctr,k8s-w1"]);
    let streams = cells(table(&run, "streams"), &["node", "state", "lost", "other"]);
    for (row, node) in streams.iter().zip(["k8s-ctr", "k8s-w0", "k8s-w1"]) {
        assert_eq!(row, &[node, "ended", "0", "0"]);
    }
}

#[test]
fn rows_beyond_the_bound_are_given_up_and_said() {
    let run =
        run("cilium-1.18.0-native", &["monitor", "flows"], &[("max-rows", Value::Integer(2))]);
    assert_eq!(table(&run, "flows").rows().len(), 2);
    assert_eq!(run.report.findings[0].code, "monitor/rows");
}

/// A file of any format answers for one node; without objects there are addresses for names.
#[test]
fn a_saved_file_of_any_format_is_followed() {
    for (format, ending) in [("-j", "json"), ("", "txt"), ("-v -v", "txt"), ("-v", "txt")] {
        let argv = ["cilium-dbg", "monitor"].into_iter().chain(format.split_whitespace());
        let question = lab_backend::Question {
            place: lab_backend::Place::Agent { host: "k8s-w1".to_owned() },
            argv: argv.map(str::to_owned).collect(),
        };
        let capture =
            lab_backend::Capture::open(format!("{CAPTURES}/cilium-1.18.0-native.zip")).unwrap();
        let run = lab_backend::Backend::run(&capture, &question);
        let out = futures::executor::block_on(run).unwrap().out;
        let name = format!("lab-monitor-{}-{}.{ending}", std::process::id(), format.len());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, out).unwrap();
        let lab = Lab::new(lab_backend::open_any(&path).unwrap());
        let run = lab.run::<Monitor>(&["monitor", "drops"], &[]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(run.result, Ok(()), "{format}");
        let mut rows = cells(table(&run, "drops"), &["reason", "source", "destination", "count"]);
        rows.retain(|row| row[0] == DENIED);
        rows.sort();
        let expected = [("172.20.2.98", "2"), ("172.20.2.98:8080", "1")];
        let found: Vec<_> = rows.iter().map(|row| (row[2].as_str(), row[3].as_str())).collect();
        assert_eq!(found, expected, "{format}");
        assert!(rows.iter().all(|row| row[1] == "172.20.0.148"), "{format}: {rows:?}");
        // Every kind of objects is missing, and said so.
        assert_eq!(run.report.partials.len(), 6, "{:?}", run.report.partials);
    }
}

/// Writes the card, for it is the same natively; `cargo bless` compares it with the component's.
#[test]
fn the_card_that_is_checked_in_is_the_plugins() {
    let card = <Monitor as lab_plugin::Plugin>::describe().into_inner();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/card.json");
    let text = serde_json::to_string_pretty(&card).unwrap() + "\n";
    if std::env::var_os("LAB_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == text, "run `cargo bless`");
}
