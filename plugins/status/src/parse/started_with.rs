//! The settings that an agent has read when it started: a folder with a file for each.

use std::collections::BTreeMap;

use lab_model::Problem;

/// Reads what `grep -r . /tmp/cilium/config-map` prints.
///
/// - Shape: `/tmp/cilium/config-map/..data_1763867210/debug:true`, a line for each line of a file;
///   an empty file has none. An init container writes a new folder each time it runs and links to
///   it; links are not followed, so of several folders the one with the greatest number counts.
/// - Errors: never fails; text without any such line is one [`Problem`].
/// - Source: Cilium 1.14 to 1.20 (`cilium-dbg build-config`).
pub fn parse(text: &str) -> (BTreeMap<String, String>, Vec<Problem>) {
    let mut folders: BTreeMap<u64, BTreeMap<String, String>> = BTreeMap::new();
    for line in text.lines() {
        let Some((path, value)) = line.split_once(':') else { continue };
        let Some((folder, key)) = path.rsplit_once('/').filter(|_| path.starts_with('/')) else {
            continue;
        };
        let number = folder.rsplit_once("..data_").and_then(|(_, number)| number.parse().ok());
        let files = folders.entry(number.unwrap_or_default()).or_default();
        match files.get_mut(key) {
            Some(known) => {
                known.push('\n');
                known.push_str(value);
            }
            None => {
                files.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    match folders.pop_last() {
        Some((_, files)) => (files, Vec::new()),
        None => {
            (BTreeMap::new(), vec![Problem::new("the settings", text, "there are no files in it")])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_folder_counts() {
        let (files, problems) = parse(
            "/tmp/cilium/config-map/..data_1763867210/debug:false\n\
             /tmp/cilium/config-map/..data_1763867999/debug:true\n\
             /tmp/cilium/config-map/..data_1763867999/labels:a\n\
             /tmp/cilium/config-map/..data_1763867999/labels:b:c\n",
        );
        assert_eq!(problems, []);
        assert_eq!((files["debug"].as_str(), files["labels"].as_str()), ("true", "a\nb:c"));
        let (plain, _) = parse("/tmp/cilium/config-map/debug:true\n");
        assert_eq!(plain["debug"], "true");
        for text in ["", "grep: /tmp/cilium/config-map: No such file or directory"] {
            assert_eq!(parse(text).1.len(), 1, "{text}");
        }
    }
}
