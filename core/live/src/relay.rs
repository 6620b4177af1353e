//! The relay that gathers what all agents see: found, reached through a port-forward, asked for
//! flows, answered in the lines that the product's own command prints.
//!
//! Apart from exec because nothing runs anywhere: a question with the words of that command is sent
//! as a call of gRPC, so any user who may forward ports gets the flows of a thousand nodes by one
//! connection. Beside `agent.rs` the only place with the product's name.

mod find;
mod grpc;
mod json;
mod request;
mod schema;
mod tls;
mod wire;

use futures::FutureExt;
use futures::future::BoxFuture;
use lab_backend::{Answer, Selection};
use lab_types::{Failure, FailureKind};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::objects::Objects;
use crate::running::{Piece, Running, Unanswered};
use crate::{RelayOptions, agent};
pub(crate) use find::Relay;
use grpc::Call;
use request::Request;

/// What a relay's pods and its Service are labelled with, in every release since 1.8.
const SELECTOR: &str = "k8s-app=hubble-relay";
/// Where its pods listen unless they say otherwise.
const PORT: u16 = 4245;
/// The call of gRPC.
const GET_FLOWS: &str = "/observer.Observer/GetFlows";

/// Looks for a relay.
///
/// # Errors
/// There is none, or pods may not be listed.
pub(crate) async fn find(
    objects: &Objects,
    options: &RelayOptions,
    agent_namespace: Option<&str>,
) -> Answer<Relay> {
    let named = options.namespace.as_deref().or(agent_namespace);
    let selector = find::selector(options.selector.as_deref());
    let mut of = Selection {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: Some(named.unwrap_or(agent::NAMESPACE).to_owned()),
        labels: Some(selector.to_owned()),
        ..Selection::default()
    };
    let mut pods = objects.list_all(&of).await?;
    if pods.is_empty() && named.is_none() {
        of.namespace = None;
        pods = objects.list_all(&of).await?;
    }
    let mut relay = find::choose(&pods, selector, &find::within(of.namespace.as_deref()))?;
    relay.port = options.port.unwrap_or(relay.port);
    relay.speaks_tls = if let Some(tls) = options.tls {
        tls
    } else {
        let of = Selection {
            kind: "Service".to_owned(),
            namespace: Some(relay.namespace.clone()),
            ..of
        };
        // Who may not see the Service gets what most relays speak.
        find::speaks_tls(&objects.list_all(&of).await.unwrap_or_default())
    };
    Ok(relay)
}

/// Asks a relay.
///
/// # Errors
/// No port-forward, no TLS, or a command that no relay understands.
pub(crate) async fn open(
    objects: &Objects,
    options: &RelayOptions,
    relay: &Relay,
    argv: &[String],
) -> Result<Flows, Unanswered> {
    // Before anything is connected.
    let request = Request::parse(argv).map_err(Unanswered::not_run)?;
    let Relay { namespace, pod, port, speaks_tls } = relay;
    let forwarded = objects.api.port_forward(namespace, pod, *port).await;
    let mut forwarded = forwarded.map_err(|problem| {
        let doing = format!("forward port {port} of pod {namespace}/{pod}");
        Unanswered::not_run(problem.into_failure(&doing))
    })?;
    let why = forwarded.take_error(*port).map(FutureExt::boxed);
    let Some(stream) = forwarded.take_stream(*port) else {
        return Err(Unanswered::not_run(Failure::other("a port was forwarded to nowhere")));
    };
    let mut flows = if *speaks_tls {
        let stream = tls::connect(stream, relay, options, objects).await;
        ask(stream.map_err(Unanswered::not_run)?, relay, &request).await
    } else {
        ask(stream, relay, &request).await
    }
    .map_err(Unanswered::not_run)?;
    flows.why = why;
    Ok(flows)
}

/// Asks whoever is at the other end of a connection.
async fn ask<S>(stream: S, relay: &Relay, request: &Request) -> Answer<Flows>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let name = format!("relay {}/{}", relay.namespace, relay.pod);
    match Call::start(stream, GET_FLOWS, &request.encode()).await {
        Ok(call) => Ok(Flows {
            call,
            name,
            speaks_tls: relay.speaks_tls,
            why: None,
            writer: json::Writer::default(),
            next: None,
        }),
        Err(why) => Err(Failure::unavailable(format!("{name}: {why}"))),
    }
}

/// Flows as they come.
pub(crate) struct Flows {
    call: Call,
    /// For messages.
    name: String,
    speaks_tls: bool,
    /// Why the port-forward came to nothing, if that is known.
    why: Option<BoxFuture<'static, Option<String>>>,
    writer: json::Writer,
    /// What comes after the lines just handed over.
    next: Option<Piece>,
}

impl Flows {
    async fn piece(&mut self) -> Piece {
        if let Some(piece) = self.next.take() {
            return piece;
        }
        match self.call.next().await {
            grpc::Answer::Messages(messages) => {
                let mut lines = Vec::with_capacity(messages.iter().map(|of| of.len() * 3).sum());
                let mut malformed = 0_usize;
                for message in &messages {
                    malformed += usize::from(self.writer.line(message, &mut lines).is_err());
                }
                if malformed > 0 {
                    let text = format!("{}: {malformed} answers make no sense\n", self.name);
                    self.next = Some(Piece::Err(text.into_bytes()));
                }
                Piece::Out(lines)
            }
            grpc::Answer::Ended(Ok(())) => Piece::Ended(Ok(0)),
            grpc::Answer::Ended(Err(failure)) => {
                Piece::Ended(Err(Unanswered::perhaps(self.told(failure).await)))
            }
        }
    }

    /// A failure with its place, and with what the port-forward knows of it.
    async fn told(&mut self, failure: Failure) -> Failure {
        let mut failure = failure.context(&self.name);
        if failure.kind != FailureKind::Unavailable {
            return failure;
        }
        if let Some(why) = self.why.take() {
            let soon = std::time::Duration::from_millis(200);
            if let Ok(Some(why)) = tokio::time::timeout(soon, why).await {
                failure.message = format!("{}: {}", self.name, crate::failures::one_line(&why));
            }
        }
        if failure.hint.is_none() && !self.speaks_tls {
            failure =
                failure.hint("if it speaks TLS, set `tls = true` in `[relay]` of the settings");
        }
        failure
    }
}

impl Running for Flows {
    fn next(&mut self) -> BoxFuture<'_, Piece> {
        Box::pin(self.piece())
    }
}

#[cfg(test)]
mod tests;
