//! The long texts behind codes: those of the cards, and those of the program's own checks.
//!
//! Apart because parsing, completion and `explain` itself must agree on which codes there are.

use lab_types::Card;

/// Every code with its text, plugins first.
pub fn explanations(cards: &[(String, Card)]) -> impl Iterator<Item = (&str, &str)> + Clone {
    let of_cards = cards.iter().flat_map(|(_, card)| &card.explanations);
    of_cards
        .map(|explanation| (explanation.code.as_str(), explanation.text.as_str()))
        .chain(DOCTOR.iter().copied())
}

/// What `doctor` checks. `core/src/doctor` has one area for each, and a test that compares them.
const DOCTOR: &[(&str, &str)] = &[
    (
        "doctor/program",
        "Checks: which version of kubectl-lab and of each plugin this is.\n\
         Why: a report without versions cannot be reproduced.\n\
         See for yourself: `kubectl lab version`; `kubectl lab plugin list`.\n\
         Fix: none, it is for the record.\n\
         Since: 0.1.0.\n\
         Source: the program itself.",
    ),
    (
        "doctor/kubectl",
        "Checks: whether kubectl is on PATH, that its minor version is at most one away from the API server's, and that it finds kubectl-lab.\n\
         Why: kubectl-lab works alone, as `kubectl-lab`; `kubectl lab` needs both programs on PATH, and the cures it shows are often kubectl commands.\n\
         See for yourself: `kubectl version`; `kubectl plugin list`.\n\
         Fix: put the folder of kubectl-lab on PATH; install a kubectl that fits the API server.\n\
         Since: 0.1.0.\n\
         Source: PATH, `kubectl version --client -o json`; Kubernetes' version skew policy.",
    ),
    (
        "doctor/config",
        "Checks: where the configuration file is and whether it can be read as a whole.\n\
         Why: extra hosts, ssh nodes and defaults come from it. A mistake in it stops every other command, so that no setting is ignored silently; only the doctor goes on, with defaults.\n\
         See for yourself: `kubectl lab config view`.\n\
         Fix: correct the line that is named, or name another file with KUBECTL_LAB_CONFIG.\n\
         Since: 0.1.0.\n\
         Source: the file, and the variables KUBECTL_LAB_*.",
    ),
    (
        "doctor/cache",
        "Checks: the folder of compiled plugins: that it is yours alone and writable, how large it is, and what other versions left there.\n\
         Why: artifacts are native code. They are used only from a folder that nobody else can write; without one every start compiles anew, which costs seconds.\n\
         See for yourself: `ls -l` on the folder.\n\
         Fix: `chmod -R go= FOLDER`; folders of other versions can be removed at any time.\n\
         Since: 0.1.0.\n\
         Source: the folder's modes and sizes.",
    ),
    (
        "doctor/completion",
        "Checks: whether a completion script of your shell lies in one of the usual folders.\n\
         Why: with it, commands, flags, hosts and codes need not be remembered. A script that is read in a start-up file of the shell cannot be seen from here, so nothing found is unknown and not missing.\n\
         See for yourself: `kubectl-lab r<TAB>`.\n\
         Fix: `kubectl lab completion --help` has the line for each shell.\n\
         Since: 0.1.0.\n\
         Source: SHELL, and the folders of bash-completion, zsh and fish.",
    ),
    (
        "doctor/kubeconfig",
        "Checks: that a kubeconfig is found, that it can be read, and that the context in use is complete.\n\
         Why: without it no API server is known. The files are chosen as kubectl chooses them: --kubeconfig, KUBECONFIG, ~/.kube/config, the service account of a pod.\n\
         See for yourself: `kubectl config view --minify`.\n\
         Fix: name the file with --kubeconfig or KUBECONFIG, the context with --context.\n\
         Since: 0.1.0.\n\
         Source: the files, and the credential plugin that they name.",
    ),
    (
        "doctor/api",
        "Checks: that the API server answers, and how fast: several requests for /version one after the other, on one connection.\n\
         Why: everything about the cluster comes from it. An address, a certificate or credentials that are wrong look alike in many tools; here each has its own words.\n\
         See for yourself: `kubectl get --raw /version -v=6`.\n\
         Fix: what the line says. A slow API server: fewer questions at once with --concurrency, longer waits with --request-timeout.\n\
         Since: 0.1.0.\n\
         Source: /version; times measured here.",
    ),
    (
        "doctor/clock",
        "Checks: this machine's clock against the Date header of the API server, which counts whole seconds.\n\
         Why: certificates and tokens are valid from and until a time; ages in tables are differences of two clocks.\n\
         See for yourself: `date -u`, here and on the control plane.\n\
         Fix: synchronise the clock that is wrong: `timedatectl set-ntp true`.\n\
         Since: 0.1.0.\n\
         Source: the header Date of /version.",
    ),
    (
        "doctor/user",
        "Checks: who the API server takes you for.\n\
         Why: rights belong to that name and its groups, and it is often another one than expected.\n\
         See for yourself: `kubectl auth whoami`.\n\
         Fix: `--context`, `--user`, or a new login.\n\
         Since: 0.1.0.\n\
         Source: SelfSubjectReview, a POST of which the server keeps nothing.",
    ),
    (
        "doctor/version",
        "Checks: the versions of Kubernetes and of the agents. Agents outside the range whose answers are known here are reported.\n\
         Why: commands and the form of their answers change between releases; outside the range a question may stay without an answer.\n\
         See for yourself: `kubectl version`; the version command of an agent.\n\
         Fix: a kubectl-lab that knows the release.\n\
         Since: 0.1.0.\n\
         Source: /version; the version command in each agent's container.",
    ),
    (
        "doctor/rights",
        "Checks: for each plugin, whether you have the rights that its questions take: get, list and watch on each kind of its card, pods/exec where it runs commands.\n\
         Why: what is forbidden is missing in tables, as unknown, and the cause shows only in a remark below.\n\
         See for yourself: `kubectl auth can-i list pods -A`; `kubectl lab plugin info PLUGIN` lists the questions.\n\
         Fix: somebody who may grant rights applies what `kubectl lab doctor --rbac PLUGIN --rbac-subject YOU` prints.\n\
         Since: 0.1.0.\n\
         Source: SelfSubjectAccessReview for each right, a POST of which the server keeps nothing.",
    ),
    (
        "doctor/agent",
        "Checks: that each node has an agent, that it is ready, and that a command in its container runs and ends.\n\
         Why: commands on a node run there. A node without an agent is missing in every table of routes.\n\
         See for yourself: `kubectl get pods -A -o wide`; `kubectl exec` into the agent's pod.\n\
         Fix: what the pod's state asks for; `ssh-nodes` in the settings reach a node without its agent.\n\
         Since: 0.1.0.\n\
         Source: the agents' pods, and a real exec in each.",
    ),
    (
        "doctor/tools",
        "Checks: which tools the agents' containers have, one line for each group of nodes that differ.\n\
         Why: a question whose tool is missing stays without an answer there, and images of other releases have other tools.\n\
         See for yourself: `command -v ip nft ping` in an agent's container.\n\
         Fix: ask such a node over ssh, with `ssh-nodes` in the settings.\n\
         Since: 0.1.0.\n\
         Source: `command -v` in each agent's container.",
    ),
    (
        "doctor/host",
        "Checks: that each extra host and each ssh node lets you log in and run a command, with the system's ssh.\n\
         Why: routes end at the first router that nobody asks.\n\
         See for yourself: the same `ssh` by hand, without a password.\n\
         Fix: what ssh says: a key, an address, a host key to accept once by hand.\n\
         Since: 0.1.0.\n\
         Source: `ssh -o BatchMode=yes … true`.",
    ),
    (
        "doctor/debug-pod",
        "Checks: where debug pods are allowed, whether the API server would admit one: a dry run on one node, nothing is made.\n\
         Why: they answer for nodes whose agents cannot. A namespace may refuse pods that share a node's network.\n\
         See for yourself: `kubectl get namespace NAMESPACE --show-labels`.\n\
         Fix: what the line says: a label of the namespace, another namespace or image in `[debug-pod]` of the settings.\n\
         Since: 0.1.0.\n\
         Source: POST of the pod with `dryRun=All`.",
    ),
    (
        "doctor/leftover",
        "Checks: whether debug pods of kubectl-lab are in the cluster.\n\
         Why: they share a node's network and are removed at the end of their run; one that is left is of a run that was killed, or of one that still goes on.\n\
         See for yourself: `kubectl get pods -A -l app.kubernetes.io/managed-by=kubectl-lab`.\n\
         Fix: delete it, once no run needs it.\n\
         Since: 0.1.0.\n\
         Source: pods with that label.",
    ),
    (
        "doctor/capture",
        "Checks: with --from and --demo, for each plugin how many of the questions on its card the capture answers.\n\
         Why: what was not recorded is unknown in every table made from it. A plugin need not ask everything on its card in each run, and of a kind that was recorded in parts only the run can tell whether they are enough.\n\
         See for yourself: run the plugin with the same --from.\n\
         Fix: record it with `kubectl lab capture FILE` where the cluster is.\n\
         Since: 0.1.0.\n\
         Source: the capture, asked what the card asks.",
    ),
];
