//! Names of contexts for completion, read from kubeconfig files without understanding them.
//!
//! A run loads its kubeconfig with the client library, which is heavy and strict; a TAB must be
//! quick and never fail. So this looks only at lines, and a file written in an unusual way gives
//! no candidates rather than an error.

use super::Environment;
use std::path::PathBuf;

/// The files kubectl would read.
pub(super) fn files(env: &dyn Environment, typed: Option<PathBuf>) -> Vec<PathBuf> {
    if let Some(path) = typed {
        return vec![path];
    }
    match env.var("KUBECONFIG") {
        Some(list) => std::env::split_paths(&list).collect(),
        None => env.home().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

/// Names under `contexts:`, in the order of the file.
pub(super) fn contexts(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    // Where the keys of a list item stand, once the first item has shown it.
    let mut item: Option<usize> = None;
    let mut inside = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indent = line.len() - trimmed.len();
        if indent == 0 && !trimmed.starts_with('-') {
            inside = trimmed.trim_end() == "contexts:";
            item = None;
            continue;
        }
        if !inside {
            continue;
        }
        let (column, content) = match trimmed.strip_prefix('-') {
            // Lists inside an item stand further right than the list itself.
            Some(after) if item.is_none_or(|keys| indent < keys) => {
                let content = after.trim_start();
                let column = indent + trimmed.len() - content.len();
                item = Some(column);
                (column, content)
            }
            _ => (indent, trimmed),
        };
        if item == Some(column)
            && let Some(name) = content.strip_prefix("name:")
        {
            names.extend(scalar(name));
        }
    }
    names
}

fn scalar(text: &str) -> Option<String> {
    let text = text.trim();
    let name = match text.chars().next()? {
        quote @ ('"' | '\'') => text[1..].split(quote).next()?,
        _ => text.split(" #").next()?.trim_end(),
    };
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::contexts;
    use proptest::prelude::*;

    #[test]
    fn contexts_are_found_in_the_ways_tools_write_them() {
        for (text, expected) in [
            ("", &[][..]),
            (
                "apiVersion: v1\nclusters:\n- cluster:\n    server: x\n  name: c\ncontexts:\n\
                 - context:\n    cluster: c\n    user: u\n  name: HomeLab\n- context:\n    \
                 cluster: c\n  name: \"two words\"\ncurrent-context: HomeLab\nusers:\n- name: u\n",
                &["HomeLab", "two words"][..],
            ),
            (
                "contexts:\n  - name: arn:aws:eks:eu:1:cluster/a # main\n    context:\n      \
                 name: inner\n      extensions:\n      - name: no\n  - name: 'b'\n",
                &["arn:aws:eks:eu:1:cluster/a", "b"],
            ),
            ("contexts: []\nusers:\n- name: u\n", &[]),
            ("{\"contexts\": [{\"name\": \"json\"}]}", &[]),
        ] {
            assert_eq!(contexts(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(contexts:|name:|-| |\n|\"|'|é|#){0,40}") {
            let _ = contexts(&text);
        }
    }
}
