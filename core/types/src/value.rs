//! Values that cross the command line and the interface.

use serde::Deserialize;
use serde::Serialize;

/// A Kubernetes object by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `v1`, `cilium.io/v2`.
    pub api_version: String,
    /// `Pod`.
    pub kind: String,
    /// Absent for objects of the whole cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

/// One argument of a command, already checked against the card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Free text, a choice or a path.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Decimal(f64),
    /// A switch.
    Boolean(bool),
    /// Nanoseconds.
    Duration(u64),
    /// Every occurrence of a repeated argument, in order.
    Texts(Vec<String>),
}
