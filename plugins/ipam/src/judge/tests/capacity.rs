//! What is full.

use super::*;

#[test]
fn a_pool_is_full_when_the_next_node_gets_nothing() {
    let of = |cidr: &str| good().set("cluster-pool-ipv4-cidr", cidr);
    of("172.20.0.0/23").check(&[(Bad, "pool-full", "cluster-pool")]);
    of("172.20.0.0/22").check(&[]);
    let cluster = of("172.20.0.0/22").cluster();
    let options = Options { warn_at: 50.0, ..Options::default() };
    let found = all(&cluster, &options);
    let full = found.iter().find(|it| it.code == "ipam/pool-full").unwrap();
    assert_eq!(full.level, Warn);
    assert_eq!(full.message, "2 of 4 IPv4 ranges are taken: 2 more, then a node gets none");
}

#[test]
fn a_node_is_full_when_the_next_pod_gets_nothing() {
    // A /29 has six addresses: the router and five pods.
    let with = |n_pods: usize| {
        good().set("cluster-pool-ipv4-mask-size", "29").change(move |made| {
            made.cilium[0] = cilium("a", "192.168.1.1", "172.20.0.1", "172.20.0.0/29");
            made.pods.remove(0);
            made.endpoints.remove(0);
            for at in 0..n_pods {
                let (name, ip) = (format!("x{at}"), format!("172.20.0.{}", at + 2));
                made.pods.push(pod(&name, "a", &ip));
                made.endpoints.push(endpoint(&name, "192.168.1.1", &ip));
            }
        })
    };
    with(5).check(&[(Bad, "node-full", "a")]);
    with(4).check(&[]);
    let options = Options { warn_at: 80.0, ..Options::default() };
    let found = all(&with(4).cluster(), &options);
    let full = found.iter().find(|it| it.code == "ipam/node-full").unwrap();
    assert_eq!(full.message, "5 of its 6 IPv4 addresses are in use, 1 are left");
    let cluster = with(4).cluster();
    assert_eq!(cluster.ranges[0].largest_free.unwrap().to_string(), "172.20.0.6/32");
}
