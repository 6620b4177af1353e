//! Times, clocks and leftovers, from values.

use super::*;

fn trip(took: u64, date: Option<&str>, at: &str) -> RoundTrip {
    let at = at.parse::<jiff::Timestamp>().unwrap();
    RoundTrip {
        text: r#"{"gitVersion":"v1.33.0"}"#.into(),
        took: Duration::from_millis(took),
        date: date.map(str::to_owned),
        at: UNIX_EPOCH + Duration::from_millis(at.as_millisecond().try_into().unwrap()),
    }
}

const DATE: &str = "Thu, 26 Nov 2026 16:10:36 GMT";

#[test]
fn the_first_trip_is_told_apart_from_the_others() {
    let trips: Vec<RoundTrip> =
        [50, 9, 3, 200, 4].map(|took| trip(took, None, "2026-11-26T16:10:36Z")).to_vec();
    let check = speed("https://a", &trips);
    assert_eq!(
        check.seen,
        "answers in 3.0 ms at best, 9.0 ms median of 4; the first took 50 ms with connecting"
    );
    assert_eq!((check.outcome, check.fix), (Outcome::Fine, None));
    let slow: Vec<RoundTrip> =
        [50, 999, 1000, 1000, 1000].map(|took| trip(took, None, "2026-11-26T16:10:36Z")).to_vec();
    assert_eq!(speed("https://a", &slow).outcome, Outcome::Warn);
    let nearly: Vec<RoundTrip> =
        [5000, 1, 999, 999, 1000].map(|took| trip(took, None, "2026-11-26T16:10:36Z")).to_vec();
    assert_eq!(speed("https://a", &nearly).outcome, Outcome::Fine);
}

#[test]
fn the_server_s_clock_is_anywhere_in_its_second() {
    for (at, outcome, seen) in [
        ("2026-11-26T16:10:36.5Z", Outcome::Fine, "agrees with the API server's to a second"),
        ("2026-11-26T16:10:37.9Z", Outcome::Fine, "agrees with the API server's to a second"),
        ("2026-11-26T16:10:35.1Z", Outcome::Fine, "agrees with the API server's to a second"),
        ("2026-11-26T16:10:40Z", Outcome::Fine, "3 s ahead of the API server's"),
        ("2026-11-26T16:10:31Z", Outcome::Fine, "5 s behind the API server's"),
        ("2026-11-26T16:10:26Z", Outcome::Warn, "10 s behind the API server's"),
        ("2026-11-26T17:10:37Z", Outcome::Warn, "3600 s ahead of the API server's"),
    ] {
        let check = clock(&[trip(90, Some("nonsense"), at), trip(5, Some(DATE), at)]);
        assert_eq!((check.outcome, check.seen.as_str()), (outcome, seen), "{at}");
        assert_eq!(check.fix.is_some(), outcome == Outcome::Warn);
    }
    for date in [None, Some(""), Some("yesterday"), Some("Thu, 26 Nov 1969 16:10:36 GMT")] {
        let check = clock(&[trip(5, date, "2026-11-26T16:10:36Z")]);
        assert_eq!(check.outcome, Outcome::Unknown, "{date:?}");
    }
}

#[test]
fn what_is_no_version_is_no_api_server() {
    let mut trip = trip(5, None, "2026-11-26T16:10:36Z");
    assert_eq!(kubernetes(std::slice::from_ref(&trip)).1.as_deref(), Some("v1.33.0"));
    trip.text = "<html>log in".into();
    let (check, version) = kubernetes(&[trip]);
    assert_eq!((check.outcome, version), (Outcome::Bad, None));
}

#[test]
fn a_leftover_says_whose_it_is_and_how_it_goes() {
    let now = "2026-11-26T16:10:36Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let mut pod = Leftover {
        namespace: "tools".into(),
        name: "kubectl-lab-w1-x".into(),
        node: "w1".into(),
        run: "r7".into(),
        created: "2026-11-26T15:00:00Z".into(),
        phase: "Running".into(),
        is_stale: true,
    };
    let check = leftover(&pod, now);
    assert_eq!(check.subject, "tools/kubectl-lab-w1-x");
    assert_eq!(check.seen, "debug pod of run r7 on w1, running, made 70 min ago");
    assert_eq!(check.outcome, Outcome::Warn);
    assert_eq!(check.fix.unwrap(), "kubectl delete pod -n tools kubectl-lab-w1-x");
    pod.is_stale = false;
    let check = leftover(&pod, now);
    assert_eq!(check.outcome, Outcome::Fine, "somebody may work with it");
    assert!(check.fix.unwrap().ends_with("kubectl delete pod -n tools kubectl-lab-w1-x"));
}
