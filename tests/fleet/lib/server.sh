# shellcheck shell=bash
# The life of one server: boot, power, destroy.
#
# All of a server is under $FLEET_STATE/srvINDEX:
#   name, authorized_keys, variant   what it was asked to be
#   disk.img, disk/                  its disk, and where that is mounted
#   root/                            overlay of the base and disk/upper
#   cgroups, pid, log                groups, process of run-server.sh, console

# Prints the id of run-server.sh for this server, or fails. The command line is
# compared because after a crash the number may belong to somebody else.
server_runner() {
  local dir=$FLEET_STATE/srv$1 pid
  pid=$(cat "$dir/pid" 2> /dev/null) || return 1
  tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "run-server.sh $dir " || return 1
  printf '%s\n' "$pid"
}

# Prints the id of the server's own process 1, as this machine counts it.
server_init() {
  local runner nspawn
  runner=$(server_runner "$1") || return 1
  nspawn=$(pgrep -P "$runner" systemd-nspawn | head -n 1)
  [[ -n $nspawn ]] && pgrep -P "$nspawn" | head -n 1
}

known_indexes() {
  local dir
  for dir in "$FLEET_STATE"/srv*/; do
    [[ -d $dir ]] && dir=${dir%/} && printf '%s\n' "${dir##*/srv}"
  done | sort -n
}

running_indexes() {
  local index
  for index in $(known_indexes); do
    server_runner "$index" > /dev/null && printf '%s\n' "$index"
  done
}

# server_boot NAME INDEX AUTHORIZED_KEYS_FILE VARIANT
#
# VARIANT is `docker`, `no-docker` (no such command) or `docker-stopped` (there,
# but not running). Returns when the power is on, long before sshd answers.
server_boot() {
  with_lock "srv$2" server_boot_locked "$@"
}

server_boot_locked() {
  local name=$1 index=$2 keys=$3 variant=$4 dir=$FLEET_STATE/srv$2

  if server_runner "$index" > /dev/null; then
    [[ $(< "$dir/name") == "$name" ]] ||
      die "server $index is taken: \`$(< "$dir/name")\` runs there, destroy it first"
    cmp -s "$keys" "$dir/authorized_keys" && [[ $(< "$dir/variant") == "$variant" ]] ||
      die "server $index (\`$name\`) runs with another key or variant: destroy it first"
    return
  fi

  # What a killed boot or a power cut left is not worth saving: a new server
  # has a fresh disk.
  server_destroy_locked "$index"
  mkdir -p "$dir"/{disk,root}
  printf '%s\n' "$name" > "$dir/name"
  printf '%s\n' "$variant" > "$dir/variant"
  cp "$keys" "$dir/authorized_keys" || die "cannot read the authorized keys: $keys"

  server_disk_make "$index"
  server_configure "$index"
  server_wire "$index"
  server_power_on "$index"
}

# Sparse, and without a journal: a fresh server costs 20 MB and a few milliseconds.
server_disk_make() {
  local dir=$FLEET_STATE/srv$1
  truncate -s "$FLEET_DISK" "$dir/disk.img" &&
    mkfs.ext4 -q -F -O ^has_journal -E lazy_itable_init=1,nodiscard "$dir/disk.img" &&
    mount -o loop,discard "$dir/disk.img" "$dir/disk" &&
    mkdir -p "$dir"/disk/{upper,work,docker,containerd} &&
    mount -t overlay "srv$1" "$dir/root" \
      -o "lowerdir=$(base_dir),upperdir=$dir/disk/upper,workdir=$dir/disk/work" ||
    die "server $1: no disk"
}

server_configure() {
  local dir=$FLEET_STATE/srv$1 root=$FLEET_STATE/srv$1/root name
  name=$(< "$dir/name")
  printf '%s\n' "$name" > "$root/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$(address_of "$1")" "$name" > "$root/etc/hosts"
  install -d -m 700 "$root/root/.ssh"
  install -m 600 "$dir/authorized_keys" "$root/root/.ssh/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$root/etc/ssh/ssh_host_ed25519_key"

  case $(< "$dir/variant") in
    no-docker)
      rm -f "$root"/usr/bin/{docker,docker-init,runc,containerd,ctr} "$root"/usr/bin/containerd-shim* \
        "$root"/usr/sbin/{dockerd,docker-proxy,runc} \
        "$root"/lib/systemd/system/{docker.service,docker.socket,containerd.service} \
        "$root/etc/init.d/docker"
      ;&
    docker-stopped)
      # Neither at boot nor by the socket: only `systemctl start docker` brings it up.
      rm -f "$root"/etc/systemd/system/multi-user.target.wants/{docker,containerd}.service \
        "$root"/etc/systemd/system/sockets.target.wants/docker.socket
      ;;
  esac
}

server_power_on() {
  local dir=$FLEET_STATE/srv$1
  server_runner "$1" > /dev/null && return
  [[ -d $dir/root ]] || die "there is no server $1"
  server_cgroups_make "$1"
  rm -f "$dir/pid"
  setsid bash "$FLEET_SOURCE/lib/run-server.sh" "$dir" > "$dir/log" 2>&1 < /dev/null 9>&- &
  await 5 server_runner "$1" || die "server $1 does not start: see $dir/log"
}

# Pulls the plug: no process of the server gets to finish anything.
server_power_cut() {
  local init group
  group=$(server_cgroup "$1" freezer)
  [[ -d $group ]] && echo THAWED > "$group/freezer.state"
  # Its process 1 takes the whole process namespace along, and nspawn then cleans
  # up and ends.
  if init=$(server_init "$1") && [[ -n $init ]]; then
    kill -KILL "$init" 2> /dev/null
    await 5 server_is_dead "$1" && return
  fi
  # No process 1 yet, or no runner any more: whoever is in its group is the server's.
  server_processes "$1" | xargs -r kill -KILL 2> /dev/null
  await 5 server_is_dead "$1" || die "server $1 does not die"
}

server_is_dead() {
  ! server_runner "$1" > /dev/null && [[ -z $(server_processes "$1") ]]
}

server_destroy() {
  with_lock "srv$1" server_destroy_locked "$1"
}

server_destroy_locked() {
  local dir=$FLEET_STATE/srv$1
  [[ -d $dir ]] || return 0
  server_lag_stop "$1"
  server_power_cut "$1"
  server_unwire "$1"
  server_cgroups_remove "$1"
  local mount
  for mount in "$dir/root" "$dir/disk"; do
    await 5 unmounted "$mount" || umount -R -l "$mount"
  done
  rm -rf --one-file-system "$dir"
}

unmounted() {
  ! mountpoint -q "$1" || umount -R "$1"
}

# Gives the running server another host key, as a reinstalled one has.
server_rekey() {
  local root=$FLEET_STATE/srv$1/root init
  init=$(server_init "$1") || die "server $1 does not run"
  rm -f "$root"/etc/ssh/ssh_host_ed25519_key{,.pub}
  ssh-keygen -q -t ed25519 -N '' -C "$(< "$FLEET_STATE/srv$1/name")" -f "$root/etc/ssh/ssh_host_ed25519_key"
  # sshd reads its key when it starts; open sessions survive the restart.
  nsenter --target "$init" --all systemctl restart ssh
}

# server_ssh INDEX COMMAND... runs COMMAND on a server that has the fleet's key.
server_ssh() {
  local address
  address=$(address_of "$1")
  shift
  # OpenSSH's default key exchange costs ten times the CPU of this one.
  ssh -i "$FLEET_DIR/key" -o KexAlgorithms=curve25519-sha256 -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o ConnectTimeout=2 -o LogLevel=ERROR "root@$address" "$@"
}

server_list() {
  local index state
  for index in $(known_indexes); do
    state=off
    server_runner "$index" > /dev/null && state=on
    printf '%s\t%s\t%s\t%s\t%s\n' "$index" "$(address_of "$index")" \
      "$(cat "$FLEET_STATE/srv$index/name" 2> /dev/null)" "$state" \
      "$(cat "$FLEET_STATE/srv$index/variant" 2> /dev/null)"
  done
}
