//! The least roles for plugins, as YAML for `kubectl apply`.
//!
//! Apart because it is text for another program: one object for each namespace that rights are in,
//! and the bindings. Pure. Strings are written as JSON writes them, which is YAML whatever they hold.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;

use lab_backend::Gate;
use lab_types::Card;
use lab_types::Failure;

use super::rights::Kind;
use super::rights::Namespaces;
use super::rights::Right;
use super::rights::Rights;
use super::rights::kinds;
use super::rights::rights;

/// Prints the roles of the plugins on `cards`. `of` is how many plugins there are.
pub(super) fn print(
    cards: &[(String, Card)],
    of: usize,
    within: &Namespaces,
    subject: Option<&str>,
) -> Result<String, Failure> {
    let names: Vec<&str> = cards.iter().map(|(name, _)| name.as_str()).collect();
    let name = if names.len() == of {
        "kubectl-lab".to_owned()
    } else {
        format!("kubectl-lab-{}", names.join("-"))
    };
    let subject = subject.map(Subject::read).transpose()?;
    let roles = Roles::new(&needed(cards, within)?);

    let mut text = format!("# The least rights for kubectl lab: {}.\n", names.join(", "));
    let in_pods: Vec<&str> = cards
        .iter()
        .filter(|(_, card)| Gate::new(card).commands().any(|(place, _)| place == "pod"))
        .map(|(name, _)| name.as_str())
        .collect();
    if !in_pods.is_empty() {
        let names = in_pods.join(", ");
        let _ =
            writeln!(text, "# pods/exec is for every namespace: commands in pods, for {names}.");
    }
    if subject.is_none() {
        text.push_str("# Bind them with `--rbac-subject USER`, or by hand:\n");
        for namespace in roles.0.keys() {
            let (kind, flag, within) = match namespace {
                None => ("clusterrolebinding", "clusterrole", String::new()),
                Some(namespace) => ("rolebinding", "role", format!(" -n {namespace}")),
            };
            let _ = writeln!(
                text,
                "#   kubectl create {kind} {name}{within} --{flag} {name} --user USER"
            );
        }
    }
    for (namespace, rules) in &roles.0 {
        let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
        head(&mut text, kind, &name, namespace.as_deref());
        text.push_str("rules:\n");
        for ((group, verbs), resources) in rules {
            let _ = writeln!(text, "  - apiGroups: {}", list([group]));
            let _ = writeln!(text, "    resources: {}", list(resources));
            let _ = writeln!(text, "    verbs: {}", list(verbs));
        }
        let Some(subject) = &subject else { continue };
        head(&mut text, &format!("{kind}Binding"), &name, namespace.as_deref());
        let _ = write!(
            text,
            "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {name}\n\
             subjects:\n{subject}"
        );
    }
    Ok(text)
}

/// What all the cards take together.
fn needed(cards: &[(String, Card)], within: &Namespaces) -> Result<Rights, Failure> {
    let mut needed = Rights::new();
    for (name, card) in cards {
        let known = |kind: &Kind| lab_live::known_kind(&kind.api_version, &kind.name);
        if let Some(kind) = kinds(card).iter().find(|kind| known(kind).is_none()) {
            return Err(Failure::invalid(format!(
                "plugin {name} asks for `{}/{}`: without a cluster it is not known which resource that is",
                kind.api_version, kind.name
            )));
        }
        needed.extend(rights(card, within, known));
    }
    Ok(needed)
}

/// Resources by group and verbs.
type Rules = BTreeMap<(String, BTreeSet<&'static str>), BTreeSet<String>>;

/// Rules by namespace, those of the whole cluster first.
struct Roles(BTreeMap<Option<String>, Rules>);

impl Roles {
    fn new(needed: &Rights) -> Self {
        let mut verbs: BTreeMap<(Option<&str>, &str, &str), BTreeSet<&'static str>> =
            BTreeMap::new();
        for right in needed.keys() {
            // What is allowed everywhere need not be allowed in a namespace again.
            let everywhere = Right { namespace: None, ..right.clone() };
            if right.namespace.is_some() && needed.contains_key(&everywhere) {
                continue;
            }
            let place = (right.namespace.as_deref(), right.group.as_str(), right.resource.as_str());
            verbs.entry(place).or_default().insert(right.verb);
        }
        let mut roles: BTreeMap<Option<String>, Rules> = BTreeMap::new();
        for ((namespace, group, resource), verbs) in verbs {
            let place = roles.entry(namespace.map(str::to_owned)).or_default();
            place.entry((group.to_owned(), verbs)).or_default().insert(resource.to_owned());
        }
        Self(roles)
    }
}

fn head(text: &mut String, kind: &str, name: &str, namespace: Option<&str>) {
    let _ = write!(
        text,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n"
    );
    if let Some(namespace) = namespace {
        let _ = writeln!(text, "  namespace: {}", quoted(namespace));
    }
}

fn list(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| quoted(word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Who gets the roles.
#[derive(Debug, PartialEq, Eq)]
enum Subject {
    User(String),
    Group(String),
    ServiceAccount { namespace: String, name: String },
}

impl Subject {
    fn read(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::invalid(format!("--rbac-subject: `{text}` names nobody"))
                .hint("write a user's name, `group:NAME` or `serviceaccount:NAMESPACE/NAME`")
        };
        let subject = if let Some(name) = text.strip_prefix("group:") {
            Self::Group(name.to_owned())
        } else if let Some(account) = text.strip_prefix("serviceaccount:") {
            let (namespace, name) = account.split_once('/').ok_or_else(wrong)?;
            Self::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
        } else {
            Self::User(text.to_owned())
        };
        let whole = match &subject {
            Self::User(name) | Self::Group(name) => !name.is_empty(),
            Self::ServiceAccount { namespace, name } => !namespace.is_empty() && !name.is_empty(),
        };
        if whole { Ok(subject) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const GROUP: &str = "    apiGroup: rbac.authorization.k8s.io\n";
        match self {
            Self::User(name) => write!(f, "  - kind: User\n    name: {}\n{GROUP}", quoted(name)),
            Self::Group(name) => write!(f, "  - kind: Group\n    name: {}\n{GROUP}", quoted(name)),
            Self::ServiceAccount { namespace, name } => writeln!(
                f,
                "  - kind: ServiceAccount\n    name: {}\n    namespace: {}",
                quoted(name),
                quoted(namespace)
            ),
        }
    }
}

#[cfg(test)]
mod tests;
