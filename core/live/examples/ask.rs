//! Asks every host of a live cluster the same thing and prints what came, host by host.
//!
//! ```sh
//! cargo run -p lab-live --example ask -- --extra router=vagrant@192.168.10.200 \
//!     --identity ~/.ssh/id_ed25519 --debug-pods -- ip -j route show table all
//! ```
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use futures::future::join_all;
use lab_backend::{Backend, Place, Question};
use lab_live::{DebugPodOptions, ExtraHost, Live, LiveOptions};

#[tokio::main]
async fn main() {
    let mut options = LiveOptions::default();
    let mut extra = Vec::new();
    let mut key = ExtraHost::default();
    let mut words = std::env::args().skip(1);
    let mut argv: Vec<String> = Vec::new();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        match word.as_str() {
            "--context" => options.context = Some(value()),
            "--server" => options.server = Some(value()),
            "--as" => options.as_user = Some(value()),
            "--extra" => extra.push(value()),
            "--identity" => key.identity = Some(value().into()),
            "--known-hosts" => key.known_hosts = Some(value().into()),
            "--debug-pods" => options.debug_pods = Some(DebugPodOptions::default()),
            "--image" => options.debug_pods.get_or_insert_default().image = Some(value()),
            "--" => argv.extend(words.by_ref()),
            other => println!("what is `{other}`?"),
        }
    }
    for named in extra {
        let (name, ssh) = named.split_once('=').unwrap_or((&named, &named));
        options.extra_hosts.push(ExtraHost { name: name.into(), ssh: ssh.into(), ..key.clone() });
    }
    if let Err(failure) = ask(options, argv).await {
        println!("error: {failure}");
        if let Some(hint) = failure.hint {
            println!("hint: {hint}");
        }
    }
}

async fn ask(options: LiveOptions, argv: Vec<String>) -> lab_backend::Answer<()> {
    let began = Instant::now();
    let live = Live::connect(options).await?;
    live.tell(Box::new(|line| println!("{line}")));
    let asked = ask_all(&live, began, argv).await;
    // Whatever came of it: a debug pod must not stay.
    live.close().await?;
    asked
}

async fn ask_all(live: &Live, began: Instant, argv: Vec<String>) -> lab_backend::Answer<()> {
    println!("{} after {:?}", live.about().source, began.elapsed());
    println!("{}", live.version().await?.replace('\n', ""));
    let hosts = live.hosts().await?;
    println!("{} hosts after {:?}", hosts.len(), began.elapsed());
    let answers = join_all(hosts.iter().map(|host| {
        let place = Place::Host { host: host.name.clone() };
        let question = Question { place, argv: argv.clone() };
        async move { (live.run(&question).await, began.elapsed()) }
    }))
    .await;
    for (host, (answer, after)) in hosts.iter().zip(answers) {
        match answer {
            Ok(outcome) => println!(
                "{} {:?}: code {}, {} bytes out, {} bytes err, {after:?}\n{}{}",
                host.name,
                host.addresses,
                outcome.code,
                outcome.out.len(),
                outcome.err.len(),
                String::from_utf8_lossy(&outcome.out[..outcome.out.len().min(400)]),
                String::from_utf8_lossy(&outcome.err),
            ),
            Err(failure) => {
                println!("{}: {failure} ({after:?}) hint: {:?}", host.name, failure.hint);
            }
        }
    }
    Ok(())
}
