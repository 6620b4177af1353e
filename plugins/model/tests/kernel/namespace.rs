//! A network namespace with devices, for as long as a test runs.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Output, Stdio},
};

/// Devices `d0` to `d3`; their peers `p0` to `p3` are in the same namespace.
pub(crate) const N_DEVICES: u32 = 4;

/// A network namespace that goes away with the value.
pub(crate) struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).output();
    }
}

impl Namespace {
    /// Makes one with devices and addresses, or says why it cannot be.
    pub(crate) fn new(seed: u64, ignore_linkdown: bool) -> Result<Self, String> {
        let namespace = Self(format!("lab-model-{}-{seed}", std::process::id()));
        let made = Command::new("ip").args(["netns", "add", &namespace.0]).output();
        let made = made.map_err(|error| format!("cannot run `ip`: {error}"))?;
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(format!("cannot make a network namespace: {why}"));
        }
        let mut batch = String::from("link set lo up\n");
        for i in 0..N_DEVICES {
            // No addresses of their own: they would come when it pleases them.
            writeln!(
                batch,
                "link add d{i} type veth peer name p{i}\n\
                 link set d{i} addrgenmode none\nlink set p{i} addrgenmode none\n\
                 link set d{i} up\nlink set p{i} up\n\
                 addr add 10.100.{i}.1/24 dev d{i}\n\
                 addr add fd00:100:{i}::1/64 dev d{i} nodad"
            )
            .unwrap();
        }
        batch.push_str("link set p3 down\n");
        let made = namespace.batch(&["-batch", "-"], &batch);
        if !made.status.success() {
            let why = String::from_utf8_lossy(&made.stderr).trim().to_owned();
            return Err(format!("cannot make veth devices: {why}"));
        }
        let linkdown = u8::from(ignore_linkdown);
        namespace.set("all rp_filter 0\nall accept_local 1\nall forwarding 1\n", "ipv4");
        for i in 0..N_DEVICES {
            let text = format!("d{i} rp_filter 0\nd{i} ignore_routes_with_linkdown {linkdown}\n");
            namespace.set(&text, "ipv4");
            namespace.set(&format!("d{i} ignore_routes_with_linkdown {linkdown}\n"), "ipv6");
        }
        Ok(namespace)
    }

    /// Sets `device name value` settings of one family.
    fn set(&self, settings: &str, family: &str) {
        for line in settings.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let path = format!("/proc/sys/net/{family}/conf/{}/{}", words[0], words[1]);
            let script = format!("echo {} > {path}", words[2]);
            let done = Command::new("ip")
                .args(["netns", "exec", &self.0, "sh", "-c", &script])
                .output()
                .unwrap();
            assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
        }
    }

    pub(crate) fn batch(&self, args: &[&str], lines: &str) -> Output {
        let mut child = Command::new("ip")
            .args(["-n", &self.0])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Waits until the kernel, which notices carriers in its own time, changes nothing more.
    pub(crate) fn rest(&self) {
        let state = || [self.ip(&["addr"]), self.ip(&["route", "show", "table", "all"])];
        let mut before = state();
        for _ in 0..50 {
            std::thread::sleep(std::time::Duration::from_millis(100));
            let now = state();
            if now == before {
                return;
            }
            before = now;
        }
        panic!("the namespace does not come to rest");
    }

    /// Standard output of an `ip` command, or standard error where it failed.
    pub(crate) fn ip(&self, args: &[&str]) -> Result<String, String> {
        let done = Command::new("ip").args(["-n", &self.0]).args(args).output().unwrap();
        if done.status.success() {
            Ok(String::from_utf8(done.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
        }
    }
}
