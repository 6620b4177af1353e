//! What each kind of answer comes to, and that a probe which was not made is never lost.

use proptest::prelude::*;

use super::*;

fn ran(code: i32, out: &str, err: &str) -> Outcome {
    Outcome { code, out: out.into(), err: err.into(), truncated: false }
}

fn pinged(code: i32, out: &str, err: &str) -> Measurement {
    of_ping(&ping(2, Duration::from_secs(1), "10.0.0.1".parse().unwrap()), &Ok(ran(code, out, err)))
}

const SILENT: &str = "PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.

--- 10.0.0.1 ping statistics ---
2 packets transmitted, 0 received, 100% packet loss, time 1005ms
";

#[test]
fn commands_have_the_shapes_that_the_card_asks_for() {
    let address = "10.0.0.1".parse().unwrap();
    let words = |argv: Vec<String>| argv.join(" ");
    assert_eq!(words(ping(2, Duration::from_secs(1), address)), "ping -c 2 -W 1 10.0.0.1");
    assert_eq!(
        words(ping(5, Duration::from_millis(200), address)),
        "ping -c 5 -i 0.2 -W 1 10.0.0.1"
    );
    assert_eq!(
        words(curl("fd00::1".parse().unwrap(), 80)),
        "curl -sv -o /dev/null -w %{time_connect} --max-time 3 telnet://[fd00::1]:80"
    );
    assert_eq!(words(netcat(address, 80)), "nc -v -z -w 3 10.0.0.1 80");
}

#[test]
fn silence_is_lost() {
    let made = pinged(1, SILENT, "command terminated with exit code 1\n");
    assert_eq!((made.state, made.sent, made.received), (State::Lost, 2, 0));
    assert_eq!(made.loss(), Some(1.0));
    assert_eq!(made.command, "ping -c 2 -W 1 10.0.0.1");
}

#[test]
fn what_was_not_sent_is_unknown() {
    for (code, out, err) in [
        (127, "", "sh: 1: ping: not found"),
        (126, "", "ping: permission denied"),
        (2, "", "ping: socket: Operation not permitted"),
        (1, "", "ping: permission denied (are you root?)"),
        (1, "", "ping: invalid option -- 'W'"),
        (255, "", "ssh: connect to host router port 22: No route to host"),
        (137, "PING 10.0.0.1 (10.0.0.1) 56(84) bytes of data.\n", ""),
        (0, "", ""),
    ] {
        let made = pinged(code, out, err);
        assert_eq!(made.state, State::Unknown, "{code} {out} {err}");
        assert!(made.failure.is_some() && made.loss().is_none(), "{code} {out} {err}");
    }
    let made = of_ping(&["ping".to_owned()], &Err(Failure::Timeout("too long".to_owned())));
    assert_eq!(made.state, State::Unknown);
    assert_eq!(made.failure, Some(Failure::Timeout("too long".to_owned())));
}

#[test]
fn the_own_kernels_refusal_is_no_silence() {
    let state = |err: &str| pinged(2, "", err).state;
    assert_eq!(state("ping: connect: Network is unreachable"), State::Unreachable);
    assert_eq!(state("ping: connect: Invalid argument"), State::Refused);
}

#[test]
fn one_answer_is_an_answer() {
    let made = pinged(
        0,
        "From 10.0.0.9 icmp_seq=1 Destination Host Unreachable
64 bytes from 10.0.0.1: icmp_seq=2 ttl=62 time=0.5 ms
--- 10.0.0.1 ping statistics ---
2 packets transmitted, 1 received, +1 errors, 50% packet loss, time 1005ms
rtt min/avg/max/mdev = 0.500/0.500/0.500/0.000 ms
",
        "",
    );
    assert_eq!((made.state, made.loss()), (State::Answered, Some(0.5)));
    // 64 less 62: over two hosts, the sender is the third.
    assert_eq!(made.hops_back(), Some(3));
}

#[test]
fn connections_are_counted_together() {
    let argv = curl("10.96.0.1".parse().unwrap(), 80);
    let open = of_connect(&argv, &Ok(ran(0, "0.002", ""))).unwrap();
    let silent = of_connect(&argv, &Ok(ran(28, "0.000000", "* Connection timed out"))).unwrap();
    let mixed = of_connects(&argv, &[Ok(silent.clone()), Ok(open), Ok(silent.clone())]);
    assert_eq!((mixed.state, mixed.sent, mixed.received), (State::Answered, 3, 1));
    assert_eq!(mixed.rtt.unwrap().0, Duration::from_millis(2));
    assert_eq!(of_connects(&argv, &[Ok(silent)]).state, State::Lost);
    let missing = of_connect(&argv, &Ok(ran(127, "", "curl: not found")));
    assert_eq!(of_connects(&argv, &[missing]).state, State::Unknown);
}

proptest! {
    #[test]
    fn no_answer_panics(code in -2..300, out in "\\PC*", err in "\\PC*") {
        let made = pinged(code, &out, &err);
        prop_assert_eq!(made.state == State::Unknown, made.failure.is_some());
        let argv = curl("10.0.0.1".parse().unwrap(), 1);
        let _ = of_connect(&argv, &Ok(ran(code, &out, &err)));
    }
}
