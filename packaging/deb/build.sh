#!/usr/bin/env bash
# Makes the Debian packages, a tarball for other machines, SBOMs and SHA256SUMS.
#
# usage: build.sh [--output DIR] [--arch amd64|arm64] [--fast]
#   --output DIR  where everything goes             [default: <target directory>/packages]
#   --arch ARCH   for machines of this architecture [default: this one's]; packaging/dist.sh says what must be installed,
#                 and qemu-user too: the manual is what the program says of itself. The aggregator then asks for the C
#                 library of this Debian or a newer one; built on the architecture itself, for what it needs
#   --fast        what `cargo build` (dev profile) already made, packed quickly: for tests; .debs only
#
# Two runs on the same commit, toolchain and Debian give the same bytes, wherever the clone lies and whoever builds: times
# come from SOURCE_DATE_EPOCH (the commit's unless set), paths are mapped away, modes and the order of files are set.
# tests/tools/reproducible.sh compares two.
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 022
export LC_ALL=C TZ=UTC

fail() { printf 'packages: %s\n' "$*" >&2; exit 1; }

output=
profile=dist
arch=$(dpkg --print-architecture)
here=$arch
while (($#)); do
  case $1 in
    --output) output=${2:?--output wants a directory}; shift ;;
    --arch) arch=${2:?--arch wants amd64 or arm64}; shift ;;
    --fast) profile=dev ;;
    *) fail "unknown option $1" ;;
  esac
  shift
done
[[ $arch == "$here" || $profile == dist ]] || fail "--fast packs what was built for this machine"
command -v cargo-deb >/dev/null || fail "there is no cargo-deb here: cargo install --locked cargo-deb (about three minutes, once)"

target=${CARGO_TARGET_DIR:-target}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
if [[ $profile == dist ]]; then
  built=$(packaging/dist.sh --arch "$arch")
  export CARGO_TARGET_DIR=${built%/*/dist}
else
  built=$target/debug
fi
output=${output:-$target/packages}
mkdir -p "$output" "$built/paper"

# Another architecture's programs are run by its emulator, the dynamic ones with the cross compiler's libraries.
run=()
if [[ $arch == arm64 && $arch != "$here" ]]; then
  run=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
  command -v "${run[0]}" >/dev/null || fail "there is no ${run[0]} here: apt-get install qemu-user"
fi

# What the programs say of themselves: manual, completions, and settings with every key commented out.
paper() { # PROGRAM SECTION
  local program=$1 section=$2
  "${run[@]}" "$built/$program" man | gzip -9n >"$built/paper/$program.$section.gz"
  for shell in bash zsh fish; do
    "${run[@]}" "$built/$program" completions "$shell" >"$built/paper/$program.$shell"
  done
}
paper usherctl 1
for name in agent aggregator; do
  paper "usher-$name" 8
  # Defaults stay comments: so they can change with a release where nobody chose otherwise.
  "${run[@]}" "$built/usher-$name" example-config | sed -E 's/^([a-z_]+ =|\[\[)/#\1/' >"$built/paper/$name.toml"
  grep -Evq '^[[:space:]]*(#|$|\[)' "$built/paper/$name.toml" && fail "$name.toml sets something: defaults must stay comments"
done

options=(--no-build --profile "$profile" --output "$output" --quiet)
if [[ $profile == dev ]]; then options+=(--fast); else options+=(--target "$(basename "${built%/dist}")"); fi
rm -f "$output"/usher-*_"$arch".deb
for package in usher-agent usher-aggregator; do
  cargo deb "${options[@]}" -p "$package"
done
[[ $profile == dev ]] && exit 0

if command -v lintian >/dev/null; then
  lintian --fail-on error,warning "$output"/usher-*_"$arch".deb
else
  echo "packages: no lintian here, so nothing judged them (apt-get install lintian)" >&2
fi

# For machines without apt.
version=$(cargo metadata --no-deps --format-version 1 --locked | sed -n 's/.*"name":"usher-agent","version":"\([^"]*\)".*/\1/p')
triple=$(basename "${built%/dist}")
name=usher-$version-${triple%%-*}-linux
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/$name/paper"
install -m 755 "$built"/usher-agent "$built"/usher-aggregator "$built"/usherctl packaging/install.sh "$stage/$name/"
install -m 644 systemd/*.service systemd/drop-in/*.conf packaging/deb/usher-agent.sysusers LICENSE "$stage/$name/"
install -m 644 "$built"/paper/* "$stage/$name/paper/"
(cd "$stage/$name" && find . -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS)
tar --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$stage" -c "$name" |
  gzip -9n >"$output/$name.tar.gz"

# What is in them. The tool names our own crates by where they lie, which is nobody's business.
if command -v cargo-cyclonedx >/dev/null; then
  for crate in agent aggregator; do
    cargo cyclonedx -qq --format json --spec-version 1.5 --target "$triple" --manifest-path "$crate/Cargo.toml" --override-filename "usher-$crate.cdx"
    sed "s#path+file://$PWD/#path+file:///build/#g" "$crate/usher-$crate.cdx.json" >"$output/usher-${crate}_$arch.cdx.json"
    for member in common agent aggregator tests; do
      rm -f "$member/usher-$crate.cdx.json"
    done
  done
else
  echo "packages: no cargo-cyclonedx here, so no SBOM (cargo install --locked cargo-cyclonedx)" >&2
fi

cd "$output"
find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | sort | xargs sha256sum >SHA256SUMS
ls -l
