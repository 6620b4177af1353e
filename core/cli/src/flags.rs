//! The flags that every command takes, as data: one table feeds parsing, help and completion.
//!
//! Names are kubectl's where kubectl has the flag, because kubectl hands a plugin all words as
//! they are and lets no flag stand before its name.

/// Part of the list of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Hosts,
    Source,
    Live,
    Output,
    Cluster,
    Other,
}

impl Group {
    pub(crate) const ALL: [Self; 6] =
        [Self::Hosts, Self::Source, Self::Live, Self::Output, Self::Cluster, Self::Other];

    /// The heading in `kubectl lab options`.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Hosts => "Hosts",
            Self::Source => "Source",
            Self::Live => "Live",
            Self::Output => "Output",
            Self::Cluster => "Cluster",
            Self::Other => "Other",
        }
    }
}

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing, or `=true` and `=false` as kubectl allows.
    Switch,
    /// A level: `-v`, `-vv`, `-v=6`, `-v 6`.
    Level,
    /// One value; a later one replaces an earlier one.
    One(Values),
    /// One value per occurrence.
    Each(Values),
    /// Values between commas, in any number of occurrences.
    List(Values),
}

/// Which values a flag takes, and so who completes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    Text,
    Path,
    Duration,
    Number,
    Contexts,
    Hosts,
    Format,
    Color,
    FailOn,
}

/// One flag of every command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    pub(crate) long: &'static str,
    pub(crate) short: Option<char>,
    /// The placeholder in help; empty for switches.
    pub(crate) value: &'static str,
    pub(crate) takes: Takes,
    pub(crate) group: Group,
    pub(crate) about: &'static str,
    /// Not worth a place in every command's help.
    pub(crate) rare: bool,
}

const fn flag(
    group: Group,
    long: &'static str,
    value: &'static str,
    takes: Takes,
    about: &'static str,
) -> Flag {
    Flag { long, short: None, value, takes, group, about, rare: false }
}

impl Flag {
    const fn rare(mut self) -> Self {
        self.rare = true;
        self
    }

    const fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    /// Whether the next word is this flag's value when none is attached with `=`.
    pub(crate) fn takes_next(&self) -> bool {
        !matches!(self.takes, Takes::Switch | Takes::Level)
    }

    /// Whether a second occurrence adds to the first.
    pub(crate) fn repeats(&self) -> bool {
        matches!(self.takes, Takes::Each(_) | Takes::List(_) | Takes::Level)
    }
}

use Group::{Cluster, Hosts, Live, Other, Output, Source};
use Takes::{Each, Level, List, One, Switch};
use Values::{Color, Contexts, Duration, FailOn, Format, Number, Path, Text};

/// Every shared flag, by group, in the order of help.
pub(crate) static FLAGS: &[Flag] = &[
    flag(Hosts, "host", "NAME,…", List(Values::Hosts), "Ask only these hosts; `*` and `?` match"),
    flag(Hosts, "concurrency", "N", One(Number), "Hosts asked at the same time (default 32)"),
    flag(Hosts, "timeout", "DURATION", One(Duration), "Longest wait for one command (default 30s)"),
    flag(
        Hosts,
        "debug-pods",
        "",
        Switch,
        "Make a pod on a node that cannot be asked otherwise, and delete it at the end",
    ),
    flag(Hosts, "yes", "", Switch, "Run commands without asking that are not known to only read")
        .short('y'),
    flag(Source, "from", "PATH", One(Path), "Read a capture or a Cilium sysdump, folder or zip"),
    flag(Source, "demo", "", Switch, "Read the capture that is built in"),
    flag(Source, "record", "PATH", One(Path), "Write every answer of this run into a capture"),
    flag(Source, "against", "PATH", One(Path), "Compare with what another capture answers"),
    flag(Live, "once", "", Switch, "End a command that runs until stopped with its first picture"),
    flag(
        Live,
        "for",
        "DURATION",
        One(Duration),
        "End a command that runs until stopped after this time",
    ),
    flag(Output, "output", "FORMAT", One(Format), "table, wide, json, yaml, csv, ndjson or name")
        .short('o'),
    flag(Output, "only", "TABLE", One(Text), "Show only this table of several"),
    flag(
        Output,
        "sort",
        "COLUMN,…",
        One(Text),
        "Sort rows by these columns; `COLUMN:desc` turns one around",
    ),
    flag(
        Output,
        "filter",
        "EXPR",
        Each(Text),
        "Keep rows where EXPR holds, such as `state!=ok`, `host~^k8s-` or `age>5m`",
    ),
    flag(Output, "columns", "NAME,…", List(Text), "Show only these columns, in this order"),
    flag(Output, "limit", "N", One(Number), "Show at most N rows"),
    flag(Output, "no-headers", "", Switch, "Leave out the line with column names"),
    flag(Output, "fold", "", Switch, "Show hosts whose rows are equal as one"),
    flag(Output, "color", "WHEN", One(Color), "auto, always or never (default auto)"),
    flag(
        Output,
        "fail-on",
        "LEVEL",
        One(FailOn),
        "Findings from LEVEL on exit with 1: good, info, warn, bad or never (default warn)",
    ),
    flag(Cluster, "kubeconfig", "PATH", One(Path), "Path to the kubeconfig file"),
    flag(Cluster, "context", "NAME", One(Contexts), "Context of the kubeconfig"),
    flag(Cluster, "cluster", "NAME", One(Text), "Cluster of the kubeconfig").rare(),
    flag(Cluster, "user", "NAME", One(Text), "User of the kubeconfig").rare(),
    flag(Cluster, "namespace", "NAME", One(Text), "Only objects of this namespace").short('n'),
    flag(Cluster, "all-namespaces", "", Switch, "Objects of all namespaces").short('A'),
    flag(
        Cluster,
        "selector",
        "LABELS",
        One(Text),
        "Only objects with these labels, such as `app=web`",
    )
    .short('l'),
    flag(
        Cluster,
        "request-timeout",
        "DURATION",
        One(Duration),
        "Longest wait for one request to the API server; 0 waits forever (default 30s)",
    ),
    flag(Cluster, "as", "USER", One(Text), "Act as this user"),
    flag(Cluster, "as-group", "GROUP", Each(Text), "Act as a member of this group").rare(),
    flag(Cluster, "as-uid", "UID", One(Text), "Act with this user id").rare(),
    flag(Cluster, "server", "URL", One(Text), "Address of the API server").short('s').rare(),
    flag(Cluster, "token", "TOKEN", One(Text), "Bearer token for the API server").rare(),
    flag(Cluster, "client-certificate", "PATH", One(Path), "Client certificate for the API server")
        .rare(),
    flag(Cluster, "client-key", "PATH", One(Path), "Key of the client certificate").rare(),
    flag(
        Cluster,
        "certificate-authority",
        "PATH",
        One(Path),
        "Certificate authority of the API server",
    )
    .rare(),
    flag(
        Cluster,
        "tls-server-name",
        "NAME",
        One(Text),
        "Name to expect in the API server's certificate",
    )
    .rare(),
    flag(
        Cluster,
        "insecure-skip-tls-verify",
        "",
        Switch,
        "Accept any certificate of the API server",
    )
    .rare(),
    flag(Cluster, "disable-compression", "", Switch, "Ask the API server for plain answers").rare(),
    flag(
        Other,
        "verbose",
        "LEVEL",
        Level,
        "Log to stderr: -v steps, -vv requests, -vvv bodies; or a kubectl level, -v=6",
    )
    .short('v'),
    flag(Other, "quiet", "", Switch, "No progress and no notes on stderr, only errors").short('q'),
    flag(Other, "help", "", Switch, "Show help for a command").short('h'),
];

/// The flag with this long name.
pub(crate) fn by_long(long: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.long == long)
}

/// The flag with this letter.
pub(crate) fn by_short(letter: char) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.short == Some(letter))
}
