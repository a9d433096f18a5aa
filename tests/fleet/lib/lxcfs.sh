# shellcheck shell=bash
# lxcfs makes /proc inside a server tell the server's own memory, load and CPUs.
# One process serves the whole fleet.

lxcfs_ensure() {
  with_lock lxcfs lxcfs_start
}

lxcfs_start() {
  local mount=$FLEET_STATE/lxcfs
  # The file answers only when a living process is behind the mount.
  [[ -e $mount/proc/meminfo ]] && return
  umount -l "$mount" 2> /dev/null
  mkdir -p "$mount"
  setsid lxcfs -l -p "$FLEET_STATE/lxcfs.lock" "$mount" \
    > "$FLEET_STATE/lxcfs.log" 2>&1 < /dev/null 9>&- &
  echo $! > "$FLEET_STATE/lxcfs.pid"
  await 5 test -e "$mount/proc/meminfo" || die "lxcfs does not start: see $FLEET_STATE/lxcfs.log"
}

lxcfs_remove() {
  with_lock lxcfs lxcfs_stop
}

# lxcfs ends by itself when its mount goes away.
lxcfs_stop() {
  umount "$FLEET_STATE/lxcfs" 2> /dev/null || umount -l "$FLEET_STATE/lxcfs" 2> /dev/null
  rm -f "$FLEET_STATE"/lxcfs.{pid,lock,log}
  rmdir "$FLEET_STATE/lxcfs" 2> /dev/null
  return 0
}
