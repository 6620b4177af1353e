//! One typed value of a table, as in `interface output`.

use lab_types::ObjectRef;
use lab_types::PackedCell;
use smol_str::SmolStr;

use crate::ColumnKind;

/// How good or bad something is; `Unknown` stands apart and is never the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// As it should be.
    Good,
    /// Worth knowing.
    Info,
    /// Should be looked at; decides the exit code by default.
    Warn,
    /// Broken.
    Bad,
    /// Not read, so not judged.
    Unknown,
}

impl Level {
    /// The word in JSON and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Unknown => "unknown",
        }
    }

    /// Reads the word that [`Level::as_str`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Good, Self::Info, Self::Warn, Self::Bad, Self::Unknown]
            .into_iter()
            .find(|level| level.as_str() == word)
    }

    /// By the number of its case in `enum level` of the interface; what has none is unknown.
    pub fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Good,
            1 => Self::Info,
            2 => Self::Warn,
            3 => Self::Bad,
            _ => Self::Unknown,
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Info => 1,
            Self::Warn => 2,
            Self::Bad => 3,
            Self::Unknown => 4,
        }
    }

    /// Order for "worst first": bad, warn, unknown, info, good.
    pub fn severity(self) -> u8 {
        match self {
            Self::Bad => 4,
            Self::Warn => 3,
            Self::Unknown => 2,
            Self::Info => 1,
            Self::Good => 0,
        }
    }
}

/// One value. The kind of its column says how text formats draw it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// There is none; drawn `-`, JSON null.
    Absent,
    /// Text of any kind.
    Text(SmolStr),
    /// A whole number, in base units.
    Integer(i64),
    /// A number, in base units.
    Decimal(f64),
    /// Yes or no.
    Boolean(bool),
    /// Unix time in milliseconds.
    Timestamp(i64),
    /// Nanoseconds.
    Duration(i64),
    /// A judged word.
    Health(Level, SmolStr),
    /// A Kubernetes object.
    Object(ObjectRef),
    /// One JSON document.
    Json(SmolStr),
    /// The values of rows that were folded into one, and how many different values the whole
    /// table has; only folding makes it.
    Many(Vec<Cell>, usize),
    /// A value before and after; only a comparison makes it.
    Changed(Box<(Cell, Cell)>),
}

const fn bit(kind: ColumnKind) -> u32 {
    1 << kind as u32
}

impl Cell {
    /// Whether it may stand in a column of this kind.
    #[inline]
    pub fn fits(&self, kind: ColumnKind) -> bool {
        match self {
            Self::Many(cells, _) => cells.iter().all(|cell| cell.fits(kind)),
            Self::Changed(pair) => pair.0.fits(kind) && pair.1.fits(kind),
            _ => self.as_packed().is_some_and(|cell| packed_fits(&cell, kind)),
        }
    }

    /// The value as a plugin packs it; none for what only folding and comparing make.
    #[inline]
    pub fn as_packed(&self) -> Option<PackedCell<'_>> {
        Some(match self {
            Self::Absent => PackedCell::Absent,
            Self::Text(text) => PackedCell::Text(text),
            Self::Integer(number) => PackedCell::Integer(*number),
            Self::Decimal(number) => PackedCell::Decimal(*number),
            Self::Boolean(on) => PackedCell::Boolean(*on),
            Self::Timestamp(milliseconds) => PackedCell::Timestamp(*milliseconds),
            Self::Duration(nanoseconds) => PackedCell::Duration(*nanoseconds),
            Self::Health(level, text) => PackedCell::Health(level.number(), text),
            Self::Object(of) => PackedCell::Object {
                api_version: &of.api_version,
                kind: &of.kind,
                namespace: of.namespace.as_deref(),
                name: &of.name,
            },
            Self::Json(document) => PackedCell::Json(document),
            Self::Many(..) | Self::Changed(_) => return None,
        })
    }
}

/// Whether a value may stand in a column of this kind: a number for each case, as every cell of
/// every stream is looked at.
#[inline]
pub(crate) fn packed_fits(cell: &PackedCell<'_>, kind: ColumnKind) -> bool {
    use ColumnKind as K;
    const AMOUNTS: u32 = bit(K::Decimal) | bit(K::Bytes) | bit(K::Cores) | bit(K::Percent);
    let kinds = match cell {
        PackedCell::Absent => u32::MAX,
        // A text stands in for any value that is known only in words, such as `?`.
        PackedCell::Text(_) => !bit(K::Json),
        PackedCell::Integer(_) => bit(K::Integer) | AMOUNTS,
        PackedCell::Decimal(_) => AMOUNTS,
        PackedCell::Boolean(_) => bit(K::Boolean),
        PackedCell::Timestamp(_) => bit(K::Timestamp),
        PackedCell::Duration(_) => bit(K::Duration),
        PackedCell::Health(..) => bit(K::Health),
        PackedCell::Object { .. } => bit(K::Object),
        PackedCell::Json(_) => bit(K::Json),
    };
    kinds & bit(kind) != 0
}
