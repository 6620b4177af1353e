//! From the text in a Secret to the values: four wrappings, none of them ours.
//!
//! Apart because it is pure. Knows no Secret and no server.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The most that a release may be when it is unpacked. A Secret has at most 1 MiB, of which deflate
/// can make a thousand; a chart with all its templates and its manifest takes two or three.
const LARGEST: u64 = 64 << 20;
/// What a packed release begins with; the first releases of Helm 3 are not packed.
const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Reads the values out of a release.
///
/// - Shape: base64, by Kubernetes; base64 again, by Helm; gzip; JSON, in which `config` has what
///   was set. The values come as they are written there, and as `{}` where there are none.
/// - Errors: what is wrong, to follow the Secret's name; no piece of the text.
/// - Source: `encodeRelease` and `decodeRelease` in `pkg/storage/driver/util.go` of Helm 3.18.6.
pub(super) fn values(data: &str) -> Result<String, String> {
    if data.is_empty() {
        return Err("has no `release`".to_owned());
    }
    let outer = STANDARD.decode(data).map_err(|_| "is not base64".to_owned())?;
    let inner =
        STANDARD.decode(&outer).map_err(|_| "has a release that is not base64".to_owned())?;
    let text = if inner.starts_with(&GZIP) { unpack(&inner)? } else { inner };
    let text = String::from_utf8(text).map_err(|_| "has a release that is no text".to_owned())?;
    config(&text)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    MultiGzDecoder::new(packed)
        .take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(|_| "has a release whose gzip is broken".to_owned())?;
    if text.len() as u64 > LARGEST {
        return Err(format!("has a release that unpacks to more than {} MiB", LARGEST >> 20));
    }
    Ok(text)
}

fn config(text: &str) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Release<'a> {
        #[serde(borrow, default)]
        config: Option<&'a RawValue>,
    }
    let broken = |place: String| format!("has a release that is no JSON object{place}");
    if !text.trim_start().starts_with('{') {
        return Err(broken(String::new()));
    }
    let release: Release<'_> = serde_json::from_str(text)
        .map_err(|error| broken(format!(": line {} column {}", error.line(), error.column())))?;
    match release.config.map(RawValue::get) {
        None => Ok("{}".to_owned()),
        Some(config) if config.starts_with('{') => Ok(config.to_owned()),
        Some(_) => Err("has a release whose values are no object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    /// As it stands in the JSON of a Secret.
    fn wrapped(inner: &[u8]) -> String {
        STANDARD.encode(STANDARD.encode(inner))
    }

    fn stored(release: &Value) -> String {
        wrapped(&packed(release.to_string().as_bytes()))
    }

    #[test]
    fn values_come_as_they_were_set_and_nothing_else_does() {
        let release = json!({
            "name": "web", "version": 3, "manifest": "kind: Secret", "chart": {"values": {"a": 0}},
            "config": {"a": 1, "b": {"c": ["x", null]}, "d": 1.50},
        });
        assert_eq!(values(&stored(&release)).unwrap(), release["config"].to_string());
        for release in [json!({"name": "web"}), json!({"config": null}), json!({"config": {}})] {
            assert_eq!(values(&stored(&release)).as_deref(), Ok("{}"), "{release}");
        }
        let unpacked = wrapped(br#"{"config":{"a":1e400}}"#);
        assert_eq!(values(&unpacked).as_deref(), Ok(r#"{"a":1e400}"#));
    }

    #[test]
    fn what_is_broken_is_said_without_a_piece_of_it() {
        let whole = packed(br#"{"config":{"password":"hunter2"}}"#);
        for (data, expected) in [
            (String::new(), "has no `release`"),
            ("hunter2!".to_owned(), "is not base64"),
            (STANDARD.encode("hunter2!"), "has a release that is not base64"),
            (wrapped(&whole[..whole.len() - 9]), "has a release whose gzip is broken"),
            (wrapped(b"\xff\xfe"), "has a release that is no text"),
            (wrapped(b"hunter2"), "has a release that is no JSON object"),
            (wrapped(b"[{\"hunter2\":1}]"), "has a release that is no JSON object"),
            (
                wrapped(b"{\"config\":\n{\"hunter2\" 1}}"),
                "has a release that is no JSON object: line 2 column 12",
            ),
            (wrapped(br#"{"config":"hunter2"}"#), "has a release whose values are no object"),
        ] {
            assert_eq!(values(&data).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_release_that_grows_without_end_is_not_unpacked() {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..=(LARGEST >> 20) {
            packer.write_all(&zeros).unwrap();
        }
        let bomb = packer.finish().unwrap();
        assert!(bomb.len() < 1 << 20, "it fits into a Secret");
        let said = values(&wrapped(&bomb)).unwrap_err();
        assert_eq!(said, "has a release that unpacks to more than 64 MiB");
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-zA-Z.]{1,8}", inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_values_survive(
            set in prop::collection::btree_map("[a-zA-Z.]{1,8}", document(), 0..6),
            manifest in ".{0,80}",
        ) {
            let set = Value::Object(set.into_iter().collect());
            let data = stored(&json!({"manifest": manifest, "config": set}));
            let read: Value = serde_json::from_str(&values(&data).unwrap()).unwrap();
            prop_assert_eq!(read, set);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, text: String) {
            let _ = values(&text);
            let _ = values(&wrapped(&bytes));
            let _ = values(&wrapped(&packed(&bytes)));
            let _ = values(&wrapped(&[&GZIP[..], &bytes].concat()));
        }
    }
}
