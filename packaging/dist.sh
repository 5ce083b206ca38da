#!/usr/bin/env bash
# Builds the programs as they are installed (profile `dist`) and prints the folder that they are in.
#
# usage: dist.sh [agent] [aggregator]      [default: both]
#
# The agent is static: it runs on any Linux of its architecture, and the C library's pages, which would
# count as its own, are only those that it uses. (Names are looked up in /etc/hosts and by DNS; other
# sources of nsswitch.conf need a C library of the version that it was built with.) The aggregator has
# no neighbours to be careful of, and uses the system's library.
#
# A target directory of its own: other flags than `cargo build` has would undo each other's work. Paths are
# mapped away, so that two runs on one commit and toolchain should give the same bytes (not yet compared).
set -euo pipefail
cd "$(dirname "$0")/.."

(($#)) || set -- agent aggregator
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/dist-build
triple=$(rustc -vV | sed -n 's/^host: //p')
mapped="--remap-path-prefix=$PWD=/build --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
# One after the other: together the agent would get what only the aggregator asks of shared crates.
for name; do
  case $name in
    agent)
      RUSTFLAGS="$mapped -C target-feature=+crt-static -C link-arg=-Wl,--icf=all -C link-arg=-Wl,--pack-dyn-relocs=relr" \
        cargo build --profile dist --locked -p usher-agent --target "$triple" >&2
      ;;
    aggregator)
      RUSTFLAGS=$mapped cargo build --profile dist --locked -p usher-aggregator --bins --target "$triple" >&2
      ;;
    *)
      echo "dist: there is no program $name" >&2
      exit 1
      ;;
  esac
done
echo "$CARGO_TARGET_DIR/$triple/dist"
