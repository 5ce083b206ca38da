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
}

impl EngineFailure {
    /// A failure with its detail.
    pub fn new(reason: ProbeFailure, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
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
        Self::new(reason, error.to_string())
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
