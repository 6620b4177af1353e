//! Whether a capture can answer a question about objects at all. A recording of a few pods
//! must not pass for a cluster with a few pods.

use super::format::Selected;
use crate::Selection;
use crate::select::Selector;

/// Whether everything that a question asks for was asked when the capture was made. `name`
/// narrows the question to one object.
pub(super) fn covers(recorded: &[Selected], of: &Selection, name: Option<&str>) -> bool {
    recorded.iter().any(|part| covers_one(part, of, name))
}

fn covers_one(part: &Selected, of: &Selection, name: Option<&str>) -> bool {
    // What the question demands by its field selector narrows it as well.
    let fields = of.fields.as_deref().and_then(|text| Selector::fields(text).ok());
    let demanded = |path: &str| fields.as_ref().and_then(|fields| fields.demanded(path));
    let namespace = of.namespace.as_deref().or_else(|| demanded("metadata.namespace"));
    let name = name.or_else(|| demanded("metadata.name"));
    let same =
        |recorded: Option<&str>, asked: Option<&str>| recorded.is_none() || recorded == asked;
    same(part.namespace.as_deref(), namespace)
        && same(part.name.as_deref(), name)
        && same(part.labels.as_deref(), of.labels.as_deref())
        && same(part.fields.as_deref(), of.fields.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(namespace: Option<&str>, name: Option<&str>, labels: Option<&str>) -> Selected {
        Selected {
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            labels: labels.map(str::to_owned),
            fields: None,
        }
    }

    fn asked(namespace: Option<&str>, labels: Option<&str>, fields: Option<&str>) -> Selection {
        Selection {
            namespace: namespace.map(str::to_owned),
            labels: labels.map(str::to_owned),
            fields: fields.map(str::to_owned),
            ..Selection::default()
        }
    }

    #[test]
    fn a_narrower_question_is_covered_and_a_wider_one_is_not() {
        let kube = [part(Some("kube-system"), None, None)];
        assert!(covers(&kube, &asked(Some("kube-system"), None, None), None));
        assert!(covers(&kube, &asked(Some("kube-system"), Some("a=b"), None), None));
        assert!(covers(&kube, &asked(Some("kube-system"), None, None), Some("x")));
        assert!(covers(&kube, &asked(None, None, Some("metadata.namespace=kube-system")), None));
        assert!(!covers(&kube, &asked(None, None, None), None));
        assert!(!covers(&kube, &asked(Some("default"), None, None), None));
    }

    #[test]
    fn one_object_covers_only_itself() {
        let one = [part(Some("kube-system"), Some("cilium-config"), None)];
        let kube = asked(Some("kube-system"), None, None);
        assert!(covers(&one, &kube, Some("cilium-config")));
        assert!(!covers(&one, &kube, Some("other")));
        assert!(!covers(&one, &kube, None));
        let by_field = asked(Some("kube-system"), None, Some("metadata.name=cilium-config"));
        assert!(covers(&one, &by_field, None));
    }

    #[test]
    fn labels_are_covered_by_the_same_labels() {
        let some = [part(None, None, Some("k8s-app=cilium"))];
        assert!(covers(&some, &asked(None, Some("k8s-app=cilium"), None), None));
        assert!(!covers(&some, &asked(None, Some("k8s-app=other"), None), None));
        assert!(!covers(&some, &asked(None, None, None), None));
    }

    #[test]
    fn nothing_recorded_covers_nothing() {
        assert!(!covers(&[], &asked(None, None, None), None));
    }
}
