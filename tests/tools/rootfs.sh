#!/bin/sh
# Makes a small Debian 12 with systemd, once, for the tests that boot one in a container; prints the path of its tar.
# Needs root and Debian's archive. A second run finds it in ${XDG_CACHE_HOME:-$HOME/.cache}/usher/rootfs.
set -eu

packages=systemd,systemd-sysv,dbus,ca-certificates,curl,iproute2,procps
cache="${XDG_CACHE_HOME:-$HOME/.cache}/usher/rootfs"
# The list is part of the name, so that a longer one is not served from the cache.
tar="$cache/bookworm-$(printf %s "$packages" | sha256sum | cut -c1-12).tar"
if [ ! -s "$tar" ]; then
    mkdir -p "$cache"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    debootstrap --variant=minbase --include="$packages" bookworm "$work/root" >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        exit 1
    }
    rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/usr/share/locale "$work"/root/dev/*
    # Renamed into place, so that a run that is cut short leaves no half file behind.
    tar -C "$work/root" --numeric-owner -cf "$tar.new" .
    mv "$tar.new" "$tar"
fi
echo "$tar"
