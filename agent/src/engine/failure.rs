//! Why the engine does not answer, as a closed reason and a detail.

use std::error::Error as _;
use std::io;

use bollard::errors::Error;
use usher_common::wire::ProbeFailure;

/// The engine did not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct EngineFailure {
    /// The closed reason.
    pub reason: ProbeFailure,
    /// What exactly happened.
    pub detail: String,
    /// The HTTP status, where the engine answered and said no.
    pub status: Option<u16>,
}

impl EngineFailure {
    /// A failure with its detail.
    pub fn new(reason: ProbeFailure, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), status: None }
    }

    /// Whether the thing asked about does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.status == Some(404)
    }

    /// Whether something stands in the way: a name in use, a removal under way.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status == Some(409)
    }
}

impl From<Error> for EngineFailure {
    fn from(error: Error) -> Self {
        let reason = match &error {
            Error::SocketNotFoundError(_) => ProbeFailure::Missing,
            Error::RequestTimeoutError => ProbeFailure::Timeout,
            Error::DockerResponseServerError { .. } => ProbeFailure::Status,
            Error::JsonDataError { .. } | Error::JsonSerdeError { .. } => ProbeFailure::Malformed,
            Error::IOError { err } => of_io(err),
            _ => io_cause(&error).map_or(ProbeFailure::Io, of_io),
        };
        match error {
            Error::DockerResponseServerError { status_code, message } => {
                Self { reason, detail: message, status: Some(status_code) }
            }
            Error::DockerStreamError { error } => Self::new(reason, error),
            error => Self::new(reason, error.to_string()),
        }
    }
}

fn of_io(error: &io::Error) -> ProbeFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ProbeFailure::Refused,
        io::ErrorKind::NotFound => ProbeFailure::Missing,
        io::ErrorKind::PermissionDenied => ProbeFailure::Denied,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            ProbeFailure::Reset
        }
        _ => ProbeFailure::Io,
    }
}

fn io_cause(error: &Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref() {
            return Some(io);
        }
        cause = inner.source();
    }
    None
}
