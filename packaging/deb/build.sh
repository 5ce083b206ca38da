#!/usr/bin/env bash
# Makes the Debian packages, a tarball for other machines, SBOMs and SHA256SUMS.
#
# usage: build.sh [--output DIR] [--fast]
#   --output DIR  where everything goes             [default: <target directory>/packages]
#   --fast        what `cargo build` (dev profile) already made, packed quickly: for tests; .debs only
#
# Two runs on the same commit, toolchain and Debian should give the same bytes, wherever the clone lies: times come from
# SOURCE_DATE_EPOCH (the commit's unless set), paths are mapped away, and the build has a target directory of its own.
# For arm64 run it on arm64 (or in a container of that architecture): Depends: is computed from the libraries there.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD

fail() { printf 'packages: %s\n' "$*" >&2; exit 1; }

output=
profile=dist
while (($#)); do
  case $1 in
    --output) output=${2:?--output wants a directory}; shift ;;
    --fast) profile=dev ;;
    *) fail "unknown option $1" ;;
  esac
  shift
done
command -v cargo-deb >/dev/null || fail "there is no cargo-deb here: cargo install --locked cargo-deb (about three minutes, once)"

target=${CARGO_TARGET_DIR:-target}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
if [[ $profile == dist ]]; then
  built=$(packaging/dist.sh)
  export CARGO_TARGET_DIR=${built%/*/dist}
else
  built=$target/debug
fi
output=${output:-$target/packages}
mkdir -p "$output" "$built/paper"

# What the programs say of themselves: manual, completions, and settings with every key commented out.
paper() { # PROGRAM SECTION
  local program=$1 section=$2
  "$built/$program" man | gzip -9n >"$built/paper/$program.$section.gz"
  for shell in bash zsh fish; do
    "$built/$program" completions "$shell" >"$built/paper/$program.$shell"
  done
}
paper usherctl 1
for name in agent aggregator; do
  paper "usher-$name" 8
  # Defaults stay comments: so they can change with a release where nobody chose otherwise.
  "$built/usher-$name" example-config | sed -E 's/^([a-z_]+ =|\[\[)/#\1/' >"$built/paper/$name.toml"
  grep -Evq '^[[:space:]]*(#|$|\[)' "$built/paper/$name.toml" && fail "$name.toml sets something: defaults must stay comments"
done

options=(--no-build --profile "$profile" --output "$output" --quiet)
if [[ $profile == dev ]]; then options+=(--fast); else options+=(--target "$(basename "${built%/dist}")"); fi
rm -f "$output"/usher-*.deb
for package in usher-agent usher-aggregator; do
  cargo deb "${options[@]}" -p "$package"
done
[[ $profile == dev ]] && exit 0

if command -v lintian >/dev/null; then
  lintian --fail-on error,warning "$output"/usher-*.deb
else
  echo "packages: no lintian here, so nothing judged them (apt-get install lintian)" >&2
fi

# For machines without apt.
version=$(cargo metadata --no-deps --format-version 1 --locked | sed -n 's/.*"name":"usher-agent","version":"\([^"]*\)".*/\1/p')
name=usher-$version-$(uname -m)-linux
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name/paper"
install -m 755 "$built"/usher-agent "$built"/usher-aggregator "$built"/usherctl packaging/install.sh "$stage/$name/"
install -m 644 systemd/*.service systemd/drop-in/*.conf packaging/deb/usher-agent.sysusers LICENSE "$stage/$name/"
install -m 644 "$built"/paper/* "$stage/$name/paper/"
(cd "$stage/$name" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$stage" -c "$name" |
  gzip -9n >"$output/$name.tar.gz"

# What is in it.
if command -v cargo-cyclonedx >/dev/null; then
  for crate in agent aggregator; do
    cargo cyclonedx -qq --format json --spec-version 1.5 --manifest-path "$crate/Cargo.toml" --override-filename "usher-$crate.cdx"
    mv "$crate/usher-$crate.cdx.json" "$output/"
    find . -name "usher-$crate.cdx.json" -not -path './target/*' -delete
  done
else
  echo "packages: no cargo-cyclonedx here, so no SBOM (cargo install --locked cargo-cyclonedx)" >&2
fi

(cd "$output" && sha256sum usher-*.deb "$name.tar.gz" >SHA256SUMS)
ls -l "$output"
