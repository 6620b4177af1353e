//! Subjects without an answer, for stderr: who, why, and how to get further.

use std::collections::HashSet;
use std::io;
use std::io::Write;

use lab_output::Partial;
use lab_types::FailureKind;

use crate::clean;
use crate::count;

/// So many names are listed, and so many different reasons are told.
const LISTED: usize = 10;

/// Writes who gave no answer; `hosts` are all that were asked, if that is known.
///
/// ```text
/// 2 of 5 hosts gave no answer: k8s-w0 (timeout), router (denied)
///   k8s-w0: no answer within 10s
/// hint: ask the others alone with `--host k8s-ctr,k8s-w1`, or wait longer with `--request-timeout 60s`
/// ```
pub fn render_partials(
    partials: &[Partial],
    hosts: &[String],
    err: &mut dyn Write,
) -> io::Result<()> {
    let asked: HashSet<&str> = hosts.iter().map(String::as_str).collect();
    let mut seen = HashSet::new();
    let first: Vec<&Partial> =
        partials.iter().filter(|partial| seen.insert(partial.subject.as_str())).collect();
    let (failed, others): (Vec<&Partial>, Vec<&Partial>) =
        first.into_iter().partition(|partial| asked.contains(partial.subject.as_str()));
    if !failed.is_empty() {
        let of = format!("{} of {}", failed.len(), count(asked.len(), "host"));
        writeln!(err, "{of} gave no answer: {}", names(&failed))?;
    }
    if !others.is_empty() {
        let n = count(others.len(), "question");
        let verb = if others.len() == 1 { "has" } else { "have" };
        writeln!(err, "{n} {verb} no answer: {}", names(&others))?;
    }
    write_reasons(partials, err)?;
    write_hint(&failed, partials, hosts, err)
}

/// `k8s-w0 (timeout), router (denied)`.
fn names(partials: &[&Partial]) -> String {
    let mut names: Vec<String> = partials
        .iter()
        .take(LISTED)
        .map(|partial| format!("{} ({})", clean(&partial.subject), partial.why.kind.as_str()))
        .collect();
    if partials.len() > LISTED {
        names.push(format!("and {} more", partials.len() - LISTED));
    }
    names.join(", ")
}

/// Each different message once, with those it holds for.
fn write_reasons(partials: &[Partial], err: &mut dyn Write) -> io::Result<()> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut left_out = 0;
    for partial in partials.iter().filter(|partial| !partial.why.message.is_empty()) {
        let message = partial.why.message.as_str();
        match reasons.iter().position(|(known, _)| *known == message) {
            Some(place) => reasons[place].1.push(&partial.subject),
            None if reasons.len() < LISTED => reasons.push((message, vec![&partial.subject])),
            None => left_out += 1,
        }
    }
    for (message, subjects) in reasons {
        let more = subjects.len().saturating_sub(3);
        let mut who =
            subjects.iter().take(3).map(|name| clean(name)).collect::<Vec<_>>().join(", ");
        if more > 0 {
            who = format!("{who} and {more} more");
        }
        writeln!(err, "  {who}: {}", clean(message))?;
    }
    if left_out > 0 {
        writeln!(err, "  {}", count(left_out, "other reason"))?;
    }
    Ok(())
}

fn write_hint(
    failed: &[&Partial],
    partials: &[Partial],
    hosts: &[String],
    err: &mut dyn Write,
) -> io::Result<()> {
    let mut ways = Vec::new();
    let without: HashSet<&str> = failed.iter().map(|partial| partial.subject.as_str()).collect();
    let rest: Vec<&str> =
        hosts.iter().map(String::as_str).filter(|host| !without.contains(host)).collect();
    if !failed.is_empty() && !rest.is_empty() && rest.len() <= LISTED {
        ways.push(format!("ask the others alone with `--host {}`", clean(&rest.join(","))));
    }
    // A failure that knows better says so itself.
    let is = |kind| {
        partials.iter().any(|partial| partial.why.kind == kind && partial.why.hint.is_none())
    };
    if is(FailureKind::Timeout) {
        ways.push("wait longer with `--request-timeout 60s`".to_owned());
    }
    let own: Vec<&str> =
        partials.iter().filter_map(|partial| partial.why.hint.as_deref()).collect();
    if own.is_empty() && is(FailureKind::Denied) {
        ways.push("see your rights with `kubectl auth can-i --list`".to_owned());
    }
    if !ways.is_empty() {
        writeln!(err, "hint: {}", ways.join(", or "))?;
    }
    let mut told = HashSet::new();
    for hint in own.into_iter().filter(|hint| told.insert(*hint)).take(LISTED) {
        writeln!(err, "hint: {}", clean(hint))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lab_types::Failure;

    use super::*;

    fn check(partials: &[(&str, Failure)], hosts: &[&str], expected: &str) {
        let partials: Vec<Partial> = partials
            .iter()
            .map(|(subject, why)| Partial { subject: (*subject).into(), why: why.clone() })
            .collect();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut written = Vec::new();
        render_partials(&partials, &hosts, &mut written).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn all_answered_is_silent() {
        check(&[], &["a"], "");
    }

    #[test]
    fn hosts_are_counted_and_the_others_offered() {
        check(
            &[("w0", Failure::timeout("")), ("router", Failure::denied("ssh: no key"))],
            &["ctr", "w1", "w0", "router"],
            "2 of 4 hosts gave no answer: w0 (timeout), router (denied)\n  \
             router: ssh: no key\n\
             hint: ask the others alone with `--host ctr,w1`, or wait longer with \
             `--request-timeout 60s`, or see your rights with `kubectl auth can-i --list`\n",
        );
    }

    #[test]
    fn a_failure_that_knows_how_to_wait_longer_is_not_contradicted() {
        check(
            &[("w0", Failure::timeout("late").hint("wait longer with `--timeout 60s`"))],
            &["w0"],
            "1 of 1 host gave no answer: w0 (timeout)\n  w0: late\n\
             hint: wait longer with `--timeout 60s`\n",
        );
    }

    #[test]
    fn what_is_no_host_is_a_question() {
        check(
            &[("CiliumNode", Failure::not_found("no such kind\u{1b}[2J"))],
            &["ctr"],
            "1 question has no answer: CiliumNode (not found)\n  CiliumNode: no such kind␛[2J\n",
        );
    }

    #[test]
    fn one_reason_of_many_hosts_is_told_once() {
        let names = ["a", "b", "c", "d", "e"];
        let partials = names.map(|name| (name, Failure::other("broke").hint("mend it")));
        check(
            &partials,
            &names,
            "5 of 5 hosts gave no answer: a (failed), b (failed), c (failed), d (failed), e \
             (failed)\n  a, b, c and 2 more: broke\nhint: mend it\n",
        );
    }
}
