//! A value that was read, was not, or is not there. Unknown is never zero.

use crate::row::pack;
use crate::{Cell, ColumnKind, IntoCell, Level, PackedRows};

/// A value: read, not read, or none there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It was read.
    Known(T),
    /// It was not, and why.
    Unknown(String),
    /// There is none: asked, and not there, or it makes no sense here.
    Absent,
}

impl<T> Fact<T> {
    /// Nobody asked.
    pub fn not_asked() -> Self {
        Self::Unknown("not asked".to_owned())
    }

    /// The value, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// The same about something made of the value.
    pub fn map<U>(&self, make: impl FnOnce(&T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(make(value)),
            Self::Unknown(why) => Fact::Unknown(why.clone()),
            Self::Absent => Fact::Absent,
        }
    }

    /// The same about something that the value may have.
    pub fn and_then<U>(&self, make: impl FnOnce(&T) -> Option<U>) -> Fact<U> {
        match self.map(make) {
            Fact::Known(Some(value)) => Fact::Known(value),
            Fact::Known(None) | Fact::Absent => Fact::Absent,
            Fact::Unknown(why) => Fact::Unknown(why),
        }
    }

    /// Takes the value out; unknown and absent stay what they are.
    pub fn take(&mut self) -> Option<T>
    where
        T: Default,
    {
        match self {
            Self::Known(value) => Some(std::mem::take(value)),
            _ => None,
        }
    }
}

/// Unknown is `?` in a table, absent is empty.
impl<T: IntoCell> IntoCell for Fact<T> {
    const KIND: ColumnKind = T::KIND;
    fn into_cell(self) -> Cell {
        match self {
            Self::Known(value) => value.into_cell(),
            // A text may stand for a value of any kind.
            Self::Unknown(_) if T::KIND == ColumnKind::Health => {
                Cell::Health((Level::Unknown, "?".to_owned()))
            }
            Self::Unknown(_) => Cell::Text("?".to_owned()),
            Self::Absent => Cell::Absent,
        }
    }
    fn pack(self, rows: &mut PackedRows) {
        match self {
            Self::Known(value) => value.pack(rows),
            other => pack(&other.into_cell(), rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_stays_unknown_and_says_why() {
        let unknown: Fact<i64> = Fact::Unknown("denied".to_owned());
        assert_eq!(unknown.map(|n| n + 1), Fact::Unknown("denied".to_owned()));
        assert_eq!(unknown.and_then(|n| Some(n + 1)), Fact::Unknown("denied".to_owned()));
        assert_eq!(Fact::Known(1).and_then(|_| None::<i64>), Fact::Absent);
        assert_eq!(Fact::Known(1).map(|n| n + 1).known(), Some(&2));
    }

    #[test]
    fn cells_tell_unknown_from_absent() {
        assert!(matches!(Fact::<i64>::not_asked().into_cell(), Cell::Text(text) if text == "?"));
        assert!(matches!(Fact::<i64>::Absent.into_cell(), Cell::Absent));
        assert!(matches!(Fact::Known(3_i64).into_cell(), Cell::Integer(3)));
    }
}
