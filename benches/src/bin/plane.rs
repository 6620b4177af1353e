//! Runs a real control plane on loopback, filled with a generated cluster, until its input ends.
#![expect(clippy::print_stdout, reason = "the program is a command")]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use lab_benches::arguments::{Arguments, ended};
use lab_benches::generate::Shape;
use lab_benches::plane::{Plane, Setup};

const HELP: &str = "\
Run etcd and kube-apiserver on loopback, filled with a generated cluster, until the input ends

Usage: plane --programs DIR --definitions DIR [flags] STORE RUN

  --programs DIR     the folder with etcd, kube-apiserver and kubectl
  --definitions DIR  the folder with the definitions of Cilium's resources; bare ones are made
                     where it is not there
  --nodes N          nodes, 1000 when not given
  --pods N           pods of each node, 30 when not given
  --policies N       CiliumNetworkPolicies, 500 when not given
  STORE              the folder of the store: filled when it is not there, and kept
  RUN                the folder of this run, with kubeconfig.yaml; removed at the end. When it
                     can be asked there is a file `ready` in it
";

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), String> {
    let args = Arguments::of_process(&["programs", "definitions", "nodes", "pods", "policies"])?;
    if args.wants_help() {
        print!("{HELP}");
        return Ok(());
    }
    let [store, run] = args.words() else {
        return Err("name a store and a folder of the run; `--help` says more".to_owned());
    };
    let folder =
        |flag: &str| args.text(flag).map(PathBuf::from).ok_or(format!("`--{flag}` was not given"));
    let setup = Setup {
        programs: folder("programs")?,
        definitions: folder("definitions")?,
        store: PathBuf::from(store),
        run: PathBuf::from(run),
        shape: Shape {
            nodes: args.number("nodes", 1000)?,
            pods: args.number("pods", 30)?,
            policies: args.number("policies", 500)?,
        },
    };
    let plane = Plane::start(&setup)?;
    fs::write(setup.run.join("ready"), "").map_err(|error| error.to_string())?;
    // Whoever started this closes its input, also by ending in whatever way.
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
    drop(plane);
    Ok(())
}
