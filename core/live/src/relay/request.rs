//! What is asked of an observer, read from the words of the command that people know for it.
//!
//! Apart so that a question to a relay has words as every other question: they pass the gate, stand
//! on a plugin's card and name the answer in a capture. Only flags that mean the same here as there
//! are known; every other one is refused and never ignored.

use lab_backend::Answer;
use lab_types::Failure;

use super::schema;
use super::wire::Message;

/// The program's name.
pub(super) const PROGRAM: &str = "hubble";

/// What the command shows when nothing else is said.
const LAST: u64 = 20;

/// Types of events and their numbers in flows. An observer of flows has no others.
///
/// Source: `pkg/monitor/api/types.go` of Cilium 1.18.0.
const TYPES: [(&str, u64); 6] = [
    ("drop", 1),
    ("capture", 3),
    ("trace", 4),
    ("policy-verdict", 5),
    ("trace-sock", 7),
    ("l7", 129),
];

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// Goes on with what comes.
    is_following: bool,
    /// Of what was seen before, the last ones.
    last: Option<u64>,
    /// Numbers of types; all when empty.
    types: Vec<u64>,
    /// Patterns of node names; all when empty.
    nodes: Vec<String>,
    /// Paths of fields that flows shall have; whole flows when empty.
    fields: Vec<String>,
}

impl Request {
    /// Reads a command.
    ///
    /// # Errors
    /// It is none that an observer can answer in lines of JSON.
    pub(super) fn parse(argv: &[String]) -> Answer<Self> {
        let mut words = argv.iter().map(String::as_str);
        if words.next() != Some(PROGRAM) || words.next() != Some("observe") {
            return Err(refused(argv, "a relay answers `hubble observe` and nothing else"));
        }
        let mut request = Self::default();
        let mut is_json = false;
        while let Some(word) = words.next() {
            let mut value = || {
                words.next().ok_or_else(|| refused(argv, &format!("`{word}` is without its value")))
            };
            match word {
                "--follow" | "-f" => request.is_following = true,
                "--output" | "-o" => match value()? {
                    "jsonpb" => is_json = true,
                    other => return Err(refused(argv, &format!("there is no output `{other}`"))),
                },
                "--last" => {
                    let value = value()?;
                    let last = value.parse();
                    let no = |_| refused(argv, &format!("`--last {value}` is no number"));
                    request.last = Some(last.map_err(no)?);
                }
                "--type" | "-t" => {
                    let value = value()?;
                    let known = TYPES.iter().find(|(name, _)| *name == value);
                    let no = || refused(argv, &format!("flows have no type `{value}`"));
                    request.types.push(known.ok_or_else(no)?.1);
                }
                "--node-name" => request.nodes.push(value()?.to_owned()),
                // Its name since 1.19.
                "--field-mask" => {
                    for path in value()?.split(',') {
                        if !schema::is_of_flow(path) {
                            return Err(refused(argv, &format!("flows have no field `{path}`")));
                        }
                        request.fields.push(path.to_owned());
                    }
                }
                other => return Err(refused(argv, &format!("`{other}` is not understood"))),
            }
        }
        if is_json { Ok(request) } else { Err(refused(argv, "only `-o jsonpb` can be answered")) }
    }

    /// `GetFlowsRequest`.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut message = Message::default();
        let usual = if self.is_following { 0 } else { LAST };
        message.number(1, self.last.unwrap_or(usual));
        message.number(3, self.is_following.into());
        if !self.types.is_empty() || !self.nodes.is_empty() {
            let mut filter = Message::default();
            for number in &self.types {
                let mut of_type = Message::default();
                of_type.number(1, *number);
                filter.bytes(6, &of_type.into_bytes());
            }
            for node in &self.nodes {
                filter.bytes(24, node.as_bytes());
            }
            message.bytes(6, &filter.into_bytes());
        }
        if !self.fields.is_empty() {
            let mut mask = Message::default();
            for path in &self.fields {
                mask.bytes(1, path.as_bytes());
            }
            // Servers before 1.17 do not know it and tell whole flows.
            message.bytes(10, &mask.into_bytes());
        }
        message.into_bytes()
    }
}

fn refused(argv: &[String], why: &str) -> Failure {
    Failure::invalid(format!("relay: `{}`: {why}", argv.join(" "))).hint(
        "known are `--follow`, `--last N`, `--type T`, `--node-name N`, `--field-mask F,…` and \
             `-o jsonpb`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Answer<Request> {
        Request::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    /// Bytes as protobuf's own encoder for Go writes them (`proto.Marshal` of `GetFlowsRequest`).
    #[test]
    fn words_become_a_request() {
        for (line, expected) in [
            ("hubble observe -o jsonpb", &[0x08, 20][..]),
            ("hubble observe --follow -o jsonpb", &[0x18, 1]),
            ("hubble observe --follow --last 300 -o jsonpb", &[0x08, 0xac, 0x02, 0x18, 1]),
            (
                "hubble observe -f -t drop --type l7 --node-name k8s-w* --output jsonpb",
                b"\x18\x01\x32\x12\x32\x02\x08\x01\x32\x03\x08\x81\x01\xc2\x01\x06k8s-w*",
            ),
            (
                "hubble observe -f -o jsonpb --field-mask time,IP.source",
                b"\x18\x01\x52\x11\x0a\x04time\x0a\x09IP.source",
            ),
        ] {
            assert_eq!(parse(line).unwrap().encode(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_name() {
        for (line, why) in [
            ("", "nothing else"),
            ("hubble list nodes", "nothing else"),
            ("cilium-dbg monitor -j", "nothing else"),
            ("hubble observe", "only `-o jsonpb`"),
            ("hubble observe -o", "`-o` is without its value"),
            ("hubble observe -o compact", "no output `compact`"),
            ("hubble observe -o jsonpb --last x", "`--last x` is no number"),
            ("hubble observe -o jsonpb --type agent", "no type `agent`"),
            ("hubble observe -o jsonpb --pod a/b", "`--pod` is not understood"),
            ("hubble observe -o jsonpb --field-mask time,IP.tos", "no field `IP.tos`"),
            ("hubble observe -o jsonpb --field-mask time,", "no field ``"),
            ("hubble observe -o jsonpb --field-mask egress_allowed_by.name", "no field `egress"),
        ] {
            let failure = parse(line).unwrap_err();
            assert!(failure.message.contains(why), "{line}: {failure}");
        }
    }
}
