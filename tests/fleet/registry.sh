#!/bin/bash
# The registry that fleet servers pull from: registry.sh up | down | url
#
# Debian's docker-registry inside the fleet's network, so that nothing outside
# can reach it. What was pushed stays in $FLEET_DIR/registry across runs.
set -u

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib/settings.sh"
# shellcheck source-path=SCRIPTDIR
source "$FLEET_SOURCE/lib/network.sh"

REGISTRY_ADDRESS=$FLEET_NET.1:5000
REGISTRY_DIR=$FLEET_DIR/registry

# The command line is compared because after a crash the id may be somebody else's.
registry_process() {
  local pid
  pid=$(cat "$REGISTRY_DIR/pid" 2> /dev/null) || return 1
  grep -qs docker-registry "/proc/$pid/cmdline" && printf '%s\n' "$pid"
}

registry_answers() {
  curl -sf --max-time 1 "http://$REGISTRY_ADDRESS/v2/"
}

registry_start() {
  network_ensure
  registry_answers > /dev/null && return
  # It can be alive in a namespace that is gone.
  registry_stop
  mkdir -p "$REGISTRY_DIR/storage"
  cat > "$REGISTRY_DIR/config.yml" << YAML
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: $REGISTRY_DIR/storage
  delete:
    enabled: true
http:
  secret: fleet
  addr: $REGISTRY_ADDRESS
YAML
  nsenter --net="/run/netns/$FLEET_OPS" setsid docker-registry serve "$REGISTRY_DIR/config.yml" \
    > "$REGISTRY_DIR/log" 2>&1 < /dev/null 9>&- &
  echo $! > "$REGISTRY_DIR/pid"
  await 10 registry_answers || die "the registry does not start: see $REGISTRY_DIR/log"
}

registry_stop() {
  local pid
  pid=$(registry_process) || return 0
  kill "$pid"
  await 5 registry_is_gone || kill -KILL "$pid"
  rm -f "$REGISTRY_DIR/pid"
}

registry_is_gone() {
  ! registry_process
}

case ${1:-} in
  up) with_lock registry registry_start ;;
  down) with_lock registry registry_stop ;;
  url) printf 'http://%s\n' "$REGISTRY_ADDRESS" ;;
  *)
    printf 'usage: registry.sh up | down | url\n' >&2
    exit 2
    ;;
esac
