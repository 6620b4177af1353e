//! What ssh says when something is wrong, by its own words, and what to do about it.
//!
//! Apart because these are OpenSSH's words, read as text: there is no code behind 255. Pure.

use lab_types::Failure;

use crate::{ExtraHost, failures};

pub(super) fn no_ssh(error: &std::io::Error) -> Failure {
    if error.kind() == std::io::ErrorKind::NotFound {
        Failure::unavailable("there is no `ssh` program here")
            .hint("install the OpenSSH client: `apt install openssh-client`")
    } else {
        Failure::other(format!("cannot start ssh: {error}"))
    }
}

pub(super) const REFUSED: &str = "connection refused";
pub(super) const LOST: &str = "the connection was lost";

/// ssh's own failures, by its words.
pub(super) fn own_failure(said: &str, host: &ExtraHost) -> Option<Failure> {
    // What ssh says when the way itself ended, whoever ended it.
    let on_the_way =
        said.contains("UNKNOWN port 65535") || said.contains("kex_exchange_identification");
    let name = match &host.jump {
        Some(jump) if on_the_way => format!("jump host {jump} of {}", host.name),
        _ => format!("host {} ({})", host.name, host.ssh),
    };
    let has = |words: &str| said.contains(words);
    Some(if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        Failure::denied(format!("{name}: its host key is not the known one")).hint(
            "was it made anew? remove the old key with `ssh-keygen -R`, then connect once by hand",
        )
    } else if has("Host key verification failed") || has("host key is known for") {
        let target = match &host.jump {
            Some(jump) if on_the_way => format!("ssh://{jump}"),
            _ => host.port.map(|port| format!("-p {port} ")).unwrap_or_default() + &host.ssh,
        };
        Failure::denied(format!("{name}: its host key is not known"))
            .hint(format!("compare and accept it once by hand: `ssh {target}`"))
    } else if has("Permission denied (") || has("Too many authentication failures") {
        Failure::denied(format!("{name}: the login was refused"))
            .hint("set `identity` to the right key, load it with `ssh-add`, or let ssh ask your askpass: `SSH_ASKPASS_REQUIRE=force`")
    } else if has("Could not resolve hostname") {
        Failure::unavailable(format!("{name}: its name is not known"))
            .hint("set the address, or an entry in ~/.ssh/config")
    } else if has("Connection refused") {
        Failure::unavailable(format!("{name}: {REFUSED}"))
            .hint("does sshd run there, and on this port?")
    } else if has("Connection timed out")
        || has("Operation timed out")
        || has("timed out during banner")
    {
        Failure::timeout(format!("{name}: no answer"))
            .hint("is it up, and is a route or a jump host missing?")
    } else if has("No route to host") || has("Network is unreachable") {
        Failure::unavailable(format!("{name}: no route to it")).hint("is a jump host missing?")
    } else if has("Connection closed by")
        || has("Connection reset by")
        || has("client_loop: ")
        || has("Broken pipe")
        || has("not responding")
        || has("kex_exchange_identification")
    {
        Failure::unavailable(format!("{name}: {LOST}"))
    } else {
        return None;
    })
}

pub(super) fn unknown_failure(said: &str, host: &ExtraHost) -> Failure {
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("ssh failed");
    Failure::unavailable(format!("host {} ({}): {}", host.name, host.ssh, failures::one_line(last)))
}
