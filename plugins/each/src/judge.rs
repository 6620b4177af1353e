//! The one thing to know about answers: that some differ. Only asked with `--diff`, because
//! addresses and clocks always do.

use std::fmt::Write;

use lab_plugin::Finding;

use crate::diff::Diff;
use crate::fold::Group;
use crate::rows::shortened;

/// Lines of a difference that are quoted; the table has all of them.
const QUOTED: usize = 20;

/// One finding for each group but the first.
pub fn differing(
    groups: &[Group],
    diffs: &[Diff],
    hosts: &[String],
    command: &str,
) -> Vec<Finding> {
    let Some((first, others)) = groups.split_first() else { return Vec::new() };
    let n_answers: usize = groups.iter().map(|group| group.hosts.len()).sum();
    let mut findings = Vec::new();
    for (group, diff) in others.iter().zip(diffs.iter().skip(1)) {
        let names: Vec<&str> = group.hosts.iter().map(|&host| hosts[host].as_str()).collect();
        let verb = if names.len() == 1 { "answers" } else { "answer" };
        let mut message = format!("{verb} otherwise than {}", hosts[first.hosts[0]]);
        if first.hosts.len() > 1 {
            let _ = write!(message, ", as {} of {n_answers} do", first.hosts.len());
        }
        let mut finding = Finding::info("each/differs", shortened(&names), message);
        let place = format!("{}: {command}", names[0]);
        let mut text: Vec<String> = diff.note.iter().cloned().collect();
        let lines = diff.text.iter().flat_map(|text| text.lines());
        text.extend(lines.clone().take(QUOTED).map(str::to_owned));
        let more = lines.count().saturating_sub(QUOTED);
        if more > 0 {
            text.push(format!("… {more} more lines"));
        }
        finding = finding.evidence(place, text.join("\n"));
        findings.push(finding);
    }
    findings
}

#[cfg(test)]
mod tests {
    use lab_plugin::Outcome;

    use super::*;
    use crate::diff::against_first;
    use crate::fold::Groups;

    fn check(answers: &[&str]) -> Vec<Finding> {
        let mut groups = Groups::default();
        for (host, out) in answers.iter().enumerate() {
            let out = out.as_bytes().to_vec();
            groups.add(host, Outcome { code: 0, out, err: Vec::new(), truncated: false });
        }
        let hosts: Vec<String> = (0..answers.len()).map(|host| format!("w{host}")).collect();
        let groups = groups.sorted();
        differing(&groups, &against_first(&groups), &hosts, "uname -r")
    }

    #[test]
    fn a_host_that_differs_is_told_with_the_difference() {
        let findings = check(&["6.1\n", "6.1\n", "5.15\n"]);
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!((finding.code.as_str(), finding.subject.as_str()), ("each/differs", "w2"));
        assert_eq!(finding.message, "answers otherwise than w0, as 2 of 3 do");
        let (place, text) = &finding.evidence[0];
        assert_eq!(place, "w2: uname -r");
        assert_eq!(text, "@@ -1 +1 @@\n-6.1\n+5.15");
    }

    #[test]
    fn without_a_majority_only_the_other_is_named() {
        let findings = check(&["a\n", "b\n"]);
        assert_eq!(findings[0].message, "answers otherwise than w0");
    }

    #[test]
    fn equal_answers_and_a_single_one_are_no_finding() {
        assert_eq!(check(&["6.1\n", "6.1\n"]), []);
        assert_eq!(check(&["6.1\n"]), []);
        assert_eq!(check(&[]), [], "nobody answered, so nothing is known to differ");
    }

    #[test]
    fn a_long_difference_is_quoted_in_part() {
        let long: String = (0..100).fold(String::new(), |text, n| text + &n.to_string() + "\n");
        let findings = check(&["a\n", "a\n", &long]);
        let text = &findings[0].evidence[0].1;
        assert_eq!(text.lines().count(), QUOTED + 1);
        assert!(text.ends_with("… 82 more lines"), "{text}");
    }
}
