//! The texts behind `kubectl lab explain each/…`, one for each code a finding can carry.

/// Codes and texts.
pub const EXPLANATIONS: &[(&str, &str)] = &[(
    "each/differs",
    "Checks: with --diff, that every host gives the answer that most hosts give.
Why: hosts of one role are meant to be alike; the one with another kernel, setting or rule is where a fault is found first. Many answers differ by nature, such as addresses, so this is only to be known, and --fail-on info makes a script stop at it.
See for yourself: `kubectl lab each -- COMMAND` shows the whole answers.
Fix: what the difference asks for; nothing, if it is meant.
Since: 0.1.0.
Source: standard output, standard error and exit code of the command, byte by byte.",
)];
