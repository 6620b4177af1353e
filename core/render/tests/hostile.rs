//! Whatever a cluster says, a terminal gets nothing but lines of visible text.

use lab_output::Cell;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Evidence;
use lab_output::Finding;
use lab_output::Level;
use lab_output::Partial;
use lab_output::Report;
use lab_output::Row;
use lab_output::Table;
use lab_render::Format;
use lab_render::Options;
use lab_render::render;
use lab_types::Failure;
use proptest::prelude::*;

fn report(text: &str) -> Report {
    let column = |kind| Column {
        id: text.into(),
        title: text.into(),
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: String::new(),
    };
    let kinds = [ColumnKind::Text, ColumnKind::Health, ColumnKind::Json];
    let mut table = Table::new(text, kinds.map(column).to_vec());
    let cells = vec![
        Cell::Many(vec![Cell::Text(text.into()), Cell::Text("b".into())], 2),
        Cell::Health(Level::Bad, text.into()),
        Cell::Json(serde_json::to_string(text).expect("a text is JSON").into()),
    ];
    table.append([Row { key: text.into(), cells }]).expect("rows fit their columns");
    let finding = Finding {
        level: Level::Bad,
        code: text.into(),
        subject: text.into(),
        message: text.into(),
        evidence: vec![Evidence { place: text.into(), text: text.into() }],
        fixes: vec![text.into()],
    };
    let partial = Partial { subject: text.into(), why: Failure::denied(text).hint(text) };
    Report { tables: vec![table.clone(), table], findings: vec![finding], partials: vec![partial] }
}

proptest! {
    #[test]
    fn text_of_a_cluster_never_steers_a_terminal(
        text in "[ a-z日\\x00-\\x1f\\x7f-\\u{9f}\\u{202e}\\u{2066}]{0,40}",
        width in prop::option::of(0_usize..120),
        place in 0_usize..3,
    ) {
        let format = [Format::Table, Format::Wide, Format::Name][place];
        let options = Options { format, width, ..Options::default() };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        render(&report(&text), &options, &mut out, &mut err).unwrap();
        for written in [out, err] {
            let written = String::from_utf8(written).unwrap();
            let steers = |c: char| {
                c != '\n' && c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            prop_assert!(!written.contains(steers), "{written:?}");
        }
    }

    #[test]
    fn json_stays_json(text in any::<String>()) {
        for format in [Format::Json, Format::Ndjson] {
            let options = Options { format, ..Options::default() };
            let (mut out, mut err) = (Vec::new(), Vec::new());
            render(&report(&text), &options, &mut out, &mut err).unwrap();
            let values = serde_json::Deserializer::from_slice(&out).into_iter::<serde::de::IgnoredAny>();
            for value in values {
                prop_assert!(value.is_ok());
            }
        }
    }
}
