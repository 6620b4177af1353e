//! The search against a network made by hand: whatever its MTU and its routers' manners, the
//! number comes out, in few steps.

use proptest::prelude::*;

use super::*;

/// A way as ping sees it.
#[derive(Clone, Debug)]
struct Way {
    /// MTU of the first device: the own kernel knows it.
    first: u32,
    /// Smallest MTU of all.
    least: u32,
    /// Routers say what is too big.
    tells: bool,
    hops: u32,
}

impl Way {
    fn answer(&self, argv: &[String]) -> Outcome {
        let value = |key: &str| -> Option<u32> {
            let at = argv.iter().position(|word| word == key)?;
            argv.get(at + 1)?.parse().ok()
        };
        let size = value("-s").unwrap_or(56) + 28;
        let ttl = value("-t").unwrap_or(64);
        let (code, text) = if size > self.first {
            (1, format!("ping: local error: message too long, mtu={}\n", self.first))
        } else if size > self.least && self.tells {
            (1, format!("From 10.0.0.9 icmp_seq=1 Frag needed and DF set (mtu = {})\n", self.least))
        } else if size > self.least || ttl < self.hops {
            (1, "2 packets transmitted, 0 received, 100% packet loss, time 201ms\n".to_owned())
        } else {
            let reply = "64 bytes from 10.0.0.1: icmp_seq=1 ttl=62 time=0.1 ms\n";
            (0, format!("{reply}2 packets transmitted, 2 received, 0% packet loss, time 201ms\n"))
        };
        Outcome { code, out: text.into_bytes(), err: Vec::new(), truncated: false }
    }
}

fn search(way: &Way, expected: Option<u32>, back: Option<u32>) -> (PathFacts, usize) {
    let mut search = Search::new("10.0.0.1".parse().unwrap(), expected, back);
    let mut n_steps = 0;
    while let Some(argv) = search.next_ping() {
        n_steps += 1;
        search.take(&argv, &Ok(way.answer(&argv)));
    }
    (search.finish(), n_steps)
}

#[test]
fn a_way_as_expected_takes_four_steps() {
    let way = Way { first: 1500, least: 1500, tells: true, hops: 3 };
    let (found, n_steps) = search(&way, Some(1500), Some(3));
    assert_eq!((found.mtu, found.hops, found.failure), (Some(1500), Some(3), None));
    // The device's MTU, that size, and the hops with one less.
    assert_eq!(n_steps, 4);
}

#[test]
fn a_router_that_tells_is_believed_and_quoted() {
    let way = Way { first: 1500, least: 1400, tells: true, hops: 2 };
    let (found, n_steps) = search(&way, Some(1500), None);
    assert_eq!((found.mtu, found.hops), (Some(1400), Some(2)));
    let told = "From 10.0.0.9 icmp_seq=1 Frag needed and DF set (mtu = 1400)";
    assert!(found.seen.iter().any(|(_, line)| line == told), "{:?}", found.seen);
    assert!(n_steps <= 10, "{n_steps}");
}

#[test]
fn a_silent_router_is_found_out() {
    let way = Way { first: 1500, least: 1337, tells: false, hops: 2 };
    let (found, _) = search(&way, Some(1500), Some(2));
    assert_eq!((found.mtu, found.hops), (Some(1337), Some(2)));
    // The largest that came back and the smallest that did not.
    let commands: Vec<&str> = found.seen.iter().map(|(command, _)| command.as_str()).collect();
    assert!(commands.contains(&"ping -c 2 -i 0.2 -W 1 -M do -s 1309 10.0.0.1"), "{commands:?}");
    assert!(commands.contains(&"ping -c 2 -i 0.2 -W 1 -M do -s 1310 10.0.0.1"), "{commands:?}");
}

#[test]
fn a_ping_that_cannot_leaves_it_unknown() {
    let mut search = Search::new("10.0.0.1".parse().unwrap(), None, Some(2));
    let argv = search.next_ping().unwrap();
    let err = b"ping: invalid option -- 'M'\nBusyBox v1.35.0".to_vec();
    search.take(&argv, &Ok(Outcome { code: 1, out: Vec::new(), err, truncated: false }));
    assert_eq!(search.next_ping(), None);
    let found = search.finish();
    assert_eq!((found.mtu, found.hops, found.back), (None, None, Some(2)));
    assert!(found.failure.unwrap().message().contains("invalid option"));
}

#[test]
fn tracepath_counts_only_when_it_arrived() {
    let run = |out: &str| {
        let argv = tracepath("10.91.2.2".parse().unwrap());
        assert_eq!(argv.join(" "), "tracepath -n -m 8 10.91.2.2");
        let out = out.as_bytes().to_vec();
        of_tracepath(&argv, &Ok(Outcome { code: 0, out, err: Vec::new(), truncated: false }))
    };
    let found = run(" 1?: [LOCALHOST]                      pmtu 1400
 1:  10.91.1.1                                             0.046ms \n 2:  10.91.2.2                                             0.010ms reached
     Resume: pmtu 1400 hops 2 back 2 \n")
    .unwrap();
    assert_eq!((found.mtu, found.hops, found.back), (Some(1400), Some(2), Some(2)));
    // Where large packets vanish, tracepath reports the first device's MTU.
    assert_eq!(run(" 1?: [LOCALHOST] pmtu 1500\n 1: no reply\n Too many hops: pmtu 1500\n"), None);
}

proptest! {
    #[test]
    fn every_mtu_and_distance_is_found(
        first in 576..=65_535_u32, lower in 0..60_000_u32, tells: bool, hops in 1..=64_u32,
        expected in prop::option::of(0..70_000_u32), back in prop::option::of(0..300_u32),
    ) {
        let least = first.saturating_sub(lower).max(100);
        let way = Way { first, least, tells, hops };
        let (found, n_steps) = search(&way, expected, back);
        prop_assert_eq!((found.mtu, found.hops), (Some(least), Some(hops)));
        prop_assert!(n_steps <= 30, "{} steps", n_steps);
    }

    #[test]
    fn a_search_ends_whatever_is_said(answers in prop::collection::vec((any::<bool>(), 0..70_000_u32), 64)) {
        let mut search = Search::new("fd00::1".parse().unwrap(), None, None);
        let mut answers = answers.into_iter();
        while let Some(argv) = search.next_ping() {
            let (arrives, told) = answers.next().expect("it ends within its steps");
            let line = if arrives {
                "64 bytes from fd00::1: icmp_seq=1 ttl=62 time=0.1 ms".to_owned()
            } else {
                format!("From fd00::9 icmp_seq=1 Packet too big: mtu={told}")
            };
            search.take(&argv, &Ok(Outcome { code: 0, out: line.into(), err: Vec::new(), truncated: false }));
        }
        let _ = search.finish();
    }
}
