//! The output of `tracepath -n`.
//!
//! - Source: iputils `tracepath.c`, 20180629 to 20240905.

/// What one run of `tracepath` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracepath {
    /// The destination answered; only then the rest was seen and not assumed.
    pub reached: bool,
    /// Largest packet, in bytes with its IP header, that came through.
    pub pmtu: Option<u32>,
    /// Hosts passed, the destination counted.
    pub hops: Option<u32>,
    /// The same for the answer, guessed from its TTL.
    pub back: Option<u32>,
    /// Lines with a `pmtu`, word for word: who narrows the way, and what came out.
    pub lines: Vec<String>,
}

/// Reads the standard output of one run.
pub fn parse_tracepath(out: &str) -> Tracepath {
    let mut path = Tracepath::default();
    for line in out.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let value = |key: &str| -> Option<u32> {
            let at = words.iter().position(|word| *word == key)?;
            words.get(at + 1)?.parse().ok()
        };
        path.reached |= words.last() == Some(&"reached");
        if let Some(pmtu) = value("pmtu") {
            path.lines.push(words.join(" "));
            path.pmtu = Some(pmtu);
        }
        if words.first() == Some(&"Resume:") {
            path.hops = value("hops");
            path.back = value("back");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_way_over_a_narrow_router_is_read() {
        // From a pod of the lab, over a router with a smaller MTU behind it.
        let path = parse_tracepath(
            " 1?: [LOCALHOST]                      pmtu 1500
 1:  10.91.1.1                                             0.046ms \n 1:  10.91.1.1                                             0.004ms pmtu 1400
 2:  10.91.2.2                                             0.010ms reached
     Resume: pmtu 1400 hops 2 back 2 \n",
        );
        assert!(path.reached);
        assert_eq!((path.pmtu, path.hops, path.back), (Some(1400), Some(2), Some(2)));
        assert_eq!(
            path.lines,
            [
                "1?: [LOCALHOST] pmtu 1500",
                "1: 10.91.1.1 0.004ms pmtu 1400",
                "Resume: pmtu 1400 hops 2 back 2"
            ]
        );
    }

    #[test]
    fn silent_hops_of_a_node_do_not_hide_the_end() {
        // From a pod to a pod of another node, Cilium 1.18.0: nodes do not answer.
        let path = parse_tracepath(
            " 1?: [LOCALHOST]                      pmtu 1500
 1:  no reply
 2:  no reply
 3:  172.20.1.36                                           0.283ms reached
     Resume: pmtu 1500 hops 3 back 3 \n",
        );
        assert_eq!((path.reached, path.pmtu, path.hops), (true, Some(1500), Some(3)));
    }

    #[test]
    fn a_way_that_was_given_up_was_not_seen() {
        let path = parse_tracepath(
            " 1?: [LOCALHOST]                      pmtu 1500
 1:  no reply
 2:  no reply
     Too many hops: pmtu 1500
     Resume: pmtu 1500 \n",
        );
        assert!(!path.reached);
        assert_eq!((path.hops, path.back), (None, None));
        let path = parse_tracepath(" 1:  send failed\n     Resume: pmtu 65535 \n");
        assert!(!path.reached);
    }

    proptest! {
        #[test]
        fn no_text_panics(out in "\\PC*", tail in "( |\\n|pmtu|hops|back|Resume:|reached|[0-9]){0,40}") {
            let _ = parse_tracepath(&out);
            let _ = parse_tracepath(&tail);
        }
    }
}
