#!/usr/bin/env bash
# Makes packaging/hot-functions.txt anew: the agent's functions that run again and again, the most regular first. With it
# packaging/dist.sh lays them side by side in the program.
#
# usage: hot-functions.sh     (some five minutes, most of them the build's)
#
#   agent as packaged, with symbols, under valgrind <-- a report each second, /metrics each 15 s
#      `--> stand-in Jitsi
#
# Each second of a minute is counted apart: a function stands before all that ran in fewer of them, and next to those
# that ran in the same ones, as they are met together in cold caches. Start and end are left out, and what runs less
# often than /metrics is read.
#
# Make it anew when the toolchain, a dependency or the version changed (names carry hashes of those), or the code that
# runs each second. The list is no part of what must be right: a name that is no more is passed over.
#
# Needs a machine of amd64 and: apt-get install valgrind curl binutils
set -euo pipefail
cd "$(dirname "$0")/.."

list=packaging/hot-functions.txt
warm_up_s=30 # the slowest pace of the probes, once
seconds=60
least=4      # as often as /metrics is read in that time
patience_s=60

fail() { printf 'hot-functions: %s\n' "$*" >&2; exit 1; }

[[ $(uname -m) == x86_64 ]] || fail "the list is of amd64's names, and this is $(uname -m)"
for tool in valgrind callgrind_control curl nm; do
  command -v "$tool" >/dev/null || fail "there is no $tool here: apt-get install valgrind curl binutils"
done

work=$(mktemp -d "${TMPDIR:-/tmp}/usher-hot.XXXXXX")
pids=()
stop() {
  trap - EXIT
  ((${#pids[@]} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM

folder=$(USHER_SYMBOLS=1 packaging/dist.sh agent)
# Away with it: what lies there is taken for a program to be installed.
cp "$folder/usher-agent" "$work/agent"
rm "$folder/usher-agent"
cargo build --locked -p usher-tests --bin jitsi-double >&2
double=${CARGO_TARGET_DIR:-target}/debug/jitsi-double

ports=()
for ((port = 20000 + RANDOM % 10000; ${#ports[@]} < 4; port++)); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || ports+=("$port")
done
read -r agent jvb jicofo prosody <<<"${ports[*]}"

# The world of `make bench-agent`: 50 rooms.
rooms=$(printf '{"address":"room%s@muc.meet.jitsi","people":7,"created_unix_ms":1790000000000},' {1..50})
"$double" --world="{\"census\":true,\"jicofo_rest\":true,\"rooms\":[${rooms%,}]}" \
  --jvb="127.0.0.1:$jvb" --jicofo="127.0.0.1:$jicofo" --prosody="127.0.0.1:$prosody" >"$work/double.log" 2>&1 &
pids+=($!)

printf %s 0123456789abcdef0123456789abcdef >"$work/secret"
mapfile -t environment < <(sed -n 's/^Environment=//p' systemd/usher-agent.service | tr ' ' '\n')
env "${environment[@]}" valgrind --tool=callgrind --instr-atstart=no --demangle=no --compress-strings=no \
  --callgrind-out-file="$work/second" "$work/agent" --listen="127.0.0.1:$agent" --state-dir "$work/state" \
  --engine-socket /nonexistent/docker.sock --log error --rooms-secret-file="$work/secret" \
  --jitsi-jvb-url="http://127.0.0.1:$jvb" --jitsi-jicofo-url="http://127.0.0.1:$jicofo" \
  --jitsi-prosody-url="http://127.0.0.1:$prosody" >"$work/agent.log" 2>&1 &
watched=$!
pids+=("$watched")

for ((began = SECONDS; ; )); do
  (exec 3<>"/dev/tcp/127.0.0.1/$agent") 2>/dev/null && break
  kill -0 "$watched" 2>/dev/null || { cat "$work/agent.log" >&2; fail "the agent ended under valgrind; what it said stands above"; }
  ((SECONDS - began < patience_s)) || { cat "$work/agent.log" >&2; fail "the agent does not listen within $patience_s s"; }
  sleep 0.2
done

# A kept connection each, as the readers have. What is behind `#` is not sent: it is only how often.
read_often() { # RATE PATH HEADER
  curl --silent --show-error --fail --output /dev/null --rate "$1" --header 'Accept-Encoding: gzip' --header "$3" \
    "http://127.0.0.1:$agent$2#[1-1000]" 2>>"$work/readers.log" &
  pids+=($!)
}
read_often 60/m /v1/report 'If-None-Match: "0"'
read_often 4/m /metrics 'Accept: application/openmetrics-text;version=1.0.0'

echo "hot-functions: watching for $((warm_up_s + seconds)) s" >&2
sleep "$warm_up_s"
control() { callgrind_control "$@" "$watched" >"$work/control.log" 2>&1 || { cat "$work/control.log" >&2; fail "callgrind_control $* failed"; }; }
control --instr=on
for ((second = 0; second < seconds; second++)); do
  sleep 1
  control --dump
done
for pid in "${pids[@]}"; do
  kill -0 "$pid" 2>/dev/null || { cat "$work"/*.log >&2; fail "one of the programs ended early; what they said stands above"; }
done

# A function of the agent's own file (`ob`), and the seconds in which it ran: how many, which, name.
awk -v program="$work/agent" -v least="$least" '
  FNR == 1 { second++; ours = 0 }
  /^ob=/ { ours = $0 == "ob=" program }
  /^fn=/ && ours {
    name = substr($0, 4)
    if (name !~ /^[[:alnum:]_.$]+$/ || name ~ /^0x/ || (name, second) in seen) next
    seen[name, second]; times[name]++; which[name] = which[name] sprintf("%03d", second)
  }
  END { for (name in times) if (times[name] >= least) print times[name], which[name], name }
' "$work"/second.* | LC_ALL=C sort -k1,1nr -k2,2 -k3,3 | awk '{ print $3 }' >"$work/list"
# Valgrind is a processor without AVX-512; the C library has other copies of its functions for those that have it.
nm "$work/agent" | awk '{ print $3 }' >"$work/names"
for copy in evex avx512; do
  sed -nE "s/^(__[a-z]+)_avx2?(_.*)?\$/\1_$copy\2/p" "$work/list" | { grep -Fx -f - "$work/names" || true; } | LC_ALL=C sort -u
done >"$work/copies"
cat "$work/copies" >>"$work/list"
functions=$(wc -l <"$work/list")
((functions > 100)) || fail "valgrind saw $functions functions, which cannot be all: does $folder hold the program without symbols?"
mv "$work/list" "$list"
echo "hot-functions: $functions functions in $list" >&2
