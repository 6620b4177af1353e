//! Sameness of cells, for grouping: as equality, but a number that is not a number equals itself,
//! so that two rows with the same bits always meet.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;

use crate::Cell;

/// Whether two cells hold the same value.
pub(crate) fn same(left: &Cell, right: &Cell) -> bool {
    match (left, right) {
        (Cell::Decimal(l), Cell::Decimal(r)) => l.to_bits() == r.to_bits(),
        (Cell::Many(l, n), Cell::Many(r, m)) => {
            n == m && l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same(l, r))
        }
        (Cell::Changed(l), Cell::Changed(r)) => same(&l.0, &r.0) && same(&l.1, &r.1),
        _ => left == right,
    }
}

/// A hash that agrees with [`same`].
pub(crate) fn hash<'a>(cells: impl Iterator<Item = &'a Cell>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for cell in cells {
        feed(cell, &mut hasher);
    }
    hasher.finish()
}

fn feed(cell: &Cell, hasher: &mut DefaultHasher) {
    std::mem::discriminant(cell).hash(hasher);
    match cell {
        Cell::Absent => {}
        Cell::Text(text) | Cell::Json(text) => text.hash(hasher),
        Cell::Integer(number) | Cell::Timestamp(number) | Cell::Duration(number) => {
            number.hash(hasher);
        }
        Cell::Decimal(number) => number.to_bits().hash(hasher),
        Cell::Boolean(yes) => yes.hash(hasher),
        Cell::Health(level, text) => (level, text).hash(hasher),
        Cell::Object(object) => object.hash(hasher),
        Cell::Many(cells, of) => {
            of.hash(hasher);
            for cell in cells {
                feed(cell, hasher);
            }
        }
        Cell::Changed(pair) => {
            feed(&pair.0, hasher);
            feed(&pair.1, hasher);
        }
    }
}
