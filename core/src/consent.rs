//! Who is asked before a command runs that is not known to only read: the user, on the terminal.
//!
//! Apart from the terminal because it decides, and from the gate because it speaks. Without an
//! answer nothing runs, and the default answer is no.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use lab_backend::Answer;
use lab_backend::AnyConsent;
use lab_backend::Backend;
use lab_backend::Consent;
use lab_backend::Wish;
use lab_cli::Settings;
use lab_types::Failure;

use crate::terminal;
use crate::terminal::Console;

/// Who is asked before something runs there.
pub(crate) fn of(
    settings: &Settings,
    console: &Arc<Console>,
    backend: &dyn Backend,
) -> Arc<dyn Consent> {
    // What was recorded only says what was answered once: nothing runs.
    if settings.hosts.yes || backend.is_recorded() {
        return Arc::new(AnyConsent);
    }
    Arc::new(AtTerminal { console: console.clone() })
}

/// Asks on the terminal.
struct AtTerminal {
    console: Arc<Console>,
}

impl Consent for AtTerminal {
    fn ask<'a>(&'a self, wish: &'a Wish) -> BoxFuture<'a, Answer<()>> {
        async move {
            let command = lab_render::quote(&wish.argv);
            if !terminal::interactive() {
                return Err(refused(&command, "nobody can be asked without a terminal"));
            }
            self.console.clear();
            let text = question(&command, wish);
            // Waits in a thread of its own, so that signals still end the run.
            let line = tokio::task::spawn_blocking(move || terminal::ask(&text)).await;
            match line.ok().flatten() {
                Some(line) if is_yes(&line) => Ok(()),
                _ => Err(refused(&command, "you did not agree")),
            }
        }
        .boxed()
    }
}

fn question(command: &str, wish: &Wish) -> String {
    let what = match wish.place {
        "agent" => "agent",
        "pod" => "pod",
        _ => "host",
    };
    let places = lab_render::count(wish.places, what);
    format!(
        "This is not known to only read, and would run on {places}:\n\n  {command}\n\nRun it? [y/N] "
    )
}

fn refused(command: &str, why: &str) -> Failure {
    Failure::denied(format!("`{command}` is not known to only read: {why}"))
        .hint("nothing was run; `--yes` agrees beforehand")
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        for (line, expected) in [
            ("y\n", true),
            (" Yes \r\n", true),
            ("\n", false),
            ("n\n", false),
            ("yep\n", false),
            ("y y\n", false),
            ("", false),
        ] {
            assert_eq!(is_yes(line), expected, "{line:?}");
        }
    }

    #[test]
    fn the_question_shows_exactly_what_would_run_and_where() {
        let argv = ["sh", "-c", "reboot\u{1b}[1A"].map(str::to_owned).to_vec();
        let wish = Wish { place: "host", argv, places: 3 };
        let text = question(&lab_render::quote(&wish.argv), &wish);
        assert!(text.contains("would run on 3 hosts:"), "{text}");
        assert!(text.contains(r"  sh -c $'reboot\x1b[1A'"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
