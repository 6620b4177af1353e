//! An API server that is slow, hangs, and is gone.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::answers::{findings, partial};
use crate::cluster::{Change, Cluster, eventually};

const SERVER: &str = "192.168.10.100:6443";

/// Passes everything on to the API server, each piece that much later. A proxy, because not every
/// kernel has `netem`, and none delays one client alone with it.
fn slow_way(delay: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(SERVER) else { continue };
            for (mut from, mut to) in [
                (near.try_clone().expect("a socket"), far.try_clone().expect("a socket")),
                (far, near),
            ] {
                std::thread::spawn(move || {
                    let mut piece = [0; 16 << 10];
                    while let Ok(read @ 1..) = from.read(&mut piece) {
                        std::thread::sleep(delay);
                        if to.write_all(&piece[..read]).is_err() {
                            break;
                        }
                    }
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    format!("https://{address}")
}

pub(crate) fn slow(cluster: &Cluster) {
    let server = slow_way(Duration::from_millis(150));
    let usual = cluster.lab("routes -o json").run().exits(1);
    let line = format!("routes -o json --server {server} --tls-server-name kubernetes");
    let run = cluster.lab(&line).run().exits(1);
    assert_eq!(run.out, usual.out, "slow, and the same answer");
    if let Some(_late) = late_packets(cluster) {
        let run = cluster.lab("routes -o json").run().exits(1);
        assert_eq!(run.out, usual.out, "slow on the wire, and the same answer");
    }

    let never = slow_way(Duration::from_secs(20));
    let began = Instant::now();
    let line = format!("routes --request-timeout 2s --server {never} --tls-server-name kubernetes");
    cluster.lab(&line).run().fails("API server");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8), "one deadline, not one for each question: {took:?}");
}

/// Every packet that leaves the control plane's host comes late, where the kernel can do that.
fn late_packets(cluster: &Cluster) -> Option<Change<'_>> {
    let netem = "tc qdisc replace dev eth1 root netem delay 100ms";
    let can = cluster.script("run", &["k8s-ctr", "sh", "-c", netem]);
    if !can.status.success() {
        crate::say(format_args!("lab: this kernel has no netem; a proxy alone is slow"));
        return None;
    }
    Some(cluster.change("k8s-ctr", netem, "tc qdisc del dev eth1 root"))
}

pub(crate) fn hangs(cluster: &Cluster) {
    let server = cluster.on("k8s-ctr", "pidof kube-apiserver").trim().to_owned();
    let stopped =
        cluster.change("k8s-ctr", &format!("kill -STOP {server}"), &format!("kill -CONT {server}"));
    let began = Instant::now();
    let run = cluster.lab("routes --request-timeout 2s").run();
    let took = began.elapsed();
    drop(stopped);
    answers_again(cluster);
    run.fails(&format!("https://{SERVER}"));
    assert!(took < Duration::from_secs(8), "one deadline, not one for each question: {took:?}");
}

pub(crate) fn killed(cluster: &Cluster) {
    // The kubelet would start it again at once.
    let kubelet = cluster.on("k8s-ctr", "pidof kubelet").trim().to_owned();
    let nobody_starts_it = cluster.change(
        "k8s-ctr",
        &format!("kill -STOP {kubelet} && kill -KILL $(pidof kube-apiserver)"),
        &format!("kill -CONT {kubelet}"),
    );
    let run = cluster.lab("routes").run();
    drop(nobody_starts_it);
    answers_again(cluster);
    run.fails(&format!("cannot reach the API server at https://{SERVER}"));
}

/// For what comes next, whatever is said about this.
fn answers_again(cluster: &Cluster) {
    eventually("the API server and all hosts answer again", Duration::from_secs(90), || {
        let run = cluster.lab("routes -o json").run();
        run.code == Some(1) && partial(&run).is_empty() && findings(&run).len() == 1
    });
}
