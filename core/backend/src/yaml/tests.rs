//! Each case is read the fast way and by the whole parser, which have to agree.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::Projection;

fn slow(text: &str) -> Value {
    parse(text).unwrap()
}

#[track_caller]
fn check(text: &str, expected: &Value) {
    let fast = convert::convert(text, false, Keep::All).unwrap_or_else(|| panic!("odd: {text}"));
    assert_eq!(serde_json::from_str::<Value>(&fast).unwrap(), *expected, "{text}");
    assert_eq!(slow(text), *expected, "{text}");
}

#[test]
fn blocks() {
    check("a: 1\nb:\n  c: x\n  d:\n", &json!({"a": 1, "b": {"c": "x", "d": null}}));
    check(
        "a:\n- 1\n- b: 2\n  c: 3\n- - x\n  - y\nd: e",
        &json!({"a": [1, {"b": 2, "c": 3}, ["x", "y"]], "d": "e"}),
    );
    check("a:\n  - 1\n\n  # word\n  - {}\nb: []\n", &json!({"a": [1, {}], "b": []}));
    check("f:a:\n  k:{\"b\":\"c\"}:\n    .: {}\n", &json!({"f:a": {"k:{\"b\":\"c\"}": {".": {}}}}));
    check("\"a: b\": 1\n'c''d': 2\n", &json!({"a: b": 1, "c'd": 2}));
    check("a: b # c\nd: e#f\n", &json!({"a": "b", "d": "e#f"}));
}

#[test]
fn words() {
    check(
        "a: true\nb: null\nc: ~\nd: 1.5\ne: -3\nf: 1e+06\n",
        &json!({"a": true, "b": null, "c": null, "d": 1.5, "e": -3, "f": 1e6}),
    );
    check(
        "a: 10.0.0.1\nb: 172.20.0.0/16\nc: 2026-11-23\nd: 100m\ne: v1.33\nf: 3m0s\ng: -x\nh: 00-11-22\ni: 1.2.3\n",
        &json!({"a": "10.0.0.1", "b": "172.20.0.0/16", "c": "2026-11-23", "d": "100m", "e": "v1.33",
            "f": "3m0s", "g": "-x", "h": "00-11-22", "i": "1.2.3"}),
    );
    check(
        "a: fe80::1\nb: a:b\nc: http://x/y?z=1\n",
        &json!({"a": "fe80::1", "b": "a:b", "c": "http://x/y?z=1"}),
    );
}

#[test]
fn words_over_lines() {
    check("a: one\n  two\n\n  three\nb: x\n", &json!({"a": "one two\nthree", "b": "x"}));
    check("a:\n  one\n  two\nb: x\n", &json!({"a": "one two", "b": "x"}));
    check("a: 'it''s\n  one\n\n  two '\nb: x\n", &json!({"a": "it's one\ntwo ", "b": "x"}));
    check(
        "a: \"x \\\n  \\ y\\n\\u00e9\\\"\n  z\"\nb: x\n",
        &json!({"a": "x  y\n\u{e9}\" z", "b": "x"}),
    );
}

#[test]
fn literal_blocks() {
    check(
        "a: |\n  one\n    two\n\n  three\nb: x\n",
        &json!({"a": "one\n  two\n\nthree\n", "b": "x"}),
    );
    check("a: |-\n  # one\n  two: x\nb: x\n", &json!({"a": "# one\ntwo: x", "b": "x"}));
    check("a: |+\n  one\n\nb: x\n", &json!({"a": "one\n\n", "b": "x"}));
    check(
        "a:\n- b: |2\n     one\n    two\n  c: x\n",
        &json!({"a": [{"b": " one\ntwo\n", "c": "x"}]}),
    );
    check("a: |\n\n  one\n", &json!({"a": "\none\n"}));
}

#[test]
fn what_else_yaml_has_goes_to_the_whole_parser() {
    for (text, expected) in [
        ("a: [1, {b: 2}]\n", json!({"a": [1, {"b": 2}]})),
        ("a: >\n  one\n  two\n", json!({"a": "one two\n"})),
        ("a: &x 1\nb: *x\n", json!({"a": 1, "b": 1})),
        ("{\"a\": {\"b\": [1]}}", json!({"a": {"b": [1]}})),
        ("a:\n-\n  b: 1\n", json!({"a": [{"b": 1}]})),
    ] {
        assert_eq!(convert::convert(text, false, Keep::All), None, "{text}");
        let json = to_json(&Part::Document(text), Keep::All).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected, "{text}");
    }
    for text in ["a: b: c", "a: [", "\ta: b", "a: *x", "a", "a: \"b", "a:\n   b: 1\n  c: 2\n"] {
        assert_eq!(convert::convert(text, false, Keep::All), None, "{text}");
    }
}

const POD: &str = "- metadata:\n    labels:\n      a: b\n    managedFields:\n    - x: |\n        - no\n    name: n\n  spec:\n    nodeName: w0\n    list:\n    - k: 1\n      v: 2\n    - v: 3\n    - word\n  status: {}\n";

#[test]
fn what_is_not_kept_is_passed_over() {
    let part = Part::Item(POD);
    let whole = r#"{"metadata":{"labels":{"a":"b"},"name":"n"},"spec":{"nodeName":"w0","list":[{"k":1,"v":2},{"v":3},"word"]},"status":{}}"#;
    assert_eq!(to_json(&part, Keep::Object(None)).unwrap(), whole);
    for paths in
        [&["spec.nodeName"][..], &["metadata"], &["spec.list.v", "status"], &["spec.nodeName.x"]]
    {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let projection = Projection::new(&paths);
        let kept = to_json(&part, Keep::Object(projection.tree())).unwrap();
        assert_eq!(kept, projection.apply(whole), "{paths:?}");
        let value: Value = slow(POD);
        let slow = Keep::Object(projection.tree()).apply(value[0].clone());
        assert_eq!(
            serde_json::from_str::<Value>(&slow).unwrap(),
            serde_json::from_str::<Value>(&kept).unwrap()
        );
    }
}

fn parts(text: &str) -> Result<Vec<String>, String> {
    let mut parts = Vec::new();
    read(&mut text.as_bytes(), 200, &mut |part| {
        parts.push(match part {
            Part::Item(text) => text.to_owned(),
            Part::Document(text) => format!("all {text}"),
        });
        Ok(())
    })?;
    Ok(parts)
}

#[test]
fn lists_are_cut_into_items() {
    let items = ["- a: 1\n  b: |\n    - x\n\n    y\n", "- a: 2\n"];
    let body = items.concat();
    assert_eq!(
        parts(&format!("apiVersion: v1\nitems:\n{body}kind: List\nmetadata: {{}}\n")).unwrap(),
        items
    );
    assert_eq!(parts(&format!("---\nkind: List\nitems:\n{body}")).unwrap(), items);
    let deeper = body.replace('\n', "\n  ");
    let found =
        parts(&format!("kind: List\nitems:\n  {}\nmetadata: {{}}", deeper.trim_end())).unwrap();
    assert_eq!(found.len(), 2);
    assert!(parts("items: []\nkind: List\n").unwrap().is_empty());
    assert!(parts("items: null\n").unwrap().is_empty());
    assert!(parts("items:\nkind: List\n").unwrap().is_empty());
    assert_eq!(parts("items:\r\n- a: 1\r\nkind: L\r\n").unwrap(), ["- a: 1\n"]);
    assert_eq!(parts("a: 1\nb:\n  items:\n").unwrap(), ["all a: 1\nb:\n  items:\n"]);
    assert_eq!(parts("items: [1]\n").unwrap(), ["all items: [1]\n"]);
}

#[test]
fn lists_that_are_damaged_say_so() {
    for (text, cause) in [
        ("", "it is empty"),
        ("items:\n- a: 1\n- b", "it is cut off behind 2 items"),
        ("items:\n- a: 1\n  b: 2\n", "it is cut off behind 1 items"),
        ("items:\n  - a\n - b\n", "a line behind 1 items belongs to none"),
        ("items:\n  a: b\n", "a line behind 0 items belongs to none"),
        (&"x".repeat(300), "an object in it is longer than the limit of 0 MiB"),
        (
            &format!("items:\n{}", "- a\n".to_owned() + &"  c\n".repeat(80)),
            "an object in it is longer than the limit of 0 MiB",
        ),
    ] {
        assert_eq!(parts(text), Err(cause.to_owned()), "{text}");
    }
}

/// Values as objects of a cluster have them.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "[a-z0-9.:/ '\"#\\-\\n\\t\\\\{}\\[\\]&*!|>%@`,?é]{0,20}",
        "([a-z]{1,9} ){5,20}",
        Just("true".to_owned()),
        Just("10.0.0.1".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z/.:\\- ]{1,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What a printer wrote comes back; what is converted the fast way is what the whole
    /// parser reads.
    #[test]
    fn printed_values_come_back(map in prop::collection::btree_map("[a-z]{1,4}", value(), 1..5)) {
        let value = Value::Object(map.into_iter().collect());
        let text = serde_saphyr::to_string(&value).unwrap();
        let json = to_json(&Part::Document(&text), Keep::All).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), slow(&text), "{}", text);
    }

    /// No text makes it fail other than by saying so, and the fast way never reads what the
    /// whole parser reads otherwise.
    #[test]
    fn any_text(text in "([a-c]{1,2}(: ?)?|- |['\"|>\\-+#\\n ]|  |[0-9.]{1,3}|\\\\){0,40}") {
        if let Some(fast) = convert::convert(&text, false, Keep::All) {
            let fast: Value = serde_json::from_str(&fast).unwrap();
            if let Ok(slow) = parse(&text) {
                prop_assert_eq!(fast, slow, "{}", text);
            }
        }
        let _ = parts(&text);
        let _ = to_json(&Part::Item(&text), Keep::Object(None));
    }
}
