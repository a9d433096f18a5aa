#!/bin/bash
# Runs one server until its power is cut: run-server.sh STATE_DIR
#
# Stays the parent of systemd-nspawn for as long as the server exists, the way a
# chassis stays when the operating system in it restarts.
set -u
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/settings.sh"

dir=$1
namespace=$(basename "$dir")
name=$(< "$dir/name")
echo $$ > "$dir/pid"

# Every process of the server inherits these groups, and with them the limits.
while read -r _ group; do
  echo $$ > "$group/cgroup.procs"
done < "$dir/cgroups"

limits_view=()
[[ -e $FLEET_STATE/lxcfs/proc/meminfo ]] && limits_view=(--bind="$FLEET_STATE/lxcfs:/var/lib/lxcfs")

# dockerd needs every capability, the key ring and bpf system calls, and a /proc/sys/net
# that it may write to. Its data lies on the disk itself: an overlay cannot be
# the upper directory of the overlays that docker makes.
while :; do
  SYSTEMD_NSPAWN_API_VFS_WRITABLE=network systemd-nspawn -q \
    -D "$dir/root" --machine="$namespace" --hostname="$name" \
    --register=no --keep-unit --network-namespace-path="/run/netns/$namespace" \
    --capability=all --system-call-filter="@keyring bpf" \
    "${limits_view[@]}" \
    --bind="$dir/disk/docker:/var/lib/docker" \
    --bind="$dir/disk/containerd:/var/lib/containerd" \
    --resolv-conf=off --timezone=off --link-journal=no --console=pipe --boot
  # 133 is how nspawn says that the guest asked for a reboot.
  [[ $? == 133 ]] || break
done
