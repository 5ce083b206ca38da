#!/usr/bin/env bash
# The Ansible roles against booted machines (Debian 12 with systemd in containers, reached over SSH as servers are): a
# node and two aggregators from nothing, then the same again, which must change nothing, then --check --diff, which must
# not either; a changed setting is told by --check and not made.
#
# Shown: packages, units, secrets, passwords made once, list of agents, HAProxy, an address that keepalived moves, that the
# aggregators read the node with the token and nobody else does, and that the agent keeps the stack, of stand-ins for
# Jitsi's images, which the test machine cannot fetch. The firewall stands over restarts of Docker and of the machine, and
# leaves Docker's rules alone. Beside it another machine becomes a golden image, of which a server is made that joins.
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

# Fixed addresses, which a machine keeps over a restart: in a range that the engine found free.
docker network create "$id" >/dev/null
subnet=$(docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' "$id")
docker network rm "$id" >/dev/null
docker network create --subnet "$subnet" "$id" >/dev/null
address() { # NAME, or `moving` for the one that keepalived moves
  local -A last=([vm1]=11 [vm2]=12 [aggregator1]=21 [aggregator2]=22 [golden1]=31 [moving]=200)
  python3 -c 'import ipaddress, sys; print(ipaddress.ip_network(sys.argv[1])[int(sys.argv[2])])' "$subnet" "${last[$1]}"
}
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
machine() { # NAME [IMAGE]
  # The shared root is as on a machine; without it credentials do not reach the services.
  docker run --detach --name "$id-$1" --hostname "$1" --network "$id" --ip "$(address "$1")" --stop-signal SIGRTMIN+3 \
    --cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined --cgroupns=host --volume /sys/fs/cgroup:/sys/fs/cgroup:rw \
    --volume /var/lib/docker --tmpfs /run --tmpfs /run/lock --tmpfs /tmp "${2:-$image}" \
    sh -c 'mount --make-rshared / && exec /sbin/init' >/dev/null
  machines+=("$id-$1")
  docker exec --interactive "$id-$1" sh -c 'mkdir -p -m 700 /root/.ssh && cat >/root/.ssh/authorized_keys' <"$work/key.pub"
}
# Polls COMMAND for a minute; a machine under load is slow.
until_true() { # WHAT COMMAND...
  local what=$1
  shift
  for ((i = 0; i < 300; i++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  fail "never: $what"
}
booted() {
  local state
  state=$(docker exec "$id-$1" systemctl is-system-running 2>/dev/null || true)
  [[ $state == running || $state == degraded ]] && docker exec "$id-$1" systemctl is-active --quiet ssh
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
machine vm1
machine aggregator1
machine aggregator2
machine golden1
docker_image
for name in vm1 aggregator1 aggregator2 golden1; do
  until_true "$name boots" booted "$name"
done

# A wildcard certificate, for role jitsi to bring and the agent to put in place.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj '/CN=*.example.org' \
  -addext 'subjectAltName=DNS:*.example.org' -keyout "$work/wildcard.key" -out "$work/wildcard.pem" 2>/dev/null
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
    jitsi_certificate_chain: $work/wildcard.pem
    jitsi_certificate_key: $work/wildcard.key
    jitsi_image_repo: $id.example.org/jitsi
    aggregator_virtual_address: $(address moving)
  children:
    jitsi:
      hosts:
        vm1: {ansible_host: $(address vm1), usher_private_address: $(address vm1), usher_region: fr-par, usher_public_url: "https://vm1.example.org"}
    aggregator:
      hosts:
        aggregator1: {ansible_host: $(address aggregator1), usher_private_address: $(address aggregator1)}
        aggregator2: {ansible_host: $(address aggregator2), usher_private_address: $(address aggregator2)}
    golden:
      hosts:
        golden1: {ansible_host: $(address golden1), usher_public_url: "https://golden.example.org"}
INVENTORY

play() { (cd packaging/ansible && ansible-playbook -i "$work/inventory.yml" site.yml "$@") >"$work/log" 2>&1; }
unchanged() { ! grep -qE 'changed=[1-9]|failed=[1-9]|unreachable=[1-9]' <(grep -A9 'PLAY RECAP' "$work/log"); }
inside() { docker exec "$id-$1" sh -c "$2"; } # MACHINE SCRIPT
secrets() { inside "$1" 'grep -E "_PASSWORD=" /opt/jitsi/.env'; }

(cd packaging/ansible && exec ansible-playbook -i "$work/inventory.yml" golden.yml) >"$work/golden.log" 2>&1 &
golden=$!
began=$SECONDS
play --check --diff || fail "check mode on bare machines"
echo "check mode on bare machines: $((SECONDS - began)) s"
began=$SECONDS
# The engine first, then what Jitsi's registry would have served.
play --limit jitsi --extra-vars '{"jitsi_start": false}' || fail "the first run without a stack"
docker exec --interactive "$id-vm1" docker load --quiet <"$work/images.tar" >"$work/log" 2>&1 || fail "the stand-ins' images"
play || fail "the first run"
echo "first run: $((SECONDS - began)) s"
made=$(secrets vm1)
[[ $(grep -cE '^[A-Z_]+=[0-9a-f]{32}$' <<<"$made") == 6 ]] || fail "the six passwords were not made"
began=$SECONDS
play || fail "the second run"
unchanged || fail "the second run changed something"
echo "second run: nothing changed, $((SECONDS - began)) s"
[[ $(secrets vm1) == "$made" ]] || fail "the second run made other passwords"
play --check --diff || fail "a run in check mode"
unchanged || fail "check mode would change something"
play --check --diff --extra-vars base_log_max_size=5m --limit jitsi || fail "check mode with a changed setting"
grep -q '"max-size": "5m"' "$work/log" || fail "check mode does not show the change"
docker exec "$id-vm1" grep -q '"max-size": "20m"' /etc/docker/daemon.json || fail "check mode made the change"
echo "check mode: tells, and changes nothing"

# An .env by somebody else's hand: what compose would read of it stays, what is missing is made.
inside vm1 "sed -i -e 's/^JVB_AUTH_PASSWORD=.*/JVB_AUTH_PASSWORD=\"by hand, with # and a space\"/' -e 's/^JIBRI_XMPP_PASSWORD=.*/JIBRI_XMPP_PASSWORD=/' /opt/jitsi/.env"
play --limit jitsi --extra-vars '{"jitsi_start": false}' || fail "a run over an .env by hand"
inside vm1 'grep -qxF "JVB_AUTH_PASSWORD=\"by hand, with # and a space\"" /opt/jitsi/.env' || fail "a password was made anew"
inside vm1 'grep -qxE "JIBRI_XMPP_PASSWORD=[0-9a-f]{32}" /opt/jitsi/.env' || fail "an empty password was left"
[[ $(secrets vm1 | grep -c -xF -f <(grep -vE '^(JVB_AUTH|JIBRI_XMPP)' <<<"$made")) == 4 ]] || fail "the other passwords did not stay"
inside vm1 "sed -i 's/^JVB_AUTH_PASSWORD=.*/$(grep ^JVB_AUTH <<<"$made")/' /opt/jitsi/.env"

# Through HAProxy to the aggregators, which read the agent with the token.
docker exec "$id-aggregator1" curl -sf http://127.0.0.1:8080/-/ready >/dev/null || fail "HAProxy does not reach the aggregator"
fleet() { inside "$1" 'curl -sf -H "Authorization: Bearer $(cat /etc/usher/operator.token)" http://127.0.0.1:7081/api/v1/fleet'; }
reads() { # AGGREGATOR NODE...
  local aggregator=$1
  shift
  fleet "$aggregator" | tee "$work/log" | jq -e --arg nodes "$*" '[.nodes[] | select(.life == "up").node] | sort | join(" ") == $nodes'
}
for aggregator in aggregator1 aggregator2; do
  until_true "$aggregator reads the node" reads "$aggregator" vm1
done
docker exec "$id-vm1" docker info --format '{{.LiveRestoreEnabled}}' | grep -q true || fail "containers would not survive the engine's restart"
[[ $(docker exec "$id-vm1" stat -c '%a %U' /etc/usher/agent.token /etc/usher/registry.json /opt/jitsi/.env | sort -u) == "600 root" ]] || fail "secrets can be read by others"

# The stack, kept by the service and not by Ansible's hand: it needs the drop-in's rights for the release's folders.
stack() { [[ $(inside vm1 'docker ps --filter label=com.docker.compose.project=jitsi --format "{{.Label \"com.docker.compose.service\"}}" | sort | xargs') == "jicofo jvb prosody web" ]]; }
stack || fail "the stack is not up"
inside vm1 'docker rm --force $(docker ps --quiet --filter label=com.docker.compose.service=jvb)' >/dev/null
until_true "the agent brings a removed container back" stack
inside vm1 'systemctl show --property User,AmbientCapabilities usher-agent' | grep -q 'cap_chown cap_dac_override cap_fowner' || fail "the drop-in is not in force"

certificate() { inside vm1 'find /srv/jitsi -name cert.crt -exec cmp {} /etc/usher/certificates/fullchain.pem \; -print | grep -q .'; }
until_true "the agent puts the certificate where the web container reads it" certificate

# The agent's port: aggregators without a token are refused by it, all others by the firewall.
agent="http://$(address vm1):9100"
code() { inside "$1" "curl -s -o /dev/null --max-time 2 -w '%{http_code}' $agent/v1/report" || true; }
guarded() {
  [[ $(code aggregator1) == 401 && $(code aggregator2) == 401 ]] || fail "aggregators do not reach the agent ($1)"
  [[ $(code golden1) == 000 ]] || fail "the agent's port is open to a neighbour ($1)"
  curl -s --max-time 2 "$agent/-/healthy" >/dev/null && fail "the agent's port is open to others than the aggregators ($1)"
  inside vm1 'curl -sf http://127.0.0.1:9100/-/healthy' >/dev/null || fail "the machine itself does not reach the agent ($1)"
}
# Docker's own, without counters and in no order: a restart of the engine writes some of them anew.
docker_rules() { inside vm1 "iptables-save | sed -E 's/\[[0-9]+:[0-9]+\]//; /^#/d' | sort"; }
guarded "after the role"
before=$(docker_rules)
grep -q -- "--dport 443 " <<<"$before" || fail "Docker does not publish Jitsi's port"
for event in "reload usher-firewall" "restart usher-firewall" "restart docker"; do
  inside vm1 "systemctl $event"
  [[ $(docker_rules) == "$before" ]] || { diff <(echo "$before") <(docker_rules) >"$work/log" || true; fail "Docker's rules are others after: $event"; }
  until_true "the stack runs after: $event" stack
  guarded "$event"
done
docker restart --time 60 "$id-vm1" >/dev/null
until_true "vm1 boots again" booted vm1
until_true "the stack is up after a reboot" stack
until_true "aggregators read the rebooted node" reads aggregator1 vm1
guarded "a reboot"
grep -q -- "--dport 443 " <<<"$(docker_rules)" || fail "Docker does not publish Jitsi's port after a reboot"
echo "firewall: the aggregators' only, beside Docker's rules, over restarts and a reboot"

# The address that moves: the first holds it, until its HAProxy ends, then until the other machine does.
moving="http://$(address moving):8080"
holds() { inside "$1" "ip -brief address show eth0 | grep -q '$(address moving)/'"; }
answers() { curl -sf --max-time 1 "$moving/-/ready"; }
moved() { holds "$1" && ! { docker inspect --format '{{.State.Running}}' "$id-$2" | grep -q true && holds "$2"; } && answers; }
until_true "somebody answers at the address that moves" moved aggregator1 aggregator2
began=$(date +%s%N)
silence() { echo "address moved, answers again: $((($(date +%s%N) - began) / 1000000)) ms after $1"; }
inside aggregator1 'systemctl stop haproxy'
until_true "the address moves" moved aggregator2 aggregator1
silence "HAProxy's end"
inside aggregator1 'systemctl start haproxy'
began=$(date +%s%N)
docker kill "$id-aggregator2" >/dev/null
until_true "the address moves back" moved aggregator1 aggregator2
silence "the machine's"
docker start "$id-aggregator2" >/dev/null
until_true "aggregator2 boots again" booted aggregator2

wait "$golden" || { cp "$work/golden.log" "$work/log"; fail "the golden image"; }
golden=
inside golden1 'test ! -s /etc/machine-id && test ! -e /etc/usher/agent.token && test ! -e /opt/jitsi/.env && test ! -e /var/lib/usher-agent &&
  test -s /opt/jitsi/docker-compose.yml && systemctl is-enabled --quiet usher-agent docker' || fail "the golden image holds too much or too little"

# A server made of it joins: its image's identity is its own, its agent has the token, the aggregators read it.
docker stop --time 60 "$id-golden1" >/dev/null
docker commit "$id-golden1" "$id-golden" >/dev/null
images+=("$id-golden")
machine vm2 "$id-golden"
until_true "a server made of the golden image boots" booted vm2
[[ $(inside vm2 'cat /etc/machine-id') =~ ^[0-9a-f]{32}$ ]] || fail "the new server has no identity"
docker exec --interactive "$id-vm2" docker load --quiet <"$work/images.tar" >"$work/log" 2>&1 || fail "the stand-ins' images on vm2"
cat >"$work/joins.yml" <<INVENTORY
jitsi:
  hosts:
    vm2: {ansible_host: $(address vm2), usher_private_address: $(address vm2), usher_region: fr-par, usher_public_url: "https://vm2.example.org"}
INVENTORY
began=$SECONDS
play --inventory "$work/joins.yml" --limit vm2,aggregator || fail "a server made of the golden image joins"
echo "a server made of the golden image: joined in $((SECONDS - began)) s"
for aggregator in aggregator1 aggregator2; do
  until_true "$aggregator reads both nodes" reads "$aggregator" vm1 vm2
done
secrets vm2 | grep -qxF -f <(echo "$made") && fail "two nodes have one password"
echo "the fleet runs: stack kept by the agent, read with its token, its port closed to others, an address that moves"
