//! The formats of `-o`.

use std::str::FromStr;

use lab_output::Column;
use lab_types::Failure;

/// What `-o` chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For people with wide screens: more columns.
    Wide,
    /// One JSON object.
    Json,
    /// The same document as YAML.
    Yaml,
    /// One table, comma-separated.
    Csv,
    /// One JSON object for each row, finding and partial.
    Ndjson,
    /// One name for each row.
    Name,
    /// Texts with lines alone, as `patch`, `delta` and `less` want them.
    Diff,
}

impl Format {
    /// Every format, in the order of help.
    pub const ALL: [Self; 8] = [
        Self::Table,
        Self::Wide,
        Self::Json,
        Self::Yaml,
        Self::Csv,
        Self::Ndjson,
        Self::Name,
        Self::Diff,
    ];

    /// The word after `-o`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Wide => "wide",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Name => "name",
            Self::Diff => "diff",
        }
    }

    /// Whether the format shows a column: a table no wide and no hidden ones, wide no hidden ones,
    /// everything else all of them.
    pub fn shows(self, column: &Column) -> bool {
        match self {
            Self::Table | Self::Name => !column.wide && !column.hidden,
            Self::Wide => !column.hidden,
            Self::Json | Self::Yaml | Self::Csv | Self::Ndjson | Self::Diff => true,
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let words: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            Failure::invalid(format!("unknown format `{text}`"))
                .hint(format!("there are: {}", words.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_back() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert!("yml".parse::<Format>().is_err());
    }
}
