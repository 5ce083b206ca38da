#!/bin/sh
# Installs Usher on a machine with systemd but without apt. Run it, as root, from the unpacked tarball.
#
# usage: install.sh [agent] [aggregator]              (default: agent)
#        install.sh --remove [agent] [aggregator]     settings, state and users stay
#
# Run again to upgrade: settings in /etc/usher are never overwritten.
set -eu
cd "$(dirname "$0")"

fail() { echo "install.sh: $*" >&2; exit 1; }

remove=
[ "${1:-}" = --remove ] && { remove=1; shift; }
[ $# -gt 0 ] || set -- agent
for part; do
    case $part in agent | aggregator) ;; *) fail "unknown part $part: agent or aggregator" ;; esac
done
[ "$(id -u)" = 0 ] || fail "not root"
[ -d /run/systemd/system ] || fail "systemd does not run here"

if [ -n "$remove" ]; then
    for part; do
        systemctl disable --now "usher-$part.service" || true
        rm -f "/usr/local/bin/usher-$part" "/etc/systemd/system/usher-$part.service" "/usr/local/share/man/man8/usher-$part.8.gz"
        [ "$part" = aggregator ] || rm -rf /usr/local/share/usher-agent
        [ "$part" = agent ] || rm -f /usr/local/bin/usherctl /usr/local/share/man/man1/usherctl.1.gz
    done
    systemctl daemon-reload
    exit 0
fi

sha256sum --check --quiet --strict SHA256SUMS || fail "the files are not what was packed: fetch the tarball again"
for part; do
    "./usher-$part" --version >/dev/null || fail "usher-$part does not run on this machine ($(uname -m); glibc 2.34 or newer is needed)"
done

for part; do
    install -m 755 "usher-$part" "/usr/local/bin/usher-$part"
    install -d -m 755 /etc/usher /usr/local/share/man/man8 /etc/systemd/system
    install -m 644 "paper/usher-$part.8.gz" /usr/local/share/man/man8/
    [ -e "/etc/usher/$part.toml" ] || install -m 644 "paper/$part.toml" "/etc/usher/$part.toml"
    sed "s#/usr/bin/#/usr/local/bin/#" "usher-$part.service" >"/etc/systemd/system/usher-$part.service"
    if [ "$part" = aggregator ]; then
        install -d -m 755 /usr/local/share/man/man1
        install -m 755 usherctl /usr/local/bin/usherctl
        install -m 644 paper/usherctl.1.gz /usr/local/share/man/man1/
    fi
    if [ "$part" = agent ]; then
        install -d -m 755 /usr/local/share/usher-agent /etc/sysusers.d
        sed 's#/usr/share/#/usr/local/share/#' agent-stack.conf >/usr/local/share/usher-agent/agent-stack.conf
        install -m 644 usher-agent.sysusers /etc/sysusers.d/usher-agent.conf
        systemd-sysusers usher-agent.conf
    fi
done
systemctl daemon-reload
for part; do
    systemctl enable --quiet "usher-$part.service"
    systemctl restart "usher-$part.service"
    echo "usher-$part runs: $(systemctl show --value --property StatusText "usher-$part.service")"
done
