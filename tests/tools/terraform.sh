#!/usr/bin/env bash
# The Terraform modules without a cloud: the provider is stood in for (tests/tools/tf-stub), all else is real.
# init, fmt, validate, test; then a fleet of 100 servers is planned, made, planned again (nothing to do) and
# grown to 150 (which only adds). The state of one fleet lies in a real PostgreSQL, as the examples' backend has it.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v terraform >/dev/null || { echo "terraform is not installed: see tests/tools/install.sh" >&2; exit 1; }

cache=${XDG_CACHE_HOME:-$HOME/.cache}/usher
CARGO_TARGET_DIR=$cache/tf-stub cargo build --quiet --locked --manifest-path tests/tools/tf-stub/Cargo.toml

# A copy: the lock file that init writes holds the stand-in's hash and must never be committed.
work=$(mktemp -d)
state= # where PostgreSQL keeps the state
stop() {
  [[ -z $state ]] || { runuser -u postgres -- "$pg/pg_ctl" -D "$state/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$state"; }
  rm -rf "$work"
}
trap stop EXIT
cp -r packaging/terraform "$work/terraform"
mirror=$work/mirror/registry.terraform.io/scaleway/scaleway/2.81.0/linux_amd64
mkdir -p "$mirror"
cp "$cache/tf-stub/debug/terraform-provider-scaleway" "$mirror/terraform-provider-scaleway_v2.81.0"
cat >"$work/terraform.rc" <<RC
disable_checkpoint = true
provider_installation {
  filesystem_mirror {
    path    = "$work/mirror"
    include = ["registry.terraform.io/scaleway/scaleway"]
  }
}
RC
export TF_CLI_CONFIG_FILE=$work/terraform.rc TF_IN_AUTOMATION=1 TF_INPUT=0 RUST_LIB_BACKTRACE=0
export TF_VAR_dns_zone=visio.example.org TF_VAR_agent_token=0123456789abcdef0123456789abcdef
export TF_VAR_operator_token=123456789abcdef0123456789abcdef0 TF_VAR_room_secret=fedcba9876543210fedcba9876543210
log=$work/log

fail() { printf 'terraform.sh: %s\n' "$*" >&2; cat "$log" >&2; exit 1; }
# Runs terraform in a folder of the copy, silently unless it fails.
tf() { terraform -chdir="$work/terraform/$1" "$2" -no-color "${@:3}" >"$log" 2>&1; }

terraform fmt -check -recursive "$work/terraform" >"$log" || fail "terraform fmt -recursive packaging/terraform wants changes"

tf modules/scaleway init || fail "init of the module"
tf modules/scaleway validate || fail "validate of the module"
tf modules/scaleway test || fail "test of the module"
grep -E '^Success!' "$log"

for example in one-region three-regions; do
  [[ -f $work/terraform/examples/$example/backend.tf ]] || fail "$example names no backend"
  rm "$work/terraform/examples/$example/backend.tf" # a database is not what is tested here
  tf "examples/$example" init || fail "init of $example"
  tf "examples/$example" validate || fail "validate of $example"
done

# NAME ADD CHANGE DESTROY: what the last plan or apply must have said.
said() {
  grep -qE "$2 (to add|added), $3 (to change|changed), $4 (to destroy|destroyed)" "$log" || fail "$1: not $2/$3/$4"
  printf '%s: %s\n' "$1" "$(grep -E '^(Plan|Apply complete)' "$log")"
}
one=examples/one-region
tf $one plan -var servers=100 -out=hundred || fail "plan of 100 servers"
said "100 servers, planned" '[0-9]+' 0 0
tf $one apply hundred || fail "apply of 100 servers"
said "100 servers, made" '[0-9]+' 0 0
tf $one plan -var servers=100 -detailed-exitcode || fail "a second plan of 100 servers has changes"
tf $one plan -var servers=150 || fail "plan of 150 servers"
# 50 of each: server, address, private address, card, name; and one placement group in each zone more.
said "grown to 150" 252 0 0

groups=$(terraform -chdir="$work/terraform/$one" output -json placement_groups)
jq -e 'length == 6 and all(.[]; length <= 20) and ([.[][]] | unique | length == 100)' <<<"$groups" >/dev/null ||
  { echo "$groups" >"$log"; fail "placement groups"; }
terraform -chdir="$work/terraform/$one" output -raw targets |
  jq -e 'length == 100 and ([.[].targets[]] | unique | length == 100)' >/dev/null || fail "targets"

three=examples/three-regions
export TF_VAR_servers='{"fr-par":3,"nl-ams":2,"pl-waw":1}'
tf $three apply -auto-approve || fail "apply of three regions"
said "three regions, made" '[0-9]+' 0 0
tf $three plan -detailed-exitcode || fail "a second plan of three regions has changes"

# The backend that the examples name, on a PostgreSQL of our own, which root may not run.
pg=$(find /usr/lib/postgresql -name initdb -printf '%h\n' 2>/dev/null | sort -V | tail -n 1)
[[ -n $pg ]] || { echo "no PostgreSQL: run tests/tools/install.sh" >"$log"; fail "state in PostgreSQL"; }
state=$(mktemp -d)
chown postgres "$state"
(
  cd /
  runuser -u postgres -- "$pg/initdb" -D "$state/data" --auth trust --no-sync
  runuser -u postgres -- "$pg/pg_ctl" -D "$state/data" -o "-c listen_addresses= -k $state" -l "$state/log" -w start
) >"$log" 2>&1 || fail "a PostgreSQL for the state"
export PG_CONN_STR="postgres://postgres@/postgres?host=$state&sslmode=disable"
sql() { runuser -u postgres -- "$pg/psql" -h "$state" -qtAX -c "$1"; }
rm -rf "$work/terraform/$one/.terraform" "$work/terraform/$one"/terraform.tfstate*
cp packaging/terraform/examples/one-region/backend.tf "$work/terraform/$one/"
tf $one init || fail "init with the state in PostgreSQL"
tf $one apply -auto-approve -var servers=3 || fail "apply with the state in PostgreSQL"
[[ ! -e $work/terraform/$one/terraform.tfstate ]] || fail "the state lies beside the configuration too"
[[ $(sql "select count(*) from usher.states where name = 'default' and data like '%usher-par1-001%'") == 1 ]] || fail "no state in PostgreSQL"
tf $one plan -var servers=3 -detailed-exitcode || fail "a second plan from PostgreSQL has changes"
# As another operator's apply would hold it.
sql "select pg_advisory_lock(id) from usher.states; select pg_sleep(600)" >/dev/null 2>&1 &
for ((i = 0; i < 100; i++)); do
  [[ $(sql "select count(*) from pg_locks where locktype = 'advisory' and granted") != 0 ]] && break
  sleep 0.1
done
tf $one plan -var servers=3 && fail "a plan while somebody else applies was not refused"
grep -q 'already locked' "$log" || fail "refused for another reason than the lock"
echo "state in PostgreSQL: kept, found again, locked"
