//! Tables: where words become columns.

use lab_plugin::{Health, row};

row! {
    /// Hosts with equal rules.
    pub struct GroupRow {
        /// Hosts of the group, in the order of the cluster.
        pub hosts: String,
        /// How many they are.
        pub count: i64,
        /// The backend of their rules.
        pub backend: Option<String>,
        /// Version of the tool.
        pub version: Option<String>,
        /// IPv4 rules.
        pub rules: Option<i64>,
        /// IPv6 rules.
        pub rules6: Option<i64>,
        /// How many differences from the base; 0 for the base itself.
        pub differences: Option<i64>,
        /// What the group is: majority, base, or why it cannot be compared.
        pub note: Option<String>,
        /// A short name of the rules as they are compared: equal rules have equal ones.
        pub digest: String as wide,
    }
}

row! {
    /// One rule that differs.
    pub struct DifferenceRow {
        /// Hosts on which it differs.
        pub hosts: String,
        /// `ipv4` or `ipv6`.
        pub family: &'static str,
        /// Its table.
        pub table: String,
        /// Its chain.
        pub chain: String,
        /// What differs: added, removed, moved, changed, duplicated or policy.
        pub change: Health,
        /// Its number in the chain there.
        pub number: Option<i64>,
        /// Its number in the chain of the base.
        pub base_number: Option<i64>,
        /// The rule in the form in which rules are compared.
        pub rule: String,
        /// Which words differ.
        pub words: Option<String>,
        /// Who wrote it: cilium, kube-proxy, kubelet, user …
        pub owner: &'static str as wide,
        /// The line as it was printed.
        pub line: String as wide,
    }
}

row! {
    /// One rule in the form in which rules are compared.
    pub struct RuleRow {
        /// Its host.
        pub host: String,
        /// `ipv4` or `ipv6`.
        pub family: &'static str,
        /// Its table.
        pub table: String,
        /// Its chain.
        pub chain: String,
        /// The rule.
        pub rule: String,
        /// The rule in front of it, by its comment: what has moved is behind another one.
        pub behind: Option<String>,
        /// Packets that matched, with `--counters`.
        pub packets: Option<i64>,
        /// Bytes of them.
        pub bytes: Option<i64>,
        /// Its number in the chain; 0 for the chain's policy. It alone is no change.
        pub number: i64 as hidden,
    }
}

row! {
    /// One rule as it is installed.
    pub struct ShowRow {
        /// Its host.
        pub host: String,
        /// `ipv4` or `ipv6`.
        pub family: &'static str,
        /// Its table.
        pub table: String,
        /// Its chain.
        pub chain: String,
        /// Its number in the chain; none for the chain's policy.
        pub number: Option<i64>,
        /// What a packet must be, in words.
        pub r#match: String,
        /// What happens to it.
        pub target: String,
        /// Packets that matched.
        pub packets: Option<i64>,
        /// Bytes of them.
        pub bytes: Option<i64>,
        /// What the rule is for.
        pub explain: Option<String>,
        /// Who wrote it.
        pub owner: &'static str as wide,
        /// The line as it was printed.
        pub line: String as wide,
    }
}

row! {
    /// One host's tools and how much its rules are.
    pub struct HostRow {
        /// Its name.
        pub host: String,
        /// The backend of its tool, or both where both hold rules.
        pub backend: Option<String>,
        /// Version of the tool.
        pub version: Option<String>,
        /// IPv4 rules.
        pub rules: Option<i64>,
        /// IPv6 rules.
        pub rules6: Option<i64>,
        /// IPv4 rules in the legacy backend, where it was asked.
        pub legacy_rules: Option<i64>,
        /// IPv4 rules in the nft backend, where it was asked.
        pub nft_rules: Option<i64>,
        /// Tables of nftables that iptables does not show, each with its rules.
        pub foreign_tables: Option<String>,
        /// What could not be read.
        pub note: Option<String>,
    }
}

row! {
    /// One rule that differs from what ought to be installed.
    pub struct ExpectedRow {
        /// Its host.
        pub host: String,
        /// `ipv4` or `ipv6`.
        pub family: &'static str,
        /// Its table.
        pub table: String,
        /// Its chain.
        pub chain: String,
        /// How it is to the model: missing, unexpected, stale, moved, changed or duplicated.
        pub verdict: Health,
        /// Its number in the chain.
        pub number: Option<i64>,
        /// The rule.
        pub rule: String,
        /// Why.
        pub why: String,
    }
}

row! {
    /// What becomes of a packet on a host.
    pub struct VerdictRow {
        /// The host.
        pub host: String,
        /// How the packet goes through it: in, out or forward.
        pub way: &'static str,
        /// What becomes of it: accepted, dropped, taken or unknown.
        pub verdict: Health,
        /// The rule that decides.
        pub by: Option<String>,
    }
}

row! {
    /// One rule that a packet meets.
    pub struct StepRow {
        /// The host.
        pub host: String,
        /// Its place on the way, from 1.
        pub step: i64,
        /// Its table.
        pub table: &'static str,
        /// Its chain.
        pub chain: String,
        /// Its number in the chain; none for the chain's policy.
        pub number: Option<i64>,
        /// What it does.
        pub effect: String,
        /// What would have to be known to tell whether it matches.
        pub unknown: Option<String>,
        /// The line as it was printed.
        pub rule: String,
    }
}

row! {
    /// The differences of a group as `diff -u` prints them.
    pub struct DiffRow {
        /// Hosts of the group.
        pub hosts: String,
        /// `ipv4` or `ipv6`.
        pub family: &'static str,
        /// Lines of a unified diff.
        pub diff: String as lines,
    }
}
