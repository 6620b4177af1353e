//! A cluster of any size on loopback: nodes, their agents' pods, and an exec endpoint that
//! answers late, as a kubelet far away does, or sends an agent's events at a steady rate. If it is
//! asked for, a relay of all agents' flows.
//!
//! Threads and plain sockets: what the server itself costs is the same for every peer, and it
//! must not be much on a machine that runs the peers as well.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::Role;
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

use crate::relay::{self, Flows};

/// How large the cluster is, and how its agents answer.
#[derive(Debug)]
pub struct Crowd {
    /// Nodes, each with an agent.
    pub nodes: u32,
    /// From a command's start to its answer.
    pub latency: Duration,
    /// What agents print on `cilium-dbg monitor`, over and over.
    pub events: Vec<Vec<u8>>,
    /// Events of each agent in a second.
    pub rate: u32,
    /// Events of each agent in all.
    pub most: u32,
    /// Whether an agent's stream ends then; else it stays silent.
    pub ends: bool,
    /// What a relay tells, if there is one: as many flows for each agent, at the same rate.
    pub relay: Option<Flows>,
}

/// The namespace of the agents, which is where `kubectl lab` looks first.
pub const NAMESPACE: &str = "kube-system";

/// The pod of the relay, and how it is labelled.
const RELAY: &str = "hubble-relay";

/// Answers of a node to any other command: about what `ip -br addr` prints.
const ANSWER: &str = "lo UNKNOWN 127.0.0.1/8 ::1/128\neth0 UP 10.0.2.15/24\n";

/// Bytes from which a frame is sent.
const FRAME: usize = 30 << 10;

/// How often events are sent: a tick of the agents' own ring buffer reader is not longer.
const BEAT: Duration = Duration::from_millis(20);

impl Crowd {
    /// The name of a node, and of the pod of its agent.
    pub fn node(at: u32) -> String {
        format!("node-{at:04}")
    }

    /// The name of the pod of a node's agent.
    pub fn agent(at: u32) -> String {
        format!("cilium-{}", Self::node(at))
    }

    /// Serves until the process ends. `ready` is told the address.
    ///
    /// - Errors: no port is free, and those of `ready`.
    pub fn serve(self, ready: impl FnOnce(&str) -> std::io::Result<()>) -> std::io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        ready(&format!("http://{}", listener.local_addr()?))?;
        let lists = Arc::new(Lists::new(&self));
        let crowd = Arc::new(self);
        for stream in listener.incoming().flatten() {
            let (crowd, lists) = (crowd.clone(), lists.clone());
            std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
                // Who asked has gone: nobody is left to tell.
                drop(answer(&crowd, &lists, stream));
            })?;
        }
        Ok(())
    }
}

/// A kubeconfig for a server.
pub fn kubeconfig(url: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: crowd\n\
         contexts: [{{name: crowd, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{url}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    )
}

/// Documents that are asked for again and again, put together once.
struct Lists {
    nodes: String,
    pods: String,
    relays: String,
    /// None where there is no relay: what gives names to addresses is not here.
    services: Option<String>,
}

impl Lists {
    fn new(crowd: &Crowd) -> Self {
        let list = |kind: &str, items: Vec<Value>| {
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"resourceVersion": "1"},
                "items": items})
            .to_string()
        };
        Self {
            nodes: list("NodeList", (0..crowd.nodes).map(node).collect()),
            pods: list("PodList", (0..crowd.nodes).map(|at| pod(&Crowd::node(at))).collect()),
            relays: list("PodList", crowd.relay.iter().map(|_| relay_pod()).collect()),
            services: crowd.relay.as_ref().map(|_| list("ServiceList", vec![relay_service()])),
        }
    }
}

fn node(at: u32) -> Value {
    let address = format!("10.{}.{}.{}", 100 + (at >> 16), (at >> 8) & 255, at & 255);
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": Crowd::node(at)},
        "status": {"addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn pod(node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("cilium-{node}"), "namespace": NAMESPACE,
            "labels": {"k8s-app": "cilium"}},
        "spec": {"nodeName": node, "containers": [{"name": "cilium-agent"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "cilium-agent", "ready": true, "state": {"running": {}}}]},
    })
}

fn relay_pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": RELAY, "namespace": NAMESPACE, "labels": {"k8s-app": RELAY}},
        "spec": {"nodeName": Crowd::node(0), "containers": [
            {"name": RELAY, "ports": [{"name": "grpc", "containerPort": relay::PORT}]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    })
}

/// Of a relay that speaks no TLS, as it is installed.
fn relay_service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": RELAY, "namespace": NAMESPACE, "labels": {"k8s-app": RELAY}},
        "spec": {"ports": [{"port": 80, "targetPort": "grpc"}]},
    })
}

/// Answers the requests of a connection, one after the other.
fn answer(crowd: &Crowd, lists: &Lists, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reading = BufReader::new(stream.try_clone()?);
    while let Some((path, key)) = request(&mut reading)? {
        let (place, options) = path.split_once('?').unwrap_or((&path, ""));
        if options.contains("watch=") {
            // Nothing ever changes here; the connection stays open until the other side has gone.
            stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                  transfer-encoding: chunked\r\n\r\n",
            )?;
            std::io::copy(&mut reading, &mut std::io::sink())?;
            return Ok(());
        }
        let namespace = format!("/api/v1/namespaces/{NAMESPACE}");
        let pods = format!("{namespace}/pods");
        let found = match place {
            "/api/v1/nodes" => Some(lists.nodes.clone()),
            "/api/v1/pods" => Some(lists.pods.clone()),
            "/api" => Some(json!({"kind": "APIVersions", "versions": ["v1"]}).to_string()),
            "/apis" => Some(json!({"kind": "APIGroupList", "groups": []}).to_string()),
            "/api/v1" => Some(resources()),
            _ if place == pods && options.contains(RELAY) => Some(lists.relays.clone()),
            _ if place == pods => Some(lists.pods.clone()),
            _ if place == format!("{namespace}/services") => lists.services.clone(),
            _ if place.ends_with("/exec") => return exec(crowd, stream, &path, &key),
            _ if place.ends_with("/portforward") => return forward(crowd, stream, &key),
            _ => place.strip_prefix(&format!("{pods}/cilium-")).map(|node| pod(node).to_string()),
        };
        let (code, body) = match found {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", r#"{"kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"not here"}"#.to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {code}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    }
    Ok(())
}

/// What kubectl looks up before it asks for a pod.
fn resources() -> String {
    let resource = |name: &str, kind: &str, is_namespaced: bool| {
        json!({"name": name, "singularName": "", "namespaced": is_namespaced, "kind": kind,
            "verbs": ["get", "list", "create"]})
    };
    json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        resource("nodes", "Node", false), resource("pods", "Pod", true),
        resource("pods/exec", "PodExecOptions", true)]})
    .to_string()
}

/// The path of the next request and the key of its WebSocket; none at the end.
fn request(reading: &mut impl BufRead) -> std::io::Result<Option<(String, String)>> {
    let mut first = String::new();
    if reading.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut key, mut line) = (String::new(), String::new());
    loop {
        line.clear();
        if reading.read_line(&mut line)? == 0 || line == "\r\n" {
            return Ok(Some((path, key)));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("sec-websocket-key")
        {
            value.trim().clone_into(&mut key);
        }
    }
}

/// Goes over to a WebSocket of a protocol.
fn upgrade(stream: &mut TcpStream, protocol: &str, key: &str) -> std::io::Result<()> {
    let accept = derive_accept_key(key.as_bytes());
    stream.write_all(
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: {accept}\r\nsec-websocket-protocol: {protocol}\r\n\r\n"
        )
        .as_bytes(),
    )
}

/// Forwards the port of the only pod that has one.
fn forward(crowd: &Crowd, mut stream: TcpStream, key: &str) -> std::io::Result<()> {
    let Some(flows) = &crowd.relay else { return Ok(()) };
    upgrade(&mut stream, "v4.channel.k8s.io", key)?;
    relay::forward(crowd, flows, stream)
}

/// Speaks exec's protocol: a byte for the channel before each piece, the status last.
fn exec(crowd: &Crowd, mut stream: TcpStream, path: &str, key: &str) -> std::io::Result<()> {
    upgrade(&mut stream, "v5.channel.k8s.io", key)?;
    std::thread::sleep(crowd.latency);
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    let mut send = |channel: u8, piece: &[u8]| {
        let frame = [&[channel], piece].concat();
        socket.send(Message::binary(frame)).map_err(std::io::Error::other)
    };
    if path.contains("command=monitor") {
        events(crowd, |piece| send(1, piece))?;
        if !crowd.ends {
            // Until nobody listens any more, and this fails.
            loop {
                send(1, b"")?;
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    } else {
        send(1, ANSWER.as_bytes())?;
    }
    send(3, br#"{"metadata":{},"status":"Success"}"#)?;
    // With a code: kubectl takes an end without one for a failure.
    let end = CloseFrame { code: CloseCode::Normal, reason: "".into() };
    if socket.close(Some(end)).is_ok() {
        while socket.read().is_ok() {}
    }
    Ok(())
}

/// Sends an agent's events at the rate.
fn events(
    crowd: &Crowd,
    mut send: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let start = Instant::now();
    let mut lines = crowd.events.iter().cycle();
    let mut done = 0;
    let mut piece = Vec::new();
    while done < crowd.most {
        let due = start.elapsed().as_millis() * u128::from(crowd.rate) / 1000;
        let due = u32::try_from(due).unwrap_or(u32::MAX).min(crowd.most);
        for line in lines.by_ref().take((due - done) as usize) {
            piece.extend_from_slice(line);
            // What a kubelet puts into one frame at most; after a pause there is more than that.
            if piece.len() > FRAME {
                send(&piece)?;
                piece.clear();
            }
        }
        done = due;
        if !piece.is_empty() {
            send(&piece)?;
            piece.clear();
        }
        std::thread::sleep(BEAT);
    }
    Ok(())
}
