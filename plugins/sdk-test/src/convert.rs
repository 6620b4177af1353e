//! Values between the plugin's types and the program's.

use lab_output::Cell;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Level;
use lab_output::Row;
use lab_plugin::Failure;
use lab_plugin::native;
use lab_types::Argument;
use lab_types::Failure as LabFailure;
use lab_types::FailureKind;
use lab_types::Kind;
use lab_types::ObjectRef;
use lab_types::Value;

/// A default of the card as a value.
///
/// # Panics
/// The card's default is not of its kind: a bug of the plugin.
pub(crate) fn default(argument: &Argument, text: &str) -> Value {
    let broken =
        |what: &str| -> ! { panic!("default `{text}` of `{}` is no {what}", argument.name) };
    match argument.kind {
        Kind::Text | Kind::Path if argument.repeated => Value::Texts(vec![text.to_owned()]),
        Kind::Text | Kind::Path => Value::Text(text.to_owned()),
        Kind::Integer => Value::Integer(text.parse().unwrap_or_else(|_| broken("whole number"))),
        Kind::Decimal => Value::Decimal(text.parse().unwrap_or_else(|_| broken("number"))),
        Kind::Boolean => Value::Boolean(text.parse().unwrap_or_else(|_| broken("switch"))),
        Kind::Duration => match text.strip_suffix('s').map(str::parse::<u64>) {
            Some(Ok(seconds)) => Value::Duration(seconds * 1_000_000_000),
            _ => broken("number of seconds"),
        },
    }
}

pub(crate) fn failure(failure: LabFailure) -> Failure {
    let message = match failure.hint {
        Some(hint) => format!("{} (hint: {hint})", failure.message),
        None => failure.message,
    };
    match failure.kind {
        FailureKind::Denied => Failure::Denied(message),
        FailureKind::NotFound => Failure::NotFound(message),
        FailureKind::InvalidInput => Failure::InvalidInput(message),
        FailureKind::Timeout => Failure::Timeout(message),
        FailureKind::Unavailable => Failure::Unavailable(message),
        FailureKind::Stopped => Failure::Stopped,
        FailureKind::Other => Failure::Other(message),
    }
}

pub(crate) fn lab_failure(failure: &Failure) -> LabFailure {
    let kind = match failure {
        Failure::Denied(_) => FailureKind::Denied,
        Failure::NotFound(_) => FailureKind::NotFound,
        Failure::InvalidInput(_) => FailureKind::InvalidInput,
        Failure::Timeout(_) => FailureKind::Timeout,
        Failure::Unavailable(_) => FailureKind::Unavailable,
        Failure::Stopped => return LabFailure::stopped(),
        Failure::Other(_) => FailureKind::Other,
    };
    LabFailure::new(kind, failure.message())
}

pub(crate) fn change(change: lab_backend::Change) -> native::Change {
    use lab_backend::Change as C;
    match change {
        C::Added(object) => native::Change::Added(object),
        C::Modified(object) => native::Change::Modified(object),
        C::Deleted(object) => native::Change::Deleted(object),
        C::Synced => native::Change::Synced,
        C::Restarted => native::Change::Restarted,
    }
}

/// None for what only the program's inbox makes use of.
pub(crate) fn chunk(chunk: lab_backend::Chunk) -> Option<lab_plugin::Chunk> {
    use lab_backend::Chunk as C;
    use lab_plugin::Chunk;
    Some(match chunk {
        C::Out(bytes) => Chunk::Out(bytes),
        C::Err(bytes) => Chunk::Err(bytes),
        C::At(_) => return None,
        C::Ended(status) => Chunk::Ended(status.map_err(failure)),
    })
}

pub(crate) fn level(level: lab_plugin::Level) -> Level {
    match level {
        lab_plugin::Level::Good => Level::Good,
        lab_plugin::Level::Info => Level::Info,
        lab_plugin::Level::Warn => Level::Warn,
        lab_plugin::Level::Bad => Level::Bad,
        lab_plugin::Level::Unknown => Level::Unknown,
    }
}

pub(crate) fn column(column: &lab_plugin::Column) -> Column {
    use lab_plugin::ColumnKind as K;
    Column {
        id: column.id.clone(),
        title: column.title.clone(),
        kind: match column.kind {
            K::Text => ColumnKind::Text,
            K::Integer => ColumnKind::Integer,
            K::Decimal => ColumnKind::Decimal,
            K::Boolean => ColumnKind::Boolean,
            K::Bytes => ColumnKind::Bytes,
            K::Cores => ColumnKind::Cores,
            K::Percent => ColumnKind::Percent,
            K::Timestamp => ColumnKind::Timestamp,
            K::Duration => ColumnKind::Duration,
            K::Health => ColumnKind::Health,
            K::Object => ColumnKind::Object,
            K::Json => ColumnKind::Json,
        },
        wide: column.wide,
        hidden: column.hidden,
        lines: column.lines,
        subject: column.subject,
        about: column.about.clone(),
    }
}

pub(crate) fn row(row: lab_plugin::native::Row) -> Row {
    Row { key: row.key, cells: row.cells.into_iter().map(cell).collect() }
}

fn cell(cell: lab_plugin::Cell) -> Cell {
    use lab_plugin::Cell as C;
    match cell {
        C::Absent => Cell::Absent,
        C::Text(text) => Cell::Text(text.into()),
        C::Integer(number) => Cell::Integer(number),
        C::Decimal(number) => Cell::Decimal(number),
        C::Boolean(on) => Cell::Boolean(on),
        C::Timestamp(milliseconds) => Cell::Timestamp(milliseconds),
        C::Duration(nanoseconds) => Cell::Duration(nanoseconds),
        C::Health((good, text)) => Cell::Health(level(good), text.into()),
        C::Object(object) => Cell::Object(ObjectRef {
            api_version: object.api_version,
            kind: object.kind,
            namespace: object.namespace,
            name: object.name,
        }),
        C::Json(document) => Cell::Json(document.into()),
    }
}
