# shellcheck shell=bash
# Control groups of one server: its limits, and a way to find all its processes.
#
# The machine runs cgroup v1 controllers next to an empty v2 tree. Each server
# has a group in every hierarchy, below the group of the script that booted it,
# so that whatever accounts for that script accounts for its servers too. The
# paths are written down in `cgroups` beside the server's disk, because a later
# script may live in another group.

FLEET_CONTROLLERS="blkio cpu cpuacct cpuset devices freezer memory pids"

# Prints the group of this shell in one hierarchy.
own_cgroup() {
  local path
  case $1 in
    unified) path=$(sed -n 's/^0:://p' /proc/self/cgroup) ;;
    systemd) path=$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup) ;;
    *) path=$(sed -n "s/^[0-9]*:$1://p" /proc/self/cgroup) ;;
  esac
  printf '/sys/fs/cgroup/%s%s\n' "$1" "${path%/}"
}

# Prints the group of server INDEX in hierarchy HIERARCHY, as written down.
server_cgroup() {
  sed -n "s/^$2 //p" "$FLEET_STATE/srv$1/cgroups" 2> /dev/null
}

server_cgroups_make() {
  local index=$1 hierarchy group file level
  # A script in another group may have booted it before.
  server_cgroups_remove "$index"
  # Written down before it is made, so that a kill in between leaves no orphan.
  for hierarchy in $FLEET_CONTROLLERS systemd unified; do
    [[ -d /sys/fs/cgroup/$hierarchy ]] || continue
    printf '%s %s/fleet/srv%d\n' "$hierarchy" "$(own_cgroup "$hierarchy")" "$index"
  done > "$FLEET_STATE/srv$index/cgroups"

  while read -r hierarchy group; do
    mkdir -p "$group" || die "server $index: cannot make the control group $group"
    [[ $hierarchy == cpuset ]] || continue
    # A new cpuset is empty and accepts no process until it is given its share.
    for level in "${group%/*}" "$group"; do
      for file in cpuset.cpus cpuset.mems; do
        cat "/sys/fs/cgroup/cpuset/$file" > "$level/$file"
      done
    done
  done < "$FLEET_STATE/srv$index/cgroups"

  printf '%s\n' "$FLEET_MEMORY" > "$(server_cgroup "$index" memory)/memory.limit_in_bytes"
  printf '%d\n' $((100000 * FLEET_CPUS)) > "$(server_cgroup "$index" cpu)/cpu.cfs_quota_us"
}

# Prints the id of every process of the server.
server_processes() {
  local group
  group=$(server_cgroup "$1" systemd)
  [[ -d $group ]] && find "$group" -name cgroup.procs -exec cat {} + 2> /dev/null | sort -un
}

server_cgroups_remove() {
  local group
  [[ -f $FLEET_STATE/srv$1/cgroups ]] || return 0
  while read -r _ group; do
    find "$group" -depth -type d -exec rmdir {} \; 2> /dev/null
    # Fails while another server is in it, which is what it should do.
    rmdir "${group%/*}" 2> /dev/null
  done < "$FLEET_STATE/srv$1/cgroups"
  return 0
}
