#!/bin/bash
# Builds the window and opens it; without a display, shows the way of the command line.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT"

.ci/setup.sh build

if [[ -z ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then
  cargo build -p flightdeck-cli
  say "There is no display here, so no window can open. The same core without a window:"
  "$CARGO_TARGET_DIR/debug/flightdeck" --help
  say "It is $CARGO_TARGET_DIR/debug/flightdeck; docs/cli.md walks through it."
  exit 0
fi

say "Building; the first time takes some minutes"
npm --prefix ui run --silent build >&2
cargo build -p flightdeck-desktop --features custom-protocol
exec "$CARGO_TARGET_DIR/debug/flightdeck-desktop"
