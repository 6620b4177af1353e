//! Whether a command ended only because its program is not there.
//!
//! Apart because shells, sudo and container runtimes each say it in their own words, and because a
//! mistake here would run a command twice: the code and the one line said must both fit, and
//! nothing else may have been said. Pure.

/// Whether a piece of standard error, the first thing said, is the line that says so. `program` is
/// the first word of the command.
pub(crate) fn is_said_by(piece: &[u8], program: &str) -> bool {
    source(piece, program).is_some()
}

/// Whether a command that said this alone and ended with this code never ran.
pub(crate) fn is_why(code: i32, piece: &[u8], program: &str) -> bool {
    match source(piece, program) {
        Some(Source::Shell) => code == 127,
        Some(Source::Sudo) => code == 1,
        // Runtimes disagree: containerd has a status of its own, others end with one of these.
        Some(Source::Runtime) => matches!(code, 126 | 127 | 255),
        None => false,
    }
}

#[derive(Clone, Copy)]
enum Source {
    Shell,
    Sudo,
    Runtime,
}

fn source(piece: &[u8], program: &str) -> Option<Source> {
    let text = std::str::from_utf8(piece).ok()?;
    let line = text.strip_suffix('\n').unwrap_or(text).trim_end_matches('\r');
    if line.contains('\n') || program.is_empty() {
        return None;
    }
    // `exec: "ping": executable file not found in $PATH`, in which a log may quote the quotes;
    // crun: "executable file `ping` not found in $PATH".
    if line.contains("executable file") && line.contains("not found") {
        let quoted = [format!("\"{program}\""), format!("\"{program}\\\""), format!("`{program}`")];
        return quoted.iter().any(|name| line.contains(name)).then_some(Source::Runtime);
    }
    if line == format!("sudo: {program}: command not found") {
        return Some(Source::Sudo);
    }
    let mut said =
        vec![format!(": {program}: not found"), format!(": {program}: command not found")];
    if program.contains('/') {
        said.push(format!(": {program}: No such file or directory"));
    }
    let whole = [format!("command not found: {program}"), format!("Unknown command: {program}")];
    let fits = said.iter().any(|end| line.ends_with(end))
        || whole.iter().any(|words| {
            line.strip_suffix(words.as_str()).is_some_and(|shell| shell.ends_with([':', ' ']))
        });
    fits.then_some(Source::Shell)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(code: i32, said: &str, program: &str, expected: bool) {
        assert_eq!(is_why(code, said.as_bytes(), program), expected, "{code} {said:?} {program}");
    }

    #[test]
    fn shells_runtimes_and_sudo_say_it_each_in_their_words() {
        for (code, said) in [
            (127, "kubectl-lab: ping: not found\n"),
            (127, "sh: 1: ping: not found\n"),
            (127, "bash: line 1: ping: command not found\n"),
            (127, "bash: ping: command not found"),
            (127, "zsh:1: command not found: ping\n"),
            (127, "fish: Unknown command: ping\r\n"),
            (1, "sudo: ping: command not found\n"),
            (
                255,
                "time=\"x\" level=error msg=\"exec failed: exec: \\\"ping\\\": executable file not found in $PATH\"",
            ),
            (
                126,
                "OCI runtime exec failed: exec: \"ping\": executable file not found in $PATH: unknown",
            ),
            (127, "executable file `ping` not found in $PATH: No such file or directory"),
        ] {
            check(code, said, "ping", true);
            check(0, said, "ping", false);
            check(code, said, "pin", false);
            check(code, &format!("{said}\nmore\n"), "ping", false);
        }
        check(127, "bash: line 1: /sbin/ip: No such file or directory\n", "/sbin/ip", true);
    }

    #[test]
    fn what_a_program_says_of_another_is_its_own_answer() {
        check(127, "sh: 1: ping: not found\n", "sh", false);
        check(1, "sh: 1: ping: not found\n", "ping", false);
        check(127, "ping: ip: No such file or directory\n", "ip", false);
        check(127, "", "ping", false);
        check(127, "not found", "", false);
        check(127, "ping: unknown host sping: not found", "ping", false);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_bytes_are_read(piece in prop::collection::vec(any::<u8>(), 0..80), program in ".{0,9}") {
            let _ = is_why(127, &piece, &program);
        }
    }
}
