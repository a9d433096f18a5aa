#!/bin/bash
# Proves that the fleet carries a deployment: smoke.sh [SWITCHES]
#
# One server from nothing; images from the fleet's registry; HAProxy in front of
# an application; then SWITCHES (40) complete deployments, v1 and v2 in turn,
# with five reloads of the proxy among them, under load. No request may fail.
# Everything goes the way the app goes: SSH as an ordinary user, the docker
# command, HAProxy's admin socket through SSH. Takes down what it brought up.
set -u

# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/lib/settings.sh"

switches=${1:-40}
# Far away from the indexes that tests use.
index=240
address=$(address_of "$index")
registry=$FLEET_NET.1:5000
work=$(mktemp -d)
load=()

# The registry stays: other tests may be pulling.
clean_up() {
  ((${#load[@]})) && kill "${load[@]}" 2> /dev/null
  ssh_as deploy -O exit 2> /dev/null
  "$FLEET_SOURCE/fleet.sh" destroy "$index"
  rm -rf "$work"
}
trap clean_up EXIT

seconds_since() {
  printf '%.2f' "$(bc <<< "$EPOCHREALTIME - $1")"
}

claim() {
  printf 'ok   %s\n' "$*"
}

fail() {
  printf 'FAIL %s\n' "$*"
  exit 1
}

# ssh_as USER ARGUMENT... shares one connection per user, as the app does.
ssh_as() {
  local user=$1
  shift
  ssh -i "$work/key" -o KexAlgorithms=curve25519-sha256 -o UserKnownHostsFile="$work/known_hosts" \
    -o StrictHostKeyChecking=accept-new -o ControlMaster=auto -o ControlPath="$work/%r.mux" \
    -o ControlPersist=60 -o ConnectTimeout=2 -o LogLevel=ERROR "$user@$address" "$@"
}

on_server() {
  ssh_as deploy "$@"
}

runtime() {
  "$FLEET_SOURCE/proxy/runtime.py" "$work/admin.sock" "$1"
}

# runtime_says EXPECTED COMMAND: a command that changes something is silent when it
# succeeds, but for `add server` and `del server`; any other word is an error.
runtime_says() {
  local answer
  answer=$(runtime "$2")
  [[ $answer == "$1" ]] || fail "\`$2\` answered \`$answer\`"
}

get() {
  curl -s --max-time 5 -H 'Host: hello.test' "http://$address/"
}

# --- the server ---------------------------------------------------------------

boot_server() {
  local started=$EPOCHREALTIME
  ssh-keygen -q -t ed25519 -N '' -f "$work/key"
  "$FLEET_SOURCE/fleet.sh" destroy "$index"
  "$FLEET_SOURCE/fleet.sh" boot smoke "$index" "$work/key.pub" || fail "the server does not boot"
  claim "boot returned after $(seconds_since "$started") s"
  "$FLEET_SOURCE/fleet.sh" wait "$index"
  ssh_as root true || fail "no ssh with the key that was given at boot"
  claim "ssh with a fresh key after $(seconds_since "$started") s"
  await 30 ssh_as root docker info || fail "dockerd does not answer"
  claim "docker $(ssh_as root docker version --format '{{.Server.Version}}') after $(seconds_since "$started") s"
}

# The directory of the admin socket belongs to HAProxy's user, and its set-group-id
# bit gives whatever is made in it to the SSH user's group. HAProxy cannot do
# that by itself: it runs without privileges and may not give files away.
prepare_server() {
  ssh_as root '
    useradd --create-home --groups docker deploy &&
    install -d -o deploy -g deploy -m 700 /home/deploy/.ssh &&
    install -o deploy -g deploy -m 600 /root/.ssh/authorized_keys /home/deploy/.ssh/ &&
    install -d -o deploy -g deploy -m 755 /var/lib/flightdeck/proxy/etc &&
    install -d -o 99 -g deploy -m 2770 /var/lib/flightdeck/proxy/run' || fail "the server cannot be prepared"
  local started=$EPOCHREALTIME image
  for image in haproxy:2.6 hello:v1 hello:v2 hello:sick hello:broken; do
    on_server docker pull -q "$registry/$image" > /dev/null || fail "cannot pull $image"
  done
  claim "5 images pulled in $(seconds_since "$started") s"
}

# --- the proxy ----------------------------------------------------------------

# write_configuration [SERVER_LINE] puts the generated files in place. Each one is
# replaced by a rename, so a reload never reads half a file.
write_configuration() {
  {
    cat "$FLEET_SOURCE/proxy/haproxy.cfg"
    printf '    %s\n' "${1:-}"
  } | on_server 'cd /var/lib/flightdeck/proxy/etc && cat > haproxy.cfg.new && mv haproxy.cfg.new haproxy.cfg'
  on_server 'cd /var/lib/flightdeck/proxy/etc && cat > hosts.map.new && mv hosts.map.new hosts.map' \
    < "$FLEET_SOURCE/proxy/hosts.map"
}

start_proxy() {
  write_configuration
  on_server "docker network create --subnet 172.30.0.0/24 flightdeck &&
    docker run -d --name flightdeck-proxy --restart unless-stopped --network flightdeck -p 80:80 \
      -v /var/lib/flightdeck/proxy/etc:/usr/local/etc/haproxy:ro \
      -v /var/lib/flightdeck/proxy/run:/run/haproxy $registry/haproxy:2.6" > /dev/null || fail "the proxy does not start"
  on_server -O forward -L "$work/admin.sock:/var/lib/flightdeck/proxy/run/admin.sock"
  await 5 runtime 'show version' || fail "the admin socket does not answer an ordinary user"
  claim "HAProxy $(runtime 'show version' | head -n 1) answers through SSH as an ordinary user"
  [[ $(curl -s -o /dev/null -w '%{http_code}' "http://$address/") == 404 ]] || fail "an unknown host must get 404"
  claim "an unknown host gets 404"
}

worker_id() {
  runtime 'show info' | sed -n 's/^Pid: //p'
}

another_worker_answers() {
  local now
  now=$(worker_id) && [[ -n $now && $now != "$1" ]]
}

# reload RELEASE ADDRESS: runtime servers do not outlive the worker, so what is
# live is written into the file first.
reload() {
  local before
  before=$(worker_id)
  write_configuration "server $1 $2:8080 weight 100 check $health"
  on_server docker exec flightdeck-proxy haproxy -c -q -f /usr/local/etc/haproxy/haproxy.cfg ||
    fail "the configuration is refused"
  on_server docker kill -s USR2 flightdeck-proxy > /dev/null
  await 10 another_worker_answers "$before" || fail "no new worker after USR2"
}

# --- deployments --------------------------------------------------------------

health='inter 1s fastinter 200ms rise 1 fall 3'

# Prints where the release's container listens.
start_release() {
  on_server "docker run -d --name hello-$1 --network flightdeck $registry/hello:$2 > /dev/null &&
    docker inspect -f '{{.NetworkSettings.Networks.flightdeck.IPAddress}}' hello-$1"
}

# An unchecked server counts as up, so the state alone does not tell: the check
# has to have run (columns 18 status, 37 check_status of the CSV).
is_healthy() {
  runtime 'show stat app-hello 4 -1' | awk -F, -v name="$1" \
    '$2 == name && $18 == "UP" && $37 == "L7OK" { found = 1 } END { exit !found }'
}

is_down() {
  runtime 'show stat app-hello 4 -1' | awk -F, -v name="$1" \
    '$2 == name && $18 == "DOWN" { found = 1 } END { exit !found }'
}

# Current sessions (column 5) of the server are none.
is_drained() {
  runtime 'show stat app-hello 4 -1' | awk -F, -v name="$1" \
    '$2 == name && $5 == 0 { found = 1 } END { exit !found }'
}

is_deleted() {
  [[ $(runtime "del server app-hello/$1") == *deleted* ]]
}

add_server() {
  runtime_says 'New server registered.' "add server app-hello/$1 $2:8080 weight 0 check $health"
  runtime_says '' "enable health app-hello/$1"
  runtime_says '' "enable server app-hello/$1"
}

remove_server() {
  runtime_says '' "set server app-hello/$1 state maint"
  await 30 is_deleted "$1" || fail "server $1 cannot be deleted: $(runtime "del server app-hello/$1")"
}

live='' live_at=''

# switch_to RELEASE VERSION. Raising the new one before lowering the old one is
# what keeps the backend from having no weight at all for a moment.
switch_to() {
  local at
  at=$(start_release "$1" "$2") || fail "release $1 does not start"
  add_server "$1" "$at"
  await 30 is_healthy "$1" || fail "release $1 is not healthy"
  runtime_says '' "set server app-hello/$1 weight 100"
  if [[ -n $live ]]; then
    runtime_says '' "set server app-hello/$live weight 0"
    await 30 is_drained "$live" || fail "release $live does not drain"
    remove_server "$live"
    on_server "docker stop -t 30 hello-$live && docker rm hello-$live" > /dev/null || fail "release $live does not stop"
  fi
  live=$1 live_at=$at
}

# survive_a_crash RELEASE VERSION: two are live and one is killed without a word.
survive_a_crash() {
  local at
  at=$(start_release "$1" "$2") || fail "release $1 does not start"
  add_server "$1" "$at"
  await 30 is_healthy "$1" || fail "release $1 is not healthy"
  runtime_says '' "set server app-hello/$1 weight 100"
  on_server docker kill "hello-$live" > /dev/null
  await 10 is_down "$live" || fail "a dead server must go down"
  remove_server "$live"
  on_server docker rm "hello-$live" > /dev/null
  live=$1 live_at=$at
}

refuse_bad_releases() {
  local at log
  at=$(start_release sick sick)
  add_server sick "$at"
  await 10 is_down sick || fail "a server that answers 503 must go down"
  [[ $(get) == "hello v1" ]] || fail "a sick release disturbed the live one"
  remove_server sick
  claim "a sick release gets no request"

  # It has ended before its address can be asked for.
  start_release broken broken > /dev/null
  log=$(on_server 'docker wait hello-broken; docker logs hello-broken 2>&1')
  [[ $log == 1$'\n'*error* ]] || fail "the broken release said: $log"
  claim "a broken release exits with 1 and says why"
}

# --- load ---------------------------------------------------------------------

start_load() {
  hey -z 30m -c 10 -q 150 -host hello.test "http://$address/" > "$work/keep-alive" 2>&1 &
  load+=($!)
  # Slow enough that this machine does not run out of ports (28,000 a minute).
  hey -z 30m -c 5 -q 60 -disable-keepalive -host hello.test "http://$address/" > "$work/new" 2>&1 &
  load+=($!)
}

stop_load() {
  local report requests
  kill -INT "${load[@]}"
  wait "${load[@]}"
  load=()
  for report in keep-alive new; do
    requests=$(sed -n 's/^ *\[200\]\t*\([0-9]*\) responses/\1/p' "$work/$report")
    if grep -q 'Error distribution' "$work/$report" || grep -E '^ *\[[0-9]+\]' "$work/$report" | grep -qv '\[200\]'; then
      sed -n '/Status code/,$p' "$work/$report"
      fail "requests failed ($report connections)"
    fi
    ((${requests:-0} > 100)) || fail "there was no load ($report connections)"
    claim "0 failed of $requests requests, $report connections, slowest $(sed -n 's/^ *Slowest:\t*//p' "$work/$report")"
  done
}

# --- the claims, in order -----------------------------------------------------

command -v hey > /dev/null || die "needs \`hey\`: apt-get install hey"
started=$EPOCHREALTIME
"$FLEET_SOURCE/fleet.sh" base && "$FLEET_SOURCE/fleet.sh" net && "$FLEET_SOURCE/registry.sh" up || exit
"$FLEET_SOURCE/images/publish.py" > "$work/images" || fail "the images cannot be published"
claim "base, network, registry, images in $(seconds_since "$started") s"

boot_server
prepare_server
start_proxy

switch_to r0 v1
[[ $(get) == "hello v1" ]] || fail "the first release does not answer"
claim "the first release answers"
refuse_bad_releases

start_load
begun=$EPOCHREALTIME
for ((number = 1; number <= switches; number++)); do
  version=v$((number % 2 + 1))
  switch_to "r$number" "$version"
  [[ $(get) == "hello $version" ]] || fail "after switch $number the answer is not from $version"
  ((number % 8)) || reload "$live" "$live_at"
done
claim "$switches switches and $((switches / 8)) reloads in $(seconds_since "$begun") s"
survive_a_crash crash v1
claim "one of two servers was killed under load"
stop_load
[[ -z $(on_server docker ps -q --filter status=exited --filter name=hello-r) ]] || fail "an old release was left"
claim "all in $(seconds_since "$started") s"
