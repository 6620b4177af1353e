//! What no recording has: a metrics API, `ServiceCIDR` objects, a host that prints garbage, and
//! a thousand nodes. The capture is written here.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::fs;
use std::path::{Path, PathBuf};

use lab_output::{Cell, Table};
use lab_plugin_test::{Lab, Run};
use lab_types::Value;
use nodes::Nodes;
use serde_json::json;

struct Written(PathBuf);

impl Written {
    /// A capture of `count` nodes `n1`, `n2` … with 10.0.x.y for addresses.
    fn new(name: &str, count: u32) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        let written = Self(folder);
        let hosts: Vec<_> =
            (1..=count).map(|n| json!({"name": format!("n{n}"), "kind": "node"})).collect();
        written.file("capture.json", &json!({"format": "lab-capture/1", "hosts": hosts}));
        written.file("version.json", &json!({"gitVersion": "v1.33.2"}));
        let nodes = (1..=count).map(|n| {
            json!({"metadata": {"name": format!("n{n}")}, "spec": {}, "status": {
                "addresses": [{"type": "InternalIP", "address": address(n)}],
                "conditions": [{"type": "Ready", "status": "True"}],
                "allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
                "nodeInfo": {"kubeletVersion": "v1.33.2"}}})
        });
        written.objects("v1", "Node", &nodes.collect::<Vec<_>>());
        written.objects("v1", "Pod", &[]);
        written
    }

    fn file(&self, name: &str, content: &serde_json::Value) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content.to_string()).unwrap();
    }

    fn objects(&self, api_version: &str, kind: &str, items: &[serde_json::Value]) {
        let list =
            json!({"apiVersion": api_version, "kind": format!("{kind}List"), "items": items});
        self.file(&format!("objects/{api_version}/{kind}.json"), &list);
    }

    /// What `ip -j addr` and `cat /etc/hosts` print on a host.
    fn commands(&self, host: &str, addresses: &str, hosts_file: &str) {
        let folder = format!("hosts/{host}");
        self.file(
            &format!("{folder}/commands.json"),
            &json!([
                {"place": "host", "argv": ["ip", "-j", "addr"], "code": 0, "out": "addr.json"},
                {"place": "host", "argv": ["cat", "/etc/hosts"], "code": 0, "out": "hosts.txt"}]),
        );
        fs::write(self.0.join(format!("{folder}/addr.json")), addresses).unwrap();
        fs::write(self.0.join(format!("{folder}/hosts.txt")), hosts_file).unwrap();
    }

    fn run(&self, path: &[&str], values: &[(&str, Value)]) -> Run {
        let run = Lab::open(&self.0).run::<Nodes>(path, values);
        assert_eq!(run.result, Ok(()));
        run
    }
}

fn address(n: u32) -> String {
    format!("10.0.{}.{}", n / 250, n % 250 + 1)
}

fn cell<'t>(table: &'t Table, key: &str, column: &str) -> &'t Cell {
    let column = table.columns().iter().position(|known| known.id == column).unwrap();
    let row = table.rows().iter().find(|row| row.key == key).unwrap();
    &row.cells[column]
}

fn codes(run: &Run) -> Vec<&str> {
    run.report.findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn with_metrics(name: &str) -> Written {
    let written = Written::new(name, 2);
    let used = json!({"metadata": {"name": "n1"}, "timestamp": "2026-11-23T03:10:20Z",
        "window": "20s", "usage": {"cpu": "152340987n", "memory": "1048576Ki"}});
    written.objects("metrics.k8s.io/v1beta1", "NodeMetrics", &[used]);
    let used = json!({"metadata": {"namespace": "default", "name": "p"}, "containers": [
        {"name": "x", "usage": {"cpu": "3m", "memory": "10Mi"}}]});
    written.objects("metrics.k8s.io/v1beta1", "PodMetrics", &[used]);
    written
}

#[test]
fn use_is_shown_against_what_pods_may_use() {
    let written = with_metrics("use");
    let run = written.run(&["nodes"], &[]);
    let table = &run.report.tables[0];
    assert_eq!(cell(table, "n1", "cpuUsed"), &Cell::Decimal(0.152_340_987));
    assert_eq!(cell(table, "n1", "memory"), &Cell::Decimal(0.25));
    // A node that was not measured yet uses an unknown amount.
    assert_eq!(cell(table, "n2", "cpu"), &Cell::Text("?".into()));
    assert!(!codes(&run).contains(&"nodes/no-metrics"), "{:?}", codes(&run));
    let run = written.run(&["nodes", "top"], &[]);
    assert_eq!(cell(&run.report.tables[0], "n1", "memory"), &Cell::Decimal(1_073_741_824.0));
    assert_eq!(codes(&run), [""; 0]);
}

#[test]
fn watching_replaces_rows_and_ends_when_stopped() {
    let written = with_metrics("watch");
    let watch = [("watch", Value::Boolean(true))];
    let run = written.run(&["nodes", "top"], &watch);
    assert_eq!(run.report.tables[0].rows().len(), 2);
    let run = written.run(&["nodes", "top", "pods"], &watch);
    let table = &run.report.tables[0];
    assert_eq!(table.rows().len(), 1);
    assert_eq!(cell(table, "default/p", "cpu"), &Cell::Decimal(0.003));
    assert_eq!(cell(table, "default/p", "host"), &Cell::Text("?".into()));
}

#[test]
fn service_cidr_objects_are_a_place_of_their_own() {
    let written = Written::new("ranges", 1);
    let range = json!({"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16"]}});
    written.objects("networking.k8s.io/v1", "ServiceCIDR", &[range]);
    let run = written.run(&["nodes", "cluster"], &[]);
    let key = "service-cidr/ServiceCIDR kubernetes";
    let value = cell(&run.report.tables[0], key, "value");
    assert_eq!(value, &Cell::Text("10.96.0.0/16".into()));
}

#[test]
fn a_host_that_prints_garbage_costs_itself_alone() {
    let written = Written::new("garbage", 3);
    let good = format!(
        r#"[{{"ifindex":2,"ifname":"eth0","addr_info":[{{"local":"{}","prefixlen":24,"scope":"global"}}]}}]"#,
        address(1)
    );
    written.commands("n1", &good, "10.0.9.9 n2\n");
    written.commands("n2", "\u{1b}[2J<html>login</html>", "\u{0}\u{1}");
    written.commands("n3", &good[..good.len() / 2], "");
    let run = written.run(&["nodes"], &[]);
    let table = &run.report.tables[0];
    assert_eq!(cell(table, "n1", "addresses"), &Cell::Text(address(1).into()));
    assert_eq!(cell(table, "n2", "addresses"), &Cell::Text("?".into()));
    assert_eq!(cell(table, "n3", "addresses"), &Cell::Text("?".into()));
    let silent: Vec<&str> = run.report.partials.iter().map(|it| it.subject.as_str()).collect();
    assert!(silent.contains(&"n2") && silent.contains(&"n3"), "{silent:?}");
    let found = codes(&run);
    assert_eq!(found.iter().filter(|code| **code == "nodes/unanswered").count(), 2, "{found:?}");
    assert!(found.contains(&"nodes/etc-hosts"), "{found:?}");
    let run = written.run(&["nodes", "addr"], &[]);
    assert_eq!(cell(&run.report.tables[0], "n2", "address"), &Cell::Text("?".into()));
}

#[test]
fn a_thousand_nodes_have_a_thousand_rows() {
    let written = Written::new("many", 1000);
    let lines: Vec<String> = (1..=50).map(|n| format!("{} n{n}\n", address(n))).collect();
    let names = lines.concat();
    for n in 1..=1000 {
        let address = address(n);
        let text = json!([{"ifindex": 2, "ifname": "eth0", "addr_info": [
            {"local": address, "prefixlen": 24, "scope": "global"}]}]);
        // All but one agree, and that one is the same mistake everywhere.
        let file = format!("{names}10.9.9.9 n7\n");
        written.commands(&format!("n{n}"), &text.to_string(), &file);
    }
    let run = written.run(&["nodes"], &[]);
    assert_eq!(run.report.tables[0].rows().len(), 1000);
    let wrong: Vec<_> =
        run.report.findings.iter().filter(|it| it.code == "nodes/etc-hosts").collect();
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].message.contains("and 996 more"), "{}", wrong[0].message);
}
