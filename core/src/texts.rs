//! What the built-in commands print: plugins, their asks, explanations, settings.

use std::fmt::Write;

use lab_types::Card;

/// `plugin list`.
pub(crate) fn plugin_list(cards: &[(String, Card)]) -> String {
    let width = cards.iter().map(|(name, _)| name.len()).max().unwrap_or_default().max(4);
    let mut text = format!("{:width$}   VERSION   KIND       ABOUT\n", "NAME");
    for (name, card) in cards {
        let version = env!("CARGO_PKG_VERSION");
        let _ = writeln!(text, "{name:width$}   {version:7}   built-in   {}", card.about);
    }
    text
}

/// `plugin info NAME`.
pub(crate) fn plugin_info(name: &str, card: &Card) -> String {
    let mut text = format!("{name} {} (built-in)\n{}\n", env!("CARGO_PKG_VERSION"), card.about);
    if let Some(license) = &card.license {
        let _ = writeln!(text, "license: {license}");
    }
    if let Some(homepage) = &card.homepage {
        let _ = writeln!(text, "bugs: {homepage}");
    }
    text.push_str("\ncommands\n");
    for command in &card.commands {
        let _ = writeln!(text, "  kubectl lab {:24} {}", command.path.join(" "), command.about);
    }
    text.push_str("\nasks\n");
    for ask in &card.asks {
        let _ = writeln!(text, "  {}: {}", ask.capability, ask.reason);
        for scope in &ask.scope {
            let _ = writeln!(text, "    {scope}");
        }
    }
    let limits = lab_engine::Limits::default();
    let _ = writeln!(
        text,
        "\nlimits\n  memory {} MiB, computing {} s, {} rows, {} findings, {} commands at once",
        limits.memory >> 20,
        limits.compute.as_secs(),
        limits.rows,
        limits.findings,
        limits.concurrency
    );
    text
}

/// `explain CODE`, or the list of codes.
pub(crate) fn explain(code: Option<&str>, cards: &[(String, Card)]) -> String {
    let mut text = String::new();
    let all = || lab_cli::explanations(cards);
    if let Some(code) = code {
        for (_, explanation) in all().filter(|(known, _)| *known == code) {
            let _ = writeln!(text, "{code}\n\n{}", explanation.trim_end());
        }
        return text;
    }
    let width = all().map(|(code, _)| code.len()).max().unwrap_or_default();
    for (code, explanation) in all() {
        let line = explanation.lines().next().unwrap_or_default();
        let _ = writeln!(text, "{code:width$}   {line}");
    }
    text
}
