# shellcheck shell=bash
# shellcheck disable=SC2034 # most of these variables are read by other files
# Shared by the lab's scripts: where things lie, what the lab looks like, and
# how to enter a host. Sourced, never run.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_DIR=${LAB_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/cilium-lab}
state=$LAB_DIR/state

k8s_version=1.33.13
cilium_version=1.18.0
# What a lab may begin with, to be upgraded to the other.
older_cilium=1.17.6
hosts=(k8s-ctr k8s-w1 k8s-w0 router)
nodes=(k8s-ctr k8s-w1 k8s-w0)
# Where people sit: a network beside the hosts, without files of its own.
desk=desk
cgroup_name=cilium-lab
admin_conf=/etc/kubernetes/admin.conf

say() { printf '%(%H:%M:%S)T %s\n' -1 "$*" >&2; }
die() { say "error: $*"; exit 1; }

# start_time PID: the kernel's start tick of a process. Kept next to each PID
# so that a PID the system has handed to somebody else is never signalled.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  # The command name is in brackets and may hold spaces: cut after the last ')'.
  awk '{print $20}' <<<"${stat##*) }"
}

# remember NAME PID: note a process of ours in the state directory.
remember() { echo "$2 $(start_time "$2")" >"$state/$1.pid"; }

# pid_of NAME: the PID noted for NAME, if that very process still lives.
pid_of() {
  local pid started
  [[ -r $state/$1.pid ]] || return 1
  read -r pid started <"$state/$1.pid"
  [[ $(start_time "$pid") == "$started" ]] || return 1
  echo "$pid"
}

# forget NAME: end the process noted for NAME, if that very process still lives.
forget() {
  local pid
  # A host's PID 1 takes all processes of its PID namespace with it.
  if pid=$(pid_of "$1"); then
    kill -KILL "$pid" 2>/dev/null || true
    wait_gone "$pid"
  fi
  rm -f "$state/$1.pid"
}

wait_gone() {
  local i
  for ((i = 0; i < 100; i++)); do
    [[ -e /proc/$1 ]] || return 0
    # A zombie holds nothing any more; its parent will collect it.
    [[ $(awk '/^State:/ {print $2}' "/proc/$1/status" 2>/dev/null) != Z ]] || return 0
    sleep 0.1
  done
  say "process $1 is still there"
}

is_host() { local h; for h in "${hosts[@]}"; do [[ $h == "$1" ]] && return 0; done; return 1; }

# lab_is_up: whether Kubernetes has been started and its control plane's host lives.
lab_is_up() { [[ -e $state/kubernetes.done ]] && pid_of k8s-ctr >/dev/null; }

# enter HOST CMD...: run CMD inside a host, in all of its namespaces.
enter() {
  local host=$1 pid
  shift
  pid=$(pid_of "$host") || die "host $host is not running (start it with 'up')"
  nsenter --target "$pid" --all --wdns=/root -- env -i \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 KUBECONFIG=$admin_conf "$@"
}

# in_net HOST CMD...: run CMD with the machine's files but the host's network.
in_net() {
  local host=$1 pid
  shift
  pid=$(pid_of "$host") || die "host $host is not running (start it with 'up')"
  nsenter --target "$pid" --net -- env KUBECONFIG="$state/admin.conf" "$@"
}

k() { enter k8s-ctr kubectl "$@"; }

# retry SECONDS CMD...: until CMD succeeds or time is over.
retry() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.5
  done
}

# start_plain NAME: a network namespace without files of its own.
start_plain() {
  local pid
  setsid unshare --net sleep infinity </dev/null >/dev/null 2>&1 &
  pid=$!
  # Until it has a network of its own, what is done to it would be done to the machine.
  retry 5 has_own_network "$pid" || die "$1 did not start"
  remember "$1" "$pid"
}

has_own_network() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }

net() { local host=$1; shift; nsenter -t "$(pid_of "$host")" -n "$@"; }

address() { net "$1" ip addr add "$3" dev "$2" && net "$1" ip link set "$2" up; }

# plug HOST IFACE SEGMENT ADDRESS: macvlan in bridge mode is the switch. With veth
# links instead, Cilium would not take eth1 for a device of the node: it leaves
# out veth links that hold no default route.
plug() {
  nsenter -t "$(pid_of switch)" -n ip link add link "l2-$3" name "$2" netns "$(pid_of "$1")" type macvlan mode bridge
  address "$1" "$2" "$4"
}
