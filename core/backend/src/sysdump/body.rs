//! What a file of bugtool says: the output of a command, both streams in one, and perhaps a
//! last line that it failed.

use crate::Outcome;

/// Begins the last line of a command that failed.
const TRAILER: &[u8] = b"> Error while running '";

/// Reads a file. Errors: why it holds no output, in a few words.
pub(super) fn read(bytes: &[u8], argv: &[String]) -> Result<Outcome, String> {
    let (body, fault) = split_trailer(bytes);
    let body = unwrapped(body);
    let Some(fault) = fault else {
        let is_filter = argv.first().is_some_and(|program| program.contains("tables"));
        // Such as a warning that the tables are kept by the other variant of iptables.
        if is_filter && !body.is_empty() && has_only_comments(body) {
            return Err("there are only comments in it".into());
        }
        return Ok(Outcome { out: body.to_vec(), ..Outcome::default() });
    };
    if body.trim_ascii().is_empty() {
        return Err(format!("{fault} when it was made"));
    }
    let code = fault.strip_prefix("exit status ").and_then(|code| code.parse().ok());
    Ok(Outcome {
        code: code.unwrap_or(1),
        out: body.to_vec(),
        err: format!("{fault}\n").into_bytes(),
        // Anything but an exit, such as the deadline, cut it short.
        truncated: code.is_none(),
    })
}

/// The output, and why the command failed.
fn split_trailer(bytes: &[u8]) -> (&[u8], Option<String>) {
    let kept = bytes.trim_ascii_end();
    let start = kept.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let Some(trailer) = kept[start..].strip_prefix(TRAILER) else { return (bytes, None) };
    let trailer = String::from_utf8_lossy(trailer);
    let fault = trailer.rsplit_once("':").map_or(&*trailer, |(_, fault)| fault).trim();
    (&bytes[..start], Some(if fault.is_empty() { "it failed".into() } else { fault.to_owned() }))
}

/// The output without the Markdown around it, which bugtool writes when it is told to.
fn unwrapped(body: &[u8]) -> &[u8] {
    let inner = || {
        let rest = body.strip_prefix(b"# ")?;
        let at = rest.iter().position(|byte| *byte == b'\n')?;
        let rest = rest[at..].strip_prefix(b"\n\n```\n")?;
        rest.trim_ascii_end().strip_suffix(b"```")?.strip_suffix(b"\n")
    };
    inner().unwrap_or(body)
}

fn has_only_comments(body: &[u8]) -> bool {
    body.split(|byte| *byte == b'\n')
        .all(|line| line.trim_ascii().is_empty() || line.starts_with(b"#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, program: &str, expected: Result<(i32, &str, bool), &str>) {
        let found = read(text.as_bytes(), &[program.to_owned()]);
        let found = found.as_ref().map(|outcome| {
            (outcome.code, std::str::from_utf8(&outcome.out).unwrap(), outcome.truncated)
        });
        assert_eq!(found.map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn outputs_and_failures() {
        check("default via x\n", "ip", Ok((0, "default via x\n", false)));
        check("", "ip", Ok((0, "", false)));
        check("> quoted\n", "ip", Ok((0, "> quoted\n", false)));
        let trailer = "> Error while running 'ip -4 r':  exit status 2\n\n";
        check(trailer, "ip", Err("exit status 2 when it was made"));
        check(&format!("some\n{trailer}"), "ip", Ok((2, "some\n", false)));
        check("some\n> Error while running 'x':  exec timeout\n", "ip", Ok((1, "some\n", true)));
        check("> Error while running 'x", "ip", Err("x when it was made"));
    }

    #[test]
    fn markdown_around_the_output() {
        check("# ip -4 r\n\n```\na\nb\n\n```\n", "ip", Ok((0, "a\nb\n", false)));
        check(
            "# ip\n\n```\na\n```\n> Error while running 'ip':  exit status 1\n\n",
            "ip",
            Ok((1, "a", false)),
        );
        check("# ip\n\n```\n", "ip", Ok((0, "# ip\n\n```\n", false)));
    }

    #[test]
    fn comments_are_no_rules() {
        let warning =
            "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them\n";
        check(warning, "iptables-save", Err("there are only comments in it"));
        check("", "iptables-save", Ok((0, "", false)));
        check("# a\n*filter\n", "iptables-save", Ok((0, "# a\n*filter\n", false)));
        check("# a\n", "ip", Ok((0, "# a\n", false)));
    }
}
