# Sourced: makes sure that a Docker engine answers, and ends it only if it was started here.

docker_pid=

docker_start() {
  if docker version >/dev/null 2>&1; then
    return
  fi
  local log=${TMPDIR:-/tmp}/usher-dockerd.log
  echo "Starting a Docker engine (log: $log)"
  dockerd >"$log" 2>&1 &
  docker_pid=$!
  for ((i = 0; i < 150; i++)); do
    docker version >/dev/null 2>&1 && return
    kill -0 "$docker_pid" 2>/dev/null || break
    sleep 0.2
  done
  echo "the Docker engine did not start; the end of its log:" >&2
  tail -n 20 "$log" >&2
  return 1
}

docker_stop() {
  if [[ -n $docker_pid ]]; then
    kill -TERM "$docker_pid" 2>/dev/null || true
    wait "$docker_pid" 2>/dev/null || true
  fi
}
