#!/bin/bash
# Runs stages in order: single ones by name, or the groups `lint` and `test`.
#
# A failed stage does not stop the next one, so that one run shows all that is wrong.
# At the end stand each test runner's own summary and the sum over them.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$ROOT" || exit 1

LINT=(format clippy rustdoc tidy deny ui-lint ui-types terraform-format shell)
TEST=(rust doc ui browser window)

# --- lint ----------------------------------------------------------------------

format() { cargo fmt --all --check; }

clippy() { cargo clippy --workspace --all-targets -- -D warnings; }

rustdoc() { RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items; }

tidy() { cargo run -q -p xtask -- tidy; }

# `tidy` checks licences against deny.toml too; cargo-deny adds duplicates, sources and advisories.
deny() {
  if command -v cargo-deny > /dev/null; then
    cargo deny --offline check bans licenses sources
  else
    echo 'cargo-deny is not installed: licences were checked by tidy; bans and sources were not'
  fi
}

ui-lint() { npm --prefix ui run --silent lint; }

ui-types() { npm --prefix ui run --silent typecheck; }

terraform-format() { terraform fmt -check -diff -recursive terraform-modules; }

shell() {
  local script status=0
  while IFS= read -r script; do
    bash -n "$script" || status=1
  done < <(git ls-files '*.sh' .ci/run)
  return $status
}

# --- test ----------------------------------------------------------------------

rust() {
  local profile=default
  in_ci && profile=ci
  fleet_base || return
  .ci/with-keychain.sh cargo nextest run --workspace --no-fail-fast --profile "$profile" \
    --features flightdeck-desktop/custom-protocol
}

doc() { cargo test --workspace --doc --no-fail-fast; }

ui() { npm --prefix ui run --silent test; }

browser() { npm --prefix ui run --silent e2e; }

# The real window, driven through the main job on real servers.
window() {
  fleet_base || return
  # With `--tests` the programs are the ones that the stage `rust` built: the features of
  # test dependencies count, so that nothing is compiled twice.
  cargo build --workspace --bins --tests --features flightdeck-desktop/custom-protocol \
    && .ci/with-keychain.sh npm --prefix tests/e2e run --silent test
}

# The servers' root file system takes longer than a test may wait.
fleet_base() {
  if ((EUID == 0)); then
    tests/fleet/fleet.sh base
  elif in_ci; then
    echo 'real servers need root' >&2
    return 1
  else
    echo 'skipped: tests on real servers, because they need root'
  fi
}

# --- the run -------------------------------------------------------------------

# Runs stage $1 with its output on the terminal and in a log; notes status and seconds.
run() {
  local stage=$1 started=$SECONDS status
  say "── $stage"
  if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    timeout --foreground 45m "$0" --only "$stage" 2>&1 | tee "$LOGS/$stage.log"
  else
    NO_COLOR=1 CARGO_TERM_COLOR=never timeout 45m "$0" --only "$stage" < /dev/null 2>&1 | tee "$LOGS/$stage.log"
  fi
  status=${PIPESTATUS[0]}
  printf '%s %d %d\n' "$stage" "$status" $((SECONDS - started)) >> "$LOGS/stages"
}

# What the window embeds, and what the desktop package's build wants to exist.
prepare() {
  local purpose=build stage
  for stage in "$@"; do
    [[ " ${TEST[*]} " != *" $stage "* ]] || purpose=test
  done
  .ci/setup.sh "$purpose" && npm --prefix ui run --silent build >&2
}

main() {
  local argument stages=()
  if [[ ${1:-} == --only ]]; then
    "$2"
    exit
  fi
  for argument in "$@"; do
    case $argument in
      lint) stages+=("${LINT[@]}") ;;
      test) stages+=("${TEST[@]}") ;;
      *)
        [[ " ${LINT[*]} ${TEST[*]} " == *" $argument "* ]] || die "there is no stage \`$argument\`"
        stages+=("$argument")
        ;;
    esac
  done
  ((${#stages[@]})) || die 'no stage was named' "name some of: lint test ${LINT[*]} ${TEST[*]}"

  rm -rf "$LOGS"
  mkdir -p "$LOGS"
  prepare "${stages[@]}" || die 'the machine could not be set up'
  for argument in "${stages[@]}"; do
    run "$argument"
  done
  echo
  .ci/tally.sh "$LOGS"
}

main "$@"
