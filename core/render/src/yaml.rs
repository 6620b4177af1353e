//! `-o yaml`: the document of `-o json` in YAML.

use std::io;
use std::io::Write;

use lab_output::Report;

use crate::document::Document;

/// Writes the document, row by row.
pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let options = serde_saphyr::ser_options! {
        // Long lines of evidence stay lines: folded ones cannot be searched.
        prefer_block_scalars: false,
    };
    serde_saphyr::to_io_writer_with_options(&mut &mut *out, &Document(report), options).map_err(
        |error| match error {
            // A broken pipe must still be seen as one.
            serde_saphyr::SerializeError::IO { error } => error,
            error => io::Error::other(error),
        },
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lab_output::Cell;
    use lab_output::Column;
    use lab_output::ColumnKind;
    use lab_output::Row;
    use lab_output::Table;
    use proptest::prelude::*;

    use super::*;

    type Read = BTreeMap<String, Vec<BTreeMap<String, serde_json::Value>>>;

    /// Writes texts as a table and reads them back as strings: a number would not be one.
    fn round_trip(texts: &[String]) -> Vec<String> {
        let column = Column {
            id: "v".into(),
            title: "V".into(),
            kind: ColumnKind::Text,
            wide: false,
            hidden: false,
            lines: false,
            subject: false,
            about: String::new(),
        };
        let mut table = Table::new("t", vec![column]);
        let cells = texts.iter().map(|text| vec![Cell::Text(text.as_str().into())]);
        table.append(cells.map(|cells| Row { key: String::new(), cells })).unwrap();
        let report = Report { tables: vec![table], ..Report::default() };
        let mut written = Vec::new();
        write(&report, &mut written).unwrap();
        let read: Read = serde_saphyr::from_slice(&written).unwrap();
        read["t"]
            .iter()
            .map(|row| match &row["v"] {
                serde_json::Value::String(text) => text.clone(),
                other => panic!("read as {other}"),
            })
            .collect()
    }

    #[test]
    fn texts_that_look_like_something_else_stay_texts() {
        let texts: Vec<String> = [
            "",
            " ",
            "1",
            "1.0",
            "0x1f",
            "1e3",
            ".5",
            "-",
            "~",
            "null",
            "Null",
            "true",
            "yes",
            "no",
            "on",
            "off",
            "y",
            "1:20",
            "2026-11-23",
            ".nan",
            ".inf",
            "a: b",
            "# x",
            "- a",
            "[a]",
            "{a}",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "'",
            "\"",
            "a\nb",
            "a\n",
            "\t",
            "\u{1b}[31m",
            "\u{9b}",
            "\u{202e}",
            "日本",
            "=",
            "<<",
            "|",
            ">",
            "?",
        ]
        .map(str::to_owned)
        .to_vec();
        assert_eq!(round_trip(&texts), texts);
    }

    proptest! {
        #[test]
        fn any_text_reads_back(texts in prop::collection::vec(any::<String>(), 0..4)) {
            prop_assert_eq!(round_trip(&texts), texts);
        }
    }
}
