//! The Docker engine, in our words. The only one who calls bollard (`compose::create_body` names its models).
//!
//! ```text
//!  engine ──list, inspect──► convert ──► EngineView ──watch──► sampler
//!     └──── events ("something changed") ──► look again
//!  engine ◄──containers, images, networks── stack (one call a verb; decides nothing)
//! ```
//!
//! Level, not edge: an event only says that it is time to look. Whether the engine is
//! there at all is part of the view; nothing here decides what that means.

mod client;
mod containers;
mod convert;
mod failure;
mod images;
mod inspected;
mod logs;
mod networks;
mod view;
mod watch;

pub use client::Engine;
pub use failure::EngineFailure;
pub use images::{LayerProgress, LocalImage, RegistryLogin};
pub use inspected::{Inspected, VolumeMount};
pub use logs::{LogLine, LogRequest};
pub use view::{EngineView, ObservedContainer};
pub use watch::{WatchOptions, watch};

/// A running container of project `jitsi`, for the tests of others.
#[cfg(test)]
pub(crate) fn observed_for_tests(service: &str) -> ObservedContainer {
    ObservedContainer {
        id: format!("{service:0<64}"),
        name: format!("jitsi-{service}-1"),
        project: "jitsi".to_owned(),
        service: service.to_owned(),
        image: Some(format!("jitsi/{service}:stable")),
        image_id: None,
        state: usher_common::wire::ContainerState::Running,
        health: None,
        restarts: Some(0),
        exit_code: None,
        started_unix_ms: Some(1),
        pid: Some(1),
        memory_limit_bytes: None,
        published: Vec::new(),
        addresses: Vec::new(),
    }
}
