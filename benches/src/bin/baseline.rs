//! The native peers as a process: reads files and says how many routes or objects they hold.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the program is a command")]

use std::process::ExitCode;

use lab_benches::{addresses, peer};

const HELP: &str = "\
Read the output of `ip -j route` into structs, and count the routes

Usage: baseline strings|typed|model FILE…
       baseline inflate ZIP
       baseline lines ZIP
       baseline addresses CAPTURE

  strings   serde, every field an owned string
  typed     serde, then the structs of lab-model
  model     lab-model's own parser
  inflate   the files of a sysdump that `routes` needs, one after the other, and nothing else:
            prints their bytes
  lines     the same, and their routes read and written as lines, unjudged; the last line says
            how many
  addresses  the fields of a capture's objects that `ipam` reads, and nothing else: prints how
            many objects
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let counted = match args.split_first() {
        Some((way, files)) if way == "strings" => peer::strings(files),
        Some((way, files)) if way == "typed" => peer::typed(files),
        Some((way, files)) if way == "model" => peer::model(files),
        Some((way, [zip])) if way == "inflate" => peer::inflate(zip),
        Some((way, [zip])) if way == "lines" => peer::lines(zip, &mut std::io::stdout().lock()),
        Some((way, [capture])) if way == "addresses" => addresses::objects(capture),
        _ => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
    };
    match counted {
        Ok(counted) => {
            println!("{counted}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}
