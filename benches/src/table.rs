//! The figures as one table: what was measured, their ratio, and whether it is what it should be.

use std::fmt::Write as _;
use std::time::Duration;

/// One figure.
#[derive(Clone, Debug)]
pub struct Line {
    /// What is compared with what.
    pub name: String,
    /// The program.
    pub ours: String,
    /// Its peer, or nothing for a figure that has none.
    pub peer: String,
    /// The number that is judged, as printed.
    pub ratio: String,
    /// What it should be, or nothing when the line is there to be known.
    pub target: String,
    /// Whether it is.
    pub met: Option<bool>,
}

impl Line {
    /// Times of two programs, with the most that ours may take of the peer's.
    pub fn at_most(
        name: &str,
        ours: Duration,
        peer: Duration,
        target: Option<(f64, &str)>,
    ) -> Self {
        let ratio = ours.as_secs_f64() / peer.as_secs_f64();
        Self {
            name: name.to_owned(),
            ours: ms(ours),
            peer: ms(peer),
            ratio: format!("{ratio:.2}"),
            target: target.map_or_else(String::new, |(_, text)| text.to_owned()),
            met: target.map(|(most, _)| ratio <= most),
        }
    }

    /// A number on its own that must stay below a limit.
    pub fn below(name: &str, ours: f64, unit: &str, limit: f64) -> Self {
        Self {
            name: name.to_owned(),
            ours: format!("{ours:.1} {unit}"),
            peer: String::new(),
            ratio: format!("{:.2}", ours / limit),
            target: format!("< {limit} {unit}"),
            met: Some(ours < limit),
        }
    }
}

/// A time in milliseconds.
pub fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 100.0 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// The table, columns aligned, numbers to the right.
pub fn print(lines: &[Line]) -> String {
    let head = ["FIGURE", "OURS", "PEER", "RATIO", "TARGET", "MET"].map(str::to_owned);
    let rows = lines.iter().map(|line| {
        let met = match line.met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "",
        };
        let cells =
            [&line.name, &line.ours, &line.peer, &line.ratio, &line.target, &met.to_owned()];
        cells.map(|cell| if cell.is_empty() { "-".to_owned() } else { cell.clone() })
    });
    columns(std::iter::once(head).chain(rows), &[1, 2, 3])
}

/// Rows of cells as text; the columns of `right` are aligned to the right.
pub fn columns<const N: usize>(rows: impl Iterator<Item = [String; N]>, right: &[usize]) -> String {
    let rows: Vec<[String; N]> = rows.collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Writing into a string cannot fail.
            let _ = if right.contains(&at) {
                write!(line, "{cell:>width$}   ")
            } else {
                write!(line, "{cell:<width$}   ")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_is_a_dash() {
        let quarter = Some((0.25, "<= 0.25"));
        let (ours, peer) = (Duration::from_millis(10), Duration::from_millis(100));
        let lines =
            [Line::at_most("start", ours, peer, quarter), Line::below("size", 26.0, "MB", 25.0)];
        let text = "\
FIGURE      OURS     PEER   RATIO   TARGET    MET
start    10.0 ms   100 ms    0.10   <= 0.25   yes
size     26.0 MB        -    1.04   < 25 MB   no
";
        assert_eq!(print(&lines), text);
    }
}
