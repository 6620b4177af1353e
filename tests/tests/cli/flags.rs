//! The flags that every command takes.

use lab_tests::captures::recorded;
use lab_tests::{Lab, Run, Scratch, golden};

/// The columns of `-o csv` without its header.
fn rows(run: &Run) -> Vec<Vec<String>> {
    run.out.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn csv(flags: &str) -> Vec<Vec<String>> {
    rows(&Lab::line(&format!("routes --demo -o csv {flags}")).run().exits(1))
}

#[test]
fn columns_are_chosen_and_ordered() {
    let run = Lab::line("routes --demo -o csv --columns destination,host --limit 1").run();
    assert_eq!(run.out, "destination,host\n172.20.0.0/16,k8s-ctr\n");
}

#[test]
fn rows_are_sorted_both_ways() {
    let mut up = csv("--columns destination,host --sort destination,host");
    let down = csv("--columns destination,host --sort destination:desc,host:desc");
    assert!(up.len() > 10);
    up.reverse();
    assert_eq!(up, down);
}

#[test]
fn rows_are_filtered_and_limited() {
    let all = csv("--columns host,verdict");
    let only = csv("--columns host,verdict --filter host=router");
    let expected = all.iter().filter(|row| row[0] == "router").count();
    assert!(expected > 0 && only.len() == expected && only.iter().all(|row| row[0] == "router"));
    let both = csv("--columns host,verdict --filter host~^k8s- --filter verdict=unreachable");
    assert!(!both.is_empty());
    assert!(both.iter().all(|row| row[0] != "router" && row[1] == "unreachable"), "{both:?}");
    assert_eq!(csv("--columns host --filter host~^k8s- --limit 2").len(), 2);
    assert_eq!(csv("--filter host=nobody").len(), 0);
}

#[test]
fn a_table_is_filtered_sorted_and_cut_to_columns_that_it_does_not_show() {
    let flags = "--columns line --filter scope=link --filter line~dev --sort metric,line:desc";
    let lines = csv(flags).concat();
    assert!(lines.len() > 3, "{lines:?}");
    let flags = format!("routes --demo --no-headers {flags}");
    let table = Lab::line(&flags).run().exits(1).out;
    let drawn: Vec<_> = table.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(drawn, lines);
}

#[test]
fn headers_can_be_left_out() {
    let run = Lab::line("routes --demo --no-headers --limit 1").run().exits(1);
    assert!(run.out.starts_with("k8s-ctr"), "{}", run.out);
}

#[test]
fn equal_hosts_are_folded() {
    let run = Lab::line("routes --demo --fold --columns host,destination,nextHop,verdict").run();
    golden("flags/fold.table", &run.exits(1).out);
}

#[test]
fn only_chosen_hosts_are_asked() {
    let run =
        Lab::line("routes --demo -o csv --columns host --filter host=router --host k8s-*").run();
    assert_eq!(rows(&run).len(), 0, "{}", run.out);
    let run = Lab::line("routes --demo --host nobody").run().fails("no host fits `--host nobody`");
    assert!(run.err.contains("k8s-ctr"), "the hosts are named: {}", run.err);
}

#[test]
fn two_captures_are_compared() {
    let other = recorded("cilium-1.18.0-native-fixed");
    let run =
        Lab::line("routes --demo --columns host,destination,nextHop --against").arg(&other).run();
    golden("flags/against.table", &run.out);
    let run = Lab::line("routes --from").arg(&other).arg("--against").arg(&other).run().exits(0);
    assert!(!run.out.contains("changed") && !run.out.contains("added"), "{}", run.out);
}

#[test]
fn a_recorded_run_answers_the_same_again() {
    let scratch = Scratch::new();
    for file in ["run.zip", "folder"] {
        let path = scratch.path(file);
        let before = Lab::line("routes --demo -o json --record").arg(&path).run().exits(1);
        let after = Lab::line("routes -o json --from").arg(&path).run().exits(1);
        assert_eq!(before.out, after.out, "{file}");
    }
    let path = scratch.path("capture.zip");
    let run = Lab::line("capture").arg(&path).args(["--demo", "--", "routes"]).run().exits(0);
    assert!(run.err.contains("4 hosts") && run.out.is_empty(), "{}{}", run.out, run.err);
    Lab::line("routes --from").arg(&path).run().exits(1);
}

#[test]
fn findings_decide_the_exit_code_as_asked() {
    Lab::line("routes --demo --fail-on bad").run().exits(1);
    Lab::line("routes --demo --fail-on never").run().exits(0);
    Lab::line("routes --from").arg(recorded("cilium-1.18.0-native-fixed")).run().exits(0);
}

#[test]
fn mistakes_name_what_there_is() {
    for (line, saying, hint) in [
        ("routes --demo --sort nope", "unknown column `nope`", "destination"),
        ("routes --demo --columns host,nope", "unknown column `nope`", "destination"),
        ("routes --demo --filter nope=1", "unknown column `nope`", "destination"),
        ("routes --demo --filter host~[", "bad regular expression", ""),
        ("routes --demo --filter host", "--filter", ""),
        ("routes --demo --only nope", "unknown table `nope`", "routes"),
        ("routes --demo -o nope", "unknown value `nope`", "ndjson"),
        ("routes --demo --limit many", "--limit", ""),
        ("routes --demo --timeout soon", "--timeout", ""),
        ("routes --demo --nope", "unknown flag `--nope`", "--help"),
        ("rotes --demo", "unknown command `rotes`", "did you mean `routes`?"),
        ("routes trace --demo", "", "routes trace"),
        ("routes trace --demo nobody k8s-ctr", "nobody", ""),
        ("routes --demo --from x.zip", "--from", ""),
    ] {
        let run = Lab::line(line).run().fails(saying);
        assert!(run.err.contains(hint), "{line}: {}", run.err);
    }
}
