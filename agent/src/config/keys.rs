//! Every key of the agent, one row each: flags, variables, file and help come from here.

use usher_common::settings::{Key, Kind, Schema};

/// Where the settings are read from when nobody says otherwise.
pub const DEFAULT_FILE: &str = "/etc/usher/agent.toml";

/// The agent's keys.
pub static SCHEMA: Schema = Schema { env_prefix: "USHER_AGENT", keys: KEYS, tables: &[] };

const fn key(path: &'static str, kind: Kind, default: Option<&'static str>, help: &'static str) -> Key {
    Key { path, kind, default, help }
}

static KEYS: &[Key] = &[
    key(
        "listen",
        Kind::Address,
        Some("127.0.0.1:9100"),
        "Where to serve; off loopback it needs auth.token_file",
    ),
    key(
        "agent_check_listen",
        Kind::Address,
        None,
        "Where to answer HAProxy's agent-check, one line in clear to anybody; not served when not set",
    ),
    key("node", Kind::Text, None, "Name of this node, unique in the fleet; the host name when not set"),
    key(
        "public_url",
        Kind::Text,
        None,
        "Where people reach this node's Jitsi; when not set, PUBLIC_URL of the stack's .env, else a page of the agent's own",
    ),
    key("region", Kind::Text, None, "Region of this node, for requests that prefer one"),
    key("labels", Kind::Map, None, "Own labels, passed on in the report"),
    key("state_dir", Kind::Path, Some("/var/lib/usher-agent"), "Where the operator state is kept"),
    key("auth.token_file", Kind::Path, None, "Bearer tokens, one a line; whoever calls /v1 must bear one"),
    key("auth.open_metrics", Kind::Bool, Some("false"), "Serve /metrics without a token even off loopback"),
    key(
        "sample.interval",
        Kind::Duration,
        Some("1s"),
        "How often processors, memory, network and containers are read",
    ),
    key("host.proc", Kind::Path, Some("/proc"), "Where the proc file system is mounted"),
    key("host.sys", Kind::Path, Some("/sys"), "Where the sys file system is mounted"),
    key("host.rootfs", Kind::Path, Some("/"), "Root of the host's file systems"),
    key("host.textfile_directory", Kind::Path, None, "Directory of *.prom files to pass on"),
    key(
        "host.systemd_units",
        Kind::List,
        Some(
            "docker.service,containerd.service,usher-agent.service,usher-aggregator.service,haproxy.service,prometheus-node-exporter.service,chrony.service,systemd-timesyncd.service",
        ),
        "Units of systemd whose state is shown, by their exact names",
    ),
    key("engine.socket", Kind::Path, Some("/var/run/docker.sock"), "Socket of the Docker engine"),
    key("engine.deadline", Kind::Duration, Some("5s"), "How long one answer of the engine may take"),
    key(
        "stack.directory",
        Kind::Path,
        None,
        "Directory with docker-compose.yml and .env; a stack is expected here when set",
    ),
    key(
        "stack.project",
        Kind::Text,
        None,
        "Compose project to watch; when not set, COMPOSE_PROJECT_NAME of the .env, else the directory's name, else the project that runs a jvb",
    ),
    key(
        "stack.services",
        Kind::List,
        Some("web,prosody,jicofo,jvb"),
        "Services that must run for the node to be ready, when a stack is expected",
    ),
    key(
        "stack.files",
        Kind::List,
        None,
        "Compose files, in merge order; when not set, COMPOSE_FILE of the .env, else compose's own default names",
    ),
    key("stack.env_files", Kind::List, None, "Files with variables, in place of .env"),
    key("stack.profiles", Kind::List, None, "Active profiles; when not set, COMPOSE_PROFILES of the .env"),
    key(
        "stack.registry_auth_file",
        Kind::Path,
        None,
        "Logins of registries, in the form of Docker's config.json; Docker's own when not set",
    ),
    key(
        "stack.folder_owner",
        Kind::Text,
        Some("1000:1000"),
        "UID:GID of host folders that are made for mounts; docker-jitsi-meet's containers run as 1000",
    ),
    key(
        "stack.ready_within",
        Kind::Duration,
        Some("3m"),
        "How long a started container may take until it is healthy, or up when it has no health check",
    ),
    key(
        "stack.pull_stall",
        Kind::Duration,
        Some("2m"),
        "A pull that makes no progress for so long is given up and tried again",
    ),
    key(
        "stack.settle",
        Kind::Duration,
        Some("3s"),
        "How long a container without a health check must stay up to count as up",
    ),
    key(
        "stack.disk_reserve_mib",
        Kind::Integer { min: 0, max: 1 << 30 },
        Some("1024"),
        "What must stay free on the engine's disk, MiB; with less, nothing is pulled and nothing replaced",
    ),
    key(
        "stack.compose_version",
        Kind::Text,
        None,
        "The docker compose version whose hashes are written; that of this host's docker compose when not set",
    ),
    key(
        "stack.manage",
        Kind::Bool,
        Some("true"),
        "Keep the stack of stack.directory up: start it, heal it, deploy; false only watches it. Nothing is ever started without stack.directory",
    ),
    key(
        "stack.resync",
        Kind::Duration,
        Some("1m"),
        "How often the stack is compared with its files although nothing happened",
    ),
    key(
        "stack.quiet",
        Kind::Duration,
        Some("1m"),
        "How long the stack is left alone after somebody else worked on it",
    ),
    key(
        "stack.heal_after_failures",
        Kind::Integer { min: 1, max: 1000 },
        Some("5"),
        "So many failed probes of Jitsi in a row make a running service ill",
    ),
    key(
        "stack.recovery",
        Kind::Duration,
        Some("2m"),
        "How long a service may take after its start until its probes count, and others that need it are judged",
    ),
    key(
        "stack.heal_first",
        Kind::Duration,
        Some("30s"),
        "From the first to the second time that a service is helped up; doubled with each further one",
    ),
    key("stack.heal_most", Kind::Duration, Some("15m"), "The longest wait between two helps of a service"),
    key(
        "stack.heal_per_hour",
        Kind::Integer { min: 0, max: 1000 },
        Some("3"),
        "A service is helped up so often within an hour; then a human is needed",
    ),
    key(
        "stack.drain_within",
        Kind::Duration,
        Some("2h"),
        "How long a deployment waits for conferences to end before it gives up, having changed nothing",
    ),
    key(
        "stack.verify_within",
        Kind::Duration,
        Some("5m"),
        "How long a new version has to prove itself before the one before comes back",
    ),
    key(
        "stack.verify_steady",
        Kind::Duration,
        Some("15s"),
        "How long a new version must be well without a break to have proven itself",
    ),
    key(
        "stack.history",
        Kind::Integer { min: 1, max: 10_000 },
        Some("50"),
        "Deployments that are remembered in the state directory",
    ),
    key(
        "certificates.folder",
        Kind::Path,
        None,
        "Folder where a certificate and its key are dropped (fullchain.pem and privkey.pem, or cert.crt and cert.key, or tls.crt and tls.key) to be put where the web container wants them",
    ),
    key("certificates.every", Kind::Duration, Some("10s"), "How often certificates.folder is looked at"),
    key(
        "jitsi.jvb_url",
        Kind::Text,
        None,
        "The bridge's private HTTP interface; found by its container when not set",
    ),
    key("jitsi.jicofo_url", Kind::Text, None, "Jicofo's HTTP interface; found by its container when not set"),
    key(
        "jitsi.prosody_url",
        Kind::Text,
        None,
        "Prosody's HTTP interface; found by its container when not set",
    ),
    key(
        "jitsi.web_url",
        Kind::Text,
        None,
        "The web server's front door; found by its container when not set",
    ),
    key("jitsi.nginx_status_url", Kind::Text, None, "nginx's stub_status page, where one is configured"),
    key("jitsi.certificate_file", Kind::Path, None, "A certificate (PEM) whose end is watched"),
    key(
        "rooms.secret_file",
        Kind::Path,
        None,
        "The fleet's secret for room keys, the same on agents and aggregators; rooms are not listed without it",
    ),
    key(
        "stop.grace",
        Kind::Duration,
        Some("5s"),
        "How long requests under way may go on when the agent stops",
    ),
];
