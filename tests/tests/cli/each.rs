//! `each`: what runs unasked, what is asked, what nobody agreed to, and what came of it.

use std::io::{Read, Write};
use std::process::Stdio;

use lab_tests::captures::recorded;
use lab_tests::{Fleet, Lab, Run, golden};

/// Everywhere the same line.
fn everywhere(line: &str) -> Vec<String> {
    ["a", "b", "c"].map(|host| format!("{host}: {line}")).to_vec()
}

/// The program on a terminal on which somebody types once they were asked; no keys are the end of
/// input. What was on the screen, and how it ended.
fn typed(fleet: &Fleet, words: &[&str], keys: &str) -> (String, Option<i32>) {
    let lab = fleet.lab(words).terminal(80);
    let mut child = lab.command().stdin(Stdio::piped()).spawn().expect("`script` is there");
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take().expect("it is a pipe");
    let (mut screen, mut byte) = (Vec::new(), [0]);
    while !screen.ends_with(b"[y/N] ") && stdout.read(&mut byte).expect("it can be read") > 0 {
        screen.push(byte[0]);
    }
    match &mut stdin {
        Some(stdin) if !keys.is_empty() => {
            stdin.write_all(keys.as_bytes()).expect("somebody listens");
        }
        _ => drop(stdin.take()),
    }
    stdout.read_to_end(&mut screen).expect("it can be read");
    let status = child.wait().expect("it was started");
    (String::from_utf8_lossy(&screen).into_owned(), status.code())
}

#[test]
fn a_command_that_only_reads_runs_unasked_everywhere() {
    let fleet = Fleet::new();
    let run = fleet.lab(["each", "-o", "json", "--", "uname", "-s"]).run().exits(0);
    let answers = &run.json()["answers"];
    assert_eq!(answers[0]["hosts"], "a, b, c");
    assert_eq!(answers[0]["hostNames"], serde_json::json!(["a", "b", "c"]));
    assert_eq!(answers[0]["output"], "Linux\n");
    assert_eq!(answers[0]["exit"], 0);
    assert_eq!(answers.as_array().unwrap().len(), 1, "{answers}");
    assert_eq!(run.err, "", "nobody was asked");
    assert_eq!(fleet.ran(), everywhere("uname -s"));
}

#[test]
fn nothing_else_runs_without_consent() {
    let fleet = Fleet::new();
    for words in [
        &["sh", "-c", "echo $LAB_HOST"][..],
        &["ip", "link", "set", "eth0", "down"],
        &["uname", "-s;", "reboot"],
        &["touch", "/tmp/x"],
    ] {
        let run = fleet.lab(["each", "--"]).args(words).run().fails("is not known to only read");
        assert!(run.err.contains("without a terminal"), "{}", run.err);
        assert!(run.err.contains("`--yes` agrees beforehand"), "{}", run.err);
        assert_eq!(fleet.ran(), Vec::<String>::new(), "{words:?}");
    }
    // A capture of it would run it too.
    let scratch = lab_tests::Scratch::new();
    let file = scratch.path("x.zip");
    let capture = fleet.lab(["capture"]).arg(&file).args(["--", "each", "--", "reboot"]).run();
    capture.fails("`reboot` is not known to only read");
    assert!(!file.exists());
    assert_eq!(fleet.ran(), Vec::<String>::new());
}

#[test]
fn yes_agrees_beforehand() {
    let fleet = Fleet::new();
    let script = "echo \"$LAB_HOST $1\"; test $LAB_HOST != b";
    let words = ["each", "-y", "-o", "csv", "--columns", "hosts,exit,output", "--"];
    let lab = fleet.lab(words).args(["sh", "-c", script, "x", "it's $HOME"]);
    let run = lab.run().exits(0);
    let expected = "hosts,exit,output\n\
        a,0,\"a it's $HOME\n\"\nb,1,\"b it's $HOME\n\"\nc,0,\"c it's $HOME\n\"\n";
    assert_eq!(run.out, expected);
    assert_eq!(fleet.ran().len(), 3);
}

#[test]
fn on_a_terminal_the_user_is_asked_once_with_the_exact_words() {
    let fleet = Fleet::new();
    let words = ["each", "--", "sh", "-c", "echo of $LAB_HOST"];
    let (screen, code) = typed(&fleet, &words, "y\n");
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("would run on 3 hosts:"), "{screen}");
    assert!(screen.contains("\n  sh -c 'echo of $LAB_HOST'\r\n"), "{screen}");
    assert_eq!(screen.matches("Run it? [y/N]").count(), 1, "{screen}");
    assert!(screen.contains("of b"), "{screen}");
    assert_eq!(fleet.ran().len(), 3);
}

#[test]
fn any_other_answer_is_no() {
    for keys in ["n\n", "\n", "yess\n", "Nyes\n", ""] {
        let fleet = Fleet::new();
        let (screen, code) = typed(&fleet, &["each", "--", "touch", "/nowhere/x"], keys);
        assert_eq!(code, Some(2), "{keys:?}: {screen}");
        assert!(screen.contains("you did not agree"), "{keys:?}: {screen}");
        assert_eq!(fleet.ran(), Vec::<String>::new(), "{keys:?}");
    }
}

#[test]
fn control_c_ends_the_question_and_nothing_runs() {
    let fleet = Fleet::new();
    let (screen, code) = typed(&fleet, &["each", "--", "touch", "/nowhere/x"], "\u{3}");
    assert_eq!(code, Some(130), "{screen}");
    assert_eq!(fleet.ran(), Vec::<String>::new());
}

#[test]
fn words_that_would_hide_themselves_are_shown() {
    let fleet = Fleet::new();
    let evil = "reboot\u{1b}[1A\u{1b}[2K\rls";
    let words = ["each", "--host", "a", "--", "sh", "-c", evil, "x\u{202e}y", "two\nlines"];
    let (screen, code) = typed(&fleet, &words, "n\n");
    assert_eq!(code, Some(2), "{screen}");
    let shown = r"  sh -c $'reboot\x1b[1A\x1b[2K\x0dls' $'x\U0000202ey' $'two\nlines'";
    assert!(screen.contains("would run on 1 host:"), "{screen}");
    assert!(screen.contains(shown), "{screen}");
    assert!(!screen.contains("\u{1b}[1A") && !screen.contains('\u{202e}'), "{screen}");
}

#[test]
fn words_of_the_command_reach_the_hosts_as_they_are() {
    let fleet = Fleet::new();
    let words = ["-o", "json", "--host", "nobody", "--", "-n", "--yes", "", "a b", "*"];
    let lab = fleet.lab(["each", "--yes", "--host", "a", "--", "printf", "<%s>"]).args(words);
    let run = lab.arg("-q").run().exits(0);
    assert!(
        run.out.contains("<-o><json><--host><nobody><--><-n><--yes><><a b><*><-q>"),
        "{}",
        run.out
    );

    // Without `--` as long as every word can only be the command's.
    let fleet = Fleet::new();
    fleet.lab(["each", "--host", "b", "uname", "-r", "-m"]).run().exits(0);
    assert_eq!(fleet.ran(), ["b: uname -r -m"]);
    for (words, flag) in [
        (&["each", "ip", "-o", "addr"][..], "-o"),
        (&["each", "uname", "-r", "--host", "b"], "--host"),
        (&["each", "ip", "--json", "addr"], "--json"),
        (&["each", "uname", "-n"], "-n"),
        (&["each", "date", "--help"], "--help"),
    ] {
        let run = fleet.lab(words).run().fails(&format!("`{flag}` could be meant for"));
        assert!(run.err.contains("kubectl lab-under-test each -- "), "{}", run.err);
    }
    assert_eq!(fleet.ran().len(), 1);
}

#[test]
fn mistakes_are_told_before_anything_runs() {
    let fleet = Fleet::new();
    for (words, saying, hint) in [
        (&["each"][..], "needs COMMAND", "word by word"),
        (&["each", "--"], "needs COMMAND", "word by word"),
        (&["each", "--", ""], "the command has no program", ""),
        (&["each", "--", "ip addr | wc"], "`ip addr | wc` is one word", "sh -c 'ip addr | wc'"),
        (&["each", "--json", "--diff", "--", "date"], "--json makes rows", "leave one"),
        (&["each", "--jsno", "--", "date"], "unknown flag `--jsno`", "--json"),
        (&["each", "--host", "nobody", "--", "date"], "no host fits `--host nobody`", "a, b, c"),
    ] {
        let run = fleet.lab(words).run().fails(saying);
        assert!(run.err.contains(hint), "{words:?}: {}", run.err);
    }
    assert_eq!(fleet.ran(), Vec::<String>::new());
}

#[test]
fn hosts_that_do_not_answer_cost_themselves_alone() {
    let fleet = Fleet::new();
    let script = "case $LAB_HOST in b) exec sleep 60;; *) echo fine;; esac";
    let words = ["each", "--yes", "--timeout", "2s", "--", "sh", "-c", script];
    let run = fleet.lab(words).run().exits(3);
    assert!(run.out.contains("a, c") && run.out.contains("fine"), "{}", run.out);
    assert!(run.err.contains("1 of 3 hosts gave no answer: b (timeout)"), "{}", run.err);
}

#[test]
fn what_is_no_whole_text_is_said() {
    let fleet = Fleet::new();
    let script = "case $LAB_HOST in \
        a) printf 'a\\0b';; \
        b) yes 'line of text' | head -c 70000000;; \
        c) echo warned >&2; printf 'a long text with one \\377 in it'; exit 3;; esac";
    let words = ["each", "--yes", "-o", "json", "--", "sh", "-c", script];
    let answers = fleet.lab(words).run().exits(0).json()["answers"].clone();
    let of = |host: &str| {
        let all = answers.as_array().unwrap();
        all.iter().find(|answer| answer["hosts"] == host).unwrap().clone()
    };
    assert_eq!(of("a")["note"], "binary, 3 bytes");
    assert_eq!(of("a")["output"], serde_json::Value::Null);
    assert_eq!(of("b")["note"], "cut: the first 4096 KiB of 64 MiB; cut at the size limit");
    assert_eq!(of("b")["output"].as_str().unwrap().len(), 4 << 20);
    let c = of("c");
    assert_eq!((&c["exit"], &c["stderr"]), (&3.into(), &"warned\n".into()));
    assert_eq!(c["note"], "not UTF-8 in 1 place");
    assert_eq!(c["output"], "a long text with one \u{fffd} in it");
}

#[test]
fn json_becomes_rows_and_what_is_none_is_told() {
    let fleet = Fleet::new();
    let script = r#"case $LAB_HOST in
        a) echo '[{"name":"eth0","mtu":1500,"host":"x"},{"name":"lo","flags":["UP",{"z":1,"a":2}]}]';;
        b) echo '[{"name":"eth0",';;
        c) echo '{"name":"eth1","mtu":null}';; esac"#;
    let words = ["each", "--yes", "--json", "-o", "json", "--", "sh", "-c", script];
    let run = fleet.lab(words).run().exits(3);
    let rows = &run.json()["rows"];
    let expected = serde_json::json!([
        {"host": "a", "name": "eth0", "mtu": 1500, ".host": "x", "flags": null},
        {"host": "a", "name": "lo", "mtu": null, ".host": null, "flags": ["UP", {"z": 1, "a": 2}]},
        {"host": "c", "name": "eth1", "mtu": null, ".host": null, "flags": null},
    ]);
    assert_eq!(*rows, expected, "{}", run.out);
    assert!(run.err.contains("b (failed)") && run.err.contains("not JSON"), "{}", run.err);
    let words = ["each", "--json", "--", "uname", "-s"];
    let run = fleet.lab(words).run().exits(2);
    assert!(run.err.contains("the output is not JSON"), "{}", run.err);
}

fn from(capture: &str, words: &[&str]) -> Run {
    Lab::line("each --from").arg(recorded(capture)).args(words).run()
}

#[test]
fn a_capture_answers_what_it_holds_and_nobody_is_asked() {
    let run = from("cilium-1.18.0-native", &["--", "ip", "-j", "rule"]).exits(0);
    golden("each/rules.table", &run.out);
    // Not on the list of what only reads; nothing runs here.
    let run = from("cilium-1.18.0-native", &["--", "reboot"]).exits(2);
    assert!(run.err.contains("not in this capture"), "{}", run.err);
    assert!(!run.err.contains("only read"), "{}", run.err);
    let words = ["--agent", "-o", "csv", "--columns", "hosts", "--", "cilium-dbg", "version"];
    let run = from("cilium-1.18.0-native", &words).exits(0);
    assert_eq!(run.out, "hosts\n\"k8s-ctr, k8s-w0, k8s-w1\"\n", "the router has no agent");
}

#[test]
fn answers_of_real_hosts_at_every_width() {
    // Quiet, for progress on a terminal depends on how fast the machine is.
    let words = ["--quiet", "--host", "k8s-w0,router", "--", "iptables-save"];
    for columns in [80, 200] {
        let lab = Lab::line("each --from").arg(recorded("cilium-1.18.0-native")).args(words);
        golden(&format!("each/iptables-{columns}.txt"), &lab.terminal(columns).run().exits(0).out);
    }
    let run = from("cilium-1.18.0-native", &["--diff", "--", "iptables-save"]).exits(0);
    golden("each/iptables.diff", &run.out);
    let words = ["--diff", "--fail-on", "info", "--", "iptables-save"];
    from("cilium-1.18.0-native", &words).exits(1);
    let words = [
        "--json",
        "--columns",
        "host,ifname,mtu,operstate,linkinfo",
        "--",
        "ip",
        "-j",
        "-d",
        "link",
    ];
    golden("each/links.rows", &from("cilium-1.18.0-native", &words).exits(0).out);
}
