//! Rows in the form in which they cross between a plugin and the host: `packed-rows` of
//! `interface output`.
//!
//! Written by the SDK and read by the host, so both are here: what one means, the other reads. A
//! million rows are a million times no allocation, no variant and no copy of their own. Knows
//! neither columns nor tables.

use std::fmt::{Display, Write as _};

/// What a cell is: the number of its case in `variant cell`.
mod case {
    pub(super) const ABSENT: u8 = 0;
    pub(super) const TEXT: u8 = 1;
    pub(super) const INTEGER: u8 = 2;
    pub(super) const DECIMAL: u8 = 3;
    pub(super) const BOOLEAN: u8 = 4;
    pub(super) const TIMESTAMP: u8 = 5;
    pub(super) const DURATION: u8 = 6;
    pub(super) const HEALTH: u8 = 7;
    pub(super) const OBJECT: u8 = 8;
    pub(super) const JSON: u8 = 9;
    /// No cell: a row begins, and its text is the key.
    pub(super) const ROW: u8 = 255;
}

/// Rows on their way to the host: each begins with [`PackedRows::row`], and its cells follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedRows {
    /// Every text, one behind the other.
    pub texts: String,
    /// One word for each row and each cell, and what its case adds.
    pub words: Vec<u64>,
    /// Where the word of the last row is.
    row: usize,
    /// Columns that nobody looks at: a bit for each of the first 64.
    unneeded: u64,
}

impl PackedRows {
    /// Without rows, of a table of these columns: whether anybody looks at each of them.
    pub fn of_columns(needed: &[bool]) -> Self {
        let unneeded = needed.iter().take(64).enumerate().filter(|(_, needed)| !**needed);
        let unneeded = unneeded.fold(0, |bits, (place, _)| bits | 1 << place);
        Self { unneeded, ..Self::default() }
    }

    /// Whether anybody looks at the cell that comes next; of one that nobody looks at
    /// [`PackedRows::absent`] is enough.
    pub fn is_next_needed(&self) -> bool {
        if self.unneeded == 0 {
            return true;
        }
        let place = self.words.get(self.row).map_or(0, |row| *row >> 8 & 0xff_ffff);
        place >= 64 || self.unneeded >> place & 1 == 0
    }

    /// How much there is, in bytes.
    pub fn size(&self) -> usize {
        self.texts.len() + 8 * self.words.len()
    }

    /// Forgets the rows and keeps the room that they had.
    pub fn clear(&mut self) {
        self.texts.clear();
        self.words.clear();
        self.row = 0;
    }

    /// Adds the rows of another one.
    pub fn extend(&mut self, other: &Self) {
        self.row = self.words.len() + other.row;
        self.texts.push_str(&other.texts);
        self.words.extend_from_slice(&other.words);
    }

    /// Begins a row.
    pub fn row(&mut self, key: &str) {
        self.row = self.words.len();
        self.texts.push_str(key);
        self.words.push(word(case::ROW, 0, key.len()));
    }

    /// A cell without a value.
    pub fn absent(&mut self) {
        self.cell(case::ABSENT, 0, 0);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.texts.push_str(text);
        self.cell(case::TEXT, 0, text.len());
    }

    /// A text as it is displayed.
    pub fn display(&mut self, text: impl Display) {
        let before = self.texts.len();
        // Writing to a text does not fail; a value that does is shown as far as it went.
        let _infallible = write!(self.texts, "{text}");
        self.cell(case::TEXT, 0, self.texts.len() - before);
    }

    /// A whole number.
    pub fn integer(&mut self, number: i64) {
        self.number(case::INTEGER, number.cast_unsigned());
    }

    /// A number.
    pub fn decimal(&mut self, number: f64) {
        self.number(case::DECIMAL, number.to_bits());
    }

    /// Yes or no.
    pub fn boolean(&mut self, on: bool) {
        self.cell(case::BOOLEAN, u8::from(on), 0);
    }

    /// Unix time in milliseconds.
    pub fn timestamp(&mut self, milliseconds: i64) {
        self.number(case::TIMESTAMP, milliseconds.cast_unsigned());
    }

    /// Nanoseconds.
    pub fn duration(&mut self, nanoseconds: i64) {
        self.number(case::DURATION, nanoseconds.cast_unsigned());
    }

    /// A judged word; `level` is the number of its case in `enum level`.
    pub fn health(&mut self, level: u8, text: &str) {
        self.texts.push_str(text);
        self.cell(case::HEALTH, level, text.len());
    }

    /// A Kubernetes object.
    pub fn object(&mut self, api_version: &str, kind: &str, namespace: Option<&str>, name: &str) {
        self.cell(case::OBJECT, u8::from(namespace.is_some()), 0);
        for text in [api_version, kind, namespace.unwrap_or_default(), name] {
            self.texts.push_str(text);
            self.words.push(word(case::TEXT, 0, text.len()));
        }
    }

    /// One JSON document.
    pub fn json(&mut self, document: &str) {
        self.texts.push_str(document);
        self.cell(case::JSON, 0, document.len());
    }

    fn number(&mut self, case: u8, bits: u64) {
        self.cell(case, 0, 0);
        self.words.push(bits);
    }

    /// Adds a cell, and counts it in its row.
    fn cell(&mut self, case: u8, detail: u8, bytes: usize) {
        self.words.push(word(case, detail, bytes));
        if let Some(row) = self.words.get_mut(self.row) {
            *row += ONE_CELL;
        }
    }
}

/// A cell in the word of its row: three bytes above the case.
const ONE_CELL: u64 = 1 << 8;

/// The case in the lowest byte, what it adds in the next, and in the upper half the bytes of its
/// text, of which a component cannot have more.
fn word(case: u8, detail: u8, bytes: usize) -> u64 {
    u64::from(case) | u64::from(detail) << 8 | (bytes as u64) << 32
}

/// One cell of a packed row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "the cases of `variant cell`")]
pub enum PackedCell<'a> {
    Absent,
    Text(&'a str),
    Integer(i64),
    Decimal(f64),
    Boolean(bool),
    Timestamp(i64),
    Duration(i64),
    Health(u8, &'a str),
    Object { api_version: &'a str, kind: &'a str, namespace: Option<&'a str>, name: &'a str },
    Json(&'a str),
}

/// Packed rows that are none: a bug of whoever wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// A row of so many cells in a table of so many columns.
    Cells(usize, usize),
    /// What else is wrong.
    Broken(&'static str),
}

impl Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cells(cells, columns) => {
                write!(f, "a row has {cells} cells, the table has {columns} columns")
            }
            Self::Broken(why) => write!(f, "packed rows: {why}"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads packed rows, cell by cell.
#[derive(Clone, Debug)]
pub struct PackedReader<'a> {
    texts: &'a str,
    words: std::slice::Iter<'a, u64>,
}

impl<'a> PackedReader<'a> {
    /// Over the parts of a [`PackedRows`], which may be anything at all.
    pub fn new(texts: &'a str, words: &'a [u64]) -> Self {
        Self { texts, words: words.iter() }
    }

    /// Words that are left: no more cells are.
    pub fn n_words(&self) -> usize {
        self.words.len()
    }

    /// Whether there is another row.
    ///
    /// # Errors
    /// All words are read, and there are texts that belong to none.
    pub fn is_at_end(&self) -> Result<bool, Unreadable> {
        match (self.words.as_slice(), self.texts) {
            ([], "") => Ok(true),
            ([], _) => Err(Unreadable::Broken("texts are left that belong to no cell")),
            _ => Ok(false),
        }
    }

    /// The key of the next row, which has so many cells.
    ///
    /// # Errors
    /// No row begins here, or one of another number of cells.
    pub fn row(&mut self, n_cells: usize) -> Result<&'a str, Unreadable> {
        let word = self.word()?;
        let [case::ROW, a, b, c, ..] = word.to_le_bytes() else {
            return Err(Unreadable::Broken("something else is where a row should begin"));
        };
        match u32::from_le_bytes([a, b, c, 0]) as usize {
            cells if cells == n_cells => self.text(word),
            cells => Err(Unreadable::Cells(cells, n_cells)),
        }
    }

    /// The next cell.
    ///
    /// # Errors
    /// Nothing is left, a case that does not exist, or a text that is cut within a character.
    pub fn cell(&mut self) -> Result<PackedCell<'a>, Unreadable> {
        let word = self.word()?;
        let [case, detail, ..] = word.to_le_bytes();
        Ok(match case {
            case::ABSENT => PackedCell::Absent,
            case::TEXT => PackedCell::Text(self.text(word)?),
            case::INTEGER => PackedCell::Integer(self.word()?.cast_signed()),
            case::DECIMAL => PackedCell::Decimal(f64::from_bits(self.word()?)),
            case::BOOLEAN => PackedCell::Boolean(detail != 0),
            case::TIMESTAMP => PackedCell::Timestamp(self.word()?.cast_signed()),
            case::DURATION => PackedCell::Duration(self.word()?.cast_signed()),
            case::HEALTH => PackedCell::Health(detail, self.text(word)?),
            case::OBJECT => {
                let [api_version, kind, namespace, name] =
                    [self.name()?, self.name()?, self.name()?, self.name()?];
                let namespace = (detail != 0).then_some(namespace);
                PackedCell::Object { api_version, kind, namespace, name }
            }
            case::JSON => PackedCell::Json(self.text(word)?),
            _ => return Err(Unreadable::Broken("a cell of no known case")),
        })
    }

    /// A part of an object.
    fn name(&mut self) -> Result<&'a str, Unreadable> {
        match self.cell()? {
            PackedCell::Text(name) => Ok(name),
            _ => Err(Unreadable::Broken("a part of an object is no text")),
        }
    }

    fn word(&mut self) -> Result<u64, Unreadable> {
        self.words.next().copied().ok_or(Unreadable::Broken("they end within a row"))
    }

    fn text(&mut self, word: u64) -> Result<&'a str, Unreadable> {
        let length = usize::try_from(word >> 32).unwrap_or(usize::MAX);
        let cut =
            Unreadable::Broken("a text is cut within a character, or longer than all of them");
        let (text, rest) = self.texts.split_at_checked(length).ok_or(cut)?;
        self.texts = rest;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed() -> PackedRows {
        let mut rows = PackedRows::default();
        rows.row("key");
        rows.absent();
        rows.text("ü");
        rows.display(format_args!("{}-{}", "a", 7));
        rows.integer(-1);
        rows.decimal(0.5);
        rows.boolean(true);
        rows.timestamp(i64::MAX);
        rows.duration(i64::MIN);
        rows.health(3, "missing");
        rows.object("v1", "Pod", Some("ns"), "p");
        rows.object("v1", "Node", None, "n");
        rows.json("{}");
        rows
    }

    #[test]
    fn columns_that_nobody_looks_at_are_told() {
        let mut rows = PackedRows::of_columns(&[true, false, true]);
        for _ in 0..2 {
            rows.row("key");
            let mut needed = Vec::new();
            for _ in 0..3 {
                needed.push(rows.is_next_needed());
                rows.absent();
            }
            assert_eq!(needed, [true, false, true]);
        }
        let mut many = PackedRows::of_columns(&[false; 70]);
        many.row("key");
        (0..64).for_each(|_| many.absent());
        assert!(many.is_next_needed(), "more than can be told are all needed");
    }

    #[test]
    fn what_is_written_is_read() {
        let rows = packed();
        let mut reader = PackedReader::new(&rows.texts, &rows.words);
        assert_eq!(reader.clone().row(11), Err(Unreadable::Cells(12, 11)));
        assert_eq!(reader.row(12), Ok("key"));
        let mut cells = Vec::new();
        while reader.is_at_end() == Ok(false) {
            cells.push(reader.cell().unwrap());
        }
        assert_eq!(
            cells,
            [
                PackedCell::Absent,
                PackedCell::Text("ü"),
                PackedCell::Text("a-7"),
                PackedCell::Integer(-1),
                PackedCell::Decimal(0.5),
                PackedCell::Boolean(true),
                PackedCell::Timestamp(i64::MAX),
                PackedCell::Duration(i64::MIN),
                PackedCell::Health(3, "missing"),
                PackedCell::Object {
                    api_version: "v1",
                    kind: "Pod",
                    namespace: Some("ns"),
                    name: "p"
                },
                PackedCell::Object { api_version: "v1", kind: "Node", namespace: None, name: "n" },
                PackedCell::Json("{}"),
            ]
        );
    }

    #[test]
    fn cleared_rows_are_none() {
        let mut rows = packed();
        assert!(rows.size() > 100);
        let mut twice = packed();
        twice.extend(&rows);
        assert_eq!(twice.size(), 2 * rows.size());
        rows.clear();
        assert_eq!(rows, PackedRows::default());
        assert_eq!(PackedReader::new("", &[]).is_at_end(), Ok(true));
    }

    #[test]
    fn what_nobody_wrote_is_refused() {
        let check = |texts: &str, words: &[u64], why: &str| {
            let error = PackedReader::new(texts, words).cell().unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        };
        check("", &[], "end within a row");
        check("", &[word(case::INTEGER, 0, 0)], "end within a row");
        check("", &[10], "no known case");
        check("ü", &[word(case::TEXT, 0, 1)], "within a character");
        check("a", &[word(case::JSON, 0, 2)], "longer than all");
        check("", &[word(case::OBJECT, 0, 0), 0, 0, 0, 0], "no text");
        assert!(PackedReader::new("a", &[]).is_at_end().is_err());
        let cell = PackedReader::new("", &[word(case::ABSENT, 0, 0)]).row(0).unwrap_err();
        assert!(cell.to_string().contains("where a row should begin"), "{cell}");
    }

    #[test]
    fn damage_is_never_a_panic() {
        let rows = packed();
        for at in 0..rows.words.len() {
            for bit in 0..64 {
                let mut words = rows.words.clone();
                words[at] ^= 1 << bit;
                let mut reader = PackedReader::new(&rows.texts, &words);
                let _ends = reader.clone().row(12);
                while reader.is_at_end() == Ok(false) && reader.cell().is_ok() {}
            }
        }
    }
}
