//! Files that a command names: read here, because a plugin sees no files.
//!
//! Apart because it is the one place where a word of the command line is opened. A plugin gets
//! what is in the file in place of its name, and the name beside it.

use std::io::Read;
use std::path::Path;

use lab_cli::Run as Command;
use lab_types::{Card, Failure, Kind, Value};

/// Larger files are refused: a plugin has less memory than that.
const LARGEST: u64 = 64 << 20;

/// What the argument is called that has the names of an argument's files.
fn beside(argument: &str) -> String {
    format!("{argument} name")
}

/// Puts what is in the files in place of their names; `-` is standard input.
///
/// - Errors: a file that cannot be read, is too large, or is no text.
pub(crate) fn read(card: &Card, command: Command) -> Result<Command, Failure> {
    let known = card.commands.iter().find(|known| known.path == command.path);
    let files: Vec<&str> = known
        .iter()
        .flat_map(|known| &known.arguments)
        .filter(|argument| argument.kind == Kind::Path)
        .map(|argument| argument.name.as_str())
        .collect();
    let mut values = Vec::with_capacity(command.values.len());
    for (name, value) in command.values {
        if !files.contains(&name.as_str()) {
            values.push((name, value));
            continue;
        }
        let names = match value {
            Value::Texts(names) => names,
            Value::Text(one) => vec![one],
            other => {
                values.push((name, other));
                continue;
            }
        };
        let texts = names.iter().map(|file| text(file)).collect::<Result<Vec<_>, _>>()?;
        values.push((beside(&name), Value::Texts(names)));
        values.push((name, Value::Texts(texts)));
    }
    Ok(Command { values, ..command })
}

fn text(name: &str) -> Result<String, Failure> {
    let broken = |error: std::io::Error| {
        Failure::invalid(format!("cannot read `{name}`: {error}"))
            .hint("name a file of text, or `-` for standard input")
    };
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes).map_err(broken)?;
    } else {
        let file = std::fs::File::open(Path::new(name)).map_err(broken)?;
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(broken)?;
    }
    if bytes.len() as u64 > LARGEST {
        let message = format!("`{name}` is larger than {} MiB", LARGEST >> 20);
        return Err(Failure::invalid(message).hint("is it the file that was meant?"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let text = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = text.split(|byte| *byte == b'\n').count();
        Failure::invalid(format!("`{name}` is no text: line {line} is not UTF-8"))
            .hint("is it packed, or the wrong file?")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<&str, &str>) {
        let folder = std::env::temp_dir();
        let path = folder.join(format!("kubectl-lab-named-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let name = path.to_str().unwrap();
        let found = text(name).map_err(|failure| failure.message.replace(name, "FILE"));
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_is_read_and_one_that_is_no_text_is_named_with_its_line() {
        check(b"*filter\nCOMMIT\n", Ok("*filter\nCOMMIT\n"));
        check(b"", Ok(""));
        check(b"a\nb\xff\n", Err("`FILE` is no text: line 2 is not UTF-8"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = text("/no/such/file").unwrap_err();
        assert!(failure.message.starts_with("cannot read `/no/such/file`: "), "{failure:?}");
    }
}
