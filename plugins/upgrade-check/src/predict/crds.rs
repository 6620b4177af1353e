//! What the operator of another version makes of the definitions that are there.

use std::collections::BTreeMap;

use crate::facts::{Crd, CrdVersion};
use crate::releases;
use crate::version::Version;

/// One definition, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// As it is.
    pub now: Crd,
    /// As it will be.
    pub then: Crd,
}

/// Works out every definition of Cilium's; `None` where the wanted version is not known.
///
/// One that the wanted version does not define stays as it is. Which new ones come depends on
/// what is switched on, so those are left out.
pub fn predict(crds: &BTreeMap<String, Crd>, to: &Version) -> Option<Vec<Change>> {
    let defined = releases::defined(to)?;
    let schema = releases::schema(to);
    let ours = crds.iter().filter(|(name, _)| name.ends_with(".cilium.io"));
    let changes = ours.map(|(name, now)| {
        let then = match defined.get(name) {
            Some(versions) => after(now, versions, schema),
            None => now.clone(),
        };
        Change { name: name.clone(), now: now.clone(), then }
    });
    Some(changes.collect())
}

fn after(now: &Crd, versions: &[CrdVersion], schema: Option<&str>) -> Crd {
    let mut then = now.clone();
    versions.clone_into(&mut then.versions);
    // The API server adds the storage version to those that objects may be stored in; older ones
    // stay until somebody rewrites the objects.
    let storage = versions.iter().find(|version| version.storage);
    if let Some(storage) = storage.filter(|storage| !then.stored.contains(&storage.name)) {
        then.stored.push(storage.name.clone());
    }
    if let Some(schema) = schema {
        then.schema = Some(schema.to_owned());
    }
    then
}

/// A definition's versions in a line: `v2*, v2alpha1 (deprecated); stored v2; schema 1.31.11`.
pub fn line(crd: &Crd) -> String {
    let versions = crd.versions.iter().map(|version| {
        let storage = if version.storage { "*" } else { "" };
        let note = match (version.served, version.deprecated) {
            (false, _) => " (not served)",
            (true, true) => " (deprecated)",
            (true, false) => "",
        };
        format!("{}{storage}{note}", version.name)
    });
    let mut line = versions.collect::<Vec<_>>().join(", ");
    if !crd.stored.is_empty() {
        line.push_str("; stored ");
        line.push_str(&crd.stored.join(", "));
    }
    if let Some(schema) = &crd.schema {
        line.push_str("; schema ");
        line.push_str(schema);
    }
    line
}
