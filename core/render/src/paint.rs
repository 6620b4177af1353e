//! Colors of levels. Text says everything already; color only makes the eye stop.

use lab_output::Cell;
use lab_output::Level;

/// Ends any color.
pub(crate) const RESET: &str = "\u{1b}[0m";

/// The sequence that begins a level's color, from the sixteen that every terminal themes.
pub(crate) fn color(level: Level) -> Option<&'static str> {
    match level {
        Level::Good => Some("\u{1b}[32m"),
        Level::Info => None,
        Level::Warn => Some("\u{1b}[33m"),
        Level::Bad => Some("\u{1b}[31m"),
        Level::Unknown => Some("\u{1b}[2m"),
    }
}

/// The color of a cell, if it is a judged one: of a changed value the new one counts, of several
/// the worst.
pub(crate) fn color_of(cell: &Cell) -> Option<&'static str> {
    level_of(cell).and_then(color)
}

fn level_of(cell: &Cell) -> Option<Level> {
    match cell {
        Cell::Health(level, _) => Some(*level),
        Cell::Changed(pair) => level_of(&pair.1),
        Cell::Many(cells, _) => {
            cells.iter().filter_map(level_of).max_by_key(|level| level.severity())
        }
        _ => None,
    }
}
