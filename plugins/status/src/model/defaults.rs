//! What the chart of the cluster's own version writes where no value is given.

use std::collections::BTreeMap;

use lab_charts::defaults::{Defaults, MINORS};
use lab_charts::version::Version;
use lab_plugin::Fact;

use super::{Cluster, values};

/// What one release of the chart writes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The release: that of most agents, else the newest before it that is known.
    pub release: Version,
    settings: BTreeMap<String, String>,
}

impl Written {
    /// That of the version which most agents have.
    pub fn of(cluster: &Cluster) -> Fact<Self> {
        let Some(version) = cluster.version() else {
            return Fact::Unknown("no agent says a version that can be read".to_owned());
        };
        let defaults = Defaults::of(&version);
        let Some(release) = defaults.and_then(|it| it.release(&version)) else {
            let (oldest, newest) = MINORS;
            return Fact::Unknown(format!(
                "what the chart of Cilium {} writes by itself is not known here: those of \
                 1.{oldest} to 1.{newest} are",
                version.minor_text()
            ));
        };
        let settings = defaults.map(|it| it.written(release)).unwrap_or_default();
        Fact::Known(Self { release: release.clone(), settings })
    }

    /// The value of a key; `None` where the chart leaves it out.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// Whether a value is another than the chart writes by itself, however it is spelled. Left out,
    /// switched off and empty are the same.
    pub fn is_changed(&self, key: &str, value: &str) -> bool {
        match self.get(key) {
            Some(default) => !values::same_words(default.trim(), value.trim()),
            None => !matches!(value.trim(), "" | "false"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::{Answers, Inputs};
    use crate::model::build::build;
    use crate::parse::agent_status::{AgentStatus, State};

    /// What is known where agents say these versions.
    fn written(versions: &[&str]) -> Fact<Written> {
        let mut inputs = Inputs::default();
        for (number, version) in versions.iter().enumerate() {
            let name = format!("n{number}");
            let said = State { message: (*version).to_owned(), ..State::default() };
            let status = AgentStatus { cilium: Some(said), ..AgentStatus::default() };
            let answers = Answers { status: Fact::Known(status), ..Answers::default() };
            inputs.hosts.push((name.clone(), Vec::new()));
            inputs.answers.insert(name, answers);
        }
        Written::of(&build(inputs))
    }

    fn release(versions: &[&str]) -> String {
        match written(versions) {
            Fact::Known(written) => written.release.to_string(),
            Fact::Unknown(why) => why,
            Fact::Absent => String::new(),
        }
    }

    #[test]
    fn the_release_is_that_of_most_agents() {
        assert_eq!(release(&["1.17.6 (v1.17.6-ee3ca4a7)", "1.18.0", "1.18.0"]), "1.18.0");
        assert_eq!(release(&["1.17.6", "1.18.0"]), "1.18.0");
        assert_eq!(release(&["1.16.99"]), "1.16.19");
        assert_eq!(release(&["latest", "1.19.0-dev"]), "1.19.0");
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert!(release(&["1.27.0", "1.27.0", "1.18.0"]).contains("1.27"));
        assert!(release(&["1.13.4"]).contains("1.14 to 1.20"));
        for unread in [&["latest"][..], &[""], &[]] {
            assert!(release(unread).contains("can be read"), "{unread:?}");
        }
    }

    #[test]
    fn left_out_off_and_empty_are_the_same() {
        let Fact::Known(old) = written(&["1.17.6"]) else { panic!("1.17 is known") };
        let Fact::Known(new) = written(&["1.18.0"]) else { panic!("1.18 is known") };
        assert_eq!(old.get("enable-l2-neigh-discovery"), Some("true"));
        assert_eq!(new.get("enable-l2-neigh-discovery"), Some("false"));
        assert_eq!(new.get("arping-refresh-period"), None);
        assert!(new.is_changed("routing-mode", "native"));
        assert!(!new.is_changed("nobody-knows-this", "false"));
        assert!(!new.is_changed("nobody-knows-this", ""));
        assert!(new.is_changed("nobody-knows-this", "x"));
        assert!(!new.is_changed("ipam-cilium-node-update-rate", "15000ms"));
        assert!(!new.is_changed("enable-tcx", "True"));
        assert!(new.is_changed("cluster-name", ""));
        // What the chart switches on is changed when it is off.
        assert!(new.is_changed("enable-tcx", "false"));
    }
}
