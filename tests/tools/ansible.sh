#!/usr/bin/env bash
# The Ansible roles against booted machines (Debian 12 with systemd in containers, reached over SSH as servers are): a
# node and an aggregator from nothing, then the same again, which must change nothing, then --check --diff, which must
# not either; a changed setting is told by --check and not made.
#
# Shown: packages, units, secrets, firewall, list of agents, HAProxy, an address that keepalived holds, that the aggregator
# reads the node with the token and nobody else does, and that the agent keeps the stack, of stand-ins for Jitsi's images,
# which the test machine cannot fetch. Beside it a third machine becomes a golden image.
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
images=()
clean() {
  [[ -z ${golden:-} ]] || kill "$golden" 2>/dev/null || true
  ((${#machines[@]})) && docker rm --force --volumes "${machines[@]}" >/dev/null 2>&1
  docker image rm --force "$id-stand-in" "${images[@]}" >/dev/null 2>&1
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
# Holds no program that says anything; what starts and stays is all that is wanted of it.
docker_image() {
  mkdir -p "$work/image/bin"
  cp /bin/busybox "$work/image/bin/sleep"
  tar -C "$work/image" -c . | docker import --change 'CMD ["sleep", "100000"]' - "$id-stand-in" >/dev/null
  for part in web prosody jicofo jvb; do
    docker tag "$id-stand-in" "$id.example.org/jitsi/$part:stable-test"
    images+=("$id.example.org/jitsi/$part:stable-test")
  done
  docker save "${images[@]}" >"$work/images.tar"
}
address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$id-$1"; }
machine vm1
machine aggregator1
machine golden1
docker_image
# Of the network's own, and far from what the engine hands out.
virtual=$(docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' "$id" | sed -E 's#[0-9]+[.][0-9]+/16#255.200#')
for name in vm1 aggregator1 golden1; do
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
    jitsi_image_repo: $id.example.org/jitsi
    aggregator_virtual_address: $virtual
  children:
    jitsi:
      hosts:
        vm1: {ansible_host: $(address vm1), usher_private_address: $(address vm1), usher_region: fr-par, usher_public_url: "https://vm1.example.org"}
    aggregator:
      hosts:
        aggregator1: {ansible_host: $(address aggregator1), usher_private_address: $(address aggregator1)}
    golden:
      hosts:
        golden1: {ansible_host: $(address golden1), usher_public_url: "https://golden.example.org"}
INVENTORY

play() { (cd packaging/ansible && ansible-playbook -i "$work/inventory.yml" site.yml "$@") >"$work/log" 2>&1; }
unchanged() { ! grep -qE 'changed=[1-9]|failed=[1-9]|unreachable=[1-9]' <(grep -A9 'PLAY RECAP' "$work/log"); }
inside() { docker exec "$id-$1" sh -c "$2"; }
secrets() { docker exec "$id-vm1" sh -c 'grep -E "_PASSWORD=" /opt/jitsi/.env'; }

(cd packaging/ansible && exec ansible-playbook -i "$work/inventory.yml" golden.yml) >"$work/golden.log" 2>&1 &
golden=$!
began=$SECONDS
# The engine first, then what Jitsi's registry would have served.
play --limit jitsi --extra-vars '{"jitsi_start": false}' || fail "the first run without a stack"
docker exec --interactive "$id-vm1" docker load --quiet <"$work/images.tar" >"$work/log" 2>&1 || fail "the stand-ins' images"
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

# The stack, kept by the service and not by Ansible's hand: it needs the drop-in's rights for the release's folders.
running() { inside vm1 'docker ps --filter label=com.docker.compose.project=jitsi --format "{{.Label \"com.docker.compose.service\"}}" | sort | xargs'; }
[[ $(running) == "jicofo jvb prosody web" ]] || { running >"$work/log"; fail "the stack is not up"; }
inside vm1 'docker rm --force $(docker ps --quiet --filter label=com.docker.compose.service=jvb)' >/dev/null
for ((i = 0; i < 300; i++)); do
  [[ $(running) == "jicofo jvb prosody web" ]] && break
  sleep 0.2
done
((i < 300)) || { inside vm1 'journalctl -u usher-agent --no-pager | tail -n 30' >"$work/log"; fail "the agent did not bring a removed container back"; }
inside vm1 'systemctl show --property User,AmbientCapabilities usher-agent' | grep -q 'cap_chown cap_dac_override cap_fowner' || fail "the drop-in is not in force"

inside vm1 'systemctl reload usher-firewall && iptables-save -t nat | grep -q -- "--dport 443 "' || fail "the firewall took Docker's published ports away"
inside aggregator1 'keepalived -t -f /etc/keepalived/keepalived.conf' >"$work/log" 2>&1 || fail "keepalived does not like its settings"
curl -sf --max-time 5 "http://$virtual:8080/-/ready" >/dev/null || fail "nobody answers at the address that moves"

wait "$golden" || { cp "$work/golden.log" "$work/log"; fail "the golden image"; }
golden=
inside golden1 'test ! -s /etc/machine-id && test ! -e /etc/usher/agent.token && test ! -e /opt/jitsi/.env && test ! -e /var/lib/usher-agent &&
  test -s /opt/jitsi/docker-compose.yml && systemctl is-enabled --quiet usher-agent docker' || fail "the golden image holds too much or too little"
echo "stack kept by the agent, an address that moves, a golden image"
echo "the fleet runs: node read with its token, its port closed to others, secrets root's"
