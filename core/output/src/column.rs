//! Columns: what a cell of a row means and how it is drawn.

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Words.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// Yes or no.
    Boolean,
    /// Bytes, drawn as `1.2Gi`.
    Bytes,
    /// CPU cores, drawn as `250m`.
    Cores,
    /// 0 to 1, drawn as `83%`.
    Percent,
    /// Drawn as an age.
    Timestamp,
    /// Nanoseconds, drawn as `1m3s`.
    Duration,
    /// A judged word.
    Health,
    /// A Kubernetes object.
    Object,
    /// One JSON document.
    Json,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Column {
    /// Key in JSON, YAML and CSV, lowerCamelCase; never changes within a major version.
    pub id: String,
    /// Header, upper case.
    pub title: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// Only with `-o wide`.
    pub wide: bool,
    /// Never in a table, always in JSON and YAML.
    pub hidden: bool,
    /// A table draws each line of its texts on a line of its own; elsewhere a text is one line.
    pub lines: bool,
    /// What a row is about. Where a terminal is too narrow, columns that are not go before it.
    pub subject: bool,
    /// One line for the reference.
    pub about: String,
}
