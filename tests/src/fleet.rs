//! Hosts that really run commands, without a cluster: an API server that knows no node, hosts
//! beside it in the settings, and a stand-in for `ssh` that runs each command on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::{ApiServer, Lab, Reply, Scratch};

/// Notes what reaches a host, and runs it with the host's name in `LAB_HOST`.
const SSH: &str = r#"#!/bin/sh
host= line=
for word; do
    case $word in -N | -O) exit 0 ;; esac
    host=$line line=$word
done
printf '%s: %s\n' "$host" "$line" >> "$LAB_RAN"
LAB_HOST=$host exec sh -c "$line"
"#;

/// Three hosts, `a`, `b` and `c`.
#[derive(Debug)]
pub struct Fleet {
    server: ApiServer,
    scratch: Scratch,
}

impl Default for Fleet {
    fn default() -> Self {
        Self::new()
    }
}

impl Fleet {
    /// Hosts on which nothing ran yet.
    pub fn new() -> Self {
        let list = r#"{"kind":"List","metadata":{},"items":[]}"#;
        let server = ApiServer::start(move |_| Reply::Http(200, "", list.into()));
        let scratch = Scratch::new();
        let ssh = scratch.put("bin/ssh", SSH);
        fs::set_permissions(ssh, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Self { server, scratch }
    }

    /// The program in front of these hosts.
    pub fn lab<S: AsRef<std::ffi::OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Lab {
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.scratch.path("bin");
        Lab::new(words)
            .kubeconfig(&self.server.kubeconfig())
            .config("[extra-hosts.a]\n[extra-hosts.b]\n[extra-hosts.c]\n")
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("LAB_RAN", self.scratch.path("ran"))
    }

    /// The commands that ran, `host: line`, sorted.
    pub fn ran(&self) -> Vec<String> {
        let text = fs::read_to_string(self.scratch.path("ran")).unwrap_or_default();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}
