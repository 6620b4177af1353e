//! The configuration documents of kubeadm and the kubelet as a flat list of settings.
//!
//! Not a YAML library: both documents are written by programs, in block style, and what is
//! shown is each value's own text. Something written by hand in another style is shown as it
//! stands.

use crate::Problem;

/// Deepest nesting that is followed.
const DEPTH: usize = 32;

/// One setting: its dotted path, such as `networking.podSubnet` or `clusterDNS[0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The path.
    pub key: String,
    /// The value's text, without its quotes.
    pub value: String,
}

struct Line<'t> {
    number: usize,
    indent: usize,
    text: &'t str,
}

struct Reader<'t> {
    lines: Vec<Line<'t>>,
    at: usize,
    settings: Vec<Setting>,
    problems: Vec<Problem>,
}

/// Reads the settings of one document.
///
/// - Shape: block mappings and sequences; flow style (`{}`, `[a, b]`) stays text; a block
///   scalar is joined by line breaks.
/// - Errors: never fails; a line that fits nowhere becomes a [`Problem`] and the rest is kept.
/// - Source: sigs.k8s.io/yaml as kubeadm 1.33 uses it.
pub fn parse_settings(text: &str) -> (Vec<Setting>, Vec<Problem>) {
    let lines = text.lines().zip(1..).filter_map(|(line, number)| {
        let text = line.trim_start_matches(' ').trim_end();
        let is_content = !(text.is_empty() || text.starts_with('#') || text.starts_with("---"));
        is_content.then(|| Line {
            number,
            indent: line.len() - line.trim_start_matches(' ').len(),
            text,
        })
    });
    let mut reader =
        Reader { lines: lines.collect(), at: 0, settings: Vec::new(), problems: Vec::new() };
    while let Some(line) = reader.lines.get(reader.at) {
        let (indent, before) = (line.indent, reader.at);
        reader.block(indent, "", 0);
        if reader.at == before {
            reader.complain("it fits nowhere");
        }
    }
    (reader.settings, reader.problems)
}

impl Reader<'_> {
    fn complain(&mut self, what: &str) {
        if let Some(line) = self.lines.get(self.at) {
            let place = format!("line {}", line.number);
            self.problems.push(Problem::new(place, line.text, what));
        }
        self.at += 1;
    }

    /// Reads the mapping or sequence whose lines have this indent.
    fn block(&mut self, indent: usize, path: &str, depth: usize) {
        if depth > DEPTH {
            return self.complain("it is nested too deep");
        }
        let mut items = 0;
        while let Some(line) = self.lines.get(self.at) {
            let (text, here) = (line.text, line.indent);
            if here < indent {
                return;
            }
            if here > indent {
                self.complain("its indent fits nowhere");
                continue;
            }
            if let Some(rest) = item(text) {
                let path = format!("{path}[{items}]");
                items += 1;
                self.item(rest, text.len() - rest.len() + indent, &path, depth);
            } else if let Some((key, value)) = entry(text) {
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                self.at += 1;
                self.value(value, indent, &path, depth);
            } else {
                self.complain("it is neither an entry nor an item");
            }
            // Items at the indent of their own key end where the next key starts.
            let next = self.lines.get(self.at);
            if items > 0
                && next.is_some_and(|line| line.indent == indent && item(line.text).is_none())
            {
                return;
            }
        }
    }

    fn item(&mut self, rest: &str, indent: usize, path: &str, depth: usize) {
        if !rest.is_empty() && (entry(rest).is_some() || item(rest).is_some()) {
            // What follows the dash is the first line of a block of its own.
            let line = &mut self.lines[self.at];
            line.indent = indent;
            line.text = &line.text[line.text.len() - rest.len()..];
            return self.block(indent, path, depth + 1);
        }
        self.at += 1;
        self.value(rest, indent.saturating_sub(1), path, depth);
    }

    fn value(&mut self, value: &str, indent: usize, path: &str, depth: usize) {
        if matches!(value, "|" | "|-" | "|+" | ">" | ">-" | ">+") {
            let mut lines = Vec::new();
            while let Some(line) = self.lines.get(self.at).filter(|line| line.indent > indent) {
                lines.push(line.text);
                self.at += 1;
            }
            let value = lines.join("\n");
            return self.settings.push(Setting { key: path.to_owned(), value });
        }
        if value.is_empty()
            && let Some(next) = self.lines.get(self.at)
            && (next.indent > indent || (next.indent == indent && item(next.text).is_some()))
        {
            let indent = next.indent;
            return self.block(indent, path, depth + 1);
        }
        self.settings.push(Setting { key: path.to_owned(), value: scalar(value) });
    }
}

/// What follows the dash of an item.
fn item(text: &str) -> Option<&str> {
    if text == "-" { Some("") } else { text.strip_prefix("- ").map(str::trim_start) }
}

/// Key and value of `key: value`, `key:` or `"key": value`.
fn entry(text: &str) -> Option<(String, &str)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let (key, rest) = text[1..].split_once(quote)?;
        return Some((key.to_owned(), rest.strip_prefix(':')?.trim_start()));
    }
    if text.starts_with(['{', '[']) {
        return None;
    }
    if let Some((key, value)) = text.split_once(": ") {
        return Some((key.to_owned(), value.trim()));
    }
    let key = text.strip_suffix(':').filter(|key| !key.is_empty())?;
    Some((key.to_owned(), ""))
}

fn scalar(text: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote)
            && let Some((inner, _)) = inner.rsplit_once(quote)
        {
            return inner.to_owned();
        }
    }
    text.split(" #").next().unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)], problems: usize) {
        let (settings, found) = parse_settings(text);
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|it| (it.key.as_str(), it.value.as_str())).collect();
        assert_eq!(settings, expected, "{text}");
        assert_eq!(found.len(), problems, "{text}: {found:?}");
    }

    #[test]
    fn what_kubeadm_writes_becomes_dotted_keys() {
        check(
            "apiServer: {}\ndns:\n  disabled: true\netcd:\n  local:\n    dataDir: /var/lib/etcd\n\
             networking:\n  podSubnet: 10.244.0.0/16\n  serviceSubnet: 10.96.0.0/16\n",
            &[
                ("apiServer", "{}"),
                ("dns.disabled", "true"),
                ("etcd.local.dataDir", "/var/lib/etcd"),
                ("networking.podSubnet", "10.244.0.0/16"),
                ("networking.serviceSubnet", "10.96.0.0/16"),
            ],
            0,
        );
    }

    #[test]
    fn sequences_stand_at_the_indent_of_their_key_or_deeper() {
        check(
            "clusterDNS:\n- 10.96.0.10\n- fd00::a\nclusterDomain: cluster.local\n\
             extraArgs:\n  - name: v\n    value: \"4\"\n  - name: x\n    value: ''\nlast: 1\n",
            &[
                ("clusterDNS[0]", "10.96.0.10"),
                ("clusterDNS[1]", "fd00::a"),
                ("clusterDomain", "cluster.local"),
                ("extraArgs[0].name", "v"),
                ("extraArgs[0].value", "4"),
                ("extraArgs[1].name", "x"),
                ("extraArgs[1].value", ""),
                ("last", "1"),
            ],
            0,
        );
    }

    #[test]
    fn other_styles_stay_text() {
        check(
            "a: [x, y]\nb: |\n  one\n  two\nc: 5 # why\n\"d\": 'e: f'\ng:\nh: http://x:1\n- - i\n",
            &[
                ("a", "[x, y]"),
                ("b", "one\ntwo"),
                ("c", "5"),
                ("d", "e: f"),
                ("g", ""),
                ("h", "http://x:1"),
                ("[0][0]", "i"),
            ],
            0,
        );
    }

    #[test]
    fn bad_text_costs_only_its_lines() {
        check("", &[], 0);
        check("just words\na: 1\n    b: 2\nc: 3\n", &[("a", "1"), ("c", "3")], 2);
        check("\u{0}\n\t\n:\n", &[], 2);
        let deep: Vec<String> = (0..500).map(|n| format!("{}k:\n", " ".repeat(n))).collect();
        let (_, problems) = parse_settings(&deep.concat());
        assert!(!problems.is_empty());
        let dashes = format!("{}x", "- ".repeat(100_000));
        assert!(!parse_settings(&dashes).1.is_empty());
    }
}
