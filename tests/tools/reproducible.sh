#!/usr/bin/env bash
# Builds the packages twice, from two clones of this commit in different places, and compares every byte: .debs, tarball,
# SBOMs, checksums. The second builder differs in all that a builder may differ in: folders, target directory, home,
# locale, time zone, umask, and the times that files get.
#
# usage: reproducible.sh [--quick] [BUILD_SH_OPTION...]
#   --quick   without optimisation: the same flags and paths in half the time; what differs mostly differs here too
#
# With USHER_KEEP=FOLDER both are copied there as out-a and out-b.
# Needs what `make packages` needs; diffoscope, if it is there, says what differs. Only what is committed is built.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [[ ${1:-} == --quick ]]; then
  shift
  export CARGO_PROFILE_DIST_OPT_LEVEL=0 CARGO_PROFILE_DIST_LTO=off CARGO_PROFILE_DIST_CODEGEN_UNITS=16
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/usher-reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
other=$work/elsewhere/and/much/deeper
git clone --quiet --no-hardlinks . "$work/a"
git clone --quiet --no-hardlinks . "$other/clone"
mkdir -p "$work/home"

began=$SECONDS
(cd "$work/a" && CARGO_TARGET_DIR=$work/a-target packaging/deb/build.sh --output "$work/out-a" "$@" >"$work/a.log" 2>&1) ||
  { tail -n 40 "$work/a.log" >&2; exit 1; }
echo "first build: $((SECONDS - began)) s"
began=$SECONDS
# Inside the clone, as without CARGO_TARGET_DIR. The toolchain and its downloads stay those of the first.
(cd "$other/clone" && umask 077 &&
  CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} HOME=$work/home \
    CARGO_TARGET_DIR=$other/clone/target TZ=Pacific/Kiritimati LANG=C.UTF-8 LC_ALL=C.UTF-8 USER=somebody \
    packaging/deb/build.sh --output "$work/out-b" "$@" >"$work/b.log" 2>&1) || { tail -n 40 "$work/b.log" >&2; exit 1; }
echo "second build: $((SECONDS - began)) s"

[[ -z ${USHER_KEEP:-} ]] || cp -r "$work"/out-a "$work"/out-b "$USHER_KEEP/"
(cd "$work/out-a" && sha256sum -- *)
if diff --recursive --brief "$work/out-a" "$work/out-b"; then
  echo "the same, byte for byte"
  exit 0
fi
command -v diffoscope >/dev/null && diffoscope --max-report-size 20000 --exclude-directory-metadata=yes "$work/out-a" "$work/out-b"
exit 1
