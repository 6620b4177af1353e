//! Why the API server gave no answer, in one line and with what to do about it.
//!
//! Apart so that the words are in one place and every case can be tested from a value. Knows status
//! documents and error chains; sends nothing.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use kube::client::UpgradeConnectionError;
use kube::core::Status;
use lab_types::Failure;

use crate::agent;

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The server answered, and the answer is no.
    Status(Box<Status>),
    /// No connection came about: nothing was sent.
    Unconnected(Failure),
    /// The server answered, but opened no stream: nothing ran at the far end.
    Unopened(Failure),
    /// Anything else; the server may have seen the request.
    Broken(Failure),
}

impl Problem {
    /// The same for people. `doing` is `list nodes`.
    pub(crate) fn into_failure(self, doing: &str) -> Failure {
        match self {
            Self::Status(status) => of_status(&status, doing),
            Self::Unconnected(failure) | Self::Unopened(failure) | Self::Broken(failure) => failure,
        }
    }

    /// The HTTP code, if the server answered.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(status.code),
            _ => None,
        }
    }

    /// How long the server asks us to wait before the same request, if it is too busy to do
    /// anything with this one; waits that are not worth waiting are none.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let Self::Status(status) = self else { return None };
        let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
        (matches!(status.code, 429 | 503) && seconds <= 5)
            .then(|| Duration::from_secs(u64::from(seconds)))
    }

    /// Sorts an error of the client. `server` is the URL that was asked.
    pub(crate) fn from_client(error: kube::Error, server: &str) -> Self {
        match error {
            kube::Error::Api(status) => Self::Status(status),
            kube::Error::Auth(error) => Self::Broken(of_credentials(&error)),
            kube::Error::UpgradeConnection(error) => {
                let failure = Failure::unavailable(format!(
                    "the API server at {server} did not open a stream: {error}"
                ))
                .hint("a proxy between here and the API server may not let WebSockets through");
                match error {
                    UpgradeConnectionError::ProtocolSwitch(_) => Self::Unopened(failure),
                    _ => Self::Broken(failure),
                }
            }
            error => {
                let failure = of_chain(&error, server);
                if is_unconnected(&error) {
                    Self::Unconnected(failure)
                } else {
                    Self::Broken(failure)
                }
            }
        }
    }
}

/// A status document that says no. `doing` is `list nodes`.
pub(crate) fn of_status(status: &Status, doing: &str) -> Failure {
    let said = one_line(&status.message);
    match status.code {
        401 => Failure::denied(format!(
            "cannot {doing}: the API server does not accept the credentials (401)"
        ))
        .hint("log in again, or see who you are with `kubectl auth whoami`"),
        403 => Failure::denied(format!("cannot {doing}: forbidden{}", for_user(&status.message)))
            .hint("`kubectl auth can-i --list` shows the rights there are"),
        404 => Failure::not_found(format!("cannot {doing}: {}", or(&said, "not found"))),
        408 | 504 => Failure::timeout(format!(
            "cannot {doing}: {}",
            or(&said, "the API server ran out of time")
        ))
        .hint("wait longer with `--request-timeout 60s`"),
        410 => Failure::unavailable(format!(
            "cannot {doing}: the listing expired on the API server (410)"
        ))
        .hint("ask again"),
        429 => Failure::unavailable(format!("cannot {doing}: the API server is busy (429)"))
            .hint("ask again later, or fewer at once with `--concurrency 8`"),
        400 if said.contains("HTTP request to an HTTPS server") => {
            Failure::invalid(format!("cannot {doing}: the API server speaks TLS"))
                .hint("write its address with `https://`")
        }
        400 | 405 | 406 | 415 | 422 => Failure::invalid(format!(
            "cannot {doing}: {}",
            or(&said, "the API server calls it malformed")
        )),
        code if code >= 500 => Failure::unavailable(format!(
            "cannot {doing}: the API server answered {code}{}",
            if said.is_empty() { String::new() } else { format!(": {said}") }
        )),
        code => Failure::other(format!("cannot {doing}: {} ({code})", or(&said, "refused"))),
    }
}

/// The cluster has no such kind.
pub(crate) fn no_kind(api_version: &str, kind: &str) -> Failure {
    let failure = Failure::not_found(format!("this cluster has no `{kind}` ({api_version})"));
    match agent::hint_for_missing_kind(api_version, kind) {
        Some(hint) => failure.hint(hint),
        None => failure.hint("`kubectl api-resources` lists what it has"),
    }
}

/// No answer within the limit that the user set.
pub(crate) fn too_slow(server: &str, limit: Duration) -> Failure {
    Failure::timeout(format!("no answer from the API server at {server} within {limit:?}"))
        .hint("wait longer with `--request-timeout 60s`")
}

/// What a document that is not as promised looks like to the user.
pub(crate) fn unreadable(doing: &str, error: &dyn std::fmt::Display) -> Failure {
    Failure::other(format!("cannot {doing}: the API server's answer is not readable: {error}"))
}

fn of_credentials(error: &dyn Error) -> Failure {
    Failure::denied(format!("no credentials for the API server: {}", one_line(&chain(error))))
        .hint("`kubectl auth whoami` runs the same credential plugin and shows what it says")
}

/// A transport error, told from the errors below it.
fn of_chain(error: &(dyn Error + 'static), server: &str) -> Failure {
    let text = chain(error);
    let cannot = format!("cannot reach the API server at {server}");
    if let Some(failure) = of_tls(&text, server) {
        return failure;
    }
    if text.contains("dns error") || text.contains("failed to lookup address") {
        return Failure::unavailable(format!("{cannot}: its name is not known"))
            .hint("`--context` or `--server` choose another one");
    }
    match io_kind(error) {
        Some(ErrorKind::ConnectionRefused) => {
            Failure::unavailable(format!("{cannot}: connection refused"))
                .hint("is the cluster up? `--context` or `--server` choose another one")
        }
        Some(ErrorKind::TimedOut) => Failure::timeout(format!("{cannot}: no answer to connecting"))
            .hint(
                "is a VPN or a firewall in between? `--context` or `--server` choose another one",
            ),
        Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => Failure::unavailable(
            format!("{cannot}: no route to it"),
        )
        .hint("is a VPN or a firewall in between? `--context` or `--server` choose another one"),
        Some(
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof,
        ) => Failure::unavailable(format!("the connection to the API server at {server} was lost")),
        _ => Failure::unavailable(format!("{cannot}: {}", one_line(&text))),
    }
}

/// TLS, by the words of rustls: its error type sits inside an `io::Error` of kind `InvalidData`.
fn of_tls(text: &str, server: &str) -> Option<Failure> {
    let not_trusted = |why: &str| Failure::denied(format!("the certificate of {server} {why}"));
    if text.contains("UnknownIssuer") || text.contains("BadSignature") {
        return Some(not_trusted("is not signed by the authority in the kubeconfig").hint(
            "was the cluster made anew? fetch its kubeconfig again, or name the authority with `--certificate-authority`",
        ));
    }
    if text.contains("not valid for name") || text.contains("NotValidForName") {
        return Some(not_trusted("is for another name").hint("name it with `--tls-server-name`"));
    }
    if text.contains("certificate expired") || text.contains("Expired") {
        return Some(
            not_trusted("has expired")
                .hint("`kubeadm certs renew all` renews it on the control plane"),
        );
    }
    if text.contains("InvalidContentType") {
        return Some(
            Failure::unavailable(format!("{server} does not speak TLS"))
                .hint("is it `http://`, or another service's port?"),
        );
    }
    text.contains("invalid peer certificate")
        .then(|| not_trusted(&format!("is not accepted: {}", one_line(text))))
}

/// Whether an error happened before anything could be sent.
fn is_unconnected(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
    })
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .last()
        .map(std::io::Error::kind)
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error with its causes, each once: many libraries repeat the cause in their own text.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let own = error.to_string();
        if !text.contains(&own) {
            text.push_str(": ");
            text.push_str(&own);
        }
        cause = error.source();
    }
    text
}

/// Names the user of `nodes is forbidden: User "dev" cannot list …`.
fn for_user(message: &str) -> String {
    message
        .split_once("User \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(user, _)| format!(" for user `{user}`"))
        .unwrap_or_default()
}

/// The first line with something in it, cut where nobody reads on.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

#[cfg(test)]
mod tests {
    use lab_types::FailureKind;

    use super::*;

    fn of(code: u16, message: &str) -> Failure {
        of_status(&Status::failure(message, "").with_code(code), "list `nodes`")
    }

    #[test]
    fn every_code_has_its_kind_and_says_what_failed() {
        for (code, kind) in [
            (401, FailureKind::Denied),
            (403, FailureKind::Denied),
            (404, FailureKind::NotFound),
            (408, FailureKind::Timeout),
            (410, FailureKind::Unavailable),
            (422, FailureKind::InvalidInput),
            (429, FailureKind::Unavailable),
            (500, FailureKind::Unavailable),
            (503, FailureKind::Unavailable),
            (504, FailureKind::Timeout),
            (418, FailureKind::Other),
        ] {
            let failure = of(code, "");
            assert_eq!(failure.kind, kind, "{code}");
            assert!(failure.message.starts_with("cannot list `nodes`: "), "{}", failure.message);
            assert!(!failure.message.ends_with(": "), "{}", failure.message);
        }
    }

    #[test]
    fn forbidden_names_the_user() {
        let failure = of(
            403,
            r#"nodes is forbidden: User "dev" cannot list resource "nodes" in API group """#,
        );
        assert_eq!(failure.message, "cannot list `nodes`: forbidden for user `dev`");
        assert!(failure.hint.is_some());
    }

    #[test]
    fn long_answers_are_cut_to_one_line() {
        let failure = of(500, &format!("\n{}\nsecond", "x".repeat(1000)));
        assert!(failure.message.len() < 400 && !failure.message.contains('\n'));
    }

    #[test]
    fn only_short_waits_of_a_busy_server_are_waited() {
        let status = |code, seconds| {
            let details =
                serde_json::from_value(serde_json::json!({ "retryAfterSeconds": seconds }))
                    .unwrap();
            Problem::Status(Status::failure("", "").with_code(code).with_details(details).boxed())
        };
        assert_eq!(status(429, 1).retry_after(), Some(Duration::from_secs(1)));
        assert_eq!(status(429, 600).retry_after(), None);
        assert_eq!(status(503, 2).retry_after(), Some(Duration::from_secs(2)));
        assert_eq!(status(503, 0).retry_after(), Some(Duration::ZERO));
        assert_eq!(status(500, 1).retry_after(), None);
    }
}
