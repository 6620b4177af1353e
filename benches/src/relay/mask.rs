//! Which fields of flows are asked for, and flows that have no others.
//!
//! Apart from flows because what is cut is bytes, whatever they mean.
//!
//! Source: `pkg/hubble/parser/fieldmask` of Cilium 1.18.0; numbers of `api/v1/flow/flow.proto`.

use super::flows::Message;

/// `field_mask` of a request, and its paths.
const MASK: u32 = 10;
const PATHS: u32 = 1;

/// Names of fields and their numbers.
type Numbers = [(&'static str, u32)];

/// Fields whose parts can be asked for one by one.
const WITHIN: [(&str, u32, &Numbers); 4] = [
    ("IP", 5, &[("source", 1), ("destination", 2), ("ipVersion", 3)]),
    ("source", 8, &ENDPOINT),
    ("destination", 9, &ENDPOINT),
    ("event_type", 19, &[("type", 1), ("sub_type", 2)]),
];
const ENDPOINT: [(&str, u32); 5] =
    [("ID", 1), ("identity", 2), ("namespace", 3), ("labels", 4), ("pod_name", 5)];

/// Fields that come as a whole.
const WHOLE: [(&str, u32); 23] = [
    ("time", 1),
    ("verdict", 2),
    ("drop_reason", 3),
    ("ethernet", 4),
    ("l4", 6),
    ("Type", 10),
    ("node_name", 11),
    ("l7", 15),
    ("traffic_direction", 22),
    ("policy_match_type", 23),
    ("trace_observation_point", 24),
    ("drop_reason_desc", 25),
    ("is_reply", 26),
    ("interface", 28),
    ("proxy_port", 29),
    ("uuid", 34),
    ("node_labels", 37),
    ("file", 38),
    ("egress_allowed_by", 21_001),
    ("ingress_allowed_by", 21_002),
    ("egress_denied_by", 21_004),
    ("ingress_denied_by", 21_005),
    ("Summary", 100_000),
];

/// The paths of a request; none when whole flows are asked for.
pub(super) fn of_request(request: &[u8]) -> Vec<String> {
    let masks = Fields(request).filter(|(number, ..)| *number == MASK);
    let paths = masks.flat_map(|(_, _, mask)| Fields(mask)).filter(|(number, ..)| *number == PATHS);
    paths.filter_map(|(_, _, path)| String::from_utf8(path.to_vec()).ok()).collect()
}

/// A flow with these fields alone.
pub(super) fn apply(fields: &[String], flow: &[u8]) -> Vec<u8> {
    let has = |path: &str| fields.iter().any(|field| field == path);
    let mut lean = Message::default();
    for (number, whole, content) in Fields(flow) {
        if WHOLE.iter().any(|(name, of)| *of == number && has(name)) {
            lean.0.extend_from_slice(whole);
        }
        let Some((name, _, parts)) = WITHIN.iter().find(|(_, of, _)| *of == number) else {
            continue;
        };
        if has(name) {
            lean.0.extend_from_slice(whole);
            continue;
        }
        let kept = |of: u32| {
            parts.iter().any(|(part, number)| *number == of && has(&format!("{name}.{part}")))
        };
        let mut inner = Vec::new();
        for (number, whole, _) in Fields(content) {
            if kept(number) {
                inner.extend_from_slice(whole);
            }
        }
        lean.bytes(number, &inner);
    }
    lean.0
}

/// Fields: number, all their bytes, and the content of those that have a length. Ends at what is
/// not written here.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, &'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.0;
        let key = self.varint()?;
        let mut content = &start[..0];
        match key & 7 {
            0 => drop(self.varint()?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                (content, self.0) = self.0.split_at_checked(length)?;
            }
            _ => return None,
        }
        let whole = &start[..start.len() - self.0.len()];
        Some((u32::try_from(key >> 3).ok()?, whole, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_cut_to_what_was_asked_for() {
        let mut endpoint = Message::default();
        endpoint.bytes(4, b"k8s:app=curl");
        endpoint.bytes(5, b"curl-pod");
        let mut flow = Message::default();
        flow.bytes(8, &endpoint.0);
        flow.bytes(9, &endpoint.0);
        flow.bytes(34, b"an id");
        flow.bytes(100_000, b"SYN");
        let mut mask = Message::default();
        for path in ["source.pod_name", "destination", "Summary"] {
            mask.bytes(1, path.as_bytes());
        }
        let mut request = Message::default();
        request.varint(3 << 3);
        request.varint(1);
        request.bytes(10, &mask.0);
        let fields = of_request(&request.0);
        assert_eq!(fields, ["source.pod_name", "destination", "Summary"]);
        let mut pod = Message::default();
        pod.bytes(5, b"curl-pod");
        let mut expected = Message::default();
        expected.bytes(8, &pod.0);
        expected.bytes(9, &endpoint.0);
        expected.bytes(100_000, b"SYN");
        assert_eq!(apply(&fields, &flow.0), expected.0);
        assert_eq!(of_request(b"\x18\x01"), [""; 0]);
    }
}
