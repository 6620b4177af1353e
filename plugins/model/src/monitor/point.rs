//! Points of the datapath at which packets are seen.
//!
//! Apart because JSON, the text's arrows and Hubble each have words for them. It must not know
//! what a packet does there.

/// Where a packet was seen.
///
/// - Source: pkg/monitor/api (`TraceObservationPoints`), in the order of its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is named by Cilium's own word")]
pub enum Point {
    ToEndpoint,
    ToProxy,
    ToHost,
    ToStack,
    ToOverlay,
    FromEndpoint,
    FromProxy,
    FromHost,
    FromStack,
    FromOverlay,
    FromNetwork,
    ToNetwork,
    FromCrypto,
    ToCrypto,
}

/// Points by their numbers: word, and the text's summary without what follows it.
const POINTS: [(Point, &str, &str); 14] = [
    (Point::ToEndpoint, "to-endpoint", "-> endpoint"),
    (Point::ToProxy, "to-proxy", "-> proxy"),
    (Point::ToHost, "to-host", "-> host"),
    (Point::ToStack, "to-stack", "-> stack"),
    (Point::ToOverlay, "to-overlay", "-> overlay"),
    (Point::FromEndpoint, "from-endpoint", "<- endpoint"),
    (Point::FromProxy, "from-proxy", "<- proxy"),
    (Point::FromHost, "from-host", "<- host"),
    (Point::FromStack, "from-stack", "<- stack"),
    (Point::FromOverlay, "from-overlay", "<- overlay"),
    (Point::FromNetwork, "from-network", "<- network"),
    (Point::ToNetwork, "to-network", "-> network"),
    (Point::FromCrypto, "from-crypto", "<- crypto"),
    (Point::ToCrypto, "to-crypto", "-> crypto"),
];

impl Point {
    /// Cilium's word.
    pub fn as_str(self) -> &'static str {
        POINTS[self as usize].1
    }

    /// The point of a word.
    pub fn parse(word: &str) -> Option<Self> {
        POINTS.iter().find(|(_, known, _)| *known == word).map(|(point, ..)| *point)
    }

    /// The point of Hubble's word: `TO_ENDPOINT`.
    pub(super) fn of_hubble(word: &str) -> Option<Self> {
        let is_same = |(ours, theirs): (u8, u8)| match theirs {
            b'_' => ours == b'-',
            theirs => theirs.to_ascii_lowercase() == ours,
        };
        let is =
            |known: &str| known.len() == word.len() && known.bytes().zip(word.bytes()).all(is_same);
        POINTS.iter().find(|(_, known, _)| is(known)).map(|(point, ..)| *point)
    }

    /// The point of a summary, and what follows: `-> endpoint 775 …`.
    pub(super) fn of_summary(text: &str) -> Option<(Self, &str)> {
        POINTS.iter().find_map(|(point, _, arrow)| {
            let rest = text.strip_prefix(arrow)?;
            (rest.is_empty() || rest.starts_with(' ')).then_some((*point, rest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_have_their_numbers_and_words() {
        for (at, (point, word, arrow)) in POINTS.into_iter().enumerate() {
            assert_eq!(point as usize, at);
            assert_eq!(point.as_str(), word);
            assert_eq!(Point::parse(word), Some(point));
            assert_eq!(Point::of_hubble(&word.to_uppercase().replace('-', "_")), Some(point));
            let summary = format!("{arrow} 7");
            assert_eq!(Point::of_summary(&summary), Some((point, " 7")));
        }
        assert_eq!(Point::of_summary("-> endpoints"), None);
    }
}
