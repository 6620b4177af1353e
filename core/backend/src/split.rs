//! Finds the objects of a list one after the other, so that the first ones can be handed over
//! before the last ones were read. Pure.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::walk::Walk;

/// A place between two objects of a list.
#[derive(Debug)]
pub(crate) struct Split {
    /// Where what comes before the objects ends.
    head: usize,
    at: usize,
}

/// What is next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// An object, which is valid JSON.
    Item(Range<usize>),
    /// The list has ended, and what is around it is as it should be.
    End,
    /// It is not, or is something else than a list: whoever reads all of it at once says what.
    Other,
}

impl Split {
    /// A list as `kubectl get -o json` prints it: `None` where `items` is not found to begin.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut walk = Walk { text, at: 0 };
        let mut expected = b'{';
        while walk.next() == expected {
            walk.at += 1;
            let key = walk.key()?;
            if walk.next() != b':' {
                return None;
            }
            walk.at += 1;
            if key == "items" && walk.next() == b'[' {
                walk.at += 1;
                return Some(Self { head: walk.at, at: walk.at });
            }
            walk.pass()?;
            expected = b',';
        }
        None
    }

    /// The next object of the text, which is the one that this was made of.
    pub(crate) fn next(&mut self, text: &str) -> Next {
        let mut walk = Walk { text, at: self.at };
        let is_first = self.at == self.head;
        match walk.next() {
            b']' => return self.end(text, walk.at),
            b',' if !is_first => walk.at += 1,
            _ if is_first => {}
            _ => return Next::Other,
        }
        walk.next();
        let mut reader = serde_json::Deserializer::from_str(&text[walk.at..]);
        let Ok(item) = <&RawValue>::deserialize(&mut reader) else { return Next::Other };
        self.at = walk.at + item.get().len();
        Next::Item(walk.at..self.at)
    }

    /// What is around the objects is little, and is read without them.
    fn end(&self, text: &str, end: usize) -> Next {
        let around = [&text[..self.head], &text[end..]].concat();
        match crate::objects::find(&around) {
            Ok(items) if items.is_empty() => Next::End,
            _ => Next::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::objects::find;

    /// The objects one by one; `None` where that says `Other`.
    fn split(text: &str) -> Option<Vec<Range<usize>>> {
        let mut split = Split::new(text)?;
        let mut items = Vec::new();
        loop {
            match split.next(text) {
                Next::Item(item) => items.push(item),
                Next::End => return Some(items),
                Next::Other => return None,
            }
        }
    }

    #[test]
    fn lists_of_kubectl_are_split() {
        for text in [
            r#"{"apiVersion":"v1","items":[{"a":1},{"b":"]"}],"kind":"List","metadata":{}}"#,
            "{\n \"items\": [\n {\"a\": [1, 2]} ,\n 7\n ]\n}\n",
            r#"{"kind":"PodList","items":[ ]}"#,
        ] {
            assert_eq!(split(text), Some(find(text).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_such_list_is_left_to_others() {
        for text in [
            "",
            "[]",
            r#"{"kind":"Pod","metadata":{}}"#,
            r#"{"items":null}"#,
            r#"{"items":[{}}"#,
            r#"{"items":[{} {}]}"#,
            r#"{"items":[{},]}"#,
            r#"{"items":[,{}]}"#,
            r#"{"items":[{}"#,
            r#"{"items":[{}]}}"#,
            r#"{"items":[{}],"items":[]}"#,
            r#"{"items":[{}],"kind":7}"#,
            r#"{"kind":nonsense,"items":[{}]}"#,
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    const WORDS: [&str; 16] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\"items\"",
        "\"kind\"",
        "\"a,]\\\"\"",
        "1e3",
        "-",
        "null",
        "{\"items\":[",
        "{\"a\":[{}]}",
        "]}",
    ];

    proptest! {
        /// Whatever is split has the objects that all of it read at once has.
        #[test]
        fn nothing_is_split_in_another_way(words in prop::collection::vec(select(&WORDS[..]), 0..12)) {
            let text = words.concat();
            if let Some(items) = split(&text) {
                prop_assert_eq!(find(&text).unwrap(), items);
            }
        }

        /// Nothing that is a list is left out, wherever white space stands.
        #[test]
        fn every_list_is_split(
            items in prop::collection::vec(select(vec!["{\"a\":1}", "[]", "\"]\"", "-1.5e+7", "null"]), 0..5),
            space in "[ \n\t\r]{0,2}",
        ) {
            let between = format!("{space},{space}");
            let text = format!("{space}{{{space}\"items\"{space}:{space}[{space}{}{space}]{space}}}{space}", items.join(&between));
            prop_assert_eq!(split(&text), Some(find(&text).unwrap()));
        }
    }
}
