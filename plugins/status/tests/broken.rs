//! A real recording, broken in exactly one way for each finding: that one is told, and nothing
//! else.

#![expect(clippy::unwrap_used, reason = "a test ends where its promise is broken")]

mod support;

use std::fmt::Write;

use lab_plugin_test::Run;
use serde_json::{Value as Json, json};
use support::{
    METRICS, MODULES, PEERS, REVERSE_PATH, Recorded, SETTINGS, STARTED_WITH, STATUS, told,
};

/// The recording without the one thing that is wrong in it: k8s-w0 is on another link.
fn good() -> Recorded {
    let mut recorded = Recorded::read("cilium-1.18.0-native");
    let well = recorded.printed[&("k8s-w1".to_owned(), MODULES.to_owned())].1.clone();
    recorded.print("k8s-w0", MODULES, 0, &well);
    recorded
}

fn run(name: &str, change: impl FnOnce(&mut Recorded)) -> Run {
    let mut recorded = good();
    change(&mut recorded);
    let run = recorded.run(&format!("broken-{name}"), &["status"], &[]);
    assert_eq!(run.result, Ok(()));
    run
}

fn check(
    name: &str,
    change: impl FnOnce(&mut Recorded),
    expected: &[(&str, &str, &str)],
    seen: &str,
) {
    let run = run(name, change);
    assert_eq!(told(&run), expected, "{name}: {:#?}", run.report.findings);
    let has_seen = run.report.findings.iter().any(|finding| {
        finding.evidence.iter().any(|evidence| evidence.text.contains(seen))
            && !finding.fixes.is_empty()
    });
    assert!(has_seen || expected.is_empty(), "{name}: {:#?}", run.report.findings);
}

#[test]
fn a_good_recording_tells_nothing() {
    check("not-at-all", |_| {}, &[], "");
}

fn crash(pod: &mut Json, message: Option<&str>) {
    pod["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
    pod["status"]["containerStatuses"] = json!([{"name": "cilium-agent", "restartCount": 6,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": message}}}]);
    if message.is_none() {
        let last = pod.pointer_mut("/status/containerStatuses/0/lastState/terminated").unwrap();
        last.as_object_mut().unwrap().remove("message");
    }
}

#[test]
fn a_crash_loop_is_told_with_its_fatal_line() {
    let trap = "time=2026-11-23T03:06:48Z level=info msg=\"Started gops server\"\n\
        time=2026-11-23T03:06:49Z level=error msg=\"Start hook failed\" error=\"unable to initialize \
        kube-proxy replacement options: install-no-conntrack-iptables-rules requires the agent to run \
        with enable-bpf-masquerade.\"\n";
    let expected = [("bad", "crash-loop", "k8s-w1")];
    let line = "requires the agent to run with enable-bpf-masquerade";
    // The kubelet has kept the end of the log.
    check("crash-message", |it| crash(it.agent("k8s-w1"), Some(trap)), &expected, line);
    // It has not, and the log is asked for.
    let logged = |it: &mut Recorded, message: Option<&str>| {
        let pod = it.agent("k8s-w1");
        crash(pod, message);
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        it.logs.insert(format!("kube-system/{name}/cilium-agent.previous.log"), trap.to_owned());
    };
    let with_log = |it: &mut Recorded| logged(it, None);
    check("crash-log", with_log, &expected, line);
    // What it has kept is cut, as it is of 1.18.0, and the log is not.
    let cut = "time=2026-11-27T05:30:43Z level=fatal source=pkg/logging/slog.go:1";
    check("crash-cut", |it| logged(it, Some(cut)), &expected, line);
    let run = run("crash-cure", with_log);
    assert!(run.report.findings[0].fixes[0].contains("installNoConntrackIptablesRules=false"));
    // An older agent, and the other trap.
    let tunnel = "level=info msg=\"Started gops server\" subsys=daemon\n\
        level=fatal msg=\"install-no-conntrack-iptables-rules requires the agent to run in direct \
        routing mode.\" subsys=daemon\n";
    let line = "level=fatal msg=\"install-no-conntrack-iptables-rules requires";
    check("crash-tunnel", |it| crash(it.agent("k8s-w1"), Some(tunnel)), &expected, line);
    // Neither, and it is told all the same.
    let run = run_without_words();
    assert_eq!(told(&run), expected);
    assert!(run.report.findings[0].message.contains("does not say why"));
}

fn run_without_words() -> Run {
    run("crash-silent", |it| crash(it.agent("k8s-w1"), None))
}

#[test]
fn agents_are_broken_one_by_one() {
    check(
        "agent-missing",
        |it| {
            it.items("v1/Pod").retain(|pod| {
                pod["spec"]["nodeName"] != "k8s-w1"
                    || pod["metadata"]["labels"]["k8s-app"] != "cilium"
            });
        },
        &[("bad", "agent-not-ready", "k8s-w1")],
        "none with spec.nodeName k8s-w1",
    );
    check(
        "agent-not-ready",
        |it| {
            let status = &mut it.agent("k8s-w1")["status"];
            status["conditions"] = json!([{"type": "Ready", "status": "False"}]);
            status["containerStatuses"] = json!([{"name": "cilium-agent",
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]);
        },
        &[("bad", "agent-not-ready", "k8s-w1")],
        "no such image",
    );
    check(
        "agent-state",
        |it| {
            it.answer("k8s-w1", STATUS, |status| {
                status["kubernetes"] = json!({"state": "Failure", "msg": "dial tcp: i/o timeout"});
            });
        },
        &[("bad", "agent-state", "k8s-w1")],
        "Kubernetes: Failure dial tcp: i/o timeout",
    );
    check(
        "agent-stale",
        |it| {
            it.answer("k8s-w1", STATUS, |status| {
                status["stale"] = json!({"cilium": "2026-11-23T03:00:00Z"});
            });
        },
        &[("warn", "agent-state", "k8s-w1")],
        "Stale status: \"cilium\"",
    );
    check(
        "component",
        |it| {
            it.of("apps/v1/Deployment", "cilium-operator")["status"] = json!({"replicas": 1});
        },
        &[("bad", "component-not-ready", "cilium-operator")],
        "desired 1, ready 0",
    );
}

#[test]
fn versions_are_broken_one_by_one() {
    let older = |it: &mut Recorded| {
        it.answer("k8s-w1", STATUS, |status| {
            status["cilium"]["msg"] = json!("1.17.6 (v1.17.6-ee3ca4a7)");
        });
    };
    check("versions", older, &[("warn", "version-skew", "agents")], "k8s-w1");
    check(
        "versions-far",
        |it| {
            it.answer("k8s-w1", STATUS, |status| status["cilium"]["msg"] = json!("1.16.2 (x)"));
        },
        &[("bad", "version-skew", "agents")],
        "k8s-w1",
    );
    check(
        "operator",
        |it| {
            let operator = it.of("apps/v1/Deployment", "cilium-operator");
            operator["spec"]["template"]["spec"]["containers"][0]["image"] =
                json!("quay.io/cilium/operator-generic:v1.17.6");
        },
        &[("warn", "version-skew", "cilium-operator")],
        "1.17.6",
    );
}

#[test]
fn settings_are_broken_one_by_one() {
    check(
        "drift",
        |it| it.set("monitor-aggregation", "none"),
        &[("warn", "config-drift", "monitor-aggregation")],
        "monitor-aggregation: medium",
    );
    // What an agent turns off by itself it does not turn on.
    check(
        "drift-of-masquerading",
        |it| it.set("enable-bpf-masquerade", "false"),
        &[("warn", "config-drift", "enable-bpf-masquerade")],
        "enable-bpf-masquerade: true",
    );
    // What only the operator reads waits for no agent.
    check("operator-setting", |it| it.set("nodes-gc-interval", "9m0s"), &[], "");
    // An agent shows only some settings; what it read when it started has all of them.
    check(
        "drift-of-files",
        |it| {
            let mut files = String::new();
            let data = it.of("v1/ConfigMap", "cilium-config")["data"].clone();
            for (key, value) in data.as_object().unwrap() {
                let value = match key.as_str() {
                    "bpf-policy-map-max" => "8192",
                    // Only the operator reads it.
                    "nodes-gc-interval" => "9m0s",
                    _ => value.as_str().unwrap(),
                };
                if !value.is_empty() {
                    let folder = "/tmp/cilium/config-map/..data_1763867210";
                    writeln!(files, "{folder}/{key}:{value}").unwrap();
                }
            }
            for (key, value) in [
                ("config-sources", "config-map:x"),
                ("config-sources-overrides", r#"{"allowConfigKeys":[],"denyConfigKeys":[]}"#),
            ] {
                let folder = "/tmp/cilium/config-map/..data_1763867210";
                writeln!(files, "{folder}/{key}:{value}").unwrap();
            }
            it.print("k8s-w1", STARTED_WITH, 0, &files);
        },
        &[("warn", "config-drift", "bpf-policy-map-max")],
        "bpf-policy-map-max: 8192",
    );
    check(
        "drift-of-what-is-gone",
        |it| {
            let data = it.of("v1/ConfigMap", "cilium-config")["data"].as_object().unwrap().clone();
            let mut files = String::new();
            for (key, value) in data {
                let value = value.as_str().unwrap();
                writeln!(files, "/tmp/cilium/config-map/..data_1/{key}:{value}").unwrap();
            }
            it.print("k8s-w1", STARTED_WITH, 0, &files);
            let map = it.of("v1/ConfigMap", "cilium-config");
            map["data"].as_object_mut().unwrap().remove("bpf-policy-map-max");
        },
        &[("warn", "config-drift", "bpf-policy-map-max")],
        "bpf-policy-map-max: not there",
    );
    check(
        "drift-of-a-node",
        |it| {
            let config = json!([{"metadata": {"name": "quiet", "namespace": "kube-system"}, "spec": {
                "nodeSelector": {"matchLabels": {"kubernetes.io/hostname": "k8s-w1"}},
                "defaults": {"debug": "false"}}}]);
            it.objects.insert("cilium.io/v2/CiliumNodeConfig".to_owned(), config);
        },
        &[("warn", "config-drift", "debug")],
        "debug: true",
    );
    check(
        "drift-counted",
        |it| {
            it.answer("k8s-w1", METRICS, |metrics| {
                let all = metrics.as_array_mut().unwrap();
                let delta =
                    all.iter_mut().find(|it| it["name"] == "cilium_drift_checker_config_delta");
                delta.unwrap()["value"] = json!(2);
            });
        },
        &[("warn", "config-drift", "k8s-w1")],
        "cilium_drift_checker_config_delta 2",
    );
}

#[test]
fn the_datapath_is_broken_one_by_one() {
    let line = "level=warning msg=\"Falling back to iptables-based masquerading.\" error=\"BPF masquerade \
        requires NodePort\" subsys=daemon\n";
    check(
        "masquerade",
        |it| {
            it.answer("k8s-w1", STATUS, |status| {
                status["masquerading"]["mode"] = json!("iptables");
            });
            let pod = it.agent("k8s-w1")["metadata"]["name"].as_str().unwrap().to_owned();
            it.logs.insert(format!("kube-system/{pod}/cilium-agent.log"), line.to_owned());
        },
        &[("warn", "legacy-masquerade", "enable-bpf-masquerade")],
        "BPF masquerade requires NodePort",
    );
    check(
        "host-routing",
        |it| {
            it.answer("k8s-w1", STATUS, |status| {
                status["routing"]["intra-host-routing-mode"] = json!("Legacy");
            });
        },
        &[("warn", "legacy-host-routing", "host routing")],
        "Host: Legacy",
    );
    // As the chart installs it, this is worth knowing and nothing more.
    check(
        "host-routing-by-default",
        |it| {
            it.set("enable-bpf-masquerade", "false");
            for host in support::NODES {
                it.answer(host, STATUS, |status| {
                    status["routing"]["intra-host-routing-mode"] = json!("Legacy");
                    status["masquerading"]["mode"] = json!("iptables");
                });
                it.answer(host, SETTINGS, |fields| fields["EnableBPFMasquerade"] = json!(false));
            }
        },
        &[("info", "legacy-host-routing", "host routing")],
        "enable-bpf-masquerade: false",
    );
    check(
        "rp-filter",
        |it| {
            it.print(
                "k8s-w1",
                REVERSE_PATH,
                0,
                "/proc/sys/net/ipv4/conf/all/rp_filter:0\n/proc/sys/net/ipv4/conf/eth0/rp_filter:1\n\
                 /proc/sys/net/ipv4/conf/cilium_host/rp_filter:0\n\
                 /proc/sys/net/ipv4/conf/lxc1bdbf7b4e0ab/rp_filter:1\n",
            );
        },
        &[("bad", "rp-filter", "k8s-w1")],
        "1",
    );
}

fn table(component: &str, error: &str) -> String {
    let columns = |module: &str, component: &str, level: &str, message: &str, error: &str| {
        format!(
            "{module:<40}{component:<40}{level:<12}{message:<40}{error:<90}{:<25}{:<25}1\n",
            "x", "y"
        )
    };
    format!(
        "{:<40}{:<40}{:<12}{:<40}{:<90}{:<25}{:<25}Count\n{}",
        "Module",
        "Component",
        "Level",
        "Message",
        "Error",
        "LastOK",
        "UpdatedAt",
        columns("agent.datapath.sysctl", component, "Degraded", "1 object(s) failed", error)
    )
}

#[test]
fn modules_and_controllers_are_broken_one_by_one() {
    let recorded =
        Recorded::read("cilium-1.18.0-native").run("broken-off-segment", &["status"], &[]);
    assert_eq!(told(&recorded), [("bad", "peer-off-segment", "auto-direct-node-routes")]);
    check(
        "module",
        |it| it.print("k8s-w1", MODULES, 0, &table("job-reconcile", "read-only file system")),
        &[("warn", "module-degraded", "datapath.sysctl.job-reconcile")],
        "1 object(s) failed: read-only file system",
    );
    let failing = |times: u64| {
        move |it: &mut Recorded| {
            it.answer("k8s-w1", STATUS, |status| {
                let all = status["controllers"].as_array_mut().unwrap();
                let name = "sync-to-k8s-ciliumendpoint";
                let one = all.iter_mut().find(|it| it["name"].as_str().unwrap().starts_with(name));
                one.unwrap()["status"] = json!({"consecutive-failure-count": times, "failure-count": 40,
                    "last-failure-msg": "ciliumendpoints is forbidden",
                    "last-failure-timestamp": "2026-11-23T03:07:40.544Z"});
            });
        }
    };
    let subject = "sync-to-k8s-ciliumendpoint";
    let seen = "3 failures in a row, 40 in all, last 2026-11-23T03:07:40.544Z: ciliumendpoints is forbidden";
    check("controller", failing(3), &[("warn", "controller-failing", subject)], seen);
    check("controller-long", failing(30), &[("bad", "controller-failing", subject)], "40 in all");
}

#[test]
fn maps_and_peers_are_broken_one_by_one() {
    let full = |pressure: f64| {
        move |it: &mut Recorded| {
            it.answer("k8s-w1", METRICS, |metrics| {
                let all = metrics.as_array_mut().unwrap();
                let map = all.iter_mut().find(|it| {
                    it["name"] == "cilium_bpf_map_pressure" && it["labels"]["map_name"] == "lxc"
                });
                map.unwrap()["value"] = json!(pressure);
            });
        }
    };
    check("map-not-yet", full(0.8), &[], "");
    check("map", full(0.81), &[("warn", "map-pressure", "lxc")], "0.8100");
    check("map-full", full(0.97), &[("bad", "map-pressure", "lxc")], "0.9700");
    let probing = |text: &'static str| {
        move |it: &mut Recorded| {
            it.answer("k8s-w1", STATUS, |status| {
                let all = status["controllers"].as_array_mut().unwrap();
                all.push(json!({"name": "cilium-health-ep", "status": {}}));
            });
            it.print("k8s-w1", PEERS, 0, text);
        }
    };
    let down = r#"{"nodes":[{"name":"default/k8s-w0","host":{"primary-address":{"ip":"192.168.20.100",
        "icmp":{"latency":9},"http":{"latency":9}}},"health-endpoint":{"primary-address":{"ip":"172.20.1.7",
        "icmp":{"status":"Connection timed out"},"http":{"status":"timeout"}}}}]}"#;
    check(
        "peer",
        probing(down),
        &[("bad", "peer-unreachable", "k8s-w0")],
        "icmp: Connection timed out",
    );
    // Not probed yet is not down.
    let unknown = r#"{"nodes":[{"name":"default/k8s-w0","host":{"primary-address":{"ip":"192.168.20.100",
        "icmp":null,"http":null}}}]}"#;
    check("peer-unknown", probing(unknown), &[], "");
}
