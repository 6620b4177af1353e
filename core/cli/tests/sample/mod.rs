//! Cards for tests: every kind of argument, a command with subcommands, one that only groups.

use lab_types::{Argument, Ask, Card, Command, Complete, Example, Explanation, Kind, Position};

fn flag(name: &str, kind: Kind, about: &str) -> Argument {
    Argument {
        name: name.to_owned(),
        position: Position::Flag,
        kind,
        about: about.to_owned(),
        short: None,
        required: false,
        repeated: false,
        default: None,
        choices: Vec::new(),
        complete: None,
        command: false,
        release: false,
    }
}

fn positional(name: &str, kind: Kind, about: &str) -> Argument {
    Argument { position: Position::Positional, ..flag(name, kind, about) }
}

fn command(path: &[&str], about: &str, arguments: Vec<Argument>) -> Command {
    Command {
        path: path.iter().map(|word| (*word).to_owned()).collect(),
        about: about.to_owned(),
        arguments,
        ..Command::default()
    }
}

fn example(line: &str, about: &str) -> Example {
    Example { line: line.to_owned(), about: about.to_owned() }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The cards of two plugins, `routes` and `ipam`.
pub(crate) fn cards() -> Vec<(String, Card)> {
    let trace = vec![
        Argument {
            required: true,
            complete: Some(Complete::Objects { api_version: "v1".into(), kind: "Pod".into() }),
            ..positional("source", Kind::Text, "Pod, host or address the packet leaves from")
        },
        Argument { required: true, ..positional("target", Kind::Text, "Where it goes") },
        Argument {
            choices: strings(&["tcp", "udp", "icmp"]),
            default: Some("tcp".to_owned()),
            ..flag("protocol", Kind::Text, "Protocol of the packet")
        },
        Argument { short: Some('p'), ..flag("port", Kind::Integer, "Port it goes to") },
    ];
    let routes = vec![
        Argument {
            short: Some('t'),
            repeated: true,
            ..flag("table", Kind::Text, "Only routes of this routing table, by name or number")
        },
        flag("kernel", Kind::Boolean, "Also show what the kernel made itself"),
        flag("newer-than", Kind::Duration, "Only routes that are younger"),
        flag("weight", Kind::Decimal, "A number"),
        flag("rules", Kind::Path, "File with more expectations"),
        Argument {
            complete: Some(Complete::Hosts),
            ..flag("towards", Kind::Text, "Only routes towards this host")
        },
    ];
    let routes = Card {
        about: "Compare the routes of every host with those it ought to have".to_owned(),
        commands: vec![
            Command {
                long_about: Some(
                    "Shows the routes of every host beside the routes that Cilium's settings and \
                     the nodes' podCIDRs call for, and says which are missing, stale or shadowed.\
                     \n\nHosts that are no nodes, such as a router, are compared too when they are \
                     named in the configuration file:\n\n  [extra-hosts.router]\n  ssh = \
                     \"user@192.168.10.200\"\n"
                        .to_owned(),
                ),
                examples: vec![
                    example("kubectl lab routes", "Which podCIDR is reachable from where"),
                    example(
                        "kubectl lab routes --filter verdict!=ok -o wide",
                        "Only what is wrong, with all columns",
                    ),
                ],
                ..command(
                    &["routes"],
                    "Compare the routes of every host with those it ought to have",
                    routes,
                )
            },
            Command {
                examples: vec![example(
                    "kubectl lab routes trace default/client 10.10.1.200 --port 80",
                    "Follow one connection",
                )],
                ..command(&["routes", "trace"], "Follow one packet from host to host", trace)
            },
        ],
        asks: vec![Ask {
            capability: "hosts".to_owned(),
            scope: strings(&["host: ip -j route show table all"]),
            reason: "read the routing tables".to_owned(),
        }],
        explanations: ["routes/black-hole", "routes/stale-route"]
            .into_iter()
            .map(|code| Explanation {
                code: code.to_owned(),
                text: "Checks that packets arrive.\nWhy: they should.".to_owned(),
            })
            .collect(),
        ..Card::default()
    };
    let ipam = Card {
        about: "Who holds which pod address".to_owned(),
        commands: vec![
            command(&["ipam", "blocks"], "Show the podCIDRs of every node", Vec::new()),
            Command {
                live: true,
                ..command(
                    &["ipam", "holders"],
                    "Show who holds each address",
                    vec![Argument {
                        repeated: true,
                        ..positional("address", Kind::Text, "Only these")
                    }],
                )
            },
        ],
        ..Card::default()
    };
    vec![("routes".to_owned(), routes), ("ipam".to_owned(), ipam)]
}
