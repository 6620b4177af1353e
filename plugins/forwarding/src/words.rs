//! Ends, reasons and routes in words: what every table and finding says alike.
//!
//! Nothing is judged here, and no column is known.

use lab_model::iproute2::Route;
use lab_model::walk::{Disposition, Reason};
use lab_plugin::{Health, Level};

/// A disposition as a cell.
pub fn health(disposition: Disposition) -> Health {
    let level = match disposition {
        Disposition::Delivered => Level::Good,
        Disposition::Exits => Level::Info,
        Disposition::FilteredUnknown | Disposition::Unknown => Level::Unknown,
        _ => Level::Bad,
    };
    Health(level, disposition.word().to_owned())
}

/// The cell of what was not found out.
pub fn not_known() -> Health {
    Health(Level::Unknown, "?".to_owned())
}

/// A reason in words.
pub fn say(reason: Reason<'_>) -> Option<String> {
    match reason {
        Reason::None => None,
        Reason::Text(text) => Some(text.to_owned()),
        Reason::Gateway(gateway) => Some(format!("{gateway} is none of the known hosts")),
        Reason::Neighbor(ip, state) => Some(format!("{ip}: {state}")),
    }
}

/// A route's line for evidence; a word where there is none.
pub fn line(route: Option<&Route>) -> String {
    route.map_or_else(|| "no route".to_owned(), |route| route.to_string().replace("\n\t", " "))
}

/// `a, b and 3 more`: names for a message.
pub fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    match names.len() {
        0..=SHOWN => names.join(", "),
        many => format!("{} and {} more", names[..SHOWN].join(", "), many - SHOWN),
    }
}
