//! What the proxy saw of a request, in JSON and in text.
//!
//! Apart because neither form looks like that of a packet. It must not know HTTP: a request is
//! one line for people.

use std::{borrow::Cow, fmt::Write as _};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Event, Kind, Party, identity::reserved_identity, json::direction};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Record<'a> {
    #[serde(borrow)]
    observation_point: Cow<'a, str>,
    #[serde(borrow)]
    flow_type: Cow<'a, str>,
    #[serde(borrow)]
    l7_proto: Cow<'a, str>,
    #[serde(rename = "srcEpID")]
    source_endpoint: u64,
    #[serde(rename = "srcEpLabels", borrow)]
    source_labels: Option<Vec<Cow<'a, str>>>,
    #[serde(rename = "srcIdentity")]
    source_identity: u32,
    #[serde(rename = "dstEpID")]
    destination_endpoint: u64,
    #[serde(rename = "dstEpLabels", borrow)]
    destination_labels: Option<Vec<Cow<'a, str>>>,
    #[serde(rename = "dstIdentity")]
    destination_identity: u32,
    #[serde(borrow)]
    verdict: Cow<'a, str>,
    http: Option<Map<String, Value>>,
    kafka: Option<Map<String, Value>>,
    dns: Option<Map<String, Value>>,
    l7: Option<Map<String, Value>>,
}

/// Reads an object of the type `logRecord`.
///
/// - Shape: `http`, `kafka`, `dns` and `l7` have Go's field names.
/// - Source: pkg/monitor/logrecord.go, pkg/proxy/accesslog/record.go.
pub(super) fn parse_json(line: &str) -> Option<Event<'_>> {
    let record: Record<'_> = serde_json::from_str(line).ok()?;
    let text = [
        record.http.as_ref().map(http),
        record.kafka.as_ref().map(kafka),
        record.dns.as_ref().map(dns),
        record.l7.as_ref().map(generic),
    ];
    let party = |endpoint: u64, identity, labels: Option<Vec<_>>| Party {
        endpoint: u32::try_from(endpoint).ok().filter(|&id| id != 0),
        identity: Some(identity),
        labels: labels.unwrap_or_default(),
        ..Party::default()
    };
    let mut event = Event::of(Kind::L7, line);
    event.source = party(record.source_endpoint, record.source_identity, record.source_labels);
    event.destination =
        party(record.destination_endpoint, record.destination_identity, record.destination_labels);
    event.direction = direction(&record.observation_point);
    event.l7_type = record.flow_type;
    event.l7_protocol = record.l7_proto;
    event.l7_verdict = record.verdict;
    event.text = Cow::Owned(text.into_iter().flatten().next().unwrap_or_default());
    Some(event)
}

/// What was asked of a protocol and answered, as Hubble tells it; `None` of what it tells in a form
/// of its own.
pub(super) fn of_hubble(protocol: &str, json: &str) -> Option<String> {
    let fields: Map<String, Value> = serde_json::from_str(json).ok()?;
    match protocol {
        "http" => Some(http(&fields)),
        "dns" => Some(dns(&fields)),
        _ => None,
    }
}

/// A field by Go's name; Hubble has the same names in small letters.
fn field<'f>(fields: &'f Map<String, Value>, name: &str) -> Option<&'f Value> {
    let same = |(key, _): &(&String, _)| key.eq_ignore_ascii_case(name);
    fields.get(name).or_else(|| fields.iter().find(same).map(|(_, value)| value))
}

fn word(fields: &Map<String, Value>, name: &str) -> String {
    match field(fields, name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// `GET http://host/path => 403`; a request has no code yet.
fn http(fields: &Map<String, Value>) -> String {
    let url = match field(fields, "URL") {
        Some(Value::Object(url)) => {
            let (scheme, query) = (word(url, "Scheme"), word(url, "RawQuery"));
            let scheme = if scheme.is_empty() { scheme } else { format!("{scheme}://") };
            let query = if query.is_empty() { query } else { format!("?{query}") };
            format!("{scheme}{}{}{query}", word(url, "Host"), word(url, "Path"))
        }
        _ => word(fields, "URL"),
    };
    let line = format!("{} {url}", word(fields, "Method"));
    with_code(line, &word(fields, "Code"))
}

fn with_code(mut line: String, code: &str) -> String {
    if !matches!(code, "" | "0") {
        let _infallible = write!(line, " => {code}");
    }
    line
}

fn kafka(fields: &Map<String, Value>) -> String {
    let topic = match fields.get("Topic") {
        Some(Value::Object(topic)) => word(topic, "Topic"),
        _ => word(fields, "Topic"),
    };
    with_code(format!("{} topic {topic}", word(fields, "APIKey")), &word(fields, "ErrorCode"))
}

/// Numbers of DNS record types that Cilium asks for or passes on.
const RECORD_TYPES: [(u64, &str); 7] =
    [(1, "A"), (2, "NS"), (5, "CNAME"), (12, "PTR"), (15, "MX"), (28, "AAAA"), (33, "SRV")];

/// What answers of DNS say that are none, from 1 on: the registry that RFC 6895, 2.3, begins.
const RCODES: [&str; 10] = [
    "FormErr", "ServFail", "NXDomain", "NotImp", "Refused", "YXDomain", "YXRRSet", "NXRRSet",
    "NotAuth", "NotZone",
];

fn dns(fields: &Map<String, Value>) -> String {
    let list = |name: &str| match field(fields, name) {
        Some(Value::Array(items)) => items.clone(),
        _ => Vec::new(),
    };
    let types: Vec<String> = list("QTypes")
        .iter()
        .map(|number| {
            let known = RECORD_TYPES.iter().find(|(known, _)| number.as_u64() == Some(*known));
            match (known, number) {
                (Some((_, word)), _) => (*word).to_owned(),
                // Hubble has words for them.
                (None, Value::String(word)) => word.clone(),
                (None, number) => number.to_string(),
            }
        })
        .collect();
    let mut line = format!("{} {}", word(fields, "Query"), types.join(","));
    let texts = |name: &str| -> Vec<String> {
        list(name).iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let (addresses, aliases) = (texts("IPs"), texts("CNAMEs"));
    if !addresses.is_empty() || !aliases.is_empty() {
        let _infallible = write!(line, " => {}", [aliases, addresses].concat().join(","));
    }
    let code = field(fields, "RCode").and_then(Value::as_u64).unwrap_or_default();
    if let Some(nth) = code.checked_sub(1) {
        let known = usize::try_from(nth).ok().and_then(|nth| RCODES.get(nth));
        let _infallible = match known {
            Some(word) => write!(line, " => {word}"),
            None => write!(line, " => code {code}"),
        };
    }
    line
}

/// `DNS proxy: www.lab.test. A TTL: 0 Answer: '192.0.2.7' CNAMEs: b.` in the words of the others.
fn dns_text(text: &str) -> Option<String> {
    let (_, rest) = text.strip_prefix("DNS ")?.split_once(": ")?;
    let Some((asked, rest)) = rest.split_once(" TTL: ") else { return Some(rest.to_owned()) };
    let (_, rest) = rest.split_once(" Answer: '")?;
    let (addresses, rest) = rest.split_once('\'')?;
    let aliases = rest.strip_prefix(" CNAMEs: ").unwrap_or_default();
    Some(match (aliases, addresses) {
        ("", "") => asked.to_owned(),
        ("", all) | (all, "") => format!("{asked} => {all}"),
        (aliases, addresses) => format!("{asked} => {aliases},{addresses}"),
    })
}

fn generic(fields: &Map<String, Value>) -> String {
    let Some(Value::Object(pairs)) = fields.get("Fields") else { return String::new() };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rest = pairs.iter().filter(|(name, _)| *name != "status");
    let words: Vec<String> = rest.map(|(name, value)| format!("{name}:{}", shown(value))).collect();
    with_code(words.join(" "), &pairs.get("status").map(shown).unwrap_or_default())
}

/// Reads a line of text: `-> Request http from 12 ([k8s:app=a]) to 34 ([k8s:app=b]), identity
/// 100->200, verdict Forwarded GET http://b/ => 200`.
pub(super) fn parse_text(line: &str) -> Option<Event<'_>> {
    let (arrow, rest) = line.split_once(' ')?;
    let (kind, rest) = rest.split_once(' ')?;
    if !matches!(arrow, "->" | "<-" | "??") || !matches!(kind, "Request" | "Response") {
        return None;
    }
    let (protocol, rest) = rest.split_once(' ')?;
    let (first_word, first, rest) = read_party(rest)?;
    let (_, second, rest) = read_party(rest.strip_prefix(' ')?)?;
    // A response is written from its end: to whom, and from whom.
    let (source, destination) = if first_word == "to" { (second, first) } else { (first, second) };
    let rest = rest.strip_prefix(", identity ")?;
    let (identities, rest) = rest.split_once(", verdict ")?;
    let (source_identity, destination_identity) = identities.split_once("->")?;
    let (verdict, text) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut event = Event::of(Kind::L7, line);
    event.source = Party { identity: reserved_identity(source_identity), ..source };
    event.destination = Party { identity: reserved_identity(destination_identity), ..destination };
    event.direction = match arrow {
        "<-" => direction("Ingress"),
        "->" => direction("Egress"),
        _ => None,
    };
    event.l7_type = Cow::Borrowed(kind);
    event.l7_protocol = Cow::Borrowed(protocol);
    event.l7_verdict = Cow::Borrowed(verdict);
    let text = text.trim_ascii();
    event.text = match dns_text(text) {
        Some(text) => Cow::Owned(text),
        None => Cow::Borrowed(text.strip_suffix(" => 0").unwrap_or(text)),
    };
    Some(event)
}

/// `from 12 ([k8s:app=a k8s:b=c])` or `to …`: the word, who it is, and what follows.
fn read_party(text: &str) -> Option<(&str, Party<'_>, &str)> {
    let (word, rest) = text.split_once(' ')?;
    if !matches!(word, "from" | "to") {
        return None;
    }
    let (id, rest) = rest.split_once(" ([")?;
    let (labels, rest) = rest.split_once("])")?;
    let party = Party {
        endpoint: Some(id.parse().ok()?).filter(|&id| id != 0),
        labels: labels
            .split([' ', ','])
            .filter(|label| !label.is_empty())
            .map(Cow::Borrowed)
            .collect(),
        ..Party::default()
    };
    Some((word, party, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_read_in_both_forms() {
        let json = r#"{"type":"logRecord","observationPoint":"Ingress","flowType":"Response","l7Proto":"http","srcEpID":0,"srcEpLabels":["k8s:app=curl"],"srcIdentity":46329,"dstEpID":775,"dstEpLabels":["k8s:app=webpod"],"dstIdentity":8534,"verdict":"Forwarded","http":{"Code":200,"Method":"GET","URL":{"Scheme":"http","Opaque":"","User":null,"Host":"webpod","Path":"/a","RawPath":"","RawQuery":"b=c","Fragment":""},"Protocol":"HTTP/1.1","Headers":{}}}"#;
        let text = "<- Response http to 775 ([k8s:app=webpod]) from 0 ([k8s:app=curl]), identity 46329->8534, verdict Forwarded GET http://webpod/a?b=c => 200";
        for event in [parse_json(json).unwrap(), parse_text(text).unwrap()] {
            assert_eq!(event.kind, Kind::L7);
            assert_eq!(event.text, "GET http://webpod/a?b=c => 200");
            assert_eq!((event.source.endpoint, event.destination.endpoint), (None, Some(775)));
            assert_eq!(event.source.labels, ["k8s:app=curl"]);
            assert_eq!(event.destination.identity, Some(8534));
            assert_eq!(event.direction.map(super::super::Direction::as_str), Some("ingress"));
            assert_eq!(
                (&*event.l7_type, &*event.l7_protocol, &*event.l7_verdict),
                ("Response", "http", "Forwarded")
            );
        }
    }

    #[test]
    fn a_denied_request_has_no_code() {
        let text = "<- Request http from 0 ([k8s:app=a k8s:b=c]) to 7 ([]), identity 1->2, verdict Denied DELETE http://x/ => 0";
        let event = parse_text(text).unwrap();
        assert_eq!((&*event.text, &*event.l7_verdict), ("DELETE http://x/", "Denied"));
        assert_eq!(event.source.labels, ["k8s:app=a", "k8s:b=c"]);
    }

    #[test]
    fn dns_kafka_and_others_are_one_line() {
        for (part, line) in [
            (
                r#""dns":{"Query":"a.example.","QTypes":[1,28,99],"IPs":["10.0.0.1"],"TTL":30,"CNAMEs":["b."]}"#,
                "a.example. A,AAAA,99 => b.,10.0.0.1",
            ),
            (r#""dns":{"Query":"a.","QTypes":[1],"RCode":3}"#, "a. A => NXDomain"),
            (r#""dns":{"Query":"a.","QTypes":[1],"RCode":23}"#, "a. A => code 23"),
            (
                r#""kafka":{"ErrorCode":29,"APIKey":"produce","Topic":{"Topic":"orders"}}"#,
                "produce topic orders => 29",
            ),
            (
                r#""l7":{"Proto":"cassandra","Fields":{"query":"select","status":"ok"}}"#,
                "query:select => ok",
            ),
            (r#""http":{"Method":"GET","URL":null,"Code":0}"#, "GET "),
        ] {
            let json = format!(r#"{{"type":"logRecord",{part}}}"#);
            assert_eq!(parse_json(&json).unwrap().text, line);
        }
        assert_eq!(parse_json(r#"{"type":"logRecord","srcEpID":"x"}"#), None);
    }
}
