# shellcheck shell=bash
# What goes wrong with rented servers, on demand: cable, loss, bandwidth, latency,
# a frozen host, a starved CPU. (Power is in server.sh.)

in_server_network() {
  local index=$1
  shift
  nsenter --net="/run/netns/srv$index" "$@"
}

# fault_link INDEX up|down
fault_link() {
  ip -n "$FLEET_OPS" link set "v$1" "$2"
}

# fault_loss INDEX PROBABILITY drops that share of the incoming packets; 0 heals.
fault_loss() {
  while in_server_network "$1" iptables -D INPUT -i eth0 -m comment --comment fleet-loss -m statistic \
    --mode random --probability "$(cat "$FLEET_STATE/srv$1/loss" 2> /dev/null || echo 0)" -j DROP 2> /dev/null; do :; done
  rm -f "$FLEET_STATE/srv$1/loss"
  [[ $2 =~ ^0*(\.0*)?$ ]] && return
  printf '%s\n' "$2" > "$FLEET_STATE/srv$1/loss"
  in_server_network "$1" iptables -I INPUT -i eth0 -m comment --comment fleet-loss -m statistic \
    --mode random --probability "$2" -j DROP
}

# fault_rate INDEX RATE limits what the server receives, e.g. to `2mbit`; `off` heals.
fault_rate() {
  if [[ $2 == off ]]; then
    tc -n "$FLEET_OPS" qdisc del dev "v$1" root 2> /dev/null
    return 0
  fi
  tc -n "$FLEET_OPS" qdisc replace dev "v$1" root tbf rate "$2" burst 32k latency 400ms
}

# fault_lag INDEX DELAY_MS [JITTER_MS] [LOSS_PERCENT] holds incoming packets back;
# `off` heals. In user space, because this kernel has no netem.
fault_lag() {
  local index=$1 dir=$FLEET_STATE/srv$1
  shift
  server_lag_stop "$index"
  [[ $1 == off ]] && return
  nsenter --net="/run/netns/srv$index" setsid python3 "$FLEET_SOURCE/lib/netlag.py" 5 "$@" \
    > "$dir/lag.log" 2>&1 < /dev/null &
  echo $! > "$dir/lag.pid"
  await 5 grep -q ready "$dir/lag.log" || die "server $index: netlag does not start: $(< "$dir/lag.log")"
  # Without a listener on the queue, packets pass.
  in_server_network "$index" iptables -I INPUT -i eth0 -j NFQUEUE --queue-num 5 --queue-bypass
}

server_lag_stop() {
  local file=$FLEET_STATE/srv$1/lag.pid pid
  [[ -f $file ]] || return 0
  pid=$(< "$file")
  in_server_network "$1" iptables -D INPUT -i eth0 -j NFQUEUE --queue-num 5 --queue-bypass 2> /dev/null
  grep -qs netlag "/proc/$pid/cmdline" && kill "$pid"
  rm -f "$file"
}

# fault_freeze INDEX FROZEN|THAWED stops or continues every process of the server.
fault_freeze() {
  printf '%s\n' "$2" > "$(server_cgroup "$1" freezer)/freezer.state"
}

# fault_cpu INDEX MICROSECONDS allows that much CPU per 100,000: 20000 is a fifth of a core.
fault_cpu() {
  printf '%s\n' "$2" > "$(server_cgroup "$1" cpu)/cpu.cfs_quota_us"
}
