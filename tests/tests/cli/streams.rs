//! What is on the other end of stdout, and signals.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab_tests::captures::{files, zip_files};
use lab_tests::{ApiServer, Lab, Reply, Scratch};

/// A capture whose table is larger than any pipe: a host with many routes.
fn large(scratch: &Scratch) -> std::path::PathBuf {
    let mut files = files("cilium-1.18.0-native-fixed");
    let routes: Vec<String> = (0..20_000_u32)
        .map(|number| {
            let (high, low) = (number / 256, number % 256);
            format!(r#"{{"dst":"10.{high}.{low}.0/24","gateway":"192.168.10.200","dev":"eth1","protocol":"static","flags":[]}}"#)
        })
        .collect();
    let name = "hosts/k8s-w1/ip-j-route-show-table-all";
    let file = files.iter_mut().find(|(path, _)| path.starts_with(name)).expect("it is recorded");
    file.1 = format!("[{}]", routes.join(",")).into_bytes();
    scratch.put("large.zip", zip_files(&files))
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let scratch = Scratch::new();
    for flags in ["", "-o json", "-o csv", "-o ndjson", "-o yaml", "-o name"] {
        let line = format!("routes --all {flags} --from");
        let mut child = Lab::line(&line).arg(large(&scratch)).start();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        drop(out);
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert!(!err.contains("panicked") && !err.contains("error"), "{flags}: {err}");
        assert!(matches!(status.code(), Some(0 | 1)), "{flags}: {status}");
    }
}

#[test]
fn help_to_a_closed_pipe_is_no_error() {
    let mut child = Lab::line("options").start();
    drop(child.stdout.take());
    assert!(matches!(child.wait().unwrap().code(), Some(0)));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let lab = Lab::line("routes --demo");
    let output = lab.command().stdout(Stdio::from(full)).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.starts_with("error: cannot write: "), "{err}");
}

/// Sends a signal once the program waits for a server that never answers.
fn interrupted(signal: &str) -> (Option<i32>, String, Duration) {
    let server = ApiServer::start(|_| Reply::Silence);
    let lab = Lab::line("routes").kubeconfig(&server.kubeconfig());
    let mut child = lab.start();
    let deadline = Instant::now() + Duration::from_mins(1);
    while server.asked().is_empty() {
        assert!(Instant::now() < deadline, "nothing is asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = Instant::now();
    let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
    let kill = kill.expect("kill is there");
    assert!(kill.success());
    let mut err = String::new();
    let mut stderr = child.stderr.take().expect("it is a pipe");
    stderr.read_to_string(&mut err).expect("the program writes UTF-8");
    let status = child.wait().expect("it was started");
    (status.code(), err, sent.elapsed())
}

#[test]
fn signals_end_a_run_that_waits() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (ended, err, after) = interrupted(signal);
        assert_eq!(ended, Some(code), "{signal}: {err}");
        assert!(!err.contains("panicked"), "{err}");
        assert!(after < Duration::from_secs(20), "{signal}: {after:?}");
    }
}
