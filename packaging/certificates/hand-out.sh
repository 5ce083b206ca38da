#!/usr/bin/env bash
# certbot's deploy hook: hands a new certificate to every node. Runs after each renewal; by hand with RENEWED_LINEAGE set.
#
# The nodes are in /etc/usher/certificate-nodes (USHER_NODES_FILE), one SSH destination a line; Terraform and the inventory
# know them. A node that cannot be reached now does not keep the others from theirs: it is named, and the exit code is 1.
set -uo pipefail
: "${RENEWED_LINEAGE:?certbot sets it: the folder with fullchain.pem and privkey.pem}"
nodes=${USHER_NODES_FILE:-/etc/usher/certificate-nodes}
ssh=${USHER_SSH:-ssh -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=accept-new -i /etc/usher/certificate-key}
at_once=10

[[ -r $nodes ]] || { echo "no list of nodes at $nodes" >&2; exit 1; }
hand_out() {
  # shellcheck disable=SC2086 # several words
  tar --create --dereference --directory "$RENEWED_LINEAGE" fullchain.pem privkey.pem | $ssh "$1" usher-take-certificate && return
  echo "$1 did not take the certificate" >&2
  return 1
}
export -f hand_out
export ssh RENEWED_LINEAGE
grep -Ev '^[[:space:]]*(#|$)' "$nodes" | xargs --no-run-if-empty --max-procs=$at_once --replace bash -c 'hand_out {}'
status=$?
((status == 0)) || { echo "not every node has the new certificate; run again: RENEWED_LINEAGE=$RENEWED_LINEAGE $0" >&2; exit 1; }
