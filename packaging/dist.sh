#!/usr/bin/env bash
# Builds the programs as they are installed (profile `dist`) and prints the folder that they are in.
#
# usage: dist.sh [--arch amd64|arm64] [agent] [aggregator] [image]      [default: this machine's; agent aggregator]
#   image   the aggregator for its container image, static; in the folder's sub-folder `static`
#
# The agent is static: it runs on any Linux of its architecture, and the C library's pages, which would
# count as its own, are only those that it uses. (Names are looked up in /etc/hosts and by DNS; other
# sources of nsswitch.conf need a C library of the version that it was built with.) The packaged aggregator
# has no neighbours to be careful of, and uses the system's library.
#
# A target directory of its own: other flags than `cargo build` has would undo each other's work. Every path of
# this machine is mapped away, so that one commit and toolchain give the same bytes wherever they are built;
# tests/tools/reproducible.sh compares. For another architecture: apt-get install gcc-aarch64-linux-gnu
# libc6-dev-arm64-cross, and `rustup target add aarch64-unknown-linux-gnu`.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'dist: %s\n' "$*" >&2; exit 1; }

host=$(rustc -vV | sed -n 's/^host: //p')
triple=$host
if [[ ${1:-} == --arch ]]; then
  case ${2:-} in
    amd64) triple=x86_64-unknown-linux-gnu ;;
    arm64) triple=aarch64-unknown-linux-gnu ;;
    *) fail "--arch wants amd64 or arm64" ;;
  esac
  shift 2
fi
(($#)) || set -- agent aggregator
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/dist-build
mkdir -p "$CARGO_TARGET_DIR"
CARGO_TARGET_DIR=$(realpath "$CARGO_TARGET_DIR")
sysroot=$(rustc --print sysroot)
cargo fetch --locked --quiet

# The later of two that fit wins: the target directory may lie in the clone.
mapped="--remap-path-prefix=$PWD=/build --remap-path-prefix=$CARGO_TARGET_DIR=/target"
for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  mapped+=" --remap-path-prefix=$sources=/cargo"
done
# Where the standard library's sources are installed, its paths are theirs, and else these.
mapped+=" --remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')"

if [[ $triple != "$host" ]]; then
  linker=${triple%%-*}-linux-gnu-gcc
  command -v "$linker" >/dev/null || fail "there is no $linker here: apt-get install gcc-${triple%%-*}-linux-gnu libc6-dev-arm64-cross"
  variable=${triple//-/_}
  export "CARGO_TARGET_${variable^^}_LINKER=$linker"
fi
# Folds what is the same, packs what the loader moves. Both are the toolchain's own linker's; where that is not the
# standard one, it is named.
small=(-C "link-arg=-Wl,--icf=all" -C "link-arg=-Wl,--pack-dyn-relocs=relr")
[[ $triple == x86_64-* ]] || small+=(-C "link-arg=-B$sysroot/lib/rustlib/$host/bin/gcc-ld" -C link-arg=-fuse-ld=lld)

# What the agent runs every second lies side by side: it sleeps between, and comes back to cold caches, where each page
# that it touches costs as much as a thousand instructions. packaging/hot-functions.sh makes the list (with USHER_SYMBOLS,
# which keeps the names in the program). Names that are no more are passed over: a list grown old costs speed and nothing
# else. It is one architecture's, as the names are. Cargo links anew when an argument changes, so its sum is in the name.
if [[ $triple == x86_64-* ]]; then
  order=$CARGO_TARGET_DIR/hot-functions-$(sha256sum <packaging/hot-functions.txt | cut -c -16).txt
  cp packaging/hot-functions.txt "$order"
  small+=(-C "link-arg=-Wl,--symbol-ordering-file=$order" -C "link-arg=-Wl,--no-warn-symbol-ordering")
fi
[[ -z ${USHER_SYMBOLS:-} ]] || small+=(-C strip=none)

build() { # FLAGS CARGO_ARGUMENT...
  local flags=$1 verb=$2
  shift 2
  RUSTFLAGS="$mapped $flags" cargo "$verb" --profile dist --locked --target "$triple" "$@" >&2
}
static="-C target-feature=+crt-static"
folder=$CARGO_TARGET_DIR/$triple/dist
# One after the other: together the agent would get what only the aggregator asks of shared crates.
for name; do
  case $name in
    agent) build "$static" rustc -p usher-agent --bin usher-agent -- "${small[@]}" ;;
    aggregator) build "" build -p usher-aggregator --bins ;;
    image)
      build "$static" build -p usher-aggregator --bin usher-aggregator
      install -D "$folder/usher-aggregator" "$folder/static/usher-aggregator"
      ;;
    *) fail "there is no program $name" ;;
  esac
done
echo "$folder"
