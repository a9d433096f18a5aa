#!/bin/bash
# Runs a command with a D-Bus session and an unlocked keychain of its own, apart from the user's.
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
  private=$(mktemp -d)
  chmod 700 "$private"
  trap 'rm -rf "$private"' EXIT
  env XDG_RUNTIME_DIR="$private" XDG_DATA_HOME="$private/data" \
    dbus-run-session -- "$0" --inside "$@"
  exit
fi

shift
mkdir -p "$XDG_DATA_HOME"
printf 'only for tests' | gnome-keyring-daemon --unlock --components=secrets > /dev/null
exec "$@"
