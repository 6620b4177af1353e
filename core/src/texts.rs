//! What the built-in commands print: plugins, their asks, explanations, settings.

use std::fmt::Write;

use lab_types::Card;

/// What a `**` in an ask means, above the list of what is known to only read.
const ANY_COMMAND: &str = "\nany command
  `**` stands for any words. A command of the forms below only reads, and runs unasked; for every
  other one you are asked, with its exact words, before it runs anywhere. `--yes` answers for you.
  {…} is any number of these words, -[abc] a dash and some of these letters, x? at most one,
  x* any number, x+ at least one, a|b either.

known to only read
";

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
    let arguments = card.commands.iter().flat_map(|command| &command.arguments);
    let mut released: Vec<&str> = arguments
        .filter(|argument| argument.release)
        .map(|argument| argument.name.as_str())
        .collect();
    released.sort_unstable();
    released.dedup();
    if !released.is_empty() {
        text.push_str("\nhanded over only where you write it\n");
    }
    for name in released {
        let _ = writeln!(
            text,
            "  --{name} helm:NAME: the values that were set for this Helm release, out of its Secret"
        );
    }
    if card.asks.iter().flat_map(|ask| &ask.scope).any(|scope| scope.ends_with("**")) {
        text.push_str(ANY_COMMAND);
        let forms = lab_backend::READ_ONLY.lines().filter(|line| !line.starts_with('#'));
        for form in forms.filter(|form| !form.is_empty()) {
            let _ = writeln!(text, "  {form}");
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
