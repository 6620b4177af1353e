//! Settings of Ingress and Gateway API.

use super::{Known, known};

pub(super) const TABLE: &[Known] = &[
    known("enable-gateway-api-alpn", "offer HTTP/2 and HTTP/1.1 by ALPN at Gateways (operator)"),
    known(
        "enable-gateway-api-app-protocol",
        "heed appProtocol of Services behind Gateways (operator)",
    ),
    known(
        "enable-gateway-api-proxy-protocol",
        "take only the proxy protocol at Gateways (operator)",
    ),
    known(
        "enable-gateway-api-secrets-sync",
        "copy Secrets of Gateways into one namespace (operator)",
    ),
    known("gateway-api-hostnetwork-enabled", "serve Gateways at ports of the nodes (operator)"),
    known("gateway-api-hostnetwork-nodelabelselector", "nodes that serve them (operator)"),
    known("gateway-api-secrets-namespace", "namespace that Secrets of Gateways are copied into"),
    known(
        "gateway-api-service-externaltrafficpolicy",
        "externalTrafficPolicy of Services of Gateways (operator)",
    ),
    known(
        "gateway-api-use-remote-address",
        "take the address of the connection for that of the client, at Gateways (operator)",
    ),
    known(
        "gateway-api-xff-num-trusted-hops",
        "hops of X-Forwarded-For that Gateways trust (operator)",
    ),
    known("enable-ingress-proxy-protocol", "take only the proxy protocol at Ingresses (operator)"),
    known("enable-ingress-secrets-sync", "copy Secrets of Ingresses into one namespace (operator)"),
    known(
        "enforce-ingress-https",
        "send clients of an Ingress with TLS from http to https (operator)",
    ),
    known(
        "ingress-default-lb-mode",
        "whether each Ingress has a load balancer of its own: dedicated or shared (operator)",
    ),
    known(
        "ingress-default-xff-num-trusted-hops",
        "hops of X-Forwarded-For that Ingresses trust (operator)",
    ),
    known("ingress-hostnetwork-enabled", "serve Ingresses at ports of the nodes (operator)"),
    known(
        "ingress-hostnetwork-http-listener-port",
        "port of the nodes for HTTP of shared Ingresses (operator)",
    ),
    known(
        "ingress-hostnetwork-https-listener-port",
        "port of the nodes for HTTPS of shared Ingresses (operator)",
    ),
    known(
        "ingress-hostnetwork-nodelabelselector",
        "nodes that serve Ingresses at their ports (operator)",
    ),
    known(
        "ingress-hostnetwork-shared-listener-port",
        "port of the nodes for all shared Ingresses (operator)",
    ),
    known(
        "ingress-hostnetwork-tls-passthrough-listener-port",
        "port of the nodes for TLS that shared Ingresses pass on (operator)",
    ),
    known(
        "ingress-lb-annotation-prefixes",
        "annotations that an Ingress hands on to its load balancer (operator)",
    ),
    known("ingress-secrets-namespace", "namespace that Secrets of Ingresses are copied into"),
    known("ingress-shared-lb-service-name", "name of the Service of shared Ingresses (operator)"),
    known(
        "ingress-use-remote-address",
        "take the address of the connection for that of the client, at Ingresses (operator)",
    ),
    known("ingress-default-secret-name", "Secret of Ingresses that name none (operator)"),
    known("ingress-default-secret-namespace", "namespace of that Secret (operator)"),
];
