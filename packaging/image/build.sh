#!/usr/bin/env bash
# Builds the aggregator's container image and says what is in it.
#
# usage: build.sh [--tag NAME] [--from PROGRAM]
#   --tag NAME      the image's name                                            [default: usher-aggregator:VERSION]
#   --from PROGRAM  takes this program, with the libraries that it names if it is not static; for tests
#
# Without --from the program is built static by packaging/dist.sh (glibc's own resolver reads /etc/resolv.conf and needs
# no other file), beside what the packages are made of. The same commit, toolchain and certificate authorities give the
# same layer, byte for byte: files are given the commit's time.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() { printf 'image: %s\n' "$*" >&2; exit 1; }

tag=
program=
while (($#)); do
  case $1 in
    --tag) tag=${2:?--tag wants a name}; shift ;;
    --from) program=${2:?--from wants a program}; shift ;;
    *) fail "unknown option $1" ;;
  esac
  shift
done
command -v docker >/dev/null || fail "there is no docker here"

if [[ -z $program ]]; then
  program=$(packaging/dist.sh image)/static/usher-aggregator
  ldd "$program" 2>&1 | grep -Eq 'statically linked|not a dynamic' || fail "$program is not static"
fi
tag=${tag:-usher-aggregator:$("$program" --version | cut -d' ' -f2)}

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
install -D -m 755 "$program" "$context/root/usher-aggregator"
strip "$context/root/usher-aggregator"
# Whom to trust for agents behind TLS; nothing else of a system is needed.
authorities=/etc/ssl/certs/ca-certificates.crt
[[ -s $authorities ]] || fail "no $authorities here: apt-get install ca-certificates"
install -D -m 644 "$authorities" "$context/root$authorities"
# None for a static one.
{ ldd "$program" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do
  install -D -m 755 "$library" "$context/root$library"
done
cp packaging/image/Dockerfile "$context/"
find "$context" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}" {} +
DOCKER_BUILDKIT=0 docker build --quiet --tag "$tag" "$context" >/dev/null
# As it is meant to run: nothing writable, no rights, and here no network.
docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --network none "$tag" --version
echo "$tag: $(docker image inspect --format '{{.Size}}' "$tag") bytes"
(cd "$context/root" && find . -type f -printf '  %s %P\n')
