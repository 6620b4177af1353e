//! Roles are read back as YAML and compared with what the gate lets a plugin ask.

use lab_backend::Gate;
use lab_backend::Place;
use lab_backend::Question;
use lab_backend::Selection;
use serde_json::Value;

use super::*;

fn within(agents: &str) -> Namespaces {
    Namespaces { agents: agents.to_owned(), relay: agents.to_owned(), debug_pods: None }
}

fn documents(text: &str) -> Vec<Value> {
    let documents = text.split("---\n").skip(1);
    documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect()
}

/// Namespace, group, resource and verb of everything that the roles allow.
fn allowed(documents: &[Value]) -> BTreeSet<(Option<String>, String, String, String)> {
    let mut allowed = BTreeSet::new();
    let texts = |value: &Value| -> Vec<String> {
        let words = value.as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    for document in documents {
        let namespace = document["metadata"]["namespace"].as_str().map(str::to_owned);
        match document["kind"].as_str().unwrap() {
            "ClusterRole" => assert_eq!(namespace, None),
            "Role" => assert!(namespace.is_some()),
            _ => continue,
        }
        for rule in document["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        let place = (namespace.clone(), group.clone(), resource.clone(), verb);
                        assert!(allowed.insert(place), "said twice: {rule}");
                    }
                }
            }
        }
    }
    allowed
}

/// What the gate of each card lets through, kind by kind, is what the roles allow, and no more.
#[test]
fn the_roles_allow_what_the_gate_lets_through() {
    let cards = crate::plugins::cards(crate::plugins::builtin()).unwrap();
    let sets = cards.iter().map(std::slice::from_ref).chain([&cards[..]]);
    for chosen in sets {
        let text = print(chosen, cards.len(), &within("kube-system"), None).unwrap();
        let roles = allowed(&documents(&text));
        let mut expected = BTreeSet::new();
        let mut expect = |namespace: Option<&str>, group: &str, resource: &str, verb: &str| {
            let namespace = namespace.map(str::to_owned);
            expected.insert((namespace, group.to_owned(), resource.to_owned(), verb.to_owned()));
        };
        for (_, card) in chosen {
            let gate = Gate::new(card);
            for (api_version, kind, plural, _) in lab_live::known_kinds() {
                let of = Selection {
                    api_version: (*api_version).into(),
                    kind: (*kind).into(),
                    ..Selection::default()
                };
                if gate.objects(&of).is_ok() {
                    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
                    for verb in ["get", "list", "watch"] {
                        expect(None, group, plural, verb);
                    }
                }
                let log = Selection { kind: format!("{kind}/log"), ..of };
                if gate.objects(&log).is_ok() {
                    expect(None, "", &format!("{plural}/log"), "get");
                }
            }
            for ask in card.asks.iter().filter(|ask| ask.capability == "hosts") {
                for (place, forms) in ask.scope.iter().filter_map(|scope| scope.split_once(": ")) {
                    let host = "h".to_owned();
                    let pod =
                        Place::Pod { namespace: "n".into(), name: "p".into(), container: None };
                    let (of, within) = match place {
                        "host" => (Place::Host { host }, Some("kube-system")),
                        "agent" => (Place::Agent { host }, Some("kube-system")),
                        "pod" => (pod, None),
                        "relay" => (Place::Relay, Some("kube-system")),
                        other => panic!("`{other}` is no place"),
                    };
                    // Only the first form is ever asked of a cluster.
                    let command = forms.split(" | ").next().unwrap_or_default();
                    let argv = command.split_whitespace().map(str::to_owned).collect();
                    assert!(gate.command(&Question { place: of, argv }).is_ok(), "{command}");
                    for verb in ["get", "list"] {
                        expect(None, "", "nodes", verb);
                    }
                    let is_relay = place == "relay";
                    let reached = if is_relay { "pods/portforward" } else { "pods/exec" };
                    for verb in ["create", "get"] {
                        expect(within, "", reached, verb);
                    }
                    if is_relay {
                        expect(within, "", "services", "list");
                    }
                    expect(within, "", "pods", if within.is_some() { "list" } else { "get" });
                }
            }
        }
        // What may be done everywhere is not said of a namespace again.
        let everywhere = expected.clone();
        expected.retain(|(namespace, group, resource, verb)| {
            let wider = (None, group.clone(), resource.clone(), verb.clone());
            namespace.is_none() || !everywhere.contains(&wider)
        });
        let names: Vec<&str> = chosen.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(roles, expected, "{names:?}:\n{text}");
        assert!(roles.iter().all(|(_, _, resource, _)| resource != "secrets"));
    }
}

#[test]
fn bindings_name_the_roles_and_the_subject() {
    let cards = crate::plugins::cards(crate::plugins::builtin()).unwrap();
    for (subject, kind, name, namespace) in [
        ("dev", "User", "dev", None),
        ("o'neill: \"x\" #", "User", "o'neill: \"x\" #", None),
        ("group:ops", "Group", "ops", None),
        ("serviceaccount:tools/lab", "ServiceAccount", "lab", Some("tools")),
    ] {
        let text = print(&cards[..1], cards.len(), &within("agents"), Some(subject)).unwrap();
        let documents = documents(&text);
        let kinds: Vec<&str> =
            documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]);
        for pair in documents.chunks(2) {
            let (role, binding) = (&pair[0], &pair[1]);
            assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
            assert_eq!(binding["roleRef"]["kind"], role["kind"]);
            assert_eq!(binding["metadata"]["namespace"], role["metadata"]["namespace"]);
            let bound = &binding["subjects"][0];
            assert_eq!((bound["kind"].as_str(), bound["name"].as_str()), (Some(kind), Some(name)));
            assert_eq!(bound["namespace"].as_str(), namespace);
        }
    }
    for subject in ["", "group:", "serviceaccount:x", "serviceaccount:/x", "serviceaccount:x/"] {
        let failure = print(&cards, cards.len(), &within("agents"), Some(subject)).unwrap_err();
        assert!(failure.message.contains("names nobody"), "{failure}");
    }
}

#[test]
fn every_kind_of_every_card_is_known_without_a_cluster() {
    for (name, card) in crate::plugins::cards(crate::plugins::builtin()).unwrap() {
        assert!(needed(&[(name.clone(), card)], &within("kube-system")).is_ok(), "{name}");
    }
}
