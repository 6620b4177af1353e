//! The output of a connection made by `curl -sv … telnet://`, or tried by `nc -z`.
//!
//! - Source: curl `lib/connect.c` and `docs/libcurl/libcurl-errors`, 7.64 to 8.14.

use std::time::Duration;

/// How an attempt to connect ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Connected {
    /// It was accepted, after this time where it is told.
    Yes(Option<Duration>),
    /// Nobody said anything.
    Silence,
    /// The destination, or somebody for it, refused.
    Refused(String),
    /// Somebody, or the own kernel, knows no way.
    Unreachable(String),
    /// The program cannot do this, or said something else.
    NotTried(String),
}

/// Codes of curl that say how connecting ended: could not connect, timed out.
const COULD_NOT_CONNECT: i32 = 7;
const TIMED_OUT: i32 = 28;

/// Reads a run of curl that prints `%{time_connect}` and, to its standard error, each step.
pub fn parse_curl(code: i32, out: &str, err: &str) -> Connected {
    let took = out.trim().replace(',', ".").parse::<f64>().ok();
    let took = took.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // Whatever happened afterwards, a connection came about.
    if took.is_some_and(|took| !took.is_zero()) {
        return Connected::Yes(took);
    }
    let line = told(err);
    match code {
        TIMED_OUT => Connected::Silence,
        COULD_NOT_CONNECT => connection(line),
        _ => Connected::NotTried(line),
    }
}

/// Reads a run of `nc -z`.
pub fn parse_nc(code: i32, err: &str) -> Connected {
    let line = told(err);
    let low = err.to_lowercase();
    if code == 0 {
        Connected::Yes(None)
    } else if ["invalid option", "unrecognized option", "usage"].iter().any(|it| low.contains(it)) {
        Connected::NotTried(line)
    } else if line.is_empty() || low.contains("timed out") {
        Connected::Silence
    } else {
        connection(line)
    }
}

fn connection(line: String) -> Connected {
    let low = line.to_lowercase();
    if low.contains("no route to host") || low.contains("unreachable") {
        Connected::Unreachable(line)
    } else {
        Connected::Refused(line)
    }
}

/// The line that says why: the one about the connection, else the last.
fn told(err: &str) -> String {
    let lines = || err.lines().map(|line| line.trim_start_matches("* ").trim());
    let about = ["failed: ", "refused", "unreachable", "no route to host"];
    let why = lines().find(|line| {
        let low = line.to_lowercase();
        about.iter().any(|word| low.contains(word))
    });
    why.or_else(|| lines().rfind(|line| !line.is_empty())).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_curl_says_is_read() {
        // curl 7.88.1 in a network namespace behind one router.
        let open = parse_curl(
            0,
            "0.000183",
            "*   Trying 10.91.2.2:96...\n* Connected to 10.91.2.2 (10.91.2.2) port 96 (#0)\n* Closing connection 0\n",
        );
        assert_eq!(open, Connected::Yes(Some(Duration::from_micros(183))));
        let refused = "*   Trying 10.91.2.2:80...\n* connect to 10.91.2.2 port 80 failed: Connection refused\n* Failed to connect to 10.91.2.2 port 80 after 0 ms: Couldn't connect to server\n* Closing connection 0\n";
        assert_eq!(
            parse_curl(7, "0.000000", refused),
            Connected::Refused("connect to 10.91.2.2 port 80 failed: Connection refused".into())
        );
        let silent = "*   Trying 10.91.2.9:80...\n* Connection timed out after 1048 milliseconds\n* Closing connection 0\n";
        assert_eq!(parse_curl(28, "0.000000", silent), Connected::Silence);
        let no_way = "*   Trying 10.91.1.77:80...\n* connect to 10.91.1.77 port 80 failed: No route to host\n";
        assert!(matches!(parse_curl(7, "0.000000", no_way), Connected::Unreachable(_)));
    }

    #[test]
    fn an_open_port_without_an_answer_is_open() {
        // It accepts, and says nothing until curl gives up.
        assert!(matches!(parse_curl(28, "0.053362", ""), Connected::Yes(Some(_))));
    }

    #[test]
    fn a_curl_that_cannot_is_no_loss() {
        let text =
            "* Protocol \"telnet\" not supported or disabled in libcurl\n* Closing connection -1";
        assert!(matches!(parse_curl(1, "0.000000", text), Connected::NotTried(_)));
        let busybox = "nc: invalid option -- 'z'\nBusyBox v1.35.0 multi-call binary.\n\nUsage: nc";
        assert!(matches!(parse_nc(1, busybox), Connected::NotTried(_)));
    }

    #[test]
    fn nc_without_a_word_heard_nothing() {
        assert_eq!(parse_nc(0, ""), Connected::Yes(None));
        assert_eq!(parse_nc(1, ""), Connected::Silence);
        let refused = "nc: connect to 10.0.0.1 port 1 (tcp) failed: Connection refused";
        assert!(matches!(parse_nc(1, refused), Connected::Refused(_)));
    }

    proptest! {
        #[test]
        fn no_text_panics(code in -1..200, out in "\\PC*", err in "\\PC*") {
            let _ = parse_curl(code, &out, &err);
            let _ = parse_nc(code, &err);
        }
    }
}
