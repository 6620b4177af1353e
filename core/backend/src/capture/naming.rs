//! What the file of a command's output is called: the words of the command, so that a person
//! finds it, and never the same name twice, not even on a disk that ignores case.

use std::collections::BTreeSet;

use super::format::PlaceKind;
use super::format::PodName;

/// Longest name without its ending; file systems allow 255 bytes.
const LONGEST: usize = 120;

/// The names taken in one folder.
#[derive(Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// A folder with its indexes alone.
    pub(super) fn new() -> Self {
        Self { taken: ["commands.json", "pods.json"].map(str::to_owned).into() }
    }

    /// The name of a command's files, without an ending.
    pub(super) fn take(
        &mut self,
        place: PlaceKind,
        pod: Option<&PodName>,
        argv: &[String],
    ) -> String {
        let mut words = match place {
            PlaceKind::Host => Vec::new(),
            PlaceKind::Agent => vec!["agent"],
            PlaceKind::Pod => vec!["pod"],
            PlaceKind::Relay => vec!["relay"],
        };
        words.extend(pod.map(|pod| pod.name.as_str()));
        words.extend(argv.iter().map(String::as_str));
        let slug = slug(&words.join(" "));
        let mut stem = slug.clone();
        let mut number = 2_usize;
        while !self.try_take(&stem) {
            stem = format!("{slug}-{number}");
            number += 1;
        }
        stem
    }

    fn try_take(&mut self, stem: &str) -> bool {
        let files = [".json", ".txt", ".err.txt", ".stamps.txt"].map(|end| format!("{stem}{end}"));
        let free = files.iter().all(|file| !self.taken.contains(file));
        if free {
            self.taken.extend(files);
        }
        free
    }
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() || c == '.' {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == LONGEST {
            break;
        }
    }
    let slug = slug.trim_matches(['-', '.']);
    if slug.is_empty() { "command".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(names: &mut Names, place: PlaceKind, line: &str) -> String {
        let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
        names.take(place, None, &argv)
    }

    #[test]
    fn names_are_the_words_of_the_command() {
        let mut names = Names::new();
        let line = "ip -j route show table all";
        assert_eq!(take(&mut names, PlaceKind::Host, line), "ip-j-route-show-table-all");
        assert_eq!(take(&mut names, PlaceKind::Agent, line), "agent-ip-j-route-show-table-all");
        assert_eq!(take(&mut names, PlaceKind::Host, "ping 10.0.0.1"), "ping-10.0.0.1");
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut names = Names::new();
        let lines = [
            "a b",
            "a-b",
            "A b",
            "a.err",
            "a",
            "commands",
            "commands-2",
            "../..",
            "ä",
            "..",
            "a b-2",
        ];
        let taken: Vec<String> =
            lines.iter().map(|line| take(&mut names, PlaceKind::Host, line)).collect();
        assert_eq!(
            taken,
            [
                "a-b",
                "a-b-2",
                "a-b-3",
                "a.err",
                "a-2",
                "commands-2",
                "commands-2-2",
                "command",
                "command-2",
                "command-3",
                "a-b-2-2"
            ]
        );
    }

    #[test]
    fn long_commands_are_cut() {
        let mut names = Names::new();
        let line = "x".repeat(1000);
        assert_eq!(take(&mut names, PlaceKind::Host, &line).len(), LONGEST);
        assert_eq!(take(&mut names, PlaceKind::Host, &(line + "y")).len(), LONGEST + 2);
    }
}
