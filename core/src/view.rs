//! How a report is shown, from the settings: what the rows go through, and the format.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use lab_cli::Format as Chosen;
use lab_cli::Settings;
use lab_output::Column;
use lab_output::Filter;
use lab_output::Fold;
use lab_output::Matcher;
use lab_output::Report;
use lab_output::Sort;
use lab_output::View;
use lab_render::Format;
use lab_render::Options;
use lab_types::Failure;

use crate::terminal;

/// Reads what was asked of the rows, so that a mistake shows before anything is collected.
pub(crate) fn view(settings: &Settings) -> Result<View, Failure> {
    let view = &settings.view;
    let filters = view.filters.iter().map(|text| Filter::parse(text, matcher));
    Ok(View {
        table: view.only.clone(),
        filters: filters.collect::<Result<_, _>>()?,
        sort: view.sort.as_deref().map(Sort::parse).transpose()?,
        columns: (!view.columns.is_empty()).then(|| view.columns.clone()),
        fold: view.fold.then(Fold::default),
        limit: view.limit,
    })
}

fn matcher(pattern: &str) -> Result<Matcher, String> {
    let regex = regex::Regex::new(pattern).map_err(|error| error.to_string())?;
    Ok(Box::new(move |text| regex.is_match(text)))
}

/// Puts the rows through what was asked of them.
pub(crate) fn apply(
    view: &View,
    report: Report,
    settings: &Settings,
    now: i64,
) -> Result<Report, Failure> {
    view.apply(report, now, shown(settings))
}

/// Which columns rows are folded over: those that are seen.
pub(crate) fn shown(settings: &Settings) -> impl Fn(&Column) -> bool + use<> {
    let wide = settings.view.output.value != Chosen::Table;
    let document = !matches!(settings.view.output.value, Chosen::Table | Chosen::Wide);
    move |column| document || (!column.hidden && (wide || !column.wide))
}

/// Unix time in milliseconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Everything the renderer has to know.
pub(crate) fn options(settings: &Settings, now: i64, hosts: Vec<String>) -> Options {
    Options {
        format: match settings.view.output.value {
            Chosen::Table => Format::Table,
            Chosen::Wide => Format::Wide,
            Chosen::Json => Format::Json,
            Chosen::Yaml => Format::Yaml,
            Chosen::Csv => Format::Csv,
            Chosen::Ndjson => Format::Ndjson,
            Chosen::Name => Format::Name,
            Chosen::Diff => Format::Diff,
        },
        width: terminal::size().map(|size| size.columns),
        color: terminal::color(settings),
        headers: settings.view.headers,
        absolute: false,
        now,
        hosts,
    }
}
