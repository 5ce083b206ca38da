#!/usr/bin/env bash
# Installs what the tests need and is missing. Debian 12, as root.
set -euo pipefail
cd "$(dirname "$0")/../.."

# package -> a file that it brings: present means installed, whatever brought it.
declare -A wanted=(
  [busybox-static]=/bin/busybox
  [chromium]=/usr/bin/chromium
  [chromium-driver]=/usr/bin/chromedriver
  [curl]=/usr/bin/curl
  [debootstrap]=/usr/sbin/debootstrap
  [docker.io]=/usr/sbin/dockerd
  [docker-registry]=/usr/bin/docker-registry
  [gcc]=/usr/bin/gcc
  [haproxy]=/usr/sbin/haproxy
  [iptables]=/usr/sbin/iptables
  [jq]=/usr/bin/jq
  [libprotobuf-dev]=/usr/include/google/protobuf/empty.proto
  [lintian]=/usr/bin/lintian
  [nginx-light]=/usr/sbin/nginx
  [dbus-daemon]=/usr/bin/dbus-daemon
  [postgresql-15]=/usr/lib/postgresql/15/bin/initdb
  [prometheus]=/usr/bin/prometheus
  [prometheus-node-exporter]=/usr/bin/prometheus-node-exporter
  [openssh-client]=/usr/bin/ssh
  [openssl]=/usr/bin/openssl
  [pebble]=/usr/bin/pebble
  [prosody]=/usr/bin/prosody
  [protobuf-compiler]=/usr/bin/protoc
  [redis-server]=/usr/bin/redis-server
  [systemd]=/usr/bin/systemd-analyze
)
missing=()
python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
for package in "${!wanted[@]}"; do
  [[ -e ${wanted[$package]} ]] || missing+=("$package")
done

if ((${#missing[@]})); then
  echo "Installing: ${missing[*]}"
  [[ $(id -u) == 0 ]] || { echo "not root: run 'apt-get install ${missing[*]}' first" >&2; exit 1; }
  # The tests start what they need on ports of their own; the packages' services stay down.
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Ansible and certbot, for the roles and the certificate's way. Debian's are too old to judge the roles by.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/usher/ansible
if [[ ! -e $tools/complete ]]; then
  echo "Installing Ansible and certbot for the tests (once)"
  python3 -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check 'ansible-core==2.19.*' 'ansible-lint==26.*' 'certbot==5.*'
  touch "$tools/complete"
fi

# Real docker compose, two versions, to compare ours with.
tests/tools/fetch-compose.sh >/dev/null

# A small Debian with systemd, to boot and to install our packages in.
echo "A Debian 12 to boot (made once, some minutes) ..."
tests/tools/rootfs.sh >/dev/null

if ! command -v cargo-deb >/dev/null; then
  echo "Installing cargo-deb (once, some minutes) ..."
  cargo install --locked --quiet cargo-deb
fi
if ! command -v cargo-deny >/dev/null; then
  echo "Installing cargo-deny (once, some minutes) ..."
  cargo install --locked --quiet cargo-deny
fi
