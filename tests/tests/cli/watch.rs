//! Commands that run until stopped: what a terminal shows meanwhile, what a pipe gets, and how
//! they end.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lab_tests::terminal::screen;
use lab_tests::{ApiServer, Lab, Reply, Run, status};

/// What begins and what ends a picture on a terminal.
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";
const CLEAR: &str = "\u{1b}[2J";

/// A cluster of one node.
fn cluster(path: &str) -> Reply {
    match path.split('?').next().unwrap_or_default() {
        "/api/v1/nodes" => Reply::Http(
            200,
            "",
            r#"{"kind":"NodeList","metadata":{},"items":[{"metadata":{"name":"host-1"},"spec":{},
                "status":{"addresses":[{"type":"InternalIP","address":"192.0.2.1"}],
                "allocatable":{"cpu":"2","memory":"4Gi"}}}]}"#
                .into(),
        ),
        "/version" => Reply::Http(200, "", r#"{"gitVersion":"v1.33.0"}"#.into()),
        _ => status(404, "the server could not find it"),
    }
}

/// A command of the guest, asked of a cluster: there ticks are something to wait for.
fn streamer(words: &str) -> Lab {
    let server = ApiServer::start(cluster);
    Lab::line(&format!("streamer {words}")).guest("streamer").kubeconfig(&server.kubeconfig())
}

/// Everything that the program wrote to its terminal.
fn written(lab: &Lab) -> (String, Option<i32>) {
    let output = lab.start().wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// What stood on the terminal before it was given back, and what was written after it.
fn parted(written: &str) -> (&str, &str) {
    assert_eq!((written.matches(ENTER).count(), written.matches(LEAVE).count()), (1, 1));
    let (before, after) = written.split_once(LEAVE).unwrap();
    (before, after)
}

#[test]
fn a_terminal_shows_the_table_in_place_and_keeps_the_last_picture() {
    let lab = streamer("hosts --count 3 --every 20ms --for 1500ms").terminal(80);
    let (written, code) = written(&lab);
    assert_eq!(code, Some(1), "the finding decides: {written}");
    let (live, end) = parted(&written);
    let last = screen(live.as_bytes(), 80, 24);
    for part in ["HOST", "host-2", "1 finding: 1 warn", "host-9 (timeout)", "; Ctrl-C ends it"] {
        assert!(last.contains(part), "`{part}` is not in\n{last}");
    }
    assert!(last.contains("streamer: host-9 is slow"), "the log is a note: {last}");
    // 75 commits in 1.5 s, and each changes the line of `host-2`.
    let redrawn = live.matches("host-2 ").count();
    assert!((5..=17).contains(&redrawn), "ten times a second, not {redrawn} in 1.5 s");

    let end = screen(end.as_bytes(), 80, 24);
    for part in
        ["HOST", "host-2", "1 finding: 1 warn", "host-9 (timeout)", "streamer: told to stop"]
    {
        assert!(end.contains(part), "`{part}` is not in\n{end}");
    }
    assert!(!end.contains("Ctrl-C"), "{end}");
}

#[test]
fn a_terminal_that_shrinks_gets_a_smaller_picture() {
    let lab = streamer("hosts --count 30 --every 50ms --for 2s");
    let lab = lab.terminal(80).resized(Duration::from_millis(900), 40, 8);
    let (written, _) = written(&lab);
    let (live, end) = parted(&written);
    let last = &live[live.rfind(CLEAR).unwrap()..];
    let last = screen(last.as_bytes(), 40, 8);
    assert_eq!(last.lines().count(), 8, "{last}");
    assert!(last.contains("more rows") && last.contains("host-1 "), "{last}");
    assert!(end.contains("more rows than the terminal has room for: `| less` shows all"), "{end}");
}

/// Waits until the program has written this.
#[track_caller]
fn read_until(child: &mut Child, text: &str) -> String {
    let out = child.stdout.as_mut().unwrap();
    let (mut read, mut bytes) = (String::new(), [0; 4096]);
    let deadline = Instant::now() + Duration::from_mins(1);
    while !read.contains(text) {
        let n = out.read(&mut bytes).unwrap();
        assert!(n > 0 && Instant::now() < deadline, "`{text}` never came: {read}");
        read.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    read
}

const CTRL_C: &[u8] = b"\x03";

#[test]
fn ctrl_c_tells_the_plugin_to_stop_and_the_picture_stays() {
    let lab = streamer("hosts --count 3 --every 50ms").terminal(80);
    let mut child = lab.command().stdin(Stdio::piped()).spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    let first = read_until(&mut child, "even");
    keys.write_all(CTRL_C).unwrap();
    let output = child.wait_with_output().unwrap();
    let written = first + &String::from_utf8(output.stdout).unwrap();
    let (_, end) = parted(&written);
    assert_eq!(output.status.code(), Some(1), "{written}");
    assert!(end.contains("host-2") && end.contains("streamer/even"), "{end}");
    assert!(end.contains("streamer: told to stop"), "it said its last: {end}");
}

#[test]
fn ctrl_c_twice_ends_at_once_and_gives_the_terminal_back() {
    // It never asks whether it is to stop.
    let lab = streamer("flood").terminal(80);
    let mut child = lab.command().stdin(Stdio::piped()).spawn().unwrap();
    let mut keys = child.stdin.take().unwrap();
    let first = read_until(&mut child, "running 1s");
    let sent = Instant::now();
    keys.write_all(CTRL_C).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    keys.write_all(CTRL_C).unwrap();
    let output = child.wait_with_output().unwrap();
    let written = first + &String::from_utf8(output.stdout).unwrap();
    parted(&written);
    assert_eq!(output.status.code(), Some(130), "{written}");
    assert!(sent.elapsed() < Duration::from_secs(20));
}

fn kill(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn signals_are_heard_while_nobody_reads_the_pipe() {
    let lab = streamer("flood -o ndjson");
    let mut child = lab.start();
    read_until(&mut child, "\n");
    kill(&child, "-INT");
    std::thread::sleep(Duration::from_millis(300));
    kill(&child, "-INT");
    // Not read meanwhile: the program waits for room in the pipe.
    let deadline = Instant::now() + Duration::from_secs(30);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_reader_that_leaves_ends_the_run() {
    for words in ["flood", "flood -o ndjson", "events --every 20ms", "events --every 20ms -o csv"] {
        let lab = streamer(words);
        let mut child = lab.start();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        drop(out);
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""), "{words}");
    }
}

#[test]
fn a_reader_that_leaves_is_noticed_although_nothing_is_written() {
    for words in ["hosts --count 2 --every 1h", "events --every 1h -o ndjson"] {
        let lab = streamer(words);
        let mut child = lab.start();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{words}");
    }
}

fn numbers(run: &Run) -> Vec<i64> {
    let lines = run.out.lines().map(serde_json::from_str::<serde_json::Value>);
    lines.map(|line| line.unwrap()["number"].as_i64().unwrap()).collect()
}

#[test]
fn a_pipe_gets_every_row_once_and_in_order() {
    let run = streamer("flood --count 50000 -o ndjson").run().exits(0);
    assert_eq!(numbers(&run), (1..=50_000).collect::<Vec<_>>());
    let run = streamer("flood --count 5000").run().exits(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines.len(), 5001);
    assert!(lines[0].starts_with("NUMBER   NODE "), "{}", lines[0]);
    assert!(!lines[1..].iter().any(|line| line.contains("NUMBER")), "headers come once");
}

#[test]
fn rows_come_as_they_are_made() {
    let lab = streamer("events --every 100ms -o ndjson");
    let mut child = lab.start();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let begun = Instant::now();
    for number in 1..=3 {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(line.contains(&format!("\"number\":{number},")), "{line}");
    }
    assert!(begun.elapsed() >= Duration::from_millis(150), "they do not come all at once");
    kill(&child, "-INT");
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_asked_of_rows_is_asked_of_live_rows() {
    let run = streamer("flood --count 3000 -o csv --columns number,node --filter node=k8s-w1");
    let run = run.run().exits(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!((lines[0], lines[1], lines.len()), ("number,node", "1,k8s-w1", 1001));
    let run =
        streamer("flood --count 3000 -o csv --columns number --sort number:desc --no-headers");
    assert!(run.run().exits(0).out.starts_with("3000\n2999\n"));
    let run = streamer("flood --count 3000 -o csv --columns number --filter nope=1").run();
    run.fails("unknown column `nope`");
}

#[test]
fn a_limit_ends_a_run_that_would_go_on() {
    for words in ["events --every 20ms", "flood"] {
        let run = streamer(&format!("{words} -o ndjson --limit 3")).run().exits(0);
        assert_eq!(numbers(&run), [1, 2, 3], "{words}");
    }
}

#[test]
fn one_picture_is_enough_with_once() {
    let run = streamer("hosts --count 2 --once").run().exits(1);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(
        lines[..3],
        ["HOST     COUNT   NOTE", "host-0      10   odd", "host-1      11   odd"]
    );
    let lab = streamer("hosts --count 2 --once").terminal(80);
    let (written, _) = written(&lab);
    assert!(!written.contains(ENTER) && written.contains("host-1      11   odd"), "{written}");
}

#[test]
fn a_table_that_changes_is_printed_at_the_end_and_as_lines_for_programs() {
    let run = streamer("hosts --count 2 --every 100ms --for 800ms").run().exits(1);
    assert_eq!(run.out.matches("COUNT").count(), 1, "{}", run.out);
    let run = streamer("hosts --count 2 --every 100ms --for 800ms -o json").run().exits(1);
    assert_eq!(run.json()["findings"].as_array().unwrap().len(), 1, "one subject, one finding");

    let run = streamer("hosts --count 2 --every 100ms --for 800ms -o ndjson").run().exits(1);
    let lines: Vec<serde_json::Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    let hosts = of("hosts");
    assert!(hosts.len() >= 6, "{}", run.out);
    assert_eq!((&hosts[0]["count"], &hosts[2]["count"]), (&10.into(), &20.into()));
    assert_eq!(of("removed")[0]["key"], "host-0");
    assert!(of("finding").len() >= 3, "each time it was told");
    assert_eq!(of("partial").len(), 1);
}

#[test]
fn what_was_recorded_comes_to_an_end() {
    let run = Lab::line("streamer events --demo").guest("streamer").run().exits(0);
    assert_eq!((run.out.as_str(), run.err.contains("no rows in `events`")), ("", true));
    Lab::line("nodes top --watch --demo").run();
}

#[test]
fn what_ends_by_itself_needs_no_end() {
    Lab::line("routes --demo --for 1s").run().fails("routes` ends by itself");
    Lab::line("routes --demo --once").run().fails("--once is for commands that do not");
    let run = Lab::line("nodes top --demo --for 1s").run().fails("ends by itself");
    assert!(run.err.contains("--watch` runs until it is stopped"), "{}", run.err);
    Lab::line("nodes top --demo --watch --for 0s").run().fails("--for: zero");
}

/// What the metrics API says: more at every question.
fn metrics(path: &str) -> Reply {
    use std::sync::atomic::{AtomicU32, Ordering};
    static ASKED: AtomicU32 = AtomicU32::new(0);
    match path.split('?').next().unwrap_or_default() {
        "/apis/metrics.k8s.io/v1beta1" => {
            let kinds = r#"{"kind":"APIResourceList","groupVersion":"metrics.k8s.io/v1beta1",
                "resources":[{"name":"nodes","kind":"NodeMetrics","namespaced":false,
                "verbs":["get","list"]}]}"#;
            return Reply::Http(200, "", kinds.into());
        }
        "/apis/metrics.k8s.io/v1beta1/nodes" => {}
        _ => return cluster(path),
    }
    let cpu = 100 * (1 + ASKED.fetch_add(1, Ordering::Relaxed));
    let items = format!(
        r#"[{{"metadata":{{"name":"host-1"}},"usage":{{"cpu":"{cpu}m","memory":"1Gi"}}}}]"#
    );
    Reply::Http(200, "", format!(r#"{{"kind":"NodeMetricsList","metadata":{{}},"items":{items}}}"#))
}

#[test]
fn nodes_top_is_watched() {
    let server = ApiServer::start(metrics);
    let lab = Lab::line("nodes top --watch --every 1s --for 2500ms");
    let lab = lab.kubeconfig(&server.kubeconfig()).terminal(80);
    let (written, code) = written(&lab);
    assert_eq!(code, Some(0), "{written}");
    let (live, end) = parted(&written);
    assert!(live.contains("100m") && live.contains("200m"), "{live}");
    let end = screen(end.as_bytes(), 80, 24);
    assert!(end.contains("host-1") && end.contains("300m") && end.contains("15%"), "{end}");
}
