//! Closed sets of reasons. They are metric labels, API words and log fields at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::open_words;
use crate::words;

/// Why a probe has no reading. "Absent by configuration" is not among them:
/// such a probe does not run and is not in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum ProbeFailure {
    /// Nothing listens there, or the socket file does not exist.
    Refused,
    /// We may not open it.
    Denied,
    /// The connection ended in the middle.
    Reset,
    /// No answer within the deadline.
    Timeout,
    /// The host name does not resolve.
    Dns,
    /// TLS could not be agreed on, or the certificate is not valid.
    Tls,
    /// An HTTP status that is not the expected one.
    Status,
    /// The answer is larger than the cap.
    TooLarge,
    /// The answer could not be understood.
    Malformed,
    /// It answers, but this interface is switched off there.
    Disabled,
    /// It answers that it is unhealthy.
    Unhealthy,
    /// The thing to read does not exist on this machine.
    Missing,
    /// Any other IO error.
    Io,
    /// Not read yet since the agent started.
    Pending,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(ProbeFailure {
    Refused => "refused", Denied => "denied", Reset => "reset", Timeout => "timeout", Dns => "dns",
    Tls => "tls", Status => "status", TooLarge => "too_large", Malformed => "malformed",
    Disabled => "disabled", Unhealthy => "unhealthy", Missing => "missing", Io => "io",
    Pending => "pending", Unknown => "unknown",
});

/// Why a node may not take new rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum NotReady {
    /// The agent has not finished its first sample.
    Starting,
    /// The agent is stopping.
    Stopping,
    /// The operator set the node to drain.
    Draining,
    /// The operator set the node to maintenance.
    Maintenance,
    /// The Docker engine does not answer and a stack is expected here.
    EngineDown,
    /// A stack is expected here and none of its containers exist.
    StackMissing,
    /// At least one container of the stack is not running.
    ContainerDown,
    /// At least one container of the stack is within its start period, without a verdict.
    ContainerStarting,
    /// At least one container of the stack fails its health check.
    ContainerUnhealthy,
    /// Jitsi's own health check (JVB or jicofo) fails.
    JitsiUnhealthy,
    /// The bridge is up but not joined to prosody, so that no meeting can use it.
    BridgeUnlinked,
    /// The bridge refuses new conferences (graceful shutdown or drain of its own).
    BridgeShuttingDown,
    /// The state directory cannot be written (full or read-only disk).
    StateUnwritable,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(NotReady {
    Starting => "starting", Stopping => "stopping", Draining => "draining", Maintenance => "maintenance",
    EngineDown => "engine_down", StackMissing => "stack_missing", ContainerDown => "container_down",
    ContainerStarting => "container_starting",
    ContainerUnhealthy => "container_unhealthy", JitsiUnhealthy => "jitsi_unhealthy",
    BridgeUnlinked => "bridge_unlinked", BridgeShuttingDown => "bridge_shutting_down",
    StateUnwritable => "state_unwritable", Unknown => "unknown",
});

/// Docker's own words for the state of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Its main process runs.
    Running,
    /// Frozen by `docker pause`.
    Paused,
    /// Between two lives: the engine's restart policy waits.
    Restarting,
    /// Being removed.
    Removing,
    /// Its main process ended.
    Exited,
    /// The engine failed to remove or start it.
    Dead,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(ContainerState {
    Created => "created", Running => "running", Paused => "paused", Restarting => "restarting",
    Removing => "removing", Exited => "exited", Dead => "dead", Unknown => "unknown",
});

/// The verdict of a container's `HEALTHCHECK`. A container without one has no verdict (`None`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum ContainerHealth {
    /// Within its start period, no verdict yet.
    Starting,
    /// The last check passed.
    Healthy,
    /// As many checks in a row failed as the container's settings allow.
    Unhealthy,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(ContainerHealth {
    Starting => "starting", Healthy => "healthy", Unhealthy => "unhealthy", Unknown => "unknown",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_and_wire_word_are_the_same_and_new_words_are_survived() {
        for reason in ProbeFailure::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for reason in NotReady::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        for state in ContainerState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(serde_json::from_str::<NotReady>("\"on_fire\"").unwrap(), NotReady::Unknown);
    }
}
