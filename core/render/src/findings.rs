//! Findings as text, under the tables: what is wrong, where it was seen, what to do.
//!
//! Written to be read aloud from top to bottom: how many there are, then for each its level, its
//! code and its subject, the message, the evidence word for word, and the ways to fix it.
//! Evidence and fixes are never wrapped, so that they can be compared and pasted.

use std::io;
use std::io::Write;

use lab_output::Finding;
use lab_output::Level;

use crate::Options;
use crate::clean;
use crate::count;
use crate::document::worst_first;
use crate::paint;
use crate::wrap;
use crate::wrap::Breaks;

/// Writes findings, worst first, and how to learn more about the first of them.
pub fn render_findings(
    findings: &[Finding],
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sorted = worst_first(findings);
    let Some(worst) = sorted.first() else { return Ok(()) };
    writeln!(out, "{}", summary(findings))?;
    for finding in &sorted {
        writeln!(out)?;
        write_finding(finding, options, out)?;
    }
    writeln!(out)?;
    writeln!(out, "hint: `kubectl lab explain {}` says why it matters", clean(&worst.code))
}

/// `3 findings: 1 bad, 2 warn`.
fn summary(findings: &[Finding]) -> String {
    let levels = [Level::Bad, Level::Warn, Level::Unknown, Level::Info, Level::Good];
    let parts: Vec<String> = levels
        .into_iter()
        .filter_map(|level| {
            let n = findings.iter().filter(|finding| finding.level == level).count();
            (n > 0).then(|| format!("{n} {}", level.as_str()))
        })
        .collect();
    format!("{}: {}", count(findings.len(), "finding"), parts.join(", "))
}

fn write_finding(finding: &Finding, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let level = finding.level.as_str();
    let head = format!("{level}   {}   {}", clean(&finding.code), clean(&finding.subject));
    let color = if options.color { paint::color(finding.level) } else { None };
    // What it is about may be plain from its code.
    let head = head.trim_end();
    for (n, line) in wrapped(head, 2, options.width).enumerate() {
        match (n, color, line.strip_prefix(level)) {
            (0, Some(color), Some(rest)) => {
                writeln!(out, "{color}{level}{}{rest}", paint::RESET)?;
            }
            (0, ..) => writeln!(out, "{line}")?,
            _ => writeln!(out, "  {line}")?,
        }
    }
    for part in finding.message.lines() {
        for line in wrapped(&clean(part), 2, options.width) {
            writeln!(out, "  {line}")?;
        }
    }
    for evidence in &finding.evidence {
        writeln!(out, "  from {}", clean(&evidence.place))?;
        for line in evidence.text.lines() {
            writeln!(out, "    {}", clean(line))?;
        }
    }
    for (n, fix) in finding.fixes.iter().enumerate() {
        let mut before = if n == 0 { "fix: " } else { "or:  " };
        for line in fix.lines() {
            writeln!(out, "  {before}{}", clean(line))?;
            before = "     ";
        }
    }
    Ok(())
}

/// Lines that leave room for an indentation.
fn wrapped(text: &str, indent: usize, width: Option<usize>) -> wrap::Lines<'_> {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(1));
    wrap::lines(text, room, Breaks::Spaces)
}
