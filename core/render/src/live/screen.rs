//! A picture on a terminal, drawn again in place: only lines that differ are written.
//!
//! It has the terminal's other screen to itself, so that what the user saw before comes back when
//! it ends; a new size needs no more than drawing all of it again.

use std::fmt::Write;
use std::time::Duration;

use super::Size;

/// The other screen, without the cursor.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
/// Gives the terminal back: its first screen, with the cursor.
pub const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";
/// Everything is drawn again after this long: keys that are pressed, and other programs, write on
/// the screen too.
const HEALED: Duration = Duration::from_secs(5);

/// What stands on the screen.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    lines: Vec<String>,
    size: Option<Size>,
    painted: Duration,
}

impl Screen {
    /// Appends to `out` what makes the screen show these lines, of which none may be wider than
    /// the terminal nor more than it has.
    pub fn draw(&mut self, lines: Vec<String>, size: Size, now: Duration, out: &mut String) {
        if self.size.is_none() {
            out.push_str(ENTER);
        }
        let all = self.size != Some(size) || now >= self.painted + HEALED;
        if all {
            out.push_str("\u{1b}[H\u{1b}[2J");
            self.painted = now;
            self.lines.clear();
        }
        for (place, line) in lines.iter().enumerate() {
            if self.lines.get(place) != Some(line) {
                // Writing to a string does not fail.
                let _ = write!(out, "\u{1b}[{};1H{line}\u{1b}[K", place + 1);
            }
        }
        if lines.len() < self.lines.len() {
            let _ = write!(out, "\u{1b}[{};1H\u{1b}[J", lines.len() + 1);
        }
        (self.lines, self.size) = (lines, Some(size));
    }

    /// What gives the terminal back; nothing if nothing was drawn.
    pub fn leave(&mut self) -> &'static str {
        match self.size.take() {
            Some(_) => LEAVE,
            None => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { columns: 10, rows: 4 };

    fn draw(screen: &mut Screen, lines: &[&str], size: Size, seconds: u64) -> String {
        let mut out = String::new();
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        screen.draw(lines, size, Duration::from_secs(seconds), &mut out);
        out.replace('\u{1b}', "^")
    }

    #[test]
    fn only_what_differs_is_written() {
        let mut screen = Screen::default();
        assert_eq!(screen.leave(), "");
        assert_eq!(
            draw(&mut screen, &["a", "b", "c"], SIZE, 0),
            "^[?1049h^[?25l^[H^[2J^[1;1Ha^[K^[2;1Hb^[K^[3;1Hc^[K"
        );
        assert_eq!(draw(&mut screen, &["a", "b", "c"], SIZE, 1), "");
        assert_eq!(draw(&mut screen, &["a", "x", "c"], SIZE, 1), "^[2;1Hx^[K");
        assert_eq!(draw(&mut screen, &["a"], SIZE, 1), "^[2;1H^[J");
        assert_eq!(draw(&mut screen, &["a", "d"], SIZE, 2), "^[2;1Hd^[K");
    }

    #[test]
    fn a_new_size_and_a_while_draw_everything() {
        let mut screen = Screen::default();
        draw(&mut screen, &["a"], SIZE, 0);
        let wider = Size { columns: 20, ..SIZE };
        assert_eq!(draw(&mut screen, &["a"], wider, 1), "^[H^[2J^[1;1Ha^[K");
        assert_eq!(draw(&mut screen, &["a"], wider, 5), "");
        assert_eq!(draw(&mut screen, &["a"], wider, 6), "^[H^[2J^[1;1Ha^[K");
        assert_eq!(screen.leave(), LEAVE);
        assert_eq!(screen.leave(), "");
    }
}
