//! Whether this node may take new rooms, and if not, every reason. Pure.

use usher_common::wire::{NotReady, OperatorMode, ProbeFailure};

use crate::config::StackConfig;
use crate::probe::merge;
use crate::snapshot::Snapshot;
use crate::stack;

/// What readiness depends on beside the snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// The operator's wish.
    pub mode: OperatorMode,
    /// Whether the agent is on its way out.
    pub stopping: bool,
    /// Whether a deployment waits for people to leave, or replaces what they would be on.
    pub deploying: bool,
}

/// Every reason why no new room should come here; empty when one may.
#[must_use]
pub fn reasons(snapshot: Option<&Snapshot>, standing: Standing, config: &StackConfig) -> Vec<NotReady> {
    let mut found = Vec::new();
    if standing.stopping {
        found.push(NotReady::Stopping);
    }
    match standing.mode {
        OperatorMode::Ready => {}
        OperatorMode::Drain => found.push(NotReady::Draining),
        OperatorMode::Maint => found.push(NotReady::Maintenance),
    }
    if standing.deploying {
        found.push(NotReady::Draining);
    }
    let Some(snapshot) = snapshot else {
        found.push(NotReady::Starting);
        return found;
    };
    let jitsi = snapshot.jitsi.as_ref();
    match &snapshot.containers {
        // Not asked yet is not "down": the first answer comes within the engine's deadline.
        Err(failure) if failure.reason == ProbeFailure::Pending && config.expected() => {
            found.push(NotReady::Starting);
        }
        // A bridge that answers healthy outlives its engine: calls go on without dockerd.
        Err(_) if config.expected() && jitsi.and_then(|jitsi| jitsi.healthy) != Some(true) => {
            found.push(NotReady::EngineDown);
        }
        Err(_) => {}
        Ok(containers) if config.expected() || snapshot.project.is_some() => {
            let ours: Vec<_> = containers.iter().map(|measured| &measured.observed).collect();
            found.extend(stack::faults(&config.services, &ours));
        }
        Ok(_) => {}
    }
    found.extend(merge::not_ready(&snapshot.services));
    found.sort();
    found.dedup();
    found
}
