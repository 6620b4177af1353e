//! Columns: where words become cells.
//!
//! Column ids and their order are a promise: add at the end only. Nothing is judged here.

use lab_plugin::{Fact, Health, row};

row! {
    /// One check.
    pub struct CheckRow {
        /// The minor that the check is about, or general.
        pub group: String,
        /// The check's id.
        pub id: String,
        /// pass, warn, fail, skip or unknown.
        pub result: Health,
        /// What is checked, as it is when all is well.
        pub title: String,
        /// What was seen, or why nobody can tell.
        pub seen: Option<String>,
        /// What to do.
        pub todo: Option<String>,
        /// The first version it is about.
        pub since: Option<String>,
        /// The public document.
        pub link: Option<String> as wide,
        /// What happens otherwise.
        pub why: Option<String> as wide,
    }
}

row! {
    /// One key of cilium-config.
    pub struct KeyRow {
        /// The key.
        pub key: String,
        /// kept, renamed, removed, default changed, new or unknown.
        pub fate: Health,
        /// Its value now.
        pub now: Option<String>,
        /// Its value afterwards.
        pub then: Option<String>,
        /// A word more.
        pub note: Option<String>,
    }
}

row! {
    /// One custom resource's definition.
    pub struct DefinitionRow {
        /// Its name.
        pub name: String,
        /// kept, changed or left.
        pub fate: Health,
        /// Its versions now: * is what new objects are stored in.
        pub now: String,
        /// Its versions afterwards.
        pub then: String,
    }
}

row! {
    /// One value of the Helm release.
    pub struct ValueRow {
        /// Its path.
        pub value: String,
        /// keep, rename, drop or refused.
        pub fate: Health,
        /// What it is set to.
        pub now: Option<String>,
        /// What to do.
        pub todo: Option<String>,
        /// The first version it is about.
        pub since: Option<String>,
    }
}

row! {
    /// One thing of the plan.
    pub struct PlanRow {
        /// From which version to which.
        pub step: String,
        /// before, during or after.
        pub phase: &'static str,
        /// How much it matters.
        pub result: Health,
        /// What is to be done, or happens.
        pub what: String,
        /// What was seen, where that is the reason.
        pub seen: Option<String>,
        /// The public document.
        pub link: Option<String> as wide,
        /// The check behind it, for `kubectl lab explain upgrade-check/ID`.
        pub id: Option<String> as wide,
    }
}

row! {
    /// What to run for a step; nothing of it is run here.
    pub struct CommandRow {
        /// From which version to which.
        pub step: String,
        /// The commands.
        pub command: String as lines,
    }
}

row! {
    /// One image that a step's pods are made of.
    pub struct ImageRow {
        /// From which version to which.
        pub step: String,
        /// Repository, tag and digest; what the chart of that very patch was not read for is left out.
        pub image: String,
    }
}

row! {
    /// One setting, as `upgrade-check diff` compares it.
    pub struct SettingRow {
        /// The key.
        pub key: String,
        /// Its value.
        pub value: Option<String>,
        /// What the upgrade to --to makes of it; a change of this column was not predicted.
        pub expected: Fact<String>,
    }
}

row! {
    /// One definition, as `upgrade-check diff` compares it.
    pub struct DefinedRow {
        /// Its name.
        pub name: String,
        /// Its versions.
        pub versions: String,
        /// What the upgrade to --to makes of it; a change of this column was not predicted.
        pub expected: Fact<String>,
    }
}

row! {
    /// One line of a host's network.
    pub struct LineRow {
        /// The host.
        pub host: String,
        /// route, rule, address or iptables.
        pub kind: &'static str,
        /// The line; of iptables with its table in front.
        pub line: String,
    }
}

row! {
    /// One agent.
    pub struct AgentRow {
        /// Its node.
        pub host: String,
        /// Its pod.
        pub pod: String,
        /// Its image.
        pub image: Option<String>,
        /// Whether it is ready.
        pub ready: Option<bool>,
        /// How often its containers were started again.
        pub restarts: i64,
    }
}

row! {
    /// One endpoint.
    pub struct EndpointRow {
        /// namespace/name.
        pub endpoint: String,
        /// ready, or what else it is.
        pub state: Option<String>,
        /// Its identity.
        pub identity: Option<i64>,
        /// Its addresses.
        pub ips: Option<String>,
    }
}

row! {
    /// One identity.
    pub struct IdentityRow {
        /// Its number.
        pub identity: Option<i64>,
        /// The labels it stands for.
        pub labels: String,
    }
}
