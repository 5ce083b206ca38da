#!/usr/bin/env bash
# certbot's hook for dns-01: puts the proof into the zone at Scaleway, and takes it away again.
#
# usage: scaleway-dns-01.sh add|remove ZONE     (certbot sets CERTBOT_DOMAIN and CERTBOT_VALIDATION)
#
# The API key lies in /etc/usher/scaleway-dns.key (USHER_DNS_KEY_FILE), root's, mode 600; it needs DomainsDNSFullAccess only.
set -euo pipefail
verb=${1:?usage: scaleway-dns-01.sh add|remove ZONE}
zone=${2:?usage: scaleway-dns-01.sh add|remove ZONE}
: "${CERTBOT_DOMAIN:?certbot sets it}" "${CERTBOT_VALIDATION:?certbot sets it}"
api=${USHER_DNS_API:-https://api.scaleway.com}
key_file=${USHER_DNS_KEY_FILE:-/etc/usher/scaleway-dns.key}
# A resolver that certbot's server asked before may keep "no such name" for the zone's negative TTL; the record's own
# servers know within seconds.
settle_s=${USHER_DNS_SETTLE_S:-30}

case $CERTBOT_DOMAIN in
  "$zone") name=_acme-challenge ;;
  *."$zone") name=_acme-challenge.${CERTBOT_DOMAIN%."$zone"} ;;
  *) echo "$CERTBOT_DOMAIN is not in the zone $zone" >&2; exit 1 ;;
esac
# Names, tokens and zones have no character that JSON minds; TXT data are quoted in the API itself.
record="\"name\":\"$name\",\"type\":\"TXT\",\"data\":\"\\\"$CERTBOT_VALIDATION\\\"\""
case $verb in
  add) change="{\"add\":{\"records\":[{$record,\"ttl\":60}]}}" ;;
  remove) change="{\"delete\":{\"id_fields\":{$record}}}" ;;
  *) echo "neither add nor remove: $verb" >&2; exit 1 ;;
esac

# By a file, so that the key is in no process list.
curl --fail --silent --show-error --retry 3 --max-time 30 --request PATCH --output /dev/null \
  --header @<(printf 'X-Auth-Token: %s\n' "$(<"$key_file")") --header 'Content-Type: application/json' \
  --data "{\"changes\":[$change]}" "$api/domain/v2beta1/dns-zones/$zone/records"
[[ $verb == remove ]] || sleep "$settle_s"
