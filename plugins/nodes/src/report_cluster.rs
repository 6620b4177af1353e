//! The model as rows of `nodes cluster`.

use lab_plugin::{Fact, Health, Level};

use crate::judge::KubeletSetting;
use crate::model::facts::{Agreement, Document, Stated};
use crate::rows::{FactRow, KubeletRow, SettingRow};

/// One row for each place that states a fact.
pub fn fact_row(stated: &Stated) -> FactRow {
    let health = |agreement| {
        let (level, word) = match agreement {
            Agreement::Agrees => (Level::Good, "agrees"),
            // Two ranges that differ are a finding; other facts may differ for a reason.
            Agreement::Differs if stated.fact.ends_with("-cidr") => (Level::Warn, "differs"),
            Agreement::Differs => (Level::Info, "differs"),
            Agreement::Used => (Level::Good, "used"),
            Agreement::Unused => (Level::Info, "not-used"),
            Agreement::Unknown => (Level::Unknown, "?"),
        };
        Health(level, word.to_owned())
    };
    FactRow {
        fact: stated.fact,
        value: stated.value.clone(),
        source: stated.source.clone(),
        verdict: stated.verdict.map(health),
    }
}

/// One row for each setting; a document that was not read has one that says so.
pub fn setting_rows(document: &Document) -> Vec<SettingRow> {
    let object = document.object;
    match &document.settings {
        Fact::Known(settings) => settings
            .iter()
            .map(|setting| SettingRow {
                object,
                key: setting.key.clone(),
                value: Fact::Known(setting.value.clone()),
            })
            .collect(),
        Fact::Unknown(why) => {
            let value = Fact::Unknown(why.clone());
            vec![SettingRow { object, key: String::new(), value }]
        }
        Fact::Absent => Vec::new(),
    }
}

/// One row for each value that kubelets report.
pub fn kubelet_rows(setting: &KubeletSetting) -> Vec<KubeletRow> {
    let differs = setting.values.iter().filter(|(value, _)| value.is_some()).count() > 1;
    let row = |(value, names): &(Option<String>, Vec<String>)| {
        let value = match value {
            Some(value) => Fact::Known(value.clone()),
            None => Fact::Unknown("not reported".to_owned()),
        };
        let verdict = match (&value, differs) {
            (Fact::Known(_), false) => Health(Level::Good, "same".to_owned()),
            (Fact::Known(_), true) => Health(Level::Info, "differs".to_owned()),
            _ => Health(Level::Unknown, "?".to_owned()),
        };
        KubeletRow {
            setting: setting.name,
            value,
            nodes: u32::try_from(names.len()).unwrap_or(u32::MAX),
            names: names.join(", "),
            verdict,
        }
    };
    setting.values.iter().map(row).collect()
}
