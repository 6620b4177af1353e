//! Converts the YAML that printers of Kubernetes objects write, straight to JSON: blocks of
//! keys and entries, and the scalars of [`super::scalar`]. Whatever else YAML has (anchors,
//! tags, flow lists, folded blocks) is left to the whole parser.

use super::Keep;
use super::cursor::Cursor;
use super::cursor::Odd;
use super::scalar;

/// Deepest nesting that is followed; the API server's own schemas stay below 30.
const DEEPEST: usize = 60;

/// The JSON of a document, or of one entry of a list with its dash; `None` when some of it is
/// not understood here.
pub(super) fn convert(text: &str, is_item: bool, keep: Keep<'_>) -> Option<String> {
    let mut cursor = Cursor::new(text);
    if cursor.done {
        return None;
    }
    if is_item {
        enter(&mut cursor)?;
    }
    // Only objects are of use, and their keys are what is kept or not.
    scalar::key(&cursor).ok()??;
    let mut out = String::with_capacity(text.len().min(4096));
    let mut blocks = Blocks { cursor, out: &mut out };
    blocks.mapping(keep, 0).ok()?;
    blocks.cursor.done.then_some(out)
}

/// Goes behind the dash of an entry, to content on the same line.
fn enter(cursor: &mut Cursor<'_>) -> Option<()> {
    let rest = cursor.rest().strip_prefix('-')?;
    let content = rest.trim_start_matches(' ');
    if content.is_empty() || content.len() == rest.len() {
        return None;
    }
    cursor.go_to(cursor.end - content.len());
    Some(())
}

struct Blocks<'a, 'o> {
    cursor: Cursor<'a>,
    out: &'o mut String,
}

impl Blocks<'_, '_> {
    /// Appends a mapping whose first key is here.
    fn mapping(&mut self, keep: Keep<'_>, depth: usize) -> Result<(), Odd> {
        if depth > DEEPEST {
            return Err(Odd);
        }
        let column = self.cursor.column;
        self.out.push('{');
        let start = self.out.len();
        loop {
            let (key, after) = scalar::key(&self.cursor)?.ok_or(Odd)?;
            if let Some(keep) = keep.below(&key) {
                let before = self.out.len();
                if before > start {
                    self.out.push(',');
                }
                scalar::push_string(&key, self.out);
                self.out.push(':');
                if !self.value(after, column, keep, depth)? {
                    self.out.truncate(before);
                }
            } else {
                self.cursor.pass(column);
            }
            if self.cursor.done || self.cursor.column < column {
                break;
            }
            if self.cursor.column > column || self.cursor.is_entry() {
                return Err(Odd);
            }
        }
        self.out.push('}');
        Ok(())
    }

    /// Appends the value behind a key's colon; false when nothing of it stays.
    fn value(
        &mut self,
        after: usize,
        column: usize,
        keep: Keep<'_>,
        depth: usize,
    ) -> Result<bool, Odd> {
        let rest = self.cursor.text[after..self.cursor.end].trim_start_matches(' ');
        if !rest.is_empty() && !rest.starts_with('#') {
            self.cursor.go_to(self.cursor.end - rest.len());
            return self.scalar(column, keep);
        }
        self.cursor.advance();
        let here = !self.cursor.done && self.cursor.column >= column;
        if here && self.cursor.is_entry() {
            self.sequence(keep, depth + 1)?;
            return Ok(true);
        }
        if here && self.cursor.column > column {
            return self.node(column, keep, depth + 1);
        }
        self.out.push_str("null");
        Ok(keep.keeps_scalars())
    }

    /// Appends whatever begins here, below a key or a dash at a column.
    fn node(&mut self, parent: usize, keep: Keep<'_>, depth: usize) -> Result<bool, Odd> {
        if self.cursor.is_entry() {
            self.sequence(keep, depth)?;
            return Ok(true);
        }
        if scalar::key(&self.cursor)?.is_some() {
            self.mapping(keep, depth)?;
            return Ok(true);
        }
        self.scalar(parent, keep)
    }

    fn sequence(&mut self, keep: Keep<'_>, depth: usize) -> Result<(), Odd> {
        if depth > DEEPEST {
            return Err(Odd);
        }
        let column = self.cursor.column;
        self.out.push('[');
        let start = self.out.len();
        while !self.cursor.done && self.cursor.column == column && self.cursor.is_entry() {
            let before = self.out.len();
            if before > start {
                self.out.push(',');
            }
            // An entry that begins on a line of its own is not what printers write.
            enter(&mut self.cursor).ok_or(Odd)?;
            if !self.node(column, keep, depth + 1)? {
                self.out.truncate(before);
            }
        }
        if !self.cursor.done && self.cursor.column > column {
            return Err(Odd);
        }
        self.out.push(']');
        Ok(())
    }

    /// Appends a scalar, or an empty list or mapping.
    fn scalar(&mut self, parent: usize, keep: Keep<'_>) -> Result<bool, Odd> {
        if let empty @ ("{}" | "[]") = self.cursor.rest().trim_end() {
            self.out.push_str(empty);
            self.cursor.advance();
            return Ok(true);
        }
        scalar::scalar(&mut self.cursor, parent, self.out)?;
        Ok(keep.keeps_scalars())
    }
}
