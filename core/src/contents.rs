//! What is in a capture, and what is wrong with one, as tables.

use lab_backend::Contents;
use lab_backend::Fault;
use lab_backend::HostKind;
use lab_backend::Place;
use lab_output::Cell;
use lab_output::Column;
use lab_output::ColumnKind;
use lab_output::Row;
use lab_output::Table;
use lab_types::Failure;

/// Every table of `capture show`.
pub(crate) fn tables(contents: &Contents) -> Result<Vec<Table>, Failure> {
    Ok(vec![
        head(contents)?,
        hosts(contents)?,
        kinds(contents)?,
        commands(contents)?,
        logs(contents)?,
        missing(contents)?,
    ])
}

/// The table of `capture verify`.
pub(crate) fn faults(faults: &[Fault]) -> Result<Table, Failure> {
    let columns = [
        text("file", "FILE", "File of the capture"),
        text("fault", "FAULT", "What is wrong with it"),
        text("cure", "CURE", "What mends it"),
    ];
    let rows = faults.iter().map(|fault| {
        (String::new(), vec![word(&fault.file), word(&fault.what), word(&fault.cure)])
    });
    table("faults", columns, rows)
}

fn head(contents: &Contents) -> Result<Table, Failure> {
    let about = &contents.about;
    let columns = [
        text("source", "SOURCE", "What was opened"),
        text("created", "CREATED", "When it was made"),
        text("context", "CONTEXT", "Context of the kubeconfig"),
        text("versions", "VERSIONS", "Versions of what was asked, and of the program"),
        column("files", "FILES", ColumnKind::Integer, "How many files it has"),
        column("size", "SIZE", ColumnKind::Bytes, "All files together, unpacked"),
    ];
    let versions: Vec<String> =
        about.versions.iter().map(|(of, version)| format!("{of} {version}")).collect();
    let row = vec![
        word(&about.source),
        maybe(about.created.as_deref()),
        maybe(about.context.as_deref()),
        maybe(Some(versions.join(", ").as_str()).filter(|text| !text.is_empty())),
        number(contents.n_files),
        size(contents.bytes),
    ];
    table("capture", columns, [(about.source.clone(), row)])
}

fn hosts(contents: &Contents) -> Result<Table, Failure> {
    let columns = [
        text("host", "HOST", "Its name"),
        text("kind", "KIND", "A node, or an extra host beside the cluster"),
        text("addresses", "ADDRESSES", "Addresses by which others know it"),
        column("commands", "COMMANDS", ColumnKind::Integer, "Commands with an answer"),
        column("size", "SIZE", ColumnKind::Bytes, "Their outputs together"),
    ];
    let rows = contents.hosts.iter().map(|host| {
        let own = contents
            .commands
            .iter()
            .filter(|command| command.place.host() == Some(host.name.as_str()));
        let (n_commands, bytes) =
            own.fold((0, 0), |(count, bytes), command| (count + 1, bytes + command.bytes));
        let kind = match host.kind {
            HostKind::Node => "node",
            HostKind::Extra => "extra",
        };
        let addresses = host.addresses.join(",");
        let addresses = maybe(Some(addresses.as_str()).filter(|text| !text.is_empty()));
        let row = vec![word(&host.name), word(kind), addresses, number(n_commands), size(bytes)];
        (host.name.clone(), row)
    });
    table("hosts", columns, rows)
}

fn kinds(contents: &Contents) -> Result<Table, Failure> {
    let columns = [
        text("kind", "KIND", "API version and kind"),
        column("objects", "OBJECTS", ColumnKind::Integer, "How many there are"),
        text("extent", "EXTENT", "All of the kind, or a part of it"),
        column("size", "SIZE", ColumnKind::Bytes, "Of its file"),
    ];
    let rows = contents.kinds.iter().map(|kind| {
        let extent = word(if kind.is_part { "part" } else { "all" });
        (kind.kind.clone(), vec![word(&kind.kind), number(kind.count), extent, size(kind.bytes)])
    });
    table("kinds", columns, rows)
}

fn commands(contents: &Contents) -> Result<Table, Failure> {
    let columns = [
        text("host", "HOST", "Host or pod on which it ran"),
        text(
            "place",
            "PLACE",
            "The host itself, the agent's container, a pod, or the relay of all agents",
        ),
        text("command", "COMMAND", "Its words"),
        column("code", "CODE", ColumnKind::Integer, "Its exit status"),
        column("size", "SIZE", ColumnKind::Bytes, "Of its output and of its errors"),
        column("took", "TOOK", ColumnKind::Duration, "From the question to the answer"),
        text("cut", "CUT", "Whether the output was cut"),
    ];
    let rows = contents.commands.iter().map(|command| {
        let (on, place) = match &command.place {
            Place::Host { host } => (host.clone(), "host"),
            Place::Agent { host } => (host.clone(), "agent"),
            Place::Pod { namespace, name, .. } => (format!("{namespace}/{name}"), "pod"),
            Place::Relay => (String::new(), "relay"),
        };
        let line = command.argv.join(" ");
        let took = command.ms.and_then(|ms| i64::try_from(ms).ok()?.checked_mul(1_000_000));
        let key = format!("{on}/{place}/{line}");
        let row = vec![
            word(&on),
            word(place),
            word(&line),
            Cell::Integer(command.code.into()),
            size(command.bytes),
            took.map_or(Cell::Absent, Cell::Duration),
            if command.truncated { word("cut") } else { Cell::Absent },
        ];
        (key, row)
    });
    table("commands", columns, rows)
}

fn logs(contents: &Contents) -> Result<Table, Failure> {
    let columns =
        [text("log", "LOG", "Its file"), column("size", "SIZE", ColumnKind::Bytes, "Of its file")];
    let rows =
        contents.logs.iter().map(|(log, bytes)| (log.clone(), vec![word(log), size(*bytes)]));
    table("logs", columns, rows)
}

fn missing(contents: &Contents) -> Result<Table, Failure> {
    let columns = [
        text("question", "QUESTION", "What was asked"),
        text("failure", "FAILURE", "How it failed"),
        text("why", "WHY", "Why"),
    ];
    let rows = contents.missing.iter().map(|missing| {
        let row = vec![word(&missing.what), word(missing.failure.as_str()), word(&missing.why)];
        (missing.what.clone(), row)
    });
    table("missing", columns, rows)
}

fn table(
    name: &str,
    columns: impl IntoIterator<Item = Column>,
    rows: impl IntoIterator<Item = (String, Vec<Cell>)>,
) -> Result<Table, Failure> {
    let mut table = Table::new(name, columns.into_iter().collect());
    let rows = rows.into_iter().map(|(key, cells)| Row { key, cells });
    table.append(rows).map_err(|error| Failure::other(error.to_string()))?;
    Ok(table)
}

fn text(id: &str, title: &str, about: &str) -> Column {
    column(id, title, ColumnKind::Text, about)
}

fn column(id: &str, title: &str, kind: ColumnKind, about: &str) -> Column {
    Column {
        id: id.to_owned(),
        title: title.to_owned(),
        kind,
        wide: false,
        hidden: false,
        lines: false,
        subject: false,
        about: about.to_owned(),
    }
}

fn word(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn maybe(text: Option<&str>) -> Cell {
    text.map_or(Cell::Absent, word)
}

fn number(count: usize) -> Cell {
    Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

fn size(bytes: u64) -> Cell {
    Cell::Integer(i64::try_from(bytes).unwrap_or(i64::MAX))
}
