# shellcheck shell=bash
# Where the fleet keeps its state, which addresses it uses, how large a server is.
# Sourced by every script of this folder; defines no behaviour but `die`, `note`
# and `with_lock`.

FLEET_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
FLEET_DIR=${FLEET_DIR:-$HOME/.cache/flightdeck-fleet}
FLEET_STATE=$FLEET_DIR/servers

FLEET_SUITE=${FLEET_SUITE:-bookworm}
FLEET_MEMORY=${FLEET_MEMORY:-2G}
FLEET_CPUS=${FLEET_CPUS:-1}
FLEET_DISK=${FLEET_DISK:-8G}

# Server INDEX has the address $FLEET_NET.(10+INDEX). The namespace `ops` is .1,
# the machine itself .254, so 240 is the last index with an address of its own.
FLEET_NET=10.77.0
FLEET_OPS=ops
FLEET_LAST_INDEX=240

mkdir -p "$FLEET_DIR" "$FLEET_STATE" "$FLEET_DIR/locks"

die() {
  printf 'fleet: %s\n' "$*" >&2
  exit 1
}

note() {
  printf 'fleet: %s\n' "$*" >&2
}

# with_lock NAME COMMAND... runs COMMAND while no other fleet script holds NAME.
#
# COMMAND runs in a subshell. Whatever it leaves running must be started with
# `9>&-`, or the daemon would hold the lock for as long as it lives.
with_lock() {
  local name=$1
  shift
  (
    flock 9
    "$@"
  ) 9> "$FLEET_DIR/locks/$name"
}

# Prints the address of the server with this index.
address_of() {
  printf '%s.%d\n' "$FLEET_NET" $((10 + $1))
}

require_index() {
  [[ ${1:-} =~ ^[1-9][0-9]{0,2}$ ]] && (($1 <= FLEET_LAST_INDEX)) ||
    die "\`${1:-}\` is no server index: give a number from 1 to $FLEET_LAST_INDEX"
}

# await SECONDS COMMAND... tries COMMAND ten times a second until it succeeds.
await() {
  local tries=$(($1 * 10))
  shift
  while ! "$@" > /dev/null 2>&1; do
    ((tries-- > 0)) || return 1
    sleep 0.1
  done
}
