//! Why work on the stack failed: a closed reason, what it was about, and the engine's own words.

use std::fmt;

use serde::{Deserialize, Serialize};
use usher_common::wire::ProbeFailure;

use crate::engine::EngineFailure;

/// One thing that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The closed reason.
    pub reason: Reason,
    /// The image, container, network, folder or file it is about.
    pub subject: String,
    /// The container's exit code, where it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit_code: Option<i64>,
    /// What exactly happened, and what mends it.
    pub detail: String,
}

/// Gives the reasons their one spelling.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $variant:ident => $word:literal),+ $(,)?) => {
        /// Why something failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $($(#[$doc])+ $variant),+ }

        impl Reason {
            /// Every reason, for metrics that must show zeroes too.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in labels, JSON and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

reasons! {
    /// The registry wants a login, or another one.
    Unauthorized => "unauthorized",
    /// The registry knows us and says no.
    Denied => "denied",
    /// The registry has no such image or tag.
    ManifestUnknown => "manifest_unknown",
    /// The registry says that we ask too often (429).
    TooManyRequests => "too_many_requests",
    /// The registry does not answer, or its name does not resolve.
    RegistryUnreachable => "registry_unreachable",
    /// The registry answers something else.
    RegistryError => "registry_error",
    /// A pull made no progress for too long.
    Stalled => "stalled",
    /// A credential helper or file could not be used.
    Credentials => "credentials",
    /// There is no room on the engine's disk, or less than the reserve.
    DiskFull => "disk_full",
    /// The health check says so.
    Unhealthy => "unhealthy",
    /// It ended as soon as it was started.
    ExitedAtOnce => "exited_at_once",
    /// The kernel ended it for want of memory.
    OutOfMemory => "out_of_memory",
    /// It was not far enough by the deadline.
    Timeout => "timeout",
    /// Nothing answers at the engine's socket.
    EngineMissing => "engine_missing",
    /// We may not talk to the engine.
    EngineDenied => "engine_denied",
    /// The engine went in the middle, or did not answer in time.
    EngineLost => "engine_lost",
    /// The engine said no.
    EngineRefused => "engine_refused",
    /// A port of the host is taken by somebody else.
    PortInUse => "port_in_use",
    /// A container of somebody else has the name.
    NameInUse => "name_in_use",
    /// A container, image or network went while we worked.
    Gone => "gone",
    /// A folder could not be made or given to its owner.
    Folder => "folder",
    /// Our own note of the work under way could not be written.
    State => "state",
    /// The same work is due again and again.
    NoProgress => "no_progress",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.subject, self.reason, self.detail)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// A failure without an exit code.
    pub fn new(reason: Reason, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { reason, subject: subject.into(), exit_code: None, detail: detail.into() }
    }

    /// What the engine's answer to work on a container, network or volume means.
    #[must_use]
    pub fn of_engine(subject: &str, error: &EngineFailure) -> Self {
        let text = error.detail.to_lowercase();
        let port =
            ["port is already allocated", "address already in use"].iter().any(|part| text.contains(part));
        let (reason, mend) = match (error.status, error.reason) {
            (Some(_), _) if text.contains("no space left on device") => (Reason::DiskFull, ""),
            (Some(_), _) if port => (Reason::PortInUse, ""),
            (Some(404), _) => (Reason::Gone, ""),
            (Some(409), _) if text.contains("is already in use by container") => (Reason::NameInUse, ""),
            (Some(_), _) => (Reason::EngineRefused, ""),
            (None, ProbeFailure::Missing | ProbeFailure::Refused) => (
                Reason::EngineMissing,
                ": install and start Docker (systemctl start docker), or set engine.socket",
            ),
            (None, ProbeFailure::Denied) => {
                (Reason::EngineDenied, ": run as root, or as a member of the group docker")
            }
            (None, _) => (Reason::EngineLost, ""),
        };
        Self::new(reason, subject, format!("{}{mend}", error.detail))
    }

    /// What the engine's answer to a pull means: it passes on what the registry said as text.
    #[must_use]
    pub fn of_pull(image: &str, error: &EngineFailure) -> Self {
        let text = error.detail.to_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
        let of_engine = Self::of_engine(image, error);
        let reason = if has(&["no space left on device"]) {
            Reason::DiskFull
        } else if has(&["toomanyrequests", "429 too many requests", "rate limit"]) {
            Reason::TooManyRequests
        } else if has(&["no basic auth credentials", "unauthorized", "authentication required"]) {
            Reason::Unauthorized
        } else if has(&["manifest unknown", "not found", "name unknown", "repository does not exist"]) {
            Reason::ManifestUnknown
        } else if has(&["denied", "forbidden"]) {
            Reason::Denied
        } else if has(&[
            "connection refused",
            "no such host",
            "i/o timeout",
            "no route to host",
            "network is unreachable",
            "connection reset",
            "tls handshake timeout",
            "temporary failure in name resolution",
            "request canceled while waiting",
        ]) {
            Reason::RegistryUnreachable
        } else if error.reason == ProbeFailure::Timeout {
            Reason::Stalled
        } else if matches!(of_engine.reason, Reason::EngineMissing | Reason::EngineDenied) {
            return of_engine;
        } else if error.status.is_some() || error.reason == ProbeFailure::Io {
            Reason::RegistryError
        } else {
            Reason::EngineLost
        };
        Self::new(reason, image, error.detail.clone())
    }

    /// Whether the same may succeed a moment later without anybody doing something.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self.reason,
            Reason::TooManyRequests
                | Reason::RegistryUnreachable
                | Reason::RegistryError
                | Reason::Stalled
                | Reason::EngineLost
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_becomes_a_reason_that_says_whether_to_try_again() {
        let told = |status, detail: &str| {
            let mut error = EngineFailure::new(ProbeFailure::Status, detail);
            error.status = Some(status);
            let failure = Failure::of_pull("r/web:1", &error);
            (failure.reason, failure.may_pass())
        };
        let get = "Get \"https://r/v2/\": ";
        assert_eq!(
            told(500, &format!("{get}unauthorized: authentication required")),
            (Reason::Unauthorized, false)
        );
        assert_eq!(told(500, &format!("{get}no basic auth credentials")), (Reason::Unauthorized, false));
        assert_eq!(
            told(404, "manifest for r/web:1 not found: manifest unknown"),
            (Reason::ManifestUnknown, false)
        );
        assert_eq!(told(500, "denied: requested access to the resource is denied"), (Reason::Denied, false));
        assert_eq!(told(500, "toomanyrequests: slow down"), (Reason::TooManyRequests, true));
        assert_eq!(
            told(500, "dial tcp 127.0.0.1:1: connect: connection refused"),
            (Reason::RegistryUnreachable, true)
        );
        assert_eq!(
            told(500, "received unexpected HTTP status: 503 Service Unavailable"),
            (Reason::RegistryError, true)
        );
        let stream =
            EngineFailure::new(ProbeFailure::Io, "failed to register layer: no space left on device");
        assert_eq!(Failure::of_pull("r/web:1", &stream).reason, Reason::DiskFull);
    }

    #[test]
    fn what_the_engine_says_becomes_a_reason() {
        let told = |status, detail: &str| {
            let mut error = EngineFailure::new(ProbeFailure::Status, detail);
            error.status = Some(status);
            Failure::of_engine("web", &error).reason
        };
        assert_eq!(told(500, "Bind for 0.0.0.0:80 failed: port is already allocated"), Reason::PortInUse);
        assert_eq!(told(409, "The name \"/a\" is already in use by container \"b\""), Reason::NameInUse);
        assert_eq!(told(404, "No such container: a"), Reason::Gone);
        assert_eq!(told(400, "invalid mount"), Reason::EngineRefused);
        let gone = EngineFailure::new(ProbeFailure::Missing, "Socket not found: /x");
        let failure = Failure::of_engine("the Docker engine", &gone);
        assert_eq!(failure.reason, Reason::EngineMissing);
        assert!(failure.detail.contains("systemctl start docker"));
    }

    #[test]
    fn every_reason_is_written_as_its_word() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
