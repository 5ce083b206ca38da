#!/usr/bin/env bash
# Every check and test, from a clean clone. Ends with a line "N passed, M failed".
set -uo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/usher/target}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto} RUST_BACKTRACE=1

log=$(mktemp)
. tests/tools/docker.sh
trap 'kill $(jobs -p) 2>/dev/null; docker_stop; rm -f "$log"*' EXIT
trap 'exit 130' INT TERM

step() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    printf -- '-- %s: %d s\n' "$name" $((SECONDS - began))
  else
    printf -- '-- %s FAILED after %d s\n' "$name" $((SECONDS - began))
    exit 1
  fi
}

# Beside the steps that follow: what mostly waits for others. Told by `joined`.
declare -A pids
beside() {
  local name=$1
  shift
  "$@" >"$log.$name" 2>&1 &
  pids[$name]=$!
}

joined() {
  local name=$1 status=0
  wait "${pids[$name]}" || status=$?
  cat "$log.$name"
  return "$status"
}

tests() {
  cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
       END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, ignored }' "$log" >"$log.sum"
  return "$status"
}

# docker-jitsi-meet's own files, which are not in this repository.
without=
if [[ -z ${USHER_SHARED:-} && ! -d ../shared/data ]]; then
  export USHER_WITHOUT_SHARED=1
  without="NOT RUN: docker-jitsi-meet's own compose files beside the real compose (no ../shared/data; set USHER_SHARED)"
  echo "$without"
fi

# Terraform is in no Debian repository.
if ! command -v terraform >/dev/null; then
  without+="${without:+$'\n'}NOT RUN: the Terraform modules (no terraform in PATH)"
fi

step "what the tests need" tests/tools/install.sh
step "Docker engine" docker_start
command -v terraform >/dev/null && beside terraform tests/tools/terraform.sh
beside certificate tests/tools/certificates.sh
step "format" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
step "dependencies" cargo deny --log-level error check bans licenses sources
step "docs" env RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --workspace --no-deps --locked --quiet
# Everything at once, so that the programs and the tests share one build of each dependency.
step "build" cargo build --workspace --all-targets --locked
command -v terraform >/dev/null && step "terraform" joined terraform
step "certificate" joined certificate
step "tests" tests
[[ -n $without ]] && printf '\n%s\n' "$without"
cat "$log.sum"
rm -f "$log.sum"
