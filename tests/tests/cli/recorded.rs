//! Every command over every recorded cluster.

use lab_tests::captures::{RECORDED, recorded};
use lab_tests::{Lab, golden};

#[test]
fn every_cluster_gets_its_table_and_its_exit_code() {
    for name in RECORDED {
        // One of them has no fault that a table of routes shows; see the fixtures' README.
        let healthy = matches!(name, "cilium-1.18.0-native-fixed");
        let run = Lab::line("routes --from").arg(recorded(name)).run();
        if name != "cilium-1.18.0-tunnel" {
            assert_eq!(run.code, Some(i32::from(!healthy)), "{name}: {}{}", run.out, run.err);
        }
        golden(&format!("recorded/{name}.routes"), &run.out);
        assert_eq!(run.err, "", "{name}");
    }
}

#[test]
fn every_cluster_gets_its_matrix() {
    for name in RECORDED {
        let run = Lab::line("routes matrix --from").arg(recorded(name)).run();
        // Where every pair arrives there is none to show, which is said on stderr.
        golden(&format!("recorded/{name}.matrix"), &format!("{}{}", run.out, run.err));
    }
}

#[test]
fn packets_are_traced_there_and_back() {
    for (from, to) in [("k8s-ctr", "k8s-w0"), ("default/curl-pod", "k8s-w1"), ("router", "k8s-w0")]
    {
        let run = Lab::line("routes trace --demo").arg(from).arg(to).run();
        assert!(matches!(run.code, Some(0 | 1)), "{}", run.err);
        golden(&format!("recorded/demo.trace.{}.{to}", from.replace('/', "-")), &run.out);
    }
}

/// Whatever a plugin asks, a recording has an answer or says that it has none; and compared with
/// itself nothing changed.
#[test]
fn every_command_answers_from_a_recording() {
    let mut commands = 0;
    for plugin in kubectl_lab::builtin() {
        let card: lab_types::Card = serde_json::from_str(plugin.card).unwrap();
        let complete = card.commands.iter().filter(|command| {
            // `each` wants the command behind `--`; what else is required has tests of its own.
            command.arguments.iter().all(|argument| !argument.required)
        });
        for command in complete {
            commands += 1;
            let line = format!("{} --demo --fail-on never", command.path.join(" "));
            let run = Lab::line(&line).run();
            assert!(matches!(run.code, Some(0 | 3)), "{line}: {:?} {}", run.code, run.err);
            let same = Lab::line(&line).arg("--against").arg(demo()).run();
            assert!(matches!(same.code, Some(0 | 3)), "{line}: {:?} {}", same.code, same.err);
            assert_eq!(same.out, "", "{line}");
            assert!(same.err.contains("nothing changed in"), "{line}: {}", same.err);
        }
    }
    assert!(commands > 5, "only {commands} commands");
}

fn demo() -> std::path::PathBuf {
    lab_tests::sources::root().join("core/backend/demo/demo.zip")
}
