#!/bin/bash
# Real servers on one machine: systemd, sshd and dockerd, each with its own disk,
# address, host key and limits. See README.md in this folder.
set -u

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib/settings.sh"
for part in base network cgroups lxcfs server faults; do
  # shellcheck source=/dev/null
  source "$FLEET_SOURCE/lib/$part.sh"
done

usage() {
  cat >&2 << 'TEXT'
usage: fleet.sh VERB ...

  base                       build the servers' root file system, if its recipe changed
  net                        make 10.77.0.0/24 exist and reachable from this machine
  boot [--no-docker | --docker-stopped] NAME INDEX [AUTHORIZED_KEYS_FILE]
                             create one server at 10.77.0.(10+INDEX); does not wait for it
  wait INDEX                 wait until sshd on it answers
  destroy INDEX              remove one server and all that belongs to it
  list                       index, address, name, on or off, variant of each
  up N                       servers srv1 … srvN with the fleet's key, sshd and docker answering
  down                       everything gone; the base and the registry's storage stay
  ssh INDEX COMMAND...       run a command on a server that has the fleet's key
  pid INDEX                  its process 1, as this machine counts

  cut INDEX | on INDEX       power
  rekey INDEX                another host key while it runs
  link INDEX up|down         cable
  loss INDEX PROBABILITY     0.2 loses a fifth of the packets, 0 heals
  rate INDEX RATE|off        bandwidth, e.g. 2mbit
  lag INDEX MS [JITTER] [LOSS%] | lag INDEX off
  freeze INDEX | thaw INDEX  the host stops answering without dying
  cpu INDEX MICROSECONDS     CPU per 100,000
TEXT
  exit 2
}

boot() {
  local variant=docker
  case ${1:-} in
    --no-docker | --docker-stopped)
      variant=${1#--}
      shift
      ;;
  esac
  (($# >= 2)) || usage
  local name=$1 index=$2 keys=${3:-$FLEET_DIR/key.pub}
  require_index "$index"
  [[ $name =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] || die "\`$name\` is no host name"
  fleet_ready
  server_boot "$name" "$index" "$keys" "$variant"
}

# What has to exist before any server can.
fleet_ready() {
  base_ensure && network_ensure && lxcfs_ensure || exit
}

up() {
  local count=${1:-3} index jobs=()
  require_index "$count"
  fleet_ready
  for index in $(seq "$count"); do
    server_boot "srv$index" "$index" "$FLEET_DIR/key.pub" docker &
    jobs+=($!)
  done
  for index in "${jobs[@]}"; do
    wait "$index" || die "not every server could be booted"
  done
  for index in $(seq "$count"); do
    await 60 server_ssh "$index" docker info || die "server $index does not answer: see $FLEET_STATE/srv$index/log"
  done
}

down() {
  local index
  for index in $(known_indexes); do
    server_destroy "$index" &
  done
  wait
  "$FLEET_SOURCE/registry.sh" down
  lxcfs_remove
  network_remove
}

# True when the server's sshd says who it is, which needs no key.
sshd_answers() {
  local greeting
  exec 8<> "/dev/tcp/$(address_of "$1")/22" && read -r -t 2 greeting <&8 && [[ $greeting == SSH-* ]]
}

wait_for_sshd() {
  for _ in $(seq 600); do
    (sshd_answers "$1") 2> /dev/null && return
    sleep 0.1
  done
  die "server $1 did not answer within a minute: see $FLEET_STATE/srv$1/log"
}

((EUID == 0)) || die "needs root: it makes namespaces and mounts"
verb=${1:-}
(($#)) && shift
case $verb in
  ssh | pid | destroy | cut | on | rekey | link | loss | rate | lag | freeze | thaw | cpu | wait)
    require_index "${1:-}"
    ;;
esac
case $verb in
  base) base_ensure ;;
  net) network_ensure ;;
  boot) boot "$@" ;;
  wait) wait_for_sshd "$1" ;;
  destroy) server_destroy "$1" ;;
  list) server_list ;;
  up) up "$@" ;;
  down) down ;;
  ssh) server_ssh "$@" ;;
  pid) server_init "$1" ;;
  cut) with_lock "srv$1" server_power_cut "$1" ;;
  on) with_lock "srv$1" server_power_on "$1" ;;
  rekey) with_lock "srv$1" server_rekey "$1" ;;
  link) fault_link "$1" "$2" ;;
  loss) fault_loss "$1" "$2" ;;
  rate) fault_rate "$1" "$2" ;;
  lag) fault_lag "$@" ;;
  freeze) fault_freeze "$1" FROZEN ;;
  thaw) fault_freeze "$1" THAWED ;;
  cpu) fault_cpu "$1" "$2" ;;
  *) usage ;;
esac
