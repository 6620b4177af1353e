//! Lines of an agent's log: which one says why it ended, and which why it does something less.
//!
//! Three forms are met: Go's own `time=… level=… msg="…"`, that of older agents without a time,
//! and JSON. A program that crashes writes lines of no form at all.

use serde_json::Value;

/// How much a line says about an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Any,
    Error,
    Crash,
    Fatal,
}

/// The line that says why the program ended: the last one that is fatal; else where it crashed;
/// else the last error; else the last line.
///
/// - Source: Cilium 1.14 to 1.20. From 1.18 on, what is fatal is logged as an error, perhaps with
///   a number behind the word, and is the last one.
pub fn fatal(log: &str) -> Option<&str> {
    let lines = || log.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    let mut best: Option<(Weight, &str)> = None;
    for line in lines() {
        let weight = weigh(line);
        // Of lines that say as much the last one counts, but a crash begins with its reason.
        let is_better = match best {
            None => true,
            Some((known, _)) if weight == Weight::Crash => weight > known,
            Some((known, _)) => weight >= known,
        };
        if is_better {
            best = Some((weight, line));
        }
    }
    best.map(|(_, line)| line)
}

fn weigh(line: &str) -> Weight {
    let start = line.trim_start();
    if start.starts_with("panic:") || start.starts_with("fatal error:") {
        return Weight::Crash;
    }
    match level(line).as_deref() {
        Some("fatal" | "panic") => Weight::Fatal,
        Some(level) if level.starts_with("error+") => Weight::Fatal,
        Some("error") => Weight::Error,
        None if start.starts_with("Error:") => Weight::Error,
        _ => Weight::Any,
    }
}

/// The level of a line, in lower case.
pub fn level(line: &str) -> Option<String> {
    field(line, "level").map(|level| level.to_ascii_lowercase())
}

/// A field of a line: `msg`, `error`, `level` …
pub fn field(line: &str, name: &str) -> Option<String> {
    if line.trim_start().starts_with('{') {
        let document: Value = serde_json::from_str(line).ok()?;
        return document.get(name)?.as_str().map(str::to_owned);
    }
    let mut rest = line;
    loop {
        let at = rest.find(name)?;
        let is_start = at == 0 || rest.as_bytes().get(at - 1) == Some(&b' ');
        let behind = rest.get(at + name.len()..)?;
        if let Some(value) = behind.strip_prefix('=').filter(|_| is_start) {
            return Some(unquoted(value));
        }
        rest = behind;
    }
}

/// A value up to its end: a space, or the quote that closes it.
fn unquoted(value: &str) -> String {
    let Some(quoted) = value.strip_prefix('"') else {
        return value.split(' ').next().unwrap_or_default().to_owned();
    };
    let mut out = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => out.extend(letters.next()),
            _ => out.push(letter),
        }
    }
    out
}

/// Message and error of a line in one sentence; the line itself where it has no form.
pub fn gist(line: &str) -> String {
    match (field(line, "msg"), field(line, "error")) {
        (Some(message), Some(error)) => format!("{message}: {error}"),
        (Some(message), None) => message,
        (None, Some(error)) => error,
        (None, None) => line.trim().to_owned(),
    }
}

/// The last line in which the agent says that it falls back to something older.
pub fn fallback<'l>(log: &'l str, what: &str) -> Option<&'l str> {
    log.lines().rev().find(|line| {
        let lower = line.to_ascii_lowercase();
        lower.contains("falling back to") && lower.contains(what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fatal_line_is_found_in_every_form() {
        let old = "level=info msg=\"starting\" subsys=daemon\n\
            level=error msg=\"odd\" subsys=daemon\n\
            level=fatal msg=\"failed to start: x requires y\" subsys=daemon\n";
        assert!(fatal(old).unwrap().starts_with("level=fatal"));
        let new = "time=2026-11-23T03:06:48Z level=info source=a.go:1 msg=Starting\n\
            time=2026-11-23T03:06:49Z level=error source=a.go:2 msg=\"Start hook failed\" function=f error=\"a \\\"b\\\" c\"\n\
            time=2026-11-23T03:06:49Z level=info source=a.go:3 msg=Stopping\n";
        let line = fatal(new).unwrap();
        assert_eq!(gist(line), "Start hook failed: a \"b\" c");
        let crash = "level=error msg=x\npanic: nil map\n\ngoroutine 1 [running]:\nmain.main()\n";
        assert_eq!(fatal(crash), Some("panic: nil map"));
        let json = "{\"level\":\"info\",\"msg\":\"a\"}\n{\"level\":\"fatal\",\"msg\":\"b\",\"error\":\"c\"}\n";
        assert_eq!(fatal(json).map(gist).as_deref(), Some("b: c"));
        assert_eq!(fatal("one\ntwo\n\n"), Some("two"));
        assert!(fatal("level=error+4 msg=a\nlevel=error msg=b").unwrap().ends_with("msg=a"));
        assert_eq!(fatal("\n \n"), None);
    }

    #[test]
    fn a_field_is_no_part_of_another() {
        let line = "sublevel=a level=warn msg=\"level=info\"";
        assert_eq!(level(line).as_deref(), Some("warn"));
        assert_eq!(field(line, "error"), None);
        assert_eq!(field("level", "level"), None);
    }

    #[test]
    fn a_fallback_says_why() {
        let log = "level=info msg=\"BPF host routing requires enable-bpf-masquerade. Falling back to legacy host routing (enable-host-legacy-routing=true).\"\nlevel=info msg=x\n";
        assert!(fallback(log, "host routing").is_some());
        assert!(fallback(log, "masquerading").is_none());
    }
}
