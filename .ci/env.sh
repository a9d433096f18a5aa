# shellcheck shell=bash
# Where things are and how scripts here speak. Sourced, never run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${FLIGHTDECK_CACHE:-$HOME/.cache/flightdeck}
TOOLS=$CACHE/tools
LOGS=$CACHE/logs
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$CACHE/target}
export PATH="$TOOLS/bin:$HOME/.cargo/bin:$PATH"

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

die() {
  printf 'error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '  hint: %s\n' "$@" >&2
  exit 1
}

in_ci() { [[ ${CI:-} == true ]]; }

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    die "\`$1\` needs root, and there is no sudo" "run as root: $*"
  fi
}

# A rustup that may not download still often has the right compiler under another name.
if [[ -z ${RUSTUP_TOOLCHAIN:-} ]] && command -v rustup > /dev/null; then
  wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")
  if ! rustup run "$wanted" rustc --version > /dev/null 2>&1 \
    && [[ $(rustup run stable rustc --version 2> /dev/null) == "rustc $wanted "* ]]; then
    export RUSTUP_TOOLCHAIN=stable
  fi
  unset wanted
fi
