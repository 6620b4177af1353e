//! Columns: where words become cells.
//!
//! Column ids and their order are a promise: add at the end only. Nothing is judged here.

use lab_plugin::{Bytes, Cores, Fact, Health, Percent, row};

row! {
    /// One host.
    pub struct HostRow {
        /// The host.
        pub host: String,
        /// Roles of a node; `worker` for one without, `extra` for a host beside the cluster.
        pub role: Fact<String>,
        /// Whether its kubelet says that it is ready; `cordoned` takes no new pods.
        pub ready: Fact<Health>,
        /// The addresses that other nodes reach it at.
        pub internal_ip: Fact<String> = "internalIP",
        /// Node.spec.podCIDRs, which Kubernetes gave it.
        pub pod_cidr: Fact<String> = "podCIDR",
        /// podCIDRs of its `CiliumNode`.
        pub cilium_pod_cidrs: Fact<String> = "ciliumPodCIDRs",
        /// Version of its kubelet.
        pub kubelet: Fact<String>,
        /// Whether its Cilium agent is ready.
        pub agent: Fact<Health>,
        /// Version of the agent that runs, or of its image where it was not asked.
        pub agent_version: Fact<String>,
        /// CPU in use, of what pods may use.
        pub cpu: Fact<Percent>,
        /// Memory in use, of what pods may use.
        pub memory: Fact<Percent>,
        /// Pods that have not ended.
        pub pods: Fact<u32>,
        /// How many pods it takes.
        pub pod_capacity: Fact<u32>,
        /// How /etc/hosts stands to the API: `agrees`, `differs`, or how many names it has.
        pub etc_hosts: Fact<Health>,
        /// Addresses of its devices beyond the host itself, in their order.
        pub addresses: Fact<String> as wide,
        /// Kernel release.
        pub kernel: Fact<String> as wide,
        /// Operating system.
        pub os: Fact<String> as wide,
        /// Container runtime.
        pub runtime: Fact<String> as wide,
        /// Architecture.
        pub arch: Fact<String> as wide,
        /// Cores in use.
        pub cpu_used: Fact<Cores> as wide,
        /// Cores that pods may use.
        pub cpu_allocatable: Fact<Cores> as wide,
        /// Memory in use.
        pub memory_used: Fact<Bytes> as wide,
        /// Memory that pods may use.
        pub memory_allocatable: Fact<Bytes> as wide,
        /// Pressure and other bad conditions.
        pub conditions: Fact<String> as wide,
        /// What `hostname` prints there.
        pub hostname: Fact<String> as wide,
    }
}

row! {
    /// One address of one device.
    pub struct AddressRow {
        /// The host.
        pub host: String,
        /// The device.
        pub device: Option<String>,
        /// Its state as `ip` prints it; dummies and tunnels are UNKNOWN when they are well.
        pub state: Option<String>,
        /// The address with the length of its network; absent on a device without.
        pub address: Fact<String>,
        /// Whose word it is: `InternalIP`, `ExternalIP`, `CiliumInternalIP`.
        pub known_as: Option<&'static str>,
        /// How many of the shown hosts have the same address; absent where it is only one.
        pub on_hosts: Option<u32>,
        /// MTU of the device.
        pub mtu: Option<u32>,
        /// Hardware address of the device.
        pub mac: Option<String> as wide,
    }
}

row! {
    /// One fact of the cluster, as one place states it.
    pub struct FactRow {
        /// The fact.
        pub fact: &'static str,
        /// Its value there.
        pub value: Fact<String>,
        /// The place.
        pub source: String,
        /// How it stands to the other places: `agrees`, `differs`, `used`, `not-used`.
        pub verdict: Option<Health>,
    }
}

row! {
    /// One setting of a configuration document.
    pub struct SettingRow {
        /// The `ConfigMap` of kube-system.
        pub object: &'static str,
        /// Dotted path of the setting.
        pub key: String,
        /// Its value.
        pub value: Fact<String>,
    }
}

row! {
    /// One value that kubelets report, and who reports it.
    pub struct KubeletRow {
        /// What is reported.
        pub setting: &'static str,
        /// The value.
        pub value: Fact<String>,
        /// How many nodes report it.
        pub nodes: u32,
        /// Which ones.
        pub names: String,
        /// `same` on every node, or `differs`.
        pub verdict: Health,
    }
}

row! {
    /// What one node uses.
    pub struct TopRow {
        /// The node.
        pub host: String,
        /// Cores in use.
        pub cpu: Fact<Cores>,
        /// Of the cores that pods may use.
        pub cpu_share: Fact<Percent>,
        /// Memory in use.
        pub memory: Fact<Bytes>,
        /// Of the memory that pods may use.
        pub memory_share: Fact<Percent>,
        /// Cores that pods may use.
        pub cpu_allocatable: Fact<Cores> as wide,
        /// Memory that pods may use.
        pub memory_allocatable: Fact<Bytes> as wide,
    }
}

row! {
    /// What one pod uses.
    pub struct TopPodRow {
        /// Its namespace.
        pub namespace: String,
        /// Its name.
        pub pod: String,
        /// The node it runs on.
        pub host: Fact<String>,
        /// Cores in use by all its containers.
        pub cpu: Fact<Cores>,
        /// Memory in use by all its containers.
        pub memory: Fact<Bytes>,
        /// The container that uses most memory.
        pub largest: Fact<String> as wide,
    }
}
