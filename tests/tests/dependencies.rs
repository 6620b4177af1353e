//! Licences and sources of the dependencies, by `deny.toml`: a check of its own, because
//! cargo-deny takes longer to build than the program.

use std::process::Command;

use lab_tests::sources;
use serde_json::Value;

/// The strings of a list of `deny.toml`, one to a line.
fn list(toml: &str, key: &str) -> Vec<String> {
    let after = toml.split(&format!("\n{key} = [")).nth(1).unwrap_or_default();
    let inside = after.split(']').next().unwrap_or_default();
    let lines = inside.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(line.strip_prefix('"')?.split('"').next()?.to_owned())).collect()
}

/// Licences allowed for one package alone.
fn exceptions(toml: &str) -> Vec<(String, String)> {
    let value = |part: &str, key: &str| {
        let line = part.lines().find(|line| line.starts_with(key))?;
        Some(line.split('"').nth(1)?.to_owned())
    };
    toml.split("[[licenses.exceptions]]")
        .skip(1)
        .filter_map(|part| Some((value(part, "crate = ")?, value(part, "allow = ")?)))
        .collect()
}

/// Whether a licence expression can be satisfied with what is allowed. Understands what
/// packages write: names, `AND`, `OR`, the old `/`, and one level of brackets.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for word in expression.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "AND" if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        let part = parts.last_mut().expect("there is one from the start");
        if !matches!(word, "(" | ")") {
            part.push(' ');
            part.push_str(word);
        }
    }
    parts.iter().all(|part| part.split(" OR ").any(|name| allowed(name.trim())))
}

#[test]
fn licences_and_sources_are_those_allowed() {
    let toml = std::fs::read_to_string(sources::root().join("deny.toml")).unwrap();
    let (licences, registries) =
        (list(&toml, "allow"), list(&toml.replace("[\"", "[\n\""), "allow-registry"));
    assert!(licences.len() > 2 && registries.len() == 1, "{licences:?} {registries:?}");
    let exceptions = exceptions(&toml);
    assert_eq!(toml.matches("[[licenses.exceptions]]").count(), exceptions.len());

    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(sources::root())
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or("none");
        let allowed = |licence: &str| {
            licences.iter().any(|known| known == licence)
                || exceptions.iter().any(|(of, known)| of == name && known == licence)
        };
        if !satisfied(licence, &allowed) {
            wrong.push(format!("{name}: licence {licence}"));
        }
        if let Some(source) = package["source"].as_str() {
            let known = registries.iter().any(|known| source == format!("registry+{known}"));
            if !known {
                wrong.push(format!("{name}: source {source}"));
            }
        }
    }
    for (name, _) in &exceptions {
        let needed = packages.iter().any(|package| package["name"] == name.as_str());
        if !needed {
            wrong.push(format!("the exception for {name} is not needed"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = |name: &str| matches!(name, "MIT" | "Zlib");
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("Unlicense/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(GPL-3.0 OR MIT) AND Zlib", true),
        ("(GPL-3.0 OR MIT) AND ISC", false),
        ("none", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }
}
