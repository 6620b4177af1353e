//! The text behind `kubectl lab explain upgrade-check/…`, made of each rule's own words.
//!
//! Apart because the card carries them all before anything is judged.

use std::collections::BTreeSet;

use crate::condition::{Test, TextIn};
use crate::rule::Rule;

/// Checks · Why · See for yourself · Fix · Since · Source.
pub fn text(rule: &Rule) -> String {
    let since = match &rule.since {
        Some(since) => format!("0.1.0, about upgrades to {since} and beyond"),
        None => "0.1.0, about every upgrade".to_owned(),
    };
    format!(
        "Checks: {}.\nWhy: {}\nSee for yourself: {}.\nFix: {}\nSince: {since}.\nSource: {}",
        rule.title,
        rule.why,
        see(rule).join("; "),
        rule.todo,
        rule.link,
    )
}

/// Commands that show what the rule asks for.
fn see(rule: &Rule) -> Vec<String> {
    let condition = &rule.condition;
    let tests = condition.all.iter().chain(&condition.any).chain(&condition.none);
    let mut commands = BTreeSet::new();
    for test in tests {
        commands.insert(match test {
            Test::Text(TextIn::Config, name, _) => format!(
                "`kubectl --namespace kube-system get configmap cilium-config -o jsonpath='{{.data.{}}}'`",
                name.replace('.', "\\.")
            ),
            Test::Text(TextIn::Value, _, _) => {
                "`helm get values cilium --namespace kube-system`".to_owned()
            }
            Test::Text(TextIn::Arg | TextIn::Env, _, _) => {
                "`kubectl --namespace kube-system get daemonset cilium -o yaml`".to_owned()
            }
            Test::From(_) | Test::SkipsMinor | Test::Downgrade | Test::OldPatch => {
                "`kubectl --namespace kube-system get pods --selector k8s-app=cilium -o wide`".to_owned()
            }
            Test::Kubernetes(_) | Test::KubernetesUntested => "`kubectl version`".to_owned(),
            Test::Kernel(_) => "`kubectl get nodes -o wide`".to_owned(),
            Test::Crd(name) | Test::CrdStored(name, _) | Test::CrdBundle(name, _) => {
                format!("`kubectl get crd {name} -o yaml`")
            }
            Test::CrdStoredGone => {
                "`kubectl get crd -o custom-columns=NAME:.metadata.name,STORED:.status.storedVersions`"
                    .to_owned()
            }
            Test::Metric(_) => "`kubectl get prometheusrules --all-namespaces -o yaml`".to_owned(),
            Test::Mark(mark) => format!("look for {}", mark.about()),
            Test::To(_) | Test::UnknownVersion => "the version that is asked for".to_owned(),
        });
    }
    commands.into_iter().collect()
}
