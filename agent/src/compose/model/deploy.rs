//! The `deploy` section. Compose runs one container engine, so most of it is only carried along; resource limits
//! and the restart policy count.

use serde::Serialize;

use super::print::{Bytes, Cpus, Duration, is_zero};
use super::service::Texts;

/// See the compose deploy specification for the meaning of each field.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct Deploy {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
    /// Printed, but not in the hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub labels: Texts,
    /// Always printed.
    pub resources: Resources,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<RestartPolicy>,
    /// Always printed, always empty: a node agent places nothing.
    pub placement: Placement,
}

/// What a container may use and what is kept for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Resource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservations: Option<Resource>,
}

/// One side of [`Resources`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct Resource {
    #[serde(skip_serializing_if = "Cpus::is_zero")]
    pub cpus: Cpus,
    #[serde(skip_serializing_if = "Bytes::is_zero")]
    pub memory: Bytes,
    #[serde(skip_serializing_if = "is_zero")]
    pub pids: i64,
}

/// When the engine starts a container again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the fields are compose's keys")]
pub struct RestartPolicy {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Duration>,
}

/// Where a swarm would run it; compose prints the empty section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Placement {}
