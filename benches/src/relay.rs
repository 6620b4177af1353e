//! A relay that gathers the flows of all agents, behind a forwarded port.
//!
//! Apart from the crowd because this is one connection that brings what all agents see. The
//! product's own is written in Go, whose servers of gRPC send a frame for each message; so does
//! this one, since that is what a client has to read. The port is forwarded as an API server does
//! it: pieces of a TCP connection in frames of a WebSocket.

mod flows;
mod http2;
mod mask;

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use crate::crowd::Crowd;
pub use flows::Flows;
use http2::Peer;

/// Where its pod listens.
pub const PORT: u16 = 4245;

/// Bytes of a piece: what a kubelet copies at a time.
const PIECE: usize = 32 << 10;

/// How often flows are sent.
const BEAT: Duration = Duration::from_millis(20);

/// Channels of a forwarded port: its bytes, and why there are none.
const CHANNELS: [u8; 2] = [0, 1];

/// Forwards the port of the relay's pod over a WebSocket, and answers the call that comes through.
/// It goes on until the other side has gone.
///
/// - Errors: the other side has gone.
pub(crate) fn forward(crowd: &Crowd, flows: &Flows, stream: TcpStream) -> std::io::Result<()> {
    let peer = Arc::new(Peer::default());
    let (hears, reading) = (peer.clone(), stream.try_clone()?);
    let closing = stream.try_clone()?;
    std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        let mut socket = WebSocket::from_raw_socket(reading, Role::Server, None);
        while let Ok(message) = socket.read() {
            if let Message::Binary(bytes) = message
                && let Some((&0, bytes)) = bytes.split_first()
            {
                hears.hear(bytes);
            }
        }
        hears.leave();
    })?;
    let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
    let ended = answer(crowd, flows, &peer, &mut |piece| {
        socket.send(Message::binary(piece)).map_err(std::io::Error::other)
    });
    // So that whoever reads hears of it.
    closing.shutdown(Shutdown::Both)?;
    ended
}

/// Answers the call with every agent's flows at the rate.
fn answer(
    crowd: &Crowd,
    flows: &Flows,
    peer: &Peer,
    send: &mut impl FnMut(Vec<u8>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let [low, high] = PORT.to_le_bytes();
    for channel in CHANNELS {
        send(vec![channel, low, high])?;
    }
    let piece = || Vec::from([CHANNELS[0]]);
    send([piece(), http2::settings()].concat())?;
    let fields = mask::of_request(&peer.asked()?);
    let lean = (!fields.is_empty()).then(|| flows.masked(&fields));
    let flows = lean.as_ref().unwrap_or(flows);
    let connected = Flows::connected(crowd);
    let mut room = peer.take(connected.len())? - connected.len();
    send([piece(), http2::head(), http2::data(&connected)].concat())?;
    let names: Vec<String> = (0..crowd.nodes).map(flows::node).collect();
    let start = Instant::now();
    let mut out = piece();
    let mut done = 0;
    while done < crowd.most {
        let due = start.elapsed().as_millis() * u128::from(crowd.rate) / 1000;
        let due = u32::try_from(due).unwrap_or(u32::MAX).min(crowd.most);
        for nth in done..due {
            let moment = flows::moment(SystemTime::now());
            let flow = flows.nth(nth);
            for name in &names {
                let n_bytes = flow.n_bytes();
                let is_full = out.len() + n_bytes > PIECE || room < n_bytes;
                if is_full && out.len() > 1 {
                    send(std::mem::replace(&mut out, piece()))?;
                    out.extend(peer.owed());
                }
                if room < n_bytes {
                    // All that may be sent now.
                    room += peer.take(n_bytes - room)?;
                }
                flow.write(name, &moment, &mut out);
                room -= n_bytes;
            }
        }
        done = due;
        out.extend(peer.owed());
        if out.len() > 1 {
            send(std::mem::replace(&mut out, piece()))?;
        }
        std::thread::sleep(BEAT);
    }
    // Silent from now on, but for pings.
    loop {
        std::thread::sleep(BEAT);
        peer.take(0)?;
        let owed = peer.owed();
        if !owed.is_empty() {
            send([piece(), owed].concat())?;
        }
    }
}
