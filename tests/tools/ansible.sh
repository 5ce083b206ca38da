#!/usr/bin/env bash
# The Ansible roles against booted machines (Debian 12 with systemd in containers, reached over SSH as servers are): a
# node and an aggregator from nothing, then the same again, which must change nothing, then --check --diff, which must
# not either; a changed setting is told by --check and not made.
#
# Shown: packages, units, secrets, firewall, list of agents, HAProxy, that the aggregator reads the node with the token and
# nobody else does. Not shown: Jitsi's images, which the test machine cannot fetch.
#
# usage: ansible.sh [DIRECTORY_WITH_DEBS]     without one they are made of what `cargo build` (dev) left
set -euo pipefail
cd "$(dirname "$0")/../.."
packages=${1:-${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/usher/target}/packages-dev}
[[ -n ${1:-} ]] || packaging/deb/build.sh --fast --output "$packages"
packages=$(realpath "$packages")
shared=${USHER_SHARED:-$(realpath ..)/shared}
[[ -d $shared/data/docker-jitsi-meet ]] || { echo "docker-jitsi-meet's files are not in $shared/data: set USHER_SHARED" >&2; exit 1; }
export PATH=${XDG_CACHE_HOME:-$HOME/.cache}/usher/ansible/bin:$PATH
command -v ansible-playbook >/dev/null || { echo "no ansible-playbook: run tests/tools/install.sh" >&2; exit 1; }

echo "ansible-lint"
(cd packaging/ansible && ansible-lint --offline -q) || { echo "ansible-lint finds fault" >&2; exit 1; }

id=usher-test-ansible-$$
work=$(mktemp -d)
machines=()
clean() {
  ((${#machines[@]})) && docker rm --force --volumes "${machines[@]}" >/dev/null 2>&1
  docker network rm "$id" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean EXIT
fail() { printf 'ansible.sh: %s\n' "$*" >&2; [[ -s $work/log ]] && tail -n 60 "$work/log" >&2; exit 1; }

image=usher-test/debian-ssh:bookworm
if ! docker image inspect "$image" >/dev/null 2>&1; then
  docker import "$(sh tests/tools/rootfs.sh)" "$image-base" >/dev/null
  docker build --tag "$image" - >"$work/log" 2>&1 <<DOCKERFILE || fail "the machines' image"
FROM $image-base
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server python3 python3-apt
CMD ["/sbin/init"]
DOCKERFILE
fi

docker network create "$id" >/dev/null
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
machine() {
  docker run --detach --name "$id-$1" --hostname "$1" --network "$id" --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --cgroupns=host --volume /sys/fs/cgroup:/sys/fs/cgroup:rw \
    --volume /var/lib/docker --tmpfs /run --tmpfs /run/lock --tmpfs /tmp "$image" >/dev/null
  machines+=("$id-$1")
  # As on a machine; without it credentials do not reach the services.
  docker exec "$id-$1" mount --make-rshared /
  docker exec --interactive "$id-$1" sh -c 'mkdir -p -m 700 /root/.ssh && cat >/root/.ssh/authorized_keys' <"$work/key.pub"
}
address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$id-$1"; }
machine vm1
machine aggregator1
for name in vm1 aggregator1; do
  for ((i = 0; i < 300; i++)); do
    state=$(docker exec "$id-$name" systemctl is-system-running 2>/dev/null || true)
    [[ $state == running || $state == degraded ]] && docker exec "$id-$name" systemctl is-active --quiet ssh && break
    sleep 0.2
  done
  ((i < 300)) || fail "$name did not boot: $state"
done

# The release as its archive has it: everything below one folder.
mkdir "$work/release"
cp -r "$shared/data/docker-jitsi-meet" "$work/release/docker-jitsi-meet-test"
tar -C "$work/release" -czf "$work/release.tar.gz" docker-jitsi-meet-test
cat >"$work/inventory.yml" <<INVENTORY
all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: $work/key
    ansible_ssh_common_args: -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
    ansible_python_interpreter: /usr/bin/python3
    usher_agent_token: $(openssl rand -hex 32)
    usher_operator_token: $(openssl rand -hex 32)
    usher_room_secret: $(openssl rand -hex 32)
    base_agent_package: $(echo "$packages"/usher-agent_*.deb)
    base_sysctl: false # the kernel is the test machine's
    aggregator_package: $(echo "$packages"/usher-aggregator_*.deb)
    aggregator_haproxy: true
    aggregator_haproxy_bind: "*:8080"
    registry_logins: [{server: registry.example.org, name: nologin, password: secret}]
    jitsi_version: stable-test
    jitsi_archive: $work/release.tar.gz
    jitsi_start: false # no images to be had
  children:
    jitsi:
      hosts:
        vm1: {ansible_host: $(address vm1), usher_private_address: $(address vm1), usher_region: fr-par, usher_public_url: "https://vm1.example.org"}
    aggregator:
      hosts:
        aggregator1: {ansible_host: $(address aggregator1), usher_private_address: $(address aggregator1)}
INVENTORY

play() { (cd packaging/ansible && ansible-playbook -i "$work/inventory.yml" site.yml "$@") >"$work/log" 2>&1; }
unchanged() { ! grep -qE 'changed=[1-9]|failed=[1-9]|unreachable=[1-9]' <(grep -A9 'PLAY RECAP' "$work/log"); }
secrets() { docker exec "$id-vm1" sh -c 'grep -E "_PASSWORD=" /opt/jitsi/.env'; }

began=$SECONDS
play || fail "the first run"
echo "first run: $((SECONDS - began)) s"
made=$(secrets)
[[ $(grep -cE '^[A-Z_]+=[0-9a-f]{32}$' <<<"$made") == 6 ]] || fail "the six passwords were not made"
began=$SECONDS
play || fail "the second run"
unchanged || fail "the second run changed something"
echo "second run: nothing changed, $((SECONDS - began)) s"
[[ $(secrets) == "$made" ]] || fail "the second run made other passwords"
play --check --diff || fail "a run in check mode"
unchanged || fail "check mode would change something"
play --check --diff --extra-vars base_log_max_size=5m --limit jitsi || fail "check mode with a changed setting"
grep -q '"max-size": "5m"' "$work/log" || fail "check mode does not show the change"
docker exec "$id-vm1" grep -q '"max-size": "20m"' /etc/docker/daemon.json || fail "check mode made the change"
echo "check mode: tells, and changes nothing"

# Through HAProxy to the aggregator, which reads the agent with the token; the node has no stack, so nobody is sent there.
docker exec "$id-aggregator1" curl -sf http://127.0.0.1:8080/-/ready >/dev/null || fail "HAProxy does not reach the aggregator"
fleet=$(docker exec "$id-aggregator1" sh -c 'curl -sf -H "Authorization: Bearer $(cat /etc/usher/operator.token)" http://127.0.0.1:7081/api/v1/fleet')
jq -e '.nodes | length == 1 and .[0].node == "vm1" and .[0].life == "up"' <<<"$fleet" >/dev/null || { echo "$fleet" >"$work/log"; fail "the aggregator does not read the node"; }
docker exec "$id-aggregator1" curl -s -o /dev/null -w '%{http_code}' "http://$(address vm1):9100/v1/report" | grep -q 401 || fail "the agent answers without a token"
curl -s --max-time 2 "http://$(address vm1):9100/-/healthy" >/dev/null && fail "the agent's port is open to others than the aggregators"
docker exec "$id-vm1" docker info --format '{{.LiveRestoreEnabled}}' | grep -q true || fail "containers would not survive the engine's restart"
[[ $(docker exec "$id-vm1" stat -c '%a %U' /etc/usher/agent.token /etc/usher/registry.json /opt/jitsi/.env | sort -u) == "600 root" ]] || fail "secrets can be read by others"
echo "the fleet runs: node read with its token, its port closed to others, secrets root's"
