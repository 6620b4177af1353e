//! Requests to the API server: one document or stream, under one deadline, with one retry policy.
//!
//! Apart because kube's own policy holds a command for minutes on a 503 and its lists and execs have
//! no deadline. Here only what the server cannot have done is tried again, twice, after a moment
//! that differs each time: a connection that did not come about, and a 429 or 503. Knows paths and
//! bytes; nothing of kinds or pods.

use std::time::{Duration, Instant, SystemTime};

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, DATE, HeaderValue};
use http::{Method, Request};
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::Portforwarder;
use kube::client::{Body, Connection};
use kube::core::Status;
use lab_types::{Failure, FailureKind};

use crate::chance::jitter;
use crate::failures::{self, Problem};

/// The largest answer that is read: a page of 500 objects at etcd's limit of 1.5 MiB each is 750 MiB,
/// real pages stay under 10.
const LARGEST_ANSWER: usize = 256 << 20;
const ATTEMPTS: u32 = 3;
/// Asks for the metadata of objects alone, as every API server since 1.15 can.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// One answer of the API server, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// The document.
    pub text: String,
    /// From the request to the last byte; the first of a run includes connecting.
    pub took: Duration,
    /// The server's clock, as its `Date` header writes it; whole seconds.
    pub date: Option<String>,
    /// Our clock in the middle of it.
    pub at: SystemTime,
}

/// A client with its deadline.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: Client,
    /// The server's URL, for messages.
    pub(crate) server: String,
    /// For one request from connecting to the last byte.
    pub(crate) timeout: Option<Duration>,
}

impl Api {
    /// GETs a document.
    pub(crate) async fn get(&self, path: &str) -> Result<String, Problem> {
        String::from_utf8(self.get_bytes(path).await?).map_err(|_| Problem::Broken(no_text()))
    }

    /// GETs a list of which only names and labels are wanted: the rest does not leave the server.
    pub(crate) async fn get_metadata(&self, path: &str) -> Result<String, Problem> {
        let bytes = self
            .insist(|| async {
                let mut request = request(Method::GET, path, Body::empty())?;
                request.headers_mut().insert(ACCEPT, HeaderValue::from_static(METADATA));
                read(&mut self.send(request).await?.into_body(), &self.server).await
            })
            .await?;
        String::from_utf8(bytes).map_err(|_| Problem::Broken(no_text()))
    }

    /// GETs what may be no text, such as a log.
    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Vec<u8>, Problem> {
        self.insist(|| self.whole(Method::GET, path, "")).await
    }

    /// POSTs a document. It may have been stored when this fails with [`Problem::Broken`].
    pub(crate) async fn post(&self, path: &str, document: &str) -> Result<(), Problem> {
        self.insist(|| self.whole(Method::POST, path, document)).await.map(drop)
    }

    /// POSTs a review: a question in the form of an object, which the server answers and does not
    /// keep.
    pub(crate) async fn review(&self, path: &str, question: &str) -> Result<Vec<u8>, Problem> {
        self.insist(|| self.whole(Method::POST, path, question)).await
    }

    /// GETs a document once, with what a clock says of it.
    pub(crate) async fn round_trip(&self, path: &str) -> Result<RoundTrip, Problem> {
        self.in_time(async {
            let (began, clock) = (Instant::now(), SystemTime::now());
            let response = self.send(request(Method::GET, path, Body::empty())?).await?;
            let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
            let date = date.map(str::to_owned);
            let bytes = read(&mut response.into_body(), &self.server).await?;
            let took = began.elapsed();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok(RoundTrip { text, took, date, at: clock + took / 2 })
        })
        .await
    }

    /// DELETEs what is at a path.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Problem> {
        self.insist(|| self.whole(Method::DELETE, path, "")).await.map(drop)
    }

    async fn whole(&self, method: Method, path: &str, document: &str) -> Result<Vec<u8>, Problem> {
        let request = request(method, path, Body::from(document.as_bytes().to_vec()))?;
        let mut body = self.send(request).await?.into_body();
        read(&mut body, &self.server).await
    }

    /// The same again while it is certain that the server has done nothing, in the time there is.
    async fn insist<T, F>(&self, once: impl Fn() -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        self.in_time(async {
            let mut attempt = 1;
            loop {
                let began = Instant::now();
                let problem = match once().await {
                    Ok(answer) => return Ok(answer),
                    Err(problem) => problem,
                };
                let Some(pause) = pause(&problem, attempt, began.elapsed()) else {
                    return Err(problem);
                };
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
        })
        .await
    }

    /// GETs a body that comes piece by piece; the deadline is for its beginning only.
    pub(crate) async fn stream(&self, path: &str) -> Result<Body, Problem> {
        self.in_time(async {
            let mut request = request(Method::GET, path, Body::empty())?;
            // Since 1.37 the server compresses every event of a watch by itself, and the decoder
            // below us reads only the first.
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            Ok(self.send(request).await?.into_body())
        })
        .await
    }

    /// Opens a WebSocket. Nothing has run at the far end when this fails, but for
    /// [`Problem::Broken`], of which nobody can tell.
    pub(crate) async fn connect(&self, path: &str) -> Result<Connection, Problem> {
        self.insist(|| async {
            let request = request(Method::GET, path, Vec::new())?;
            let connection = self.client.connect(request).await;
            connection.map_err(|error| Problem::from_client(error, &self.server))
        })
        .await
    }

    /// Forwards a port of a pod. That something listens there shows only when it answers.
    pub(crate) async fn port_forward(
        &self,
        namespace: &str,
        pod: &str,
        port: u16,
    ) -> Result<Portforwarder, Problem> {
        let pods: kube::Api<Pod> = kube::Api::namespaced(self.client.clone(), namespace);
        self.insist(|| async {
            let forwarded = pods.portforward(pod, &[port]).await;
            forwarded.map_err(|error| Problem::from_client(error, &self.server))
        })
        .await
    }

    async fn send(&self, request: Request<Body>) -> Result<http::Response<Body>, Problem> {
        let response = self
            .client
            .send(request)
            .await
            .map_err(|error| Problem::from_client(error, &self.server))?;
        let code = response.status();
        if code.is_success() {
            return Ok(response);
        }
        let bytes = read(&mut response.into_body(), &self.server).await.unwrap_or_default();
        Err(Problem::Status(status(code.as_u16(), &bytes).boxed()))
    }

    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        match self.timeout {
            None => answer.await,
            Some(limit) => tokio::time::timeout(limit, answer)
                .await
                .unwrap_or_else(|_| Err(Problem::Broken(failures::too_slow(&self.server, limit)))),
        }
    }
}

/// How long to wait before the same again; `None` when it must not or need not be tried again.
fn pause(problem: &Problem, attempt: u32, took: Duration) -> Option<Duration> {
    // What failed slowly, such as a host without a route, fails slowly again.
    if attempt >= ATTEMPTS || took > Duration::from_secs(1) {
        return None;
    }
    let pause = jitter(Duration::from_millis(100) * 3_u32.pow(attempt - 1));
    match problem {
        // Not when the certificate is refused: that is no accident.
        Problem::Unconnected(failure) if failure.kind == FailureKind::Unavailable => Some(pause),
        problem => problem.retry_after().map(|wait| wait + pause),
    }
}

fn request<B>(method: Method, path: &str, body: B) -> Result<Request<B>, Problem> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(ACCEPT, "application/json, */*")
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .map_err(|error| Problem::Broken(Failure::invalid(format!("`{path}` is no path: {error}"))))
}

fn no_text() -> Failure {
    Failure::other("the API server's answer is not UTF-8 text")
}

/// Reads a whole body up to the limit.
async fn read(body: &mut Body, server: &str) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::from_client(error, server))?;
        if let Ok(piece) = frame.into_data() {
            if bytes.len() + piece.len() > LARGEST_ANSWER {
                return Err(Problem::Broken(Failure::other(format!(
                    "the API server's answer is larger than {} MiB",
                    LARGEST_ANSWER >> 20
                ))));
            }
            bytes.extend_from_slice(&piece);
        }
    }
    Ok(bytes)
}

/// The status document in an error's body, or one made of what a proxy or a bare path says.
fn status(code: u16, bytes: &[u8]) -> Status {
    match serde_json::from_slice::<Status>(bytes) {
        Ok(mut status) if status.code != 0 || !status.message.is_empty() => {
            status.code = code;
            status
        }
        _ => Status::failure(String::from_utf8_lossy(bytes).trim(), "").with_code(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_are_no_status_document_keep_their_text() {
        let made = status(503, b"<html>no backend</html>\n");
        assert_eq!((made.code, made.message.as_str()), (503, "<html>no backend</html>"));
        assert_eq!(status(404, br#"{"kind":"Status","message":"gone"}"#).message, "gone");
        assert_eq!(status(502, b"{}").code, 502);
    }

    #[test]
    fn only_what_the_server_cannot_have_done_is_tried_again() {
        let unconnected = || Problem::Unconnected(Failure::unavailable("refused"));
        assert!(
            pause(&unconnected(), 1, Duration::ZERO).is_some()
                && pause(&unconnected(), 2, Duration::ZERO).is_some()
        );
        assert!(pause(&unconnected(), 3, Duration::ZERO).is_none());
        assert!(pause(&unconnected(), 1, Duration::from_secs(3)).is_none());
        assert!(pause(&Problem::Broken(Failure::unavailable("lost")), 1, Duration::ZERO).is_none());
        for (code, again) in [(503, true), (429, true), (500, false), (504, false), (403, false)] {
            let problem = Problem::Status(status(code, b"").boxed());
            assert_eq!(pause(&problem, 1, Duration::ZERO).is_some(), again, "{code}");
        }
    }
}
