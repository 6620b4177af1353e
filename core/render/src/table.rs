//! `-o table` and `-o wide`: kubectl's look.
//!
//! Upper-case headers, three spaces, no borders, numbers to the right, nothing after the last
//! column. Texts of a column that has lines are drawn line by line, beside them the other cells
//! stay empty. Rows are drawn twice, first to measure and then to write, so that a million of them
//! need no memory. Nothing is ever cut off: where a terminal is too narrow, columns are left out
//! and named (see [`fit`]), or with `-o wide` each row becomes a block of lines.

use std::borrow::Borrow;
use std::io;
use std::io::Write;

use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Row;
use lab_output::Table;

use crate::Format;
use crate::Options;
use crate::clean;
use crate::paint;
use crate::record;
use crate::value::Drawing;
use crate::value::as_it_stands;
use crate::value::draw;
use crate::value::draw_lines;
use crate::value::is_number;
use crate::width::push_spaces;
use crate::width::widest;
use crate::width::width;
use crate::wrap;
use crate::wrap::Breaks;

/// Between columns, as in kubectl.
const GAP: usize = 3;
/// Between columns where three do not fit.
const NARROW_GAP: usize = 2;
/// A cell that would take more lines than this is easier to read in a record.
const MOST_LINES: usize = 6;

/// Writes tables, with a blank line and a line with the name of each between them; tables
/// without rows are left out. The answer names the columns for which there was no room.
pub(crate) fn write_tables(
    tables: &[Table],
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<Vec<String>> {
    let mut left_out = Vec::new();
    let tables: Vec<&Table> = tables.iter().filter(|table| !table.rows().is_empty()).collect();
    for (place, table) in tables.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        if tables.len() > 1 {
            writeln!(out, "{}:", clean(table.name()))?;
        }
        for title in write_table(table, options, out)? {
            if !left_out.contains(&title) {
                left_out.push(title);
            }
        }
    }
    Ok(left_out)
}

/// One column as it is drawn.
pub(crate) struct Drawn<'a> {
    pub(crate) place: usize,
    pub(crate) column: &'a Column,
    pub(crate) title: String,
    /// It is the first one that is shown.
    first: bool,
    /// The widest line of a cell, or the header.
    widest: usize,
    /// The longest word, below which wrapping cannot go.
    word: usize,
    /// What every row so far has here; none once two rows differ.
    same: Option<String>,
}

impl Drawn<'_> {
    /// Where its texts may be broken.
    fn breaks(&self) -> Breaks {
        if self.column.subject { Breaks::Names } else { Breaks::Spaces }
    }

    /// Appends the text of this column's cell. Lines of a text are set in where nothing stands
    /// in front of them: no cluster can write what looks like a row.
    pub(crate) fn draw(&self, row: &Row, drawing: &Drawing, text: &mut String) {
        let start = text.len();
        let cell = &row.cells[self.place];
        if !self.column.lines {
            return draw(cell, self.column.kind, drawing, text);
        }
        draw_lines(cell, self.column.kind, drawing, text);
        if self.first && text[start..].contains('\n') {
            let set_in = text.split_off(start).replace('\n', "\n  ");
            text.push_str(&set_in);
        }
    }
}

/// How a table is laid out for a width.
#[derive(Debug, PartialEq, Eq)]
enum Layout {
    /// One line for each row: whenever it fits, with two spaces between columns if three do not
    /// fit; and always where no width is known.
    Lines { gap: usize, widths: Vec<usize> },
    /// Columns of free text, widest first, are wrapped at spaces; words stay whole.
    Wrapped { widths: Vec<usize> },
    /// Not even that fits: a block of `HEADER: value` lines for each row.
    Records,
}

/// Writes one table; the answer names the columns for which there was no room.
pub(crate) fn write_table(
    table: &Table,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<Vec<String>> {
    let drawing = drawing(options);
    let mut columns = measure(table, options, &drawing);
    let (layout, left_out) = fit(&mut columns, options);
    match layout {
        Layout::Records => record::write(table.rows(), &columns, &drawing, options, out)?,
        Layout::Lines { gap, widths } => {
            let mut pen = Pen::new(&columns, gap, widths, options, out);
            if options.headers {
                pen.header()?;
            }
            if columns.iter().any(|drawn| drawn.column.lines) {
                table.rows().iter().try_for_each(|row| pen.lines(row, &drawing))?;
            } else {
                let mut text = String::new();
                table.rows().iter().try_for_each(|row| pen.line(row, &drawing, &mut text))?;
            }
        }
        Layout::Wrapped { widths } => {
            let gap = NARROW_GAP;
            let mut pen = Pen::new(&columns, gap, widths, options, out);
            if options.headers {
                pen.header()?;
            }
            table.rows().iter().try_for_each(|row| pen.lines(row, &drawing))?;
        }
    }
    Ok(left_out)
}

/// How wide the columns of a first batch of rows are drawn, for [`write_batch`].
pub(crate) fn batch_widths(table: &Table, options: &Options) -> Vec<usize> {
    measure(table, options, &drawing(options)).iter().map(|drawn| drawn.widest).collect()
}

/// Writes rows in columns of these widths, whatever the rows are: a longer cell moves the rest of
/// its line.
pub(crate) fn write_batch(
    table: &Table,
    widths: &[usize],
    headers: bool,
    options: &Options,
    out: &mut dyn Write,
) -> io::Result<()> {
    let columns = drawn_columns(table, options);
    let widths = widths.to_vec();
    let mut pen = Pen::new(&columns, GAP, widths, options, out);
    if headers {
        pen.header()?;
    }
    let (drawing, mut text) = (drawing(options), String::new());
    table.rows().iter().try_for_each(|row| pen.line(row, &drawing, &mut text))
}

/// Columns of a terminal that has room for bars.
const ROOM_FOR_BARS: usize = 110;

fn drawing(options: &Options) -> Drawing {
    Drawing {
        now: options.now,
        absolute: options.absolute,
        whole: options.format == Format::Wide,
        // Never in the place of a column.
        bars: options.width.is_some_and(|columns| columns >= ROOM_FOR_BARS),
    }
}

/// The layout for the width, and the headers of the columns that had to be left out for it.
///
/// A table of fewer columns reads better than a block for each row. First to go are columns that
/// say the same in every row, then the others, each time from the right; never what a row is about
/// (the first two columns where the table does not say), nor what was judged, nor what has lines:
/// that is what the table is for. With `-o wide` everything was asked for, so nothing goes.
fn fit(columns: &mut Vec<Drawn<'_>>, options: &Options) -> (Layout, Vec<String>) {
    let whole = layout(columns, options.width);
    if whole != Layout::Records || options.format == Format::Wide {
        return (whole, Vec::new());
    }
    let has_subjects = columns.iter().any(|drawn| drawn.column.subject);
    let may_go = |place: usize, drawn: &Drawn<'_>| {
        let is_subject = if has_subjects { drawn.column.subject } else { place < 2 };
        !is_subject && drawn.column.kind != ColumnKind::Health && !drawn.column.lines
    };
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    loop {
        let going = |same: bool| {
            kept.iter().rposition(|&place| {
                may_go(place, &columns[place]) && (!same || columns[place].same.is_some())
            })
        };
        let Some(victim) = going(true).or_else(|| going(false)) else {
            return (Layout::Records, Vec::new());
        };
        kept.remove(victim);
        let room: Vec<&Drawn<'_>> = kept.iter().map(|&place| &columns[place]).collect();
        let tried = layout(&room, options.width);
        if tried != Layout::Records {
            let mut place = 0;
            let mut left_out = Vec::new();
            columns.retain(|drawn| {
                let stays = kept.contains(&place);
                place += 1;
                if !stays {
                    left_out.push(drawn.title.clone());
                }
                stays
            });
            return (tried, left_out);
        }
    }
}

/// The columns that are shown, as wide as their headers.
fn drawn_columns<'a>(table: &'a Table, options: &Options) -> Vec<Drawn<'a>> {
    table
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| options.format.shows(column))
        .enumerate()
        .map(|(nth, (place, column))| {
            let title = clean(&column.title).into_owned();
            let header = if options.headers { width(&title) } else { 0 };
            let first = nth == 0;
            Drawn { place, column, title, first, widest: header, word: header, same: None }
        })
        .collect()
}

/// One pass over all rows: the widest cell of each column, and its longest word if that matters.
fn measure<'a>(table: &'a Table, options: &Options, drawing: &Drawing) -> Vec<Drawn<'a>> {
    let mut columns = drawn_columns(table, options);
    let mut text = String::new();
    for (index, row) in table.rows().iter().enumerate() {
        for drawn in &mut columns {
            let (text, wide) = if let Some(text) = as_it_stands(&row.cells[drawn.place]) {
                (text, text.len())
            } else {
                text.clear();
                drawn.draw(row, drawing, &mut text);
                (text.as_str(), widest(&text))
            };
            match &drawn.same {
                _ if index == 0 => drawn.same = Some(text.to_owned()),
                Some(same) if same != text => drawn.same = None,
                _ => {}
            }
            drawn.widest = drawn.widest.max(wide);
            if options.width.is_some() && wide > drawn.word {
                drawn.word = drawn.word.max(wrap::longest_word(text, drawn.breaks()));
            }
        }
    }
    columns
}

fn layout<'a>(columns: &[impl Borrow<Drawn<'a>>], width: Option<usize>) -> Layout {
    let columns: Vec<&Drawn<'_>> = columns.iter().map(Borrow::borrow).collect();
    let widths: Vec<usize> = columns.iter().map(|drawn| drawn.widest).collect();
    let gaps = columns.len().saturating_sub(1);
    let total: usize = widths.iter().sum();
    let Some(width) = width else { return Layout::Lines { gap: GAP, widths } };
    for gap in [GAP, NARROW_GAP] {
        if total + gaps * gap <= width {
            return Layout::Lines { gap, widths };
        }
    }
    match squeeze(&columns, width.saturating_sub(gaps * NARROW_GAP)) {
        Some(widths) => Layout::Wrapped { widths },
        None => Layout::Records,
    }
}

/// Widths that add up to `room`, taken from the widest columns first; none if words would have
/// to break, or cells would become towers.
fn squeeze(columns: &[&Drawn<'_>], room: usize) -> Option<Vec<usize>> {
    let at = |cap: usize| columns.iter().map(move |drawn| drawn.widest.min(cap.max(drawn.word)));
    let mut low = 0;
    let mut high = columns.iter().map(|drawn| drawn.widest).max()?;
    if at(low).sum::<usize>() > room {
        return None;
    }
    // The largest cap that fits; the sum grows with the cap.
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if at(middle).sum::<usize>() <= room { low = middle } else { high = middle - 1 }
    }
    let mut widths: Vec<usize> = at(low).collect();
    let mut left = room - widths.iter().sum::<usize>();
    for (drawn, width) in columns.iter().zip(&mut widths) {
        let more = left.min(drawn.widest - *width);
        *width += more;
        left -= more;
    }
    let tower = |(drawn, width): (&&Drawn<'_>, &usize)| drawn.widest > width * MOST_LINES;
    if columns.iter().zip(&widths).any(tower) { None } else { Some(widths) }
}

/// Writes lines of cells.
struct Pen<'a> {
    columns: &'a [Drawn<'a>],
    gap: usize,
    widths: Vec<usize>,
    color: bool,
    /// The line that is being written.
    written: String,
    out: &'a mut dyn Write,
}

impl<'a> Pen<'a> {
    fn new(
        columns: &'a [Drawn<'a>],
        gap: usize,
        widths: Vec<usize>,
        options: &Options,
        out: &'a mut dyn Write,
    ) -> Self {
        Self { columns, gap, widths, color: options.color, written: String::new(), out }
    }

    fn header(&mut self) -> io::Result<()> {
        let mut before = 0;
        self.written.clear();
        for (place, drawn) in self.columns.iter().enumerate() {
            before = self.cell(place, (&drawn.title, width(&drawn.title)), None, before);
        }
        self.end()
    }

    /// A row on one line, which is written at once: tables can have a million.
    fn line(&mut self, row: &Row, drawing: &Drawing, text: &mut String) -> io::Result<()> {
        let mut before = 0;
        self.written.clear();
        for (place, drawn) in self.columns.iter().enumerate() {
            let cell = &row.cells[drawn.place];
            let color = if self.color { paint::color_of(cell) } else { None };
            before = if let Some(text) = as_it_stands(cell) {
                self.cell(place, (text, text.len()), color, before)
            } else {
                text.clear();
                drawn.draw(row, drawing, text);
                self.cell(place, (text, width(text)), color, before)
            };
        }
        self.end()
    }

    /// A row on as many lines as its longest cell needs.
    fn lines(&mut self, row: &Row, drawing: &Drawing) -> io::Result<()> {
        let texts: Vec<String> = self
            .columns
            .iter()
            .map(|drawn| {
                let mut text = String::new();
                drawn.draw(row, drawing, &mut text);
                text
            })
            .collect();
        let mut cells: Vec<_> = texts
            .iter()
            .zip(&self.widths)
            .zip(self.columns)
            .map(|((text, width), drawn)| wrap::lines(text, *width, drawn.breaks()))
            .collect();
        loop {
            let line: Vec<Option<&str>> = cells.iter_mut().map(Iterator::next).collect();
            if line.iter().all(Option::is_none) {
                return Ok(());
            }
            let mut before = 0;
            self.written.clear();
            for (place, text) in line.into_iter().enumerate() {
                let cell = &row.cells[self.columns[place].place];
                let color = if self.color { paint::color_of(cell) } else { None };
                let text = text.unwrap_or_default();
                before = self.cell(place, (text, width(text)), color, before);
            }
            self.end()?;
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.written.push('\n');
        self.out.write_all(self.written.as_bytes())
    }

    /// One cell, with its width, after so many spaces; the answer is how many belong before the next one. They are
    /// written only when something follows, so that no line ends in spaces.
    fn cell(
        &mut self,
        place: usize,
        (text, width): (&str, usize),
        color: Option<&str>,
        before: usize,
    ) -> usize {
        let pad = self.widths[place].saturating_sub(width);
        if text.is_empty() {
            return before + pad + self.gap;
        }
        let right = is_number(self.columns[place].column.kind);
        let spaces = if right { before + pad } else { before };
        push_spaces(spaces, &mut self.written);
        self.written.push_str(color.unwrap_or_default());
        self.written.push_str(text);
        self.written.push_str(if color.is_some() { paint::RESET } else { "" });
        self.gap + if right { 0 } else { pad }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(columns: &[(usize, usize)], width: Option<usize>, expected: &Layout) {
        let column = Column {
            id: "a".into(),
            title: "A".into(),
            kind: lab_output::ColumnKind::Text,
            wide: false,
            hidden: false,
            lines: false,
            subject: false,
            about: String::new(),
        };
        let drawn: Vec<Drawn<'_>> = columns
            .iter()
            .map(|&(widest, word)| Drawn {
                place: 0,
                column: &column,
                title: "A".into(),
                first: false,
                widest,
                word,
                same: None,
            })
            .collect();
        assert_eq!(&layout(&drawn, width), expected, "{columns:?} at {width:?}");
    }

    #[test]
    fn layout_follows_the_width() {
        let columns = [(10, 10), (15, 15), (40, 8)];
        let natural = vec![10, 15, 40];
        check(&columns, None, &Layout::Lines { gap: 3, widths: natural.clone() });
        check(&columns, Some(71), &Layout::Lines { gap: 3, widths: natural.clone() });
        check(&columns, Some(70), &Layout::Lines { gap: 2, widths: natural });
        check(&columns, Some(60), &Layout::Wrapped { widths: vec![10, 15, 31] });
        check(&columns, Some(37), &Layout::Wrapped { widths: vec![10, 15, 8] });
        check(&columns, Some(36), &Layout::Records);
        check(&[(200, 8)], Some(30), &Layout::Records);
    }
}
