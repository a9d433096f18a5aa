#!/bin/bash
# Installs what is missing, and nothing else: `build` for the window and the command
# line, `test` for all that the tests need besides. Quick where nothing is missing.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

BUILD_PACKAGES=(
  build-essential ca-certificates curl git pkg-config
  libayatana-appindicator3-dev libdbus-1-dev libgtk-3-dev librsvg2-dev libssl-dev
  libwebkit2gtk-4.1-dev libxdo-dev
)
TEST_PACKAGES=(
  # the window: a display, its driver, a keychain, a browser for the UI alone
  xvfb xauth webkit2gtk-driver dbus-x11 gnome-keyring chromium
  # servers: tests/fleet
  mmdebstrap systemd-container lxcfs iptables iproute2 openssh-client openssh-server
  bc procps docker-registry curl hey python3
  # load on a proxy while it switches
  wrk
)
NODE_WANTED=20
NEXTEST_VERSION=0.9.143
TAURI_DRIVER_VERSION=2.1.0

main() {
  local purpose=${1:-build}
  packages "${BUILD_PACKAGES[@]}"
  need_node
  need_rust
  node_modules ui
  case $purpose in
    build) ;;
    test)
      packages "${TEST_PACKAGES[@]}"
      cargo_tool cargo-nextest "$NEXTEST_VERSION"
      cargo_tool tauri-driver "$TAURI_DRIVER_VERSION"
      [[ ! -e $ROOT/tests/e2e/package.json ]] || node_modules tests/e2e
      need_terraform
      ;;
    *) die "\`$purpose\` is neither \`build\` nor \`test\`" ;;
  esac
}

packages() {
  local package missing=()
  command -v apt-get > /dev/null \
    || die "this is no Debian or Ubuntu" "install the counterparts of: $*" \
      "then build with cargo and npm as CONTRIBUTING.md says"
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$package" 2> /dev/null) == *" installed" ]] || missing+=("$package")
  done
  # Ubuntu's chromium is a wrapper around a snap; any browser that is there will do.
  if [[ " ${missing[*]} " == *" chromium "* ]] && command -v google-chrome chromium-browser > /dev/null; then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | grep -vx chromium)
  fi
  ((${#missing[@]})) || return 0
  say "Installing Debian packages: ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 update < /dev/null >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
    install --no-install-recommends "${missing[@]}" < /dev/null >&2
}

need_rust() {
  if ! command -v cargo > /dev/null; then
    say "There is no Rust here: installing rustup and the toolchain of rust-toolchain.toml for this user"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs -o /tmp/rustup-init.$$ \
      || die "rustup can't be downloaded" "install Rust as https://rustup.rs says, then run this again"
    sh /tmp/rustup-init.$$ -y --profile minimal --default-toolchain none < /dev/null >&2
    rm -f /tmp/rustup-init.$$
  fi
  (cd "$ROOT" && cargo --version > /dev/null 2>&1) && return 0
  command -v rustup > /dev/null || die "cargo does not run" "see what \`cargo --version\` says"
  local wanted
  wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml")
  say "Installing Rust $wanted"
  rustup toolchain install "$wanted" --profile minimal -c rustfmt -c clippy < /dev/null >&2 \
    || die "Rust $wanted can't be installed" "run: rustup toolchain install $wanted -c rustfmt -c clippy"
}

need_node() {
  local have
  have=$(node --version 2> /dev/null | sed -n 's/^v\([0-9]*\).*/\1/p') || true
  if ((${have:-0} >= NODE_WANTED)) && command -v npm > /dev/null; then
    return 0
  fi
  have=$(apt-cache policy nodejs 2> /dev/null | sed -n 's/^ *Candidate: \(.*:\)\?\([0-9]*\)\..*/\2/p')
  ((${have:-0} >= NODE_WANTED)) \
    || die "Node $NODE_WANTED or newer with npm is needed, and this system's package is ${have:-missing}" \
      "install Node $NODE_WANTED from its own site or with a version manager, then run this again"
  packages nodejs npm
}

# Installs exactly what the lock file of folder $1 states, when it changed.
node_modules() {
  local folder=$ROOT/$1
  [[ $folder/node_modules/.package-lock.json -nt $folder/package-lock.json ]] && return 0
  say "Installing the Node packages of $1"
  (cd "$folder" && npm ci --no-audit --no-fund < /dev/null >&2)
  touch "$folder/node_modules/.package-lock.json"
}

cargo_tool() {
  local name=$1 version=$2
  command -v "$name" > /dev/null && return 0
  say "Building $name $version once; it is kept in $TOOLS"
  CARGO_TARGET_DIR=$TOOLS/target cargo install --quiet --locked --root "$TOOLS" "$name@$version" < /dev/null >&2
  rm -rf "$TOOLS/target"
}

need_terraform() {
  command -v terraform > /dev/null || command -v tofu > /dev/null \
    || die "the tests run the real Terraform, and neither \`terraform\` nor \`tofu\` is on the path" \
      "install Terraform 1.11 or newer, or OpenTofu, then run this again"
}

main "$@"
