# shellcheck shell=bash
# The fleet's own network: a bridge in the namespace `ops`, with no way out, and
# one wire from it to this machine.

network_ensure() {
  with_lock network network_make
}

# Every step looks before it acts, so that a half-made network of a killed run is
# completed and not tripped over.
network_make() {
  # The guard goes first and leaves last: whenever the wire below is missing,
  # packets for the fleet die here and never take the machine's default route.
  [[ -n $(ip route show type unreachable "$FLEET_NET.0/24") ]] ||
    ip route add unreachable "$FLEET_NET.0/24" metric 4242

  # systemd and dockerd of ten servers together need more than the stock 128.
  (($(sysctl -n fs.inotify.max_user_instances) >= 1024)) ||
    sysctl -qw fs.inotify.max_user_instances=1024

  # A namespace file without a namespace behind it is what a crash leaves.
  if ! nsenter --net="/run/netns/$FLEET_OPS" true 2> /dev/null; then
    ip netns del "$FLEET_OPS" 2> /dev/null
    ip netns add "$FLEET_OPS"
  fi
  ip -n "$FLEET_OPS" link set lo up
  if ! ip -n "$FLEET_OPS" link show br0 > /dev/null 2>&1; then
    ip -n "$FLEET_OPS" link add br0 type bridge
    # Spanning tree would hold every new port for 30 s.
    ip -n "$FLEET_OPS" link set br0 type bridge stp_state 0
  fi
  ip -n "$FLEET_OPS" addr replace "$FLEET_NET.1/24" dev br0
  ip -n "$FLEET_OPS" link set br0 up

  if ! ip -n "$FLEET_OPS" link show fl1 > /dev/null 2>&1; then
    ip link del fl0 2> /dev/null
    ip link add fl0 type veth peer name fl1 netns "$FLEET_OPS"
  fi
  ip -n "$FLEET_OPS" link set fl1 master br0 up
  ip addr replace "$FLEET_NET.254/24" dev fl0
  ip link set fl0 up
}

network_remove() {
  with_lock network network_unmake
}

network_unmake() {
  ip link del fl0 2> /dev/null
  ip netns del "$FLEET_OPS" 2> /dev/null
  ip route del unreachable "$FLEET_NET.0/24" metric 4242 2> /dev/null
  return 0
}

# server_wire INDEX gives the server its namespace and plugs it into the bridge.
server_wire() {
  local index=$1 namespace=srv$1 hardware
  # The hardware address follows from the index. With a random one, everybody who
  # spoke to the previous server at this address talks into the void for half a
  # minute, until the neighbour entry expires.
  hardware=$(printf '02:77:00:00:00:%02x' "$index")
  server_unwire "$index"
  ip netns add "$namespace" &&
    ip -n "$namespace" link set lo up &&
    ip -n "$FLEET_OPS" link add "v$index" type veth peer name eth0 address "$hardware" netns "$namespace" &&
    ip -n "$FLEET_OPS" link set "v$index" master br0 up &&
    ip -n "$namespace" addr add "$(address_of "$index")/24" dev eth0 &&
    ip -n "$namespace" link set eth0 up &&
    # `ops` forwards nothing: a server believes in a gateway that leads nowhere.
    ip -n "$namespace" route add default via "$FLEET_NET.1" ||
    die "server $index: cannot be wired to the fleet's network"
}

# The wire is cut explicitly, because the kernel takes a namespace's devices down
# some time after its name is gone, and `v$index` would still be in the way.
server_unwire() {
  ip -n "$FLEET_OPS" link del "v$1" 2> /dev/null
  ip netns del "srv$1" 2> /dev/null
  return 0
}
