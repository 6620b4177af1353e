//! The output of `ping`, of iputils and of busybox.
//!
//! - Source: iputils `ping/ping_common.c` and `ping/ping.c` (`print_icmph`), 20180629 to
//!   20240905; busybox `networking/ping.c`, 1.30 to 1.36.

use std::time::Duration;

/// What one run of `ping` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PingReport {
    /// Packets sent; absent without statistics.
    pub sent: Option<u32>,
    /// Answers; counted by hand without statistics.
    pub received: u32,
    /// Smallest and mean round trip.
    pub rtt: Option<(Duration, Duration)>,
    /// TTL, or hop limit, that was left in the last answer.
    pub ttl: Option<u8>,
    /// The first error that was told, by a host on the way or by the own kernel.
    pub error: Option<PingError>,
    /// That error's line, the statistics and the round trips, word for word.
    pub lines: Vec<String>,
}

/// What goes wrong with a ping besides silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingError {
    /// Somebody, or the own kernel, knows no way.
    Unreachable,
    /// Somebody, or the own kernel, forbids it.
    Refused,
    /// It went over as many hosts as it was allowed to.
    TtlExceeded,
    /// Larger than what passes; with the size that passes, where it is told.
    TooLong(Option<u32>),
    /// This `ping` has no such option.
    NoSuchOption,
}

/// Reads both streams of one run.
pub fn parse_ping(out: &str, err: &str) -> PingReport {
    let mut report = PingReport::default();
    let mut replies = 0;
    let mut statistics = None;
    for line in out.lines().chain(err.lines()).map(str::trim_end) {
        if is_reply(line) {
            replies += 1;
            report.ttl = number_after(line, "ttl=").or(report.ttl);
        } else if let Some((sent, received)) = statistics_of(line) {
            statistics = Some((sent, received));
            report.lines.push(line.to_owned());
        } else if let Some(rtt) = rtt_of(line) {
            report.rtt = Some(rtt);
            report.lines.push(line.to_owned());
        } else if report.error.is_none()
            && let Some(error) = error_of(line)
        {
            report.error = Some(error);
            report.lines.push(line.to_owned());
        }
    }
    report.sent = statistics.map(|(sent, _)| sent);
    report.received = statistics.map_or(replies, |(_, received)| received);
    report
}

/// `64 bytes from 10.0.0.1: icmp_seq=1 ttl=63 time=0.457 ms`; busybox writes `seq=0`.
fn is_reply(line: &str) -> bool {
    line.contains(" bytes from ") && line.contains("seq=")
}

/// `2 packets transmitted, 1 received, +1 duplicates, 50% packet loss, time 1021ms`; busybox
/// writes `1 packets received`.
fn statistics_of(line: &str) -> Option<(u32, u32)> {
    let mut parts = line.split(", ");
    let sent = parts.next()?.strip_suffix(" packets transmitted")?.parse().ok()?;
    let received = parts.next()?;
    let received = received.strip_suffix(" received")?;
    let received = received.strip_suffix(" packets").unwrap_or(received).parse().ok()?;
    Some((sent, received))
}

/// `rtt min/avg/max/mdev = 0.060/0.065/0.071/0.005 ms`; busybox writes
/// `round-trip min/avg/max = 0.042/0.058/0.074 ms`.
fn rtt_of(line: &str) -> Option<(Duration, Duration)> {
    let (names, values) = line.split_once(" = ")?;
    if !names.contains("min/avg/max") {
        return None;
    }
    let mut values = values.split(['/', ' ']).map(milliseconds);
    Some((values.next()??, values.next()??))
}

fn milliseconds(text: &str) -> Option<Duration> {
    let value: f64 = text.replace(',', ".").parse().ok()?;
    Duration::try_from_secs_f64(value / 1000.0).ok()
}

fn error_of(line: &str) -> Option<PingError> {
    let low = line.to_lowercase();
    let has = |word: &str| low.contains(word);
    // What another host says begins so; the rest is the own kernel or the program.
    let told = low.starts_with("from ");
    let own = ["ping", "connect:"].iter().any(|program| low.starts_with(program));
    if told && (has("time to live exceeded") || has("time exceeded")) {
        return Some(PingError::TtlExceeded);
    }
    if told && (has("frag needed") || has("packet too big")) || own && has("message too long") {
        let size = ["mtu = ", "mtu=", "mtu: "].iter().find_map(|key| number_after(&low, key));
        return Some(PingError::TooLong(size.filter(|size| *size > 0)));
    }
    let refused = ["filtered", "prohibited", "port unreachable", "protocol unreachable"];
    if told && refused.iter().any(|word| has(word)) {
        return Some(PingError::Refused);
    }
    if told && has("unreachable") {
        return Some(PingError::Unreachable);
    }
    if !own {
        return None;
    }
    let no_way = ["network is unreachable", "network unreachable", "no route to host"];
    if no_way.iter().any(|word| has(word)) || has("host is unreachable") {
        return Some(PingError::Unreachable);
    }
    // Routes of type prohibit and blackhole, and filters, stop a packet before it leaves.
    let forbidden = [
        "sendto: permission denied",
        "sendto: invalid argument",
        "sendto: operation not permitted",
        "sendmsg: operation not permitted",
        "connect: invalid argument",
        "check your local firewall rules",
    ];
    if forbidden.iter().any(|word| has(word)) {
        return Some(PingError::Refused);
    }
    let option = ["invalid option", "unrecognized option", "illegal option", "bad value for"];
    option.iter().any(|word| has(word)).then_some(PingError::NoSuchOption)
}

/// The number that follows a key.
fn number_after<T: std::str::FromStr>(line: &str, key: &str) -> Option<T> {
    let (_, after) = line.split_once(key)?;
    let end = after.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(after.len());
    after[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> Option<PingError> {
        parse_ping(text, "").error
    }

    #[test]
    fn answers_of_iputils_are_read() {
        // iputils 20221126 in a network namespace behind one router.
        let report = parse_ping(
            "PING 10.91.2.2 (10.91.2.2) 56(84) bytes of data.
64 bytes from 10.91.2.2: icmp_seq=1 ttl=63 time=0.071 ms
64 bytes from 10.91.2.2: icmp_seq=2 ttl=63 time=0.060 ms

--- 10.91.2.2 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time 1039ms
rtt min/avg/max/mdev = 0.060/0.065/0.071/0.005 ms
",
            "",
        );
        assert_eq!((report.sent, report.received, report.ttl), (Some(2), 2, Some(63)));
        let (min, avg) = report.rtt.unwrap();
        assert_eq!((min.as_micros(), avg.as_micros()), (60, 65));
        assert_eq!(report.error, None);
        assert_eq!(report.lines.len(), 2);
    }

    #[test]
    fn answers_of_busybox_are_read() {
        // busybox 1.35.0, IPv6.
        let report = parse_ping(
            "PING fd91:2::2 (fd91:2::2): 56 data bytes
64 bytes from fd91:2::2: seq=0 ttl=63 time=0.045 ms
64 bytes from fd91:2::2: seq=1 ttl=63 time=0.080 ms

--- fd91:2::2 ping statistics ---
2 packets transmitted, 2 packets received, 0% packet loss
round-trip min/avg/max = 0.045/0.062/0.080 ms
",
            "",
        );
        assert_eq!((report.sent, report.received, report.ttl), (Some(2), 2, Some(63)));
        assert_eq!(report.rtt.unwrap().1.as_micros(), 62);
    }

    #[test]
    fn silence_has_statistics_and_no_round_trip() {
        for text in [
            "PING 172.20.2.173 (172.20.2.173) 56(84) bytes of data.\n\n\
             --- 172.20.2.173 ping statistics ---\n\
             3 packets transmitted, 0 received, 100% packet loss, time 2052ms\n\n",
            "PING 10.91.2.9 (10.91.2.9): 56 data bytes\n\n--- 10.91.2.9 ping statistics ---\n\
             3 packets transmitted, 0 packets received, 100% packet loss\n",
        ] {
            let report = parse_ping(text, "command terminated with exit code 1\n");
            assert_eq!((report.sent, report.received), (Some(3), 0), "{text}");
            assert_eq!((report.rtt, report.error), (None, None), "{text}");
        }
    }

    #[test]
    fn what_routers_say_is_read() {
        // As a Linux router says it for each way in which it can refuse; iputils 20221126.
        for (line, expected) in [
            ("From 10.91.1.1 icmp_seq=1 Destination Host Unreachable", PingError::Unreachable),
            ("From 10.91.1.1 icmp_seq=1 Destination Net Unreachable", PingError::Unreachable),
            ("From 10.91.1.1 icmp_seq=1 Destination Port Unreachable", PingError::Refused),
            ("From 10.91.1.1 icmp_seq=1 Destination Protocol Unreachable", PingError::Refused),
            ("From 10.91.1.1 icmp_seq=1 Packet filtered", PingError::Refused),
            ("From 10.91.1.1 icmp_seq=1 Destination Host Prohibited", PingError::Refused),
            (
                "From fd91:1::1 icmp_seq=1 Destination unreachable: Administratively prohibited",
                PingError::Refused,
            ),
            (
                "From fd91:1::1 icmp_seq=1 Destination unreachable: Port unreachable",
                PingError::Refused,
            ),
            ("From 10.91.1.1 icmp_seq=1 Time to live exceeded", PingError::TtlExceeded),
            ("From fd91:1::1 icmp_seq=1 Time exceeded: Hop limit", PingError::TtlExceeded),
            (
                "From 10.91.1.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)",
                PingError::TooLong(Some(1400)),
            ),
            ("From fd91:1::1 icmp_seq=1 Packet too big: mtu=1400", PingError::TooLong(Some(1400))),
            // Routers of before RFC 1191 leave the field empty.
            (
                "From 10.91.1.1 icmp_seq=1 Frag needed and DF set (mtu = 0)",
                PingError::TooLong(None),
            ),
        ] {
            assert_eq!(error(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_the_own_kernel_says_is_read() {
        for (line, expected) in [
            ("ping: local error: message too long, mtu=1500", PingError::TooLong(Some(1500))),
            ("ping: local error: message too long, mtu: 1400", PingError::TooLong(Some(1400))),
            ("ping: sendmsg: Message too long", PingError::TooLong(None)),
            ("ping: connect: Network is unreachable", PingError::Unreachable),
            ("connect: Network is unreachable", PingError::Unreachable),
            ("ping: sendto: Network is unreachable", PingError::Unreachable),
            ("ping: connect: No route to host", PingError::Unreachable),
            ("ping: connect: Invalid argument", PingError::Refused),
            ("ping: sendto: Permission denied", PingError::Refused),
            (
                "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules",
                PingError::Refused,
            ),
            ("ping: invalid option -- 'M'", PingError::NoSuchOption),
        ] {
            assert_eq!(parse_ping("", line).error, Some(expected), "{line}");
        }
        // No word about the way: the program may not open its socket.
        for line in [
            "ping: socket: Operation not permitted",
            "ping: permission denied (are you root?)",
            "sh: ping: not found",
            "ssh: connect to host router port 22: No route to host",
        ] {
            assert_eq!(parse_ping("", line).error, None, "{line}");
        }
    }

    #[test]
    fn the_first_error_counts_and_answers_beside_it_too() {
        let report = parse_ping(
            "From 10.0.0.1 icmp_seq=1 Destination Host Unreachable
From 10.0.0.1 icmp_seq=2 Packet filtered
64 bytes from 10.0.0.9: icmp_seq=3 ttl=64 time=0.1 ms
--- 10.0.0.9 ping statistics ---
3 packets transmitted, 1 received, +2 errors, 66.6667% packet loss, time 2000ms",
            "",
        );
        assert_eq!(report.error, Some(PingError::Unreachable));
        assert_eq!((report.sent, report.received), (Some(3), 1));
    }

    #[test]
    fn a_run_that_was_cut_counts_its_answers() {
        let report = parse_ping("64 bytes from 10.0.0.9: icmp_seq=1 ttl=64 time=0.1 ms\n64 by", "");
        assert_eq!((report.sent, report.received), (None, 1));
    }

    proptest! {
        #[test]
        fn no_text_panics(out in "\\PC*", err in "\\PC*") {
            let _ = parse_ping(&out, &err);
        }

        #[test]
        fn no_mixture_of_known_words_panics(words in prop::collection::vec(
            prop::sample::select(vec![
                "64 bytes from", " bytes from ", "seq=", "ttl=", "999999", "packets transmitted",
                ", ", " received", "rtt min/avg/max", " = ", "/", "ms", "-1", "1e400", "NaN", "\n",
                "From ", "mtu = ", "mtu=", "Frag needed", "ping: ", "message too long", "ü",
            ]),
            0..40,
        )) {
            let text = words.concat();
            let report = parse_ping(&text, &text);
            prop_assert!(report.lines.len() <= 2 * text.lines().count());
        }
    }
}
