//! What golden tests share: a report made by hand, and the comparison with files.

use std::fmt::Write;
use std::path::PathBuf;

use lab_output::Cell;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Evidence;
use lab_output::Finding;
use lab_output::Level;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Row;
use lab_output::Table;
use lab_types::Failure;
use lab_types::ObjectRef;

/// 2026-11-23T03:20:00Z.
pub(crate) const NOW: i64 = 1_795_404_000_000;

fn text(text: &str) -> Cell {
    if text == "-" { Cell::Absent } else { Cell::Text(text.into()) }
}

pub(crate) fn column(id: &str, title: &str, kind: ColumnKind) -> Column {
    Column {
        id: id.into(),
        title: title.into(),
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: String::new(),
    }
}

fn wide(column: Column) -> Column {
    Column { wide: true, ..column }
}

fn routes() -> Table {
    use ColumnKind as K;
    let columns = vec![
        column("host", "HOST", K::Text),
        column("prefix", "PREFIX", K::Text),
        column("nextHop", "NEXT-HOP", K::Text),
        column("device", "DEVICE", K::Text),
        column("metric", "METRIC", K::Integer),
        column("verdict", "VERDICT", K::Health),
        column("note", "NOTE", K::Text),
        wide(column("mtu", "MTU", K::Integer)),
        wide(column("age", "AGE", K::Timestamp)),
        Column { hidden: true, ..column("line", "LINE", K::Text) },
    ];
    let mut table = Table::new("routes", columns);
    let rows = [
        ("k8s-ctr", "10.0.0.0/24", "192.168.10.101", "eth1", Some(20), Level::Good, "ok", ""),
        (
            "k8s-w1",
            "172.20.0.0/24",
            "192.168.10.100",
            "eth1",
            Some(1024),
            Level::Info,
            "covered",
            "by 172.20.0.0/16 over eth1, installed by hand and kept across reboots",
        ),
        ("東京-w2", "172.20.2.0/24", "-", "-", None, Level::Bad, "missing", "podCIDR of 東京-w2"),
        ("k8s-w0", "?", "?", "?", None, Level::Unknown, "", "not read"),
        (
            "router",
            "172.20.1.0/24",
            "-",
            "lo",
            Some(0),
            Level::Warn,
            "stale",
            "evil \u{1b}[2J \r\n\u{202e}",
        ),
    ];
    for (place, (host, prefix, hop, device, metric, level, verdict, note)) in (0_i64..).zip(rows) {
        let cells = vec![
            text(host),
            text(prefix),
            text(hop),
            text(device),
            metric.map_or(Cell::Absent, Cell::Integer),
            Cell::Health(level, verdict.into()),
            text(note),
            Cell::Integer(1500),
            Cell::Timestamp(NOW - 1000 * 60 * 47 * (1 + place * 90)),
            Cell::Text(format!("{prefix} via {hop} dev {device}").into()),
        ];
        table
            .append([Row { key: format!("{host}:{prefix}"), cells }])
            .expect("rows fit their columns");
    }
    table
}

fn pools() -> Table {
    use ColumnKind as K;
    let columns = vec![
        column("pod", "POD", K::Object),
        column("used", "USED", K::Percent),
        column("memory", "MEMORY", K::Bytes),
        column("cpu", "CPU", K::Cores),
        column("ready", "READY", K::Boolean),
        column("took", "TOOK", K::Duration),
        column("labels", "LABELS", K::Json),
        column("hosts", "HOSTS", K::Text),
    ];
    let pod = |name: &str| {
        Cell::Object(ObjectRef {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: Some("default".into()),
            name: name.into(),
        })
    };
    let hosts =
        |n: usize| Cell::Many((1..=n).map(|n| Cell::Text(format!("w{n}").into())).collect(), 140);
    let mut table = Table::new("pools", columns);
    table
        .append([
            Row {
                key: String::new(),
                cells: vec![
                    pod("web-1"),
                    Cell::Decimal(0.83),
                    Cell::Integer(1_288_490_188),
                    Cell::Decimal(0.25),
                    Cell::Boolean(true),
                    Cell::Duration(63_000_000_000),
                    Cell::Json("{\"zone\": \"b\",\n \"app\": [1, 2.5, null]}".into()),
                    hosts(7),
                ],
            },
            Row {
                key: String::new(),
                cells: vec![
                    pod("web-2"),
                    Cell::Changed(Box::new((Cell::Decimal(0.5), Cell::Decimal(0.999)))),
                    Cell::Text("?".into()),
                    Cell::Integer(2),
                    Cell::Boolean(false),
                    Cell::Duration(1_500_000),
                    Cell::Absent,
                    hosts(2),
                ],
            },
        ])
        .expect("rows fit their columns");
    table
}

fn findings() -> Vec<Finding> {
    let evidence = |place: &str, text: &str| Evidence { place: place.into(), text: text.into() };
    vec![
        Finding {
            level: Level::Info,
            code: "routes/covered".into(),
            subject: "172.20.0.0/24 on k8s-w1".into(),
            message: "a wider route does the job".into(),
            evidence: Vec::new(),
            fixes: Vec::new(),
        },
        Finding {
            level: Level::Bad,
            code: "routes/black-hole".into(),
            subject: "172.20.1.0/24 on router".into(),
            message: "packets to the pods of `k8s-w1` are thrown away: the route on the router \
                      discards them, and no other route is longer\u{1b}]0;pwned\u{7}"
                .into(),
            evidence: vec![
                evidence(
                    "router: ip -j route show table all",
                    "blackhole 172.20.1.0/24 proto static metric 20",
                ),
                evidence(
                    "CiliumNode k8s-w1",
                    "spec.ipam.podCIDRs: [172.20.1.0/24]\nspec.addresses: [192.168.10.101]",
                ),
            ],
            fixes: vec![
                "ip route replace 172.20.1.0/24 via 192.168.10.101 dev eth1 proto static".into(),
                "ip route del blackhole 172.20.1.0/24".into(),
                "turn on `autoDirectNodeRoutes` where all nodes share one network".into(),
            ],
        },
    ]
}

/// A report with everything that may go wrong in a table.
pub(crate) fn report() -> Report {
    Report {
        tables: vec![routes()],
        findings: findings(),
        partials: vec![
            Partial { subject: "k8s-w0".into(), why: Failure::timeout("no answer within 10s") },
            Partial {
                subject: "cilium.io/v2/CiliumNode".into(),
                why: Failure::denied("forbidden for user `dev`")
                    .hint("`kubectl auth can-i --list` shows the rights there are"),
            },
        ],
    }
}

/// The same with every kind of column, and a table without rows.
pub(crate) fn several_tables() -> Report {
    let empty = Table::new("traces", vec![column("hop", "HOP", ColumnKind::Text)]);
    Report { tables: vec![routes(), pools(), empty], ..Report::default() }
}

/// The hosts that were asked.
pub(crate) fn hosts() -> Vec<String> {
    ["k8s-ctr", "k8s-w1", "東京-w2", "k8s-w0", "router"].map(str::to_owned).to_vec()
}

/// Compares with a golden file, or writes it when `LAB_BLESS=1`.
pub(crate) fn golden(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var("LAB_BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::write(&path, actual).expect("the folder of golden files can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} is different; `LAB_BLESS=1` accepts it\n{}",
        difference(&expected, actual)
    );
}

/// Lines of both texts around what is different, `-` expected and `+` actual.
fn difference(expected: &str, actual: &str) -> String {
    let expected: Vec<&str> = expected.lines().collect();
    let actual: Vec<&str> = actual.lines().collect();
    let same = expected.iter().zip(&actual).take_while(|(e, a)| e == a).count();
    let longest = expected.len().min(actual.len()) - same;
    let tail =
        expected.iter().rev().zip(actual.iter().rev()).take(longest).take_while(|(e, a)| e == a);
    let tail = tail.count();
    let mut text = format!("from line {}:\n", same + 1);
    for line in &expected[same..expected.len() - tail] {
        let _ = writeln!(text, "-{}", line.escape_debug());
    }
    for line in &actual[same..actual.len() - tail] {
        let _ = writeln!(text, "+{}", line.escape_debug());
    }
    text
}
