#!/usr/bin/env bash
# Starts the product on this very machine, on loopback, with embedded defaults; waits
# until the aggregator hands out a server; prints where to look; Ctrl-C stops it all.
#
# Variables: AGENT_LISTEN, PUBLIC_LISTEN, OPERATOR_LISTEN (address:port), USHER_STATE.
set -euo pipefail
cd "$(dirname "$0")/../.."

agent_listen=${AGENT_LISTEN:-127.0.0.1:9100}
public_listen=${PUBLIC_LISTEN:-127.0.0.1:7080}
operator_listen=${OPERATOR_LISTEN:-127.0.0.1:7081}
state=${USHER_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/usher}
target=${CARGO_TARGET_DIR:-target}
patience_s=30

say() { printf '%s\n' "$*"; }
fail() { printf 'make run: %s\n' "$*" >&2; exit 1; }

command -v cargo >/dev/null || fail "there is no cargo here; install a Rust toolchain (https://rustup.rs)"
command -v cc >/dev/null || fail "there is no C compiler here; apt-get install gcc libc6-dev"

say "Building (the first time takes some minutes) ..."
cargo build --release --locked -p usher-agent -p usher-aggregator

mkdir -p "$state/agent"
pids=()
stop() {
  trap - EXIT INT TERM
  ((${#pids[@]})) && kill -TERM "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
}
trap stop EXIT
trap 'say; say "Stopping."; stop; exit 0' INT TERM

"$target/release/usher-agent" --listen "$agent_listen" --state-dir "$state/agent" --log "${USHER_LOG:-warn}" &
pids+=($!)
"$target/release/usher-aggregator" --public-listen "$public_listen" --operator-listen "$operator_listen" \
  --discovery-targets "http://$agent_listen" --log "${USHER_LOG:-warn}" &
pids+=($!)

# The body of a GET, by bash alone: a fresh machine may have no curl.
get() {
  local host=${1%:*} port=${1##*:} line
  exec 3<>"/dev/tcp/$host/$port" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: %s\r\nAccept: text/plain\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
  IFS= read -r line <&3 || return 1
  [[ $line == *" 200 "* ]] || { exec 3>&-; return 1; }
  while IFS= read -r line <&3 && [[ $line != $'\r' ]]; do :; done
  cat <&3
  exec 3>&-
}

server=
for ((i = 0; i < patience_s * 5; i++)); do
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || fail "one of the two did not start; what it said stands above"
  done
  server=$(get "$public_listen" /api/v1/server 2>/dev/null) && [[ -n $server ]] && break
  sleep 0.2
done
[[ -n $server ]] || fail "no server was handed out within $patience_s s; see http://$operator_listen/api/v1/fleet"

say
say "Usher runs on this machine."
say
say "  front page            http://$public_listen/"
say "  a server, by API      curl http://$public_listen/api/v1/server"
say "  operators' dashboard  http://$operator_listen/"
say "  agent                 http://$agent_listen/        (metrics: /metrics, report: /v1/report)"
say
say "  handed out now        $server"
case $server in
  "http://$agent_listen/"*) say "                        (no Jitsi is configured here, so this is the agent's own page, which says so;"
                            say "                         set public_url or stack.directory in /etc/usher/agent.toml)" ;;
esac
say
say "Ctrl-C stops both."
wait -n "${pids[@]}" || true
fail "one of the two ended; what it said stands above"
