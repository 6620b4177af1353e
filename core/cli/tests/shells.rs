//! Completion in real shells: what a TAB makes of a line. A shell that is not installed is
//! skipped, and says so.
#![cfg(unix)]

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with the program under its real name, a kubeconfig, a configuration file and files.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("home-{name}"));
        let _ = fs::remove_dir_all(&home);
        for folder in ["bin", ".kube", ".config/kubectl-lab", "work/captures"] {
            fs::create_dir_all(home.join(folder)).expect("the folder for tests can be written");
        }
        let program = env!("CARGO_BIN_EXE_lab-cli-sample");
        symlink(program, home.join("bin/kubectl-lab"))
            .expect("the folder for tests can be written");
        symlink(program, home.join("bin/kubectl_complete-lab"))
            .expect("the folder for tests can be written");
        let contexts = "contexts:\n- name: HomeLab\n- name: two words\n- name: admin@kind:x\n";
        fs::write(home.join(".kube/config"), contexts)
            .expect("the folder for tests can be written");
        let hosts = "[extra-hosts.router]\nssh = \"user@192.168.10.200\"\n[extra-hosts.web]\n";
        fs::write(home.join(".config/kubectl-lab/config.toml"), hosts)
            .expect("the folder for tests can be written");
        for file in ["work/my cap.zip", "work/other.zip"] {
            fs::write(home.join(file), "").expect("the folder for tests can be written");
        }
        Self(home)
    }

    /// Runs a shell's script there; `None` without that shell.
    fn run(&self, shell: &str, args: &[&str], script: &str) -> Option<String> {
        let path = std::env::var("PATH").expect("PATH is set");
        let path = format!("{}:{path}", self.0.join("bin").display());
        let answer = Command::new(shell)
            .args(args)
            .arg(script)
            .current_dir(self.0.join("work"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.0)
            .env("TERM", "xterm")
            .env("LC_ALL", "C.UTF-8")
            .env("COMPLETIONS", Path::new(env!("CARGO_MANIFEST_DIR")).join("../../completions"))
            .output();
        match answer {
            Ok(Output { status, stdout, stderr }) => {
                let errors = String::from_utf8_lossy(&stderr);
                assert!(status.success(), "{shell}: {status}: {errors}");
                assert_eq!(errors, "", "{shell} wrote to stderr");
                Some(String::from_utf8_lossy(&stdout).into_owned())
            }
            Err(error) => {
                skip(&format!("{shell}: {error}"));
                None
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
fn bash_inserts_what_the_word_needs() {
    let home = Home::new("bash");
    for (line, expected) in [
        ("kubectl-lab rou", "routes"),
        ("kubectl-lab routes ", "trace"),
        ("kubectl-lab routes --ker", "--kernel"),
        ("kubectl-lab routes -o js", "json"),
        ("kubectl-lab routes --output=nd", "ndjson"),
        ("kubectl-lab routes --context Ho", "HomeLab"),
        ("kubectl-lab routes --context tw", "two\\ words"),
        ("kubectl-lab routes --context 'tw", "two words"),
        ("kubectl-lab routes --context=\"tw", "two words"),
        ("kubectl-lab routes --context admin@ki", "kind:x"),
        ("kubectl-lab routes --host router,", "router,web"),
        ("kubectl-lab --demo routes --towards w", "web"),
        ("kubectl-lab explain routes/b", "routes/black-hole"),
        ("kubectl-lab capture x.zip -- rou", "routes"),
        ("kubectl-lab capture ver", "verify"),
        ("kubectl-lab capture show oth", "other.zip"),
        ("kubectl-lab capture x.zip --plugins ipam,rou", "ipam,routes"),
        ("kubectl-lab routes --from=oth", "other.zip"),
        ("kubectl-lab routes >oth", "other.zip"),
        ("kubectl-lab routes trace a b ", ""),
    ] {
        // What bash passes: the line, the cursor, and the last piece of the word.
        let script = r#"
            source "$COMPLETIONS/kubectl-lab.bash" || exit
            COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
            _kubectl_lab kubectl-lab "${1##*[ =>]}"
            printf '%s\n' "${COMPREPLY[@]}"
        "#;
        let wrapped = format!("set -- {}; {script}", quoted(line));
        let Some(out) = home.run("bash", &["--norc", "-c"], &wrapped) else { return };
        assert_eq!(out.trim_end_matches('\n'), expected, "{line}");
    }
}

#[test]
fn bash_shows_descriptions_in_a_list() {
    let home = Home::new("bash-list");
    let script = r#"
        source "$COMPLETIONS/kubectl-lab.bash"
        COMP_LINE='kubectl-lab c' COMP_POINT=13 COMP_TYPE=$COMP COLUMNS=50
        _kubectl_lab kubectl-lab c
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    for (kind, expected) in [
        (
            9,
            "capture     (Save what the plugins ask, to rea…)\n\
             config      (Show the settings and where they …)\n\
             completion  (Print a completion script for you…)\n",
        ),
        (37, "capture\nconfig\ncompletion\n"),
    ] {
        let Some(out) = home.run("bash", &["--norc", "-c"], &format!("COMP={kind}; {script}"))
        else {
            return;
        };
        assert_eq!(out, expected);
    }
}

#[test]
fn fish_offers_whole_words() {
    let home = Home::new("fish");
    for (line, expected) in [
        ("kubectl-lab rou", "routes\tCompare the routes of every host with those it ought to have"),
        ("kubectl-lab routes ", "trace\tFollow one packet from host to host"),
        ("kubectl-lab routes -o js", "json\tOne object: rows, findings, partial answers"),
        ("kubectl-lab routes --output=wi", "--output=wide\tEvery column"),
        ("kubectl-lab routes --context tw", "two words"),
        ("kubectl-lab routes --context 'tw", "two words"),
        ("kubectl-lab routes --context=tw", "--context=two words"),
        ("kubectl-lab routes --context 'two words' --host w", "web"),
        ("kubectl-lab routes --host router,", "router,web"),
        ("kubectl-lab routes --from=oth", "--from=other.zip"),
        ("kubectl-lab routes --from 'my", "my cap.zip"),
        ("kubectl-lab routes trace a b ", ""),
    ] {
        let script = format!(
            "source $COMPLETIONS/kubectl-lab.fish; complete -C {}",
            quoted(line).replace("'\\''", "\\'")
        );
        let Some(out) = home.run("fish", &["--no-config", "-c"], &script) else { return };
        assert_eq!(out.trim_end_matches('\n'), expected, "{line}");
    }
}

#[test]
fn zsh_completes_the_line() {
    let home = Home::new("zsh");
    let cases = [
        ("kubectl-lab rou", "kubectl-lab routes "),
        ("kubectl-lab routes ", "kubectl-lab routes trace "),
        ("kubectl-lab routes --ker", "kubectl-lab routes --kernel "),
        ("kubectl-lab routes -o js", "kubectl-lab routes -o json "),
        ("kubectl-lab routes --output=nd", "kubectl-lab routes --output=ndjson "),
        ("kubectl-lab routes --context tw", "kubectl-lab routes --context two\\ words "),
        ("kubectl-lab routes --context 'tw", "kubectl-lab routes --context 'two words' "),
        ("kubectl-lab routes --context admin@ki", "kubectl-lab routes --context admin@kind:x "),
        ("kubectl-lab routes --host router,", "kubectl-lab routes --host router,web "),
        ("kubectl-lab explain routes/b", "kubectl-lab explain routes/black-hole "),
        ("kubectl-lab capture x.zip -- rou", "kubectl-lab capture x.zip -- routes "),
        ("kubectl-lab routes --from=oth", "kubectl-lab routes --from=other.zip "),
        ("kubectl-lab routes --from 'my", "kubectl-lab routes --from 'my cap.zip' "),
    ];
    // A shell inside the shell, because zsh completes only on a terminal. Ctrl-X shows the line.
    let mut script = r#"
        zmodload zsh/zpty || exit
        await() {
            local until=$((SECONDS + 30)) chunk
            answer=
            while [[ $answer != $~1 ]] && ((SECONDS < until)); do
                if zpty -r -t inner chunk; then answer+=$chunk; else sleep 0.01; fi
            done
            [[ $answer == $~1 ]]
        }
        zpty -b inner zsh -f -i
        zpty -w inner 'PS1= PROMPT= RPS1= ; unsetopt beep; stty -echo'
        zpty -w inner 'autoload -U compinit && compinit -u -D; source $COMPLETIONS/_kubectl-lab'
        zpty -w inner 'show() { print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N show; bindkey "^X" show'
        zpty -w inner 'print -r -- "<<""ready>>"'
        await '*<<ready>>*' || exit
    "#
    .to_owned();
    for (line, _) in cases {
        let _ = write!(
            script,
            "zpty -w -n inner {}$'\\t\\x18'\nawait '*<<*>>*' || exit\n\
             print -r -- \"${{${{answer##*<<}}%%>>*}}\"\n",
            quoted(line)
        );
    }
    script.push_str("zpty -d inner\n");
    let Some(out) = home.run("zsh", &["-f", "-c"], &script) else { return };
    let lines: Vec<_> = out.lines().collect();
    let expected: Vec<_> = cases.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(lines, expected);
}

#[test]
fn kubectl_gets_cobras_answer_from_the_hook_and_from_a_link() {
    let home = Home::new("hook");
    let expected = "trace\tFollow one packet from host to host\n:4\n";
    for hook in ["kubectl_complete-lab", "sh \"$COMPLETIONS/kubectl_complete-lab\""] {
        let out = home.run("sh", &["-c"], &format!("{hook} routes ''"));
        assert_eq!(out.as_deref(), Some(expected), "{hook}");
    }
}

/// A word for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
