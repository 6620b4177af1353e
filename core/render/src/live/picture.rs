//! Everything that a live command has to show, in as many lines as the terminal has: tables on
//! top, findings and missing answers below, and at the bottom how it goes.

use std::time::Duration;

use lab_output::Finding;
use lab_output::Partial;
use lab_output::Table;

use super::Size;
use super::clip::clip;
use crate::Options;
use crate::age::age;
use crate::clean;
use crate::count;
use crate::table::write_table;

/// One table, as far as it may fit.
#[derive(Clone, Debug)]
pub struct Part {
    /// At least as many rows as the terminal has lines, unless there are fewer.
    pub table: Table,
    /// How many rows there are in all.
    pub of: usize,
    /// Whether these are the last rows, and where there is no room the last are kept.
    pub latest: bool,
}

/// How a run goes.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Time since its start.
    pub running: Duration,
    /// When it will be ended.
    pub until: Option<Duration>,
    /// Time since something changed.
    pub unchanged: Option<Duration>,
    /// Progress, or the last line of the log.
    pub note: Option<String>,
}

/// What is to be seen.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// Tables in order.
    pub parts: &'a [Part],
    /// All findings.
    pub findings: &'a [Finding],
    /// All subjects without an answer.
    pub partials: &'a [Partial],
    /// How it goes.
    pub status: &'a Status,
}

/// Lines for a screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// At most as many as the terminal has, none wider than it.
    pub lines: Vec<String>,
    /// How many rows of each part are among them.
    pub rows: Vec<usize>,
    /// How many rows are not.
    pub hidden: usize,
}

/// Draws a scene for a terminal.
///
/// Findings and missing answers may take what the tables leave, and at least a third; tables
/// share the rest, the small ones whole.
pub fn picture(scene: &Scene<'_>, options: &Options, size: Size) -> Picture {
    let options = Options { width: Some(size.columns), ..options.clone() };
    let note = scene.status.note.as_deref().map(|note| clean(note).into_owned());
    let room = size.rows.saturating_sub(1 + usize::from(note.is_some()));
    let below = below(scene, &options);
    let n_tables = scene.parts.iter().filter(|part| !part.table.rows().is_empty()).count();
    let draw = |part, budget| Block::fit(part, n_tables > 1, budget, &options);
    let gaps = n_tables.saturating_sub(1);
    let mut blocks: Vec<Block> = scene.parts.iter().map(|part| draw(part, room)).collect();
    let needed = blocks.iter().map(|block| block.lines.len()).sum::<usize>() + gaps;
    let for_below = below.len().min(room.saturating_sub(needed).max(room / 3));
    let for_tables = room - for_below;
    if needed > for_tables {
        let needs: Vec<usize> = blocks.iter().map(|block| block.lines.len()).collect();
        let most = share(&needs, for_tables.saturating_sub(gaps));
        let parts = scene.parts.iter().zip(needs);
        blocks = parts.map(|(part, need)| draw(part, need.min(most))).collect();
    }
    if blocks.iter().all(|block| block.rows == 0) {
        // Where there is no room for a row of each, there may be for some of the first.
        let first = scene.parts.iter().position(|part| !part.table.rows().is_empty());
        if let Some(first) = first {
            blocks[first] = Block::fit(&scene.parts[first], false, for_tables, &options);
        }
    }
    let rows: Vec<usize> = blocks.iter().map(|block| block.rows).collect();
    let hidden = scene.parts.iter().zip(&rows).map(|(part, rows)| part.of - rows).sum();
    let mut lines = Vec::new();
    for block in blocks.into_iter().filter(|block| !block.lines.is_empty()) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(block.lines);
    }
    if lines.is_empty() {
        let any = scene.parts.iter().any(|part| part.of > 0);
        lines.push(if any { "no room for a row" } else { "no rows yet" }.to_owned());
    }
    lines.truncate(for_tables.max(1));
    lines.extend(cut(below, for_below));
    lines.truncate(room);
    lines.extend(note);
    lines.push(status(scene.status, hidden));
    lines.truncate(size.rows);
    let lines = lines.iter().map(|line| clip(line, size.columns).into_owned()).collect();
    Picture { lines, rows, hidden }
}

/// The most lines that each may take, so that all together take no more than `room`.
fn share(needs: &[usize], room: usize) -> usize {
    let taken = |most: usize| needs.iter().map(|&need| need.min(most)).sum::<usize>();
    (0..=room).rev().find(|&most| taken(most) <= room).unwrap_or(0)
}

/// One table in lines.
struct Block {
    lines: Vec<String>,
    rows: usize,
}

impl Block {
    /// As many rows as fit into `budget` lines, of which a row may take several.
    fn fit(part: &Part, named: bool, budget: usize, options: &Options) -> Self {
        let mut rows = part.table.rows().len().min(budget);
        loop {
            let lines = if rows == 0 { Vec::new() } else { lines(part, rows, named, options) };
            if lines.len() <= budget {
                return Self { lines, rows };
            }
            let over = lines.len() - budget;
            rows -= (rows * over / lines.len()).max(1);
        }
    }
}

fn lines(part: &Part, n_rows: usize, named: bool, options: &Options) -> Vec<String> {
    let all = part.table.rows();
    let rows = if part.latest { &all[all.len() - n_rows..] } else { &all[..n_rows] };
    let mut shown = Table::new(part.table.name(), part.table.columns().to_vec());
    let mut text = Vec::new();
    // The rows come from a table of these columns, and memory can be written.
    let drawn = shown.append(rows.iter().cloned()).is_ok();
    let left_out = write_table(&shown, options, &mut text).unwrap_or_default();
    let mut lines = Vec::new();
    if named {
        lines.push(format!("{}:", clean(part.table.name())));
    }
    if drawn {
        lines.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned));
    }
    let mut remarks = Vec::new();
    if part.of > n_rows {
        let which = if part.latest { "earlier" } else { "more" };
        remarks.push(count(part.of - n_rows, &format!("{which} row")));
    }
    if !left_out.is_empty() {
        remarks.push(format!("no room for {}", left_out.join(", ")));
    }
    if !remarks.is_empty() {
        lines.push(format!("… {}", remarks.join("; ")));
    }
    lines
}

/// Findings and missing answers.
fn below(scene: &Scene<'_>, options: &Options) -> Vec<String> {
    let mut text = Vec::new();
    // Memory can be written.
    if !scene.findings.is_empty() {
        let _ = crate::render_findings(scene.findings, options, &mut text);
    }
    let _ = crate::render_partials(scene.partials, &options.hosts, &mut text);
    if text.is_empty() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&text);
    std::iter::once("").chain(text.lines()).map(str::to_owned).collect()
}

/// The first lines, and how many more there are.
fn cut(mut lines: Vec<String>, room: usize) -> Vec<String> {
    if lines.len() > room {
        let hidden = lines.len() - room.saturating_sub(1);
        lines.truncate(room.saturating_sub(1));
        if room > 0 {
            lines.push(format!("… {}, shown at the end", count(hidden, "more line")));
        }
    }
    lines
}

fn status(status: &Status, hidden: usize) -> String {
    let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let mut text = format!("running {}", age(ms(status.running)));
    if let Some(until) = status.until {
        text = format!("{text} of {}", age(ms(until)));
    }
    if let Some(unchanged) = status.unchanged {
        text = format!("{text}, changed {} ago", age(ms(unchanged)));
    }
    let all = if hidden > 0 { "; `| less` shows all rows" } else { "" };
    format!("{text}; Ctrl-C ends it{all}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_tables_are_whole_and_large_ones_share_the_rest() {
        assert_eq!(share(&[3, 3], 10), 10);
        assert_eq!(share(&[3, 50, 40], 23), 10);
        assert_eq!(share(&[9, 9], 1), 0);
        assert_eq!(share(&[], 5), 5);
    }

    #[test]
    fn lines_that_are_cut_are_counted() {
        let lines = || ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(cut(lines(), 3), lines());
        assert_eq!(cut(lines(), 2), ["a", "… 2 more lines, shown at the end"]);
        assert!(cut(lines(), 0).is_empty());
    }

    proptest! {
        #[test]
        fn shares_fit(needs in prop::collection::vec(0_usize..60, 0..5), room in 0_usize..80) {
            let most = share(&needs, room);
            prop_assert!(needs.iter().map(|&need| need.min(most)).sum::<usize>() <= room);
        }
    }
}
