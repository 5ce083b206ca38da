//! What the engine says, as values.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use usher_common::wire::{ContainerHealth, ContainerState};

use super::EngineFailure;

/// The containers of all compose projects, or why they are unknown.
#[derive(Debug, Clone)]
pub struct EngineView {
    /// When the engine last said so (or failed to).
    pub at: Instant,
    /// The containers, ordered by project, service and name; `Err` when unknown.
    pub containers: Result<Arc<[ObservedContainer]>, EngineFailure>,
}

/// One container of a compose project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedContainer {
    /// The engine's id of it, 64 hexadecimal digits.
    pub id: String,
    /// Its name, without the leading slash.
    pub name: String,
    /// Label `com.docker.compose.project`.
    pub project: String,
    /// Label `com.docker.compose.service`.
    pub service: String,
    /// The image as it was asked for.
    pub image: Option<String>,
    /// The id of the image it was made from.
    pub image_id: Option<String>,
    /// The engine's word.
    pub state: ContainerState,
    /// The verdict of its health check; `None` when it has none.
    pub health: Option<ContainerHealth>,
    /// Restarts by the engine's policy.
    pub restarts: Option<u64>,
    /// Exit code of the last life; `None` while it runs.
    pub exit_code: Option<i64>,
    /// When its present life began, milliseconds since the Unix epoch.
    pub started_unix_ms: Option<i64>,
    /// Its main process as the host numbers it; `None` while it does not run.
    pub pid: Option<i32>,
    /// Memory limit, bytes; `None` when it has none.
    pub memory_limit_bytes: Option<u64>,
    /// Ports of the container and where on the host each is published, TCP only.
    pub published: Vec<(u16, SocketAddr)>,
    /// Its addresses on the networks it is attached to.
    pub addresses: Vec<IpAddr>,
}
