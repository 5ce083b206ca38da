#!/usr/bin/env bash
# The wildcard certificate's way, with the real certbot and pebble, Let's Encrypt's own test server: obtained by dns-01,
# handed to two nodes, renewed; a node that is away does not keep the other from its own, and a key that does not fit
# is refused. Stand-ins: the DNS provider's API (which writes into pebble's DNS), and ssh (a folder for each node).
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=${XDG_CACHE_HOME:-$HOME/.cache}/usher/ansible/bin:$PATH
for needed in certbot pebble pebble-challtestsrv openssl python3; do
  command -v $needed >/dev/null || { echo "no $needed: run tests/tools/install.sh" >&2; exit 1; }
done
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$work"' EXIT
fail() { printf 'certificates.sh: %s\n' "$*" >&2; tail -n 30 "$work"/*.log >&2; exit 1; }
scripts=$PWD/packaging/certificates
zone=visio.example.org

# Six ports that are free now, held together so that none comes twice.
read -r acme management dns txt api unused < <(python3 - <<'PY'
import socket
held = [socket.socket() for _ in range(6)]
for one in held: one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))
PY
)
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
  -keyout "$work/acme.key" -out "$work/acme.pem" 2>/dev/null
cat >"$work/pebble.json" <<JSON
{"pebble": {"listenAddress": "127.0.0.1:$acme", "managementListenAddress": "127.0.0.1:$management",
 "certificate": "$work/acme.pem", "privateKey": "$work/acme.key", "httpPort": $unused, "tlsPort": $unused,
 "ocspResponderURL": "", "externalAccountBindingRequired": false}}
JSON
pebble-challtestsrv -dns01 "127.0.0.1:$dns" -management "127.0.0.1:$txt" -http01 '' -https01 '' -tlsalpn01 '' >"$work/dns.log" 2>&1 &
pids+=($!)
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config "$work/pebble.json" -dnsserver "127.0.0.1:$dns" >"$work/pebble.log" 2>&1 &
pids+=($!)

# The provider's API, as documented: PATCH of a zone's records with additions and deletions, a key in a header.
cat >"$work/api.py" <<'PY'
import http.server, json, sys, urllib.request
port, txt, zone = int(sys.argv[1]), sys.argv[2], sys.argv[3]
class Api(http.server.BaseHTTPRequestHandler):
    def do_PATCH(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        good = self.path == f"/domain/v2beta1/dns-zones/{zone}/records" and self.headers["X-Auth-Token"] == "the-key"
        for change in body["changes"] if good else []:
            for record in change.get("add", {}).get("records", []):
                self.tell("set-txt", {"host": f"{record['name']}.{zone}.", "value": json.loads(record["data"])})
            if "delete" in change:
                self.tell("clear-txt", {"host": f"{change['delete']['id_fields']['name']}.{zone}."})
        self.send_response(200 if good else 403)
        self.end_headers()
    def tell(self, verb, what):
        urllib.request.urlopen(f"http://127.0.0.1:{txt}/{verb}", json.dumps(what).encode()).read()
        print(verb, what["host"], flush=True)
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", port), Api).serve_forever()
PY
python3 "$work/api.py" "$api" "$txt" "$zone" >"$work/api.log" 2>&1 &
pids+=($!)

# ssh that knows two nodes; the third is switched off.
cat >"$work/ssh" <<SSH
#!/bin/sh
[ "\$1" = root@vm3 ] && exit 255
USHER_CERTIFICATES=$work/\$1 exec $scripts/\$2
SSH
chmod +x "$work/ssh"
printf 'root@vm1\n# a comment\nroot@vm2\n' >"$work/nodes"
echo the-key >"$work/key"
export USHER_DNS_API=http://127.0.0.1:$api USHER_DNS_KEY_FILE=$work/key USHER_DNS_SETTLE_S=0 USHER_NODES_FILE=$work/nodes USHER_SSH=$work/ssh
export REQUESTS_CA_BUNDLE=$work/acme.pem
for ((i = 0; i < 100; i++)); do
  curl -sf --cacert "$work/acme.pem" "https://127.0.0.1:$acme/dir" >/dev/null && break
  sleep 0.1
done

certbot() { command certbot --config-dir "$work/etc" --work-dir "$work/var" --logs-dir "$work" --server "https://127.0.0.1:$acme/dir" --non-interactive "$@" >"$work/certbot.log" 2>&1; }
certbot certonly --manual --preferred-challenges dns --agree-tos --register-unsafely-without-email \
  --manual-auth-hook "$scripts/scaleway-dns-01.sh add $zone" --manual-cleanup-hook "$scripts/scaleway-dns-01.sh remove $zone" \
  --deploy-hook "$scripts/hand-out.sh" -d "*.$zone" || fail "no certificate"
grep -q clear-txt "$work/api.log" || fail "the proof was left in the zone"
serial() { openssl x509 -in "$work/root@$1/fullchain.pem" -noout -serial; }
openssl x509 -in "$work/root@vm1/fullchain.pem" -noout -ext subjectAltName | grep -qF "*.$zone" || fail "vm1 has no wildcard"
first=$(serial vm1)
[[ $(serial vm2) == "$first" && $(stat -c %a "$work/root@vm1/privkey.pem") == 600 ]] || fail "vm2 has another one, or a key can be read"
echo "a wildcard, obtained by dns-01, is on both nodes"

echo root@vm3 >>"$work/nodes"
certbot renew --force-renewal || true # certbot tells of a failed deploy hook and goes on
second=$(serial vm1)
[[ $second != "$first" && $(serial vm2) == "$second" ]] || fail "a renewed certificate did not reach the nodes that are there"
grep -q 'root@vm3 did not take the certificate' "$work"/*.log || fail "a node that is away is not named"
echo "renewed without a hand; a node that is away is named and keeps nobody from theirs"

mkdir "$work/other"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other -keyout "$work/other/privkey.pem" -out "$work/other/unused.pem" 2>/dev/null
cp "$work/root@vm1/fullchain.pem" "$work/other/"
RENEWED_LINEAGE=$work/other "$scripts/hand-out.sh" >/dev/null 2>&1 && fail "a key that does not fit was handed out"
[[ $(serial vm1) == "$second" && -z $(compgen -G "$work/root@vm1/.new*") ]] || fail "a bad pair left something behind"
echo "a key that does not fit is refused, the one that serves stays"
