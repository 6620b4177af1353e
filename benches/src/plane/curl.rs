//! curl, over one connection that is kept: what reading the same pages costs at the least.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How long one request may take.
const TIMEOUT_SECONDS: u32 = 120;

/// What the server answers for a path, in the form in which it stores.
///
/// - Errors: curl's, and those that the server answers.
pub(super) fn stored_form(run: &Path, path: &str) -> Result<Vec<u8>, String> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail"])
        .arg("--config")
        .arg(run.join("curl.conf"))
        .args(["--header", "Accept: application/vnd.kubernetes.protobuf"])
        .arg(format!("{}{path}", url(run)?))
        .output()
        .map_err(|error| format!("cannot run curl: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{path}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

fn url(run: &Path) -> Result<String, String> {
    fs::read_to_string(run.join("url")).map_err(|error| error.to_string())
}

/// The pages that a program has asked for, as the server's audit log names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pages(Vec<String>);

impl Pages {
    /// Forgets what was asked so far.
    ///
    /// - Errors: the disk's.
    pub fn forget(run: &Path) -> Result<(), String> {
        let log = run.join("audit.log");
        let file = fs::OpenOptions::new().write(true).open(&log);
        file.and_then(|file| file.set_len(0)).map_err(|error| format!("{}: {error}", log.display()))
    }

    /// What was asked since by programs whose agent begins so, in order.
    ///
    /// - Errors: the disk's, or nothing was asked.
    pub fn asked_by(run: &Path, agent: &str) -> Result<Self, String> {
        let log = fs::read_to_string(run.join("audit.log")).map_err(|error| error.to_string())?;
        let pages = read(&log, agent);
        if pages.0.is_empty() {
            return Err(format!("`{agent}` has asked for nothing"));
        }
        Ok(pages)
    }

    /// Each list once: where one was read again, its pages count the first time.
    #[must_use]
    pub fn once(&self) -> Self {
        let mut seen: Vec<String> = Vec::new();
        let mut again: Vec<String> = Vec::new();
        let mut once = Vec::new();
        for page in &self.0 {
            let (list, is_first) = list_of(page);
            if is_first {
                let known = seen.contains(&list);
                again.retain(|other| *other != list);
                if known { again.push(list.clone()) } else { seen.push(list.clone()) }
            }
            if !again.contains(&list) {
                once.push(page.clone());
            }
        }
        Self(once)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many of each kind, by their paths.
    pub fn kinds(&self) -> String {
        let mut kinds: Vec<(&str, u32)> = Vec::new();
        for page in &self.0 {
            let path = page.split('?').next().unwrap_or(page);
            match kinds.iter_mut().find(|(known, _)| *known == path) {
                Some((_, n)) => *n += 1,
                None => kinds.push((path, 1)),
            }
        }
        let kinds: Vec<String> = kinds.iter().map(|(path, n)| format!("{path} {n}")).collect();
        kinds.join(", ")
    }

    /// A configuration of curl that asks for them one after the other, as the program does: the
    /// same forms of answers, compressed or not, and HTTP/1.1.
    ///
    /// - Errors: the disk's.
    pub fn config(&self, run: &Path, name: &str) -> Result<PathBuf, String> {
        let mut text =
            fs::read_to_string(run.join("curl.conf")).map_err(|error| error.to_string())?;
        let server = url(run)?;
        let _ = write!(
            text,
            "silent\nshow-error\ncompressed\nhttp1.1\nmax-time = {TIMEOUT_SECONDS}\n\
             header = \"Accept: application/json, */*\"\nheader = \"Accept-Encoding: gzip\"\n"
        );
        for page in &self.0 {
            let _ = write!(text, "url = \"{server}{page}\"\noutput = \"/dev/null\"\n");
        }
        // Paths hold brackets and braces that are meant.
        text.push_str("globoff\n");
        let path = run.join(name);
        fs::write(&path, text).map_err(|error| error.to_string())?;
        Ok(path)
    }
}

/// What a page is of, and whether it is the first of that.
fn list_of(page: &str) -> (String, bool) {
    let (path, query) = page.split_once('?').unwrap_or((page, ""));
    let is_mark = |part: &&str| part.starts_with("continue=");
    let rest: Vec<&str> = query.split('&').filter(|part| !is_mark(part)).collect();
    (format!("{path}?{}", rest.join("&")), !query.split('&').any(|part| is_mark(&part)))
}

fn read(log: &str, agent: &str) -> Pages {
    let pages = log.lines().filter_map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_asked = event["stage"] == "ResponseComplete"
            && event["userAgent"].as_str()?.starts_with(agent)
            && ["get", "list"].contains(&event["verb"].as_str()?);
        is_asked.then(|| event["requestURI"].as_str().map(str::to_owned))?
    });
    Pages(pages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_program_read_counts() {
        let event = |agent: &str, verb: &str, uri: &str| {
            format!(
                r#"{{"stage":"ResponseComplete","userAgent":"{agent}","verb":"{verb}","requestURI":"{uri}"}}"#
            )
        };
        let log = [
            event("kubectl-lab/0.1.0", "list", "/api/v1/pods?limit=500"),
            event("kubectl/v1", "list", "/api/v1/nodes"),
            event("kubectl-lab/0.1.0", "create", "/api/v1/pods"),
            event("kubectl-lab/0.1.0", "list", "/api/v1/pods?limit=500&continue=x"),
        ];
        let pages = read(&log.join("\n"), "kubectl-lab/");
        assert_eq!((pages.len(), pages.kinds().as_str()), (2, "/api/v1/pods 2"));
    }

    #[test]
    fn a_list_that_is_read_again_is_needed_once() {
        let pages = [
            "/a?limit=1",
            "/a?limit=1&continue=x",
            "/b",
            "/a?limit=1",
            "/a?continue=y&limit=1",
            "/c",
        ];
        let once = Pages(pages.map(str::to_owned).to_vec()).once();
        assert_eq!(once.0, ["/a?limit=1", "/a?limit=1&continue=x", "/b", "/c"]);
    }
}
