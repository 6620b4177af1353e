//! A plugin's description of itself: its commands, what it asks the host for, and the long
//! texts behind its finding codes.
//!
//! A card is asked once, when the plugin is built in or installed, and stored as JSON; help,
//! listing and completion read only this and never start a plugin.

use serde::Deserialize;
use serde::Serialize;

/// Everything the host knows of a plugin without running it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Card {
    /// One line for lists.
    pub about: String,
    /// Where bugs go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// SPDX expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// In the order of help.
    pub commands: Vec<Command>,
    /// What it will ask the host for.
    pub asks: Vec<Ask>,
    /// Long texts for `kubectl lab explain CODE`.
    pub explanations: Vec<Explanation>,
}

/// One command: words after `kubectl lab`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Command {
    /// `["routes"]` or `["routes", "trace"]`.
    pub path: Vec<String>,
    /// One line, imperative, without a stop.
    pub about: String,
    /// The text of `--help`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_about: Option<String>,
    /// Lines to copy, each with what it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
    /// Flags and positionals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Runs until stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
}

/// A line to copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The whole line, beginning with `kubectl lab`.
    pub line: String,
    /// What it does.
    pub about: String,
}

/// Type of an argument's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Free text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// A switch without a value.
    Boolean,
    /// `10s`, `5m`.
    Duration,
    /// A file of the user's: the plugin gets what is in it.
    Path,
}

/// How an argument is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// `--name VALUE`.
    Flag,
    /// By place.
    Positional,
}

/// Who completes an argument's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Complete {
    /// Names of live objects.
    Objects {
        /// `v1`
        api_version: String,
        /// `Pod`
        kind: String,
    },
    /// Names of hosts.
    Hosts,
    /// The plugin itself.
    Dynamic,
}

/// One flag or positional of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the card")]
pub struct Argument {
    /// `[a-z0-9-]+`; a positional is shown in capitals.
    pub name: String,
    /// How it is written.
    pub position: Position,
    /// Type of its value.
    pub kind: Kind,
    /// One line for help.
    pub about: String,
    /// One letter, such as `t` for `-t`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<char>,
    /// Must be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// May be given more than once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// Used when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The only values allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// Who completes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete: Option<Complete>,
    /// It takes a command to run, each word as it is typed; positional, repeated and last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub command: bool,
    /// A path that may also be `helm:NAME` or `helm:NAMESPACE/NAME`: the plugin gets the values
    /// that were set for this Helm release.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub release: bool,
}

/// One thing the plugin will ask the host for, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// An imported interface: `cluster`, `hosts`.
    pub capability: String,
    /// `v1/Node`, or `host: ip -j rule`; in a command a word `*` stands for any one word, and `**`
    /// at the end for any words: those run if they are known to only read, or with consent. Behind
    /// ` | ` stand other forms of the same command, for captures that hold those: the plugin
    /// asks the first, and reads the answer to any.
    pub scope: Vec<String>,
    /// People read this before they allow it.
    pub reason: String,
}

/// The long text behind a finding's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// `routes/black-hole`.
    pub code: String,
    /// *Checks · Why · See for yourself · Fix · Since · Source.*
    pub text: String,
}
