//! What the settings mean: checked once, trusted afterwards.

mod keys;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use usher_common::rt::auth::Tokens;
use usher_common::rt::files::read_tokens;
use usher_common::settings::{Complaints, Settings};
use usher_common::wire::{NodeId, PublicUrl};

use crate::probe::targets::Secret;
use crate::stack_env;
use crate::upkeep::UpkeepOptions;

pub use keys::{DEFAULT_FILE, SCHEMA};

/// The agent's settings, whole and sound.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to serve.
    pub listen: SocketAddr,
    /// Where to answer HAProxy's agent-check.
    pub agent_check_listen: Option<SocketAddr>,
    /// The node's name.
    pub node: NodeId,
    /// Where people are sent, if the operator said so.
    pub public_url: Option<PublicUrl>,
    /// The node's region.
    pub region: Option<String>,
    /// The operator's labels.
    pub labels: BTreeMap<String, String>,
    /// Where the operator state is kept.
    pub state_dir: PathBuf,
    /// Who may call.
    pub access: Access,
    /// Time between two samples.
    pub sample_interval: Duration,
    /// Where the host's trees are.
    pub host: HostPaths,
    /// The engine's socket.
    pub engine_socket: PathBuf,
    /// How long one answer of the engine may take.
    pub engine_deadline: Duration,
    /// The stack, as far as it is configured.
    pub stack: StackConfig,
    /// How the stack is kept up; `None`: it is only watched.
    pub upkeep: Option<UpkeepOptions>,
    /// Where Jitsi's services answer.
    pub jitsi: JitsiConfig,
    /// The fleet's secret for room keys; without it rooms are counted, not listed.
    pub room_secret: Option<Secret>,
    /// How long requests may go on at the end.
    pub stop_grace: Duration,
}

/// Who may call what.
#[derive(Debug, Clone)]
pub struct Access {
    /// The tokens; empty when none are configured (then the listener is on loopback).
    pub tokens: Tokens,
    /// Whether `/metrics` needs no token.
    pub open_metrics: bool,
}

/// Where the host's trees are mounted.
#[derive(Debug, Clone)]
pub struct HostPaths {
    /// The proc file system.
    pub proc: PathBuf,
    /// The sys file system.
    pub sys: PathBuf,
    /// The root of the host's file systems.
    pub rootfs: PathBuf,
    /// `*.prom` drop-ins.
    pub textfile_directory: Option<PathBuf>,
    /// systemd's units whose state is shown, with their suffixes.
    pub systemd_units: Vec<String>,
}

/// The compose project that belongs to this node.
#[derive(Debug, Clone)]
pub struct StackConfig {
    /// Where its files are; a stack is expected here when set.
    pub directory: Option<PathBuf>,
    /// Its project name; `None` lets the agent look for the project that runs a bridge.
    pub project: Option<String>,
    /// Services without which the node is not ready.
    pub services: Vec<String>,
}

/// Where Jitsi's services answer; what is `None` is looked for among the containers.
#[derive(Debug, Clone)]
pub struct JitsiConfig {
    /// The bridge's private interface.
    pub jvb_url: Option<url::Url>,
    /// Jicofo's interface.
    pub jicofo_url: Option<url::Url>,
    /// Prosody's HTTP interface.
    pub prosody_url: Option<url::Url>,
    /// The web container's front door.
    pub web_url: Option<url::Url>,
    /// nginx's `stub_status` page; not looked for.
    pub nginx_status_url: Option<url::Url>,
    /// A certificate file to watch, PEM.
    pub certificate_file: Option<PathBuf>,
}

impl Config {
    /// Builds the configuration; `environment` says where Docker's own settings are, `host_name` names the node when the settings do not.
    /// Reads the token file, so that a missing one is a complaint and not a surprise.
    pub fn from_settings(
        settings: &Settings,
        environment: &BTreeMap<String, String>,
        host_name: Option<&str>,
    ) -> Result<Self, Complaints> {
        let mut complaints = Complaints::default();
        let listen = settings.address("listen").expect("has a default");
        let config = Self {
            listen,
            agent_check_listen: settings.address("agent_check_listen"),
            node: node_name(settings, host_name, &mut complaints),
            public_url: settings.text("public_url").and_then(|text| {
                PublicUrl::parse(&text)
                    .map_err(|error| {
                        complaints.add(&settings.origin("public_url"), format!("public_url {error}"));
                    })
                    .ok()
            }),
            region: settings.text("region").filter(|region| !region.is_empty()),
            labels: settings.map("labels").unwrap_or_default(),
            state_dir: settings.path("state_dir").expect("has a default"),
            access: access(settings, listen, &mut complaints),
            sample_interval: sample_interval(settings, &mut complaints),
            host: HostPaths {
                proc: settings.path("host.proc").expect("has a default"),
                sys: settings.path("host.sys").expect("has a default"),
                rootfs: settings.path("host.rootfs").expect("has a default"),
                textfile_directory: settings.path("host.textfile_directory"),
                systemd_units: settings.list("host.systemd_units").expect("has a default"),
            },
            engine_socket: settings.path("engine.socket").expect("has a default"),
            engine_deadline: settings.duration("engine.deadline").expect("has a default"),
            stack: stack(settings, &mut complaints),
            upkeep: UpkeepOptions::from_settings(settings, environment, &mut complaints),
            jitsi: JitsiConfig {
                jvb_url: service_url(settings, "jitsi.jvb_url", &mut complaints),
                jicofo_url: service_url(settings, "jitsi.jicofo_url", &mut complaints),
                prosody_url: service_url(settings, "jitsi.prosody_url", &mut complaints),
                web_url: service_url(settings, "jitsi.web_url", &mut complaints),
                nginx_status_url: service_url(settings, "jitsi.nginx_status_url", &mut complaints),
                certificate_file: settings.path("jitsi.certificate_file"),
            },
            room_secret: room_secret(settings, &mut complaints),
            stop_grace: settings.duration("stop.grace").expect("has a default"),
        };
        complaints.or(config)
    }
}

impl StackConfig {
    /// Whether a stack is expected on this node, so that its absence is a fault.
    #[must_use]
    pub fn expected(&self) -> bool {
        self.directory.is_some() || self.project.is_some()
    }
}

fn node_name(settings: &Settings, host_name: Option<&str>, complaints: &mut Complaints) -> NodeId {
    let said = settings.text("node");
    let text = said.as_deref().or(host_name).unwrap_or("localhost");
    NodeId::parse(text).unwrap_or_else(|error| {
        complaints.add(&settings.origin("node"), format!("node: {error}"));
        NodeId::parse("invalid").expect("a plain word is a node name")
    })
}

/// Off loopback nothing but `/-/*` (and `/metrics`, where opened) is served without a
/// token; a configuration that would do otherwise does not start.
fn access(settings: &Settings, listen: SocketAddr, complaints: &mut Complaints) -> Access {
    let file = settings.path("auth.token_file");
    let tokens = match file.as_deref().map(read_tokens) {
        Some(Ok(tokens)) => Tokens::new(tokens),
        Some(Err(error)) => {
            complaints.add(&settings.origin("auth.token_file"), format!("auth.token_file: {error}"));
            Tokens::default()
        }
        None => Tokens::default(),
    };
    let loopback = listen.ip().is_loopback();
    if !loopback && file.is_none() {
        complaints.add(
            &settings.origin("listen"),
            format!(
                "listen {listen} is not on loopback, so auth.token_file must be set (or listen on 127.0.0.1)"
            ),
        );
    }
    Access { tokens, open_metrics: loopback || settings.bool("auth.open_metrics").expect("has a default") }
}

fn sample_interval(settings: &Settings, complaints: &mut Complaints) -> Duration {
    let interval = settings.duration("sample.interval").expect("has a default");
    if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&interval) {
        complaints.add(&settings.origin("sample.interval"), "sample.interval must be from 100ms to 60s");
    }
    interval
}

fn stack(settings: &Settings, complaints: &mut Complaints) -> StackConfig {
    let directory = settings.path("stack.directory");
    if let Some(directory) = directory.as_deref() {
        let origin = settings.origin("stack.directory");
        if !directory.is_absolute() {
            complaints
                .add(&origin, format!("stack.directory {} must be an absolute path", directory.display()));
        } else if !directory.is_dir() {
            complaints.add(&origin, format!("stack.directory {} is not a directory", directory.display()));
        }
    }
    let project = settings.text("stack.project").filter(|name| !name.is_empty());
    StackConfig {
        project: project.or_else(|| directory.as_deref().and_then(project_of)),
        directory,
        services: settings.list("stack.services").expect("has a default"),
    }
}

/// The project's name as compose finds it: `COMPOSE_PROJECT_NAME` of the `.env`, else the
/// directory's.
fn project_of(directory: &Path) -> Option<String> {
    // A missing or broken .env is told by whoever needs more of it.
    let said =
        stack_env::read(directory).ok().and_then(|variables| variables.get("COMPOSE_PROJECT_NAME").cloned());
    said.filter(|name| !name.is_empty()).or_else(|| project_of_directory(directory))
}

/// Compose's rule for a directory without a project name: its base name, lower case,
/// letters, digits, `_` and `-` only, not starting with the latter two.
fn project_of_directory(directory: &Path) -> Option<String> {
    let base = directory.file_name()?.to_str()?.to_lowercase();
    let kept: String = base.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    let name = kept.trim_start_matches(['_', '-']);
    (!name.is_empty()).then(|| name.to_owned())
}

fn service_url(settings: &Settings, path: &str, complaints: &mut Complaints) -> Option<url::Url> {
    let text = settings.text(path)?;
    let url =
        url::Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        complaints.add(&settings.origin(path), format!("{path} {text:?} is no http URL with a host"));
    }
    url
}

fn room_secret(settings: &Settings, complaints: &mut Complaints) -> Option<Secret> {
    let path = settings.path("rooms.secret_file")?;
    match read_tokens(&path) {
        Ok(secrets) => secrets.first().map(|secret| Secret::new(secret.as_bytes())),
        Err(error) => {
            complaints.add(&settings.origin("rooms.secret_file"), format!("rooms.secret_file: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
