//! What the agent does to its stack, in closed words: labels, API words and log fields at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::open_words;
use crate::words;

/// What is the matter with a service that the agent helps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum Illness {
    /// Its container does not exist.
    Missing,
    /// Its container was made and never started.
    NotStarted,
    /// Its main process ended by itself and says that all is well (exit code 0).
    Ended,
    /// Its main process ended by itself with an error.
    Crashed,
    /// The kernel killed its main process for want of memory.
    OutOfMemory,
    /// Somebody killed its main process (`docker kill`, a signal); not the agent.
    Killed,
    /// The health check of its container fails.
    Unhealthy,
    /// It runs, and the agent's own probes of it fail again and again.
    Unresponsive,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(Illness {
    Missing => "missing", NotStarted => "not_started", Ended => "ended", Crashed => "crashed",
    OutOfMemory => "out_of_memory", Killed => "killed", Unhealthy => "unhealthy",
    Unresponsive => "unresponsive", Unknown => "unknown",
});

/// Why the agent leaves something of its stack as it is although it is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum StackHold {
    /// The operator stopped it; starting it by hand or a deployment ends that.
    StoppedByOperator,
    /// People are in conferences on it, or nobody knows whether they are.
    Conferences,
    /// Somebody else changed the project a moment ago.
    ForeignActivity,
    /// It was helped up a moment ago; the next try comes later.
    Backoff,
    /// It was helped up as often as the settings allow within an hour.
    GaveUp,
    /// The host is the cause: its disk is full, or everything on it fails at once.
    Host,
    /// Something it depends on is ill and is helped first.
    Dependency,
    /// It is not what the files say; a deployment would replace it.
    AwaitsDeployment,
    /// This very replacement failed before.
    FailedBefore,
    /// Somebody made it by hand from other settings.
    Drift,
    /// Something it needs belongs to somebody else or is not there.
    Blocked,
    /// Its service is gone from the files.
    Orphan,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(StackHold {
    StoppedByOperator => "stopped_by_operator", Conferences => "conferences",
    ForeignActivity => "foreign_activity", Backoff => "backoff", GaveUp => "gave_up", Host => "host",
    Dependency => "dependency", AwaitsDeployment => "awaits_deployment", FailedBefore => "failed_before",
    Drift => "drift", Blocked => "blocked", Orphan => "orphan", Unknown => "unknown",
});

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum DeployPhase {
    /// Taken on; nothing done yet.
    Requested,
    /// The images are fetched; the old version serves.
    Pulling,
    /// Waits for conferences to end; the old version serves.
    Draining,
    /// Containers are replaced, one service after the other.
    Replacing,
    /// Everything is replaced and has to prove itself.
    Verifying,
    /// The new version serves. The end.
    Done,
    /// Given up before anything was replaced; the old version serves. The end.
    Failed,
    /// On the way back to the version before.
    RollingBack,
    /// The version before serves again. The end.
    RolledBack,
    /// The version before does not come up either: a human is needed. The end.
    Stuck,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(DeployPhase {
    Requested => "requested", Pulling => "pulling", Draining => "draining", Replacing => "replacing",
    Verifying => "verifying", Done => "done", Failed => "failed", RollingBack => "rolling_back",
    RolledBack => "rolled_back", Stuck => "stuck", Unknown => "unknown",
});

impl DeployPhase {
    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::RolledBack | Self::Stuck)
    }
}

/// Why a deployment did not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum DeployReason {
    /// The compose files with the new settings are not understood.
    FilesInvalid,
    /// The registry does not let us in.
    PullUnauthorized,
    /// The registry has no such image.
    PullMissing,
    /// The registry says that we ask too often.
    PullRateLimited,
    /// An image could not be fetched for another reason.
    PullFailed,
    /// There is no room on the disk.
    DiskFull,
    /// The Docker engine does not answer.
    EngineDown,
    /// Conferences did not end in time, and were not to be interrupted.
    Conferences,
    /// A container ended instead of staying up.
    Exited,
    /// The health check of a container fails.
    Unhealthy,
    /// Jitsi's own probes fail.
    Unresponsive,
    /// It was not up and well in time.
    Deadline,
    /// Something needed belongs to somebody else or is not there.
    Blocked,
    /// A step failed in another way.
    StepFailed,
    /// The operator asked to go back.
    Asked,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(DeployReason {
    FilesInvalid => "files_invalid", PullUnauthorized => "pull_unauthorized", PullMissing => "pull_missing",
    PullRateLimited => "pull_rate_limited", PullFailed => "pull_failed", DiskFull => "disk_full",
    EngineDown => "engine_down", Conferences => "conferences", Exited => "exited", Unhealthy => "unhealthy",
    Unresponsive => "unresponsive", Deadline => "deadline", Blocked => "blocked",
    StepFailed => "step_failed", Asked => "asked", Unknown => "unknown",
});

/// What the agent does about its stack; `None` in the report when it only watches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Upkeep {
    /// Whether everything is as the last deployment left it; `None` until that was looked at.
    #[serde(default)]
    pub settled: Option<bool>,
    /// What is left as it is, and why.
    #[serde(default)]
    pub holds: Vec<HeldService>,
    /// How often a service was helped up since the agent started.
    #[serde(default)]
    pub heals: u64,
    /// The newest help.
    #[serde(default)]
    pub last_heal: Option<Heal>,
    /// The newest deployment.
    #[serde(default)]
    pub deployment: Option<Deployment>,
}

/// Something that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldService {
    /// The service, container or network.
    pub subject: String,
    /// Why.
    pub reason: StackHold,
}

/// A service was helped up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heal {
    /// Which.
    pub service: String,
    /// What was the matter.
    pub reason: Illness,
    /// When, milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// A deployment in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deployment {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub phase: DeployPhase,
    /// Why it did not end well; `None` as long as it goes well.
    #[serde(default)]
    pub reason: Option<DeployReason>,
    /// Since when it is in this phase, milliseconds since the Unix epoch.
    pub since_unix_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_and_wire_word_are_the_same() {
        for word in Illness::ALL {
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
        }
        for word in StackHold::ALL {
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
        }
        for word in DeployPhase::ALL {
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
        }
        for word in DeployReason::ALL {
            assert_eq!(serde_json::to_value(word).unwrap(), word.as_str());
        }
    }
}
