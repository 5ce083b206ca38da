//! Why a collector has nothing to show.

use std::io;
use std::path::{Path, PathBuf};

use procfs::ProcError;
use usher_common::wire::ProbeFailure;

/// Why a collector has nothing to show, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The machine has nothing of this kind. Not a fault.
    #[error("no data: {path} does not exist")]
    NoData {
        /// What was looked for.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file says what we do not understand.
    #[error("understand {path}: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        what: String,
    },
    /// A system call failed.
    #[error("call {call}: {source}")]
    Call {
        /// Its name.
        call: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// A defect of ours: the collector panicked.
    #[error("panicked after reading {last_file}: {message}")]
    Panicked {
        /// The file read last.
        last_file: PathBuf,
        /// The panic's own words.
        message: String,
    },
}

impl CollectError {
    /// The word for labels and reports.
    #[must_use]
    pub fn reason(&self) -> ProbeFailure {
        match self {
            Self::NoData { .. } => ProbeFailure::Missing,
            Self::Read { source, .. } | Self::Call { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => ProbeFailure::Denied,
                io::ErrorKind::NotFound => ProbeFailure::Missing,
                io::ErrorKind::TimedOut => ProbeFailure::Timeout,
                io::ErrorKind::FileTooLarge => ProbeFailure::TooLarge,
                _ => ProbeFailure::Io,
            },
            Self::Malformed { .. } | Self::Panicked { .. } => ProbeFailure::Malformed,
        }
    }

    /// Whether the machine merely has nothing of this kind.
    #[must_use]
    pub fn is_no_data(&self) -> bool {
        matches!(self, Self::NoData { .. })
    }

    /// The error of a failed read: what does not exist is no data.
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::NotFound {
            Self::NoData { path }
        } else {
            Self::Read { path, source }
        }
    }
}

/// What is wrong with a text. Parsers do not know where their text came from: the
/// caller adds it with [`Self::at`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled(pub(super) String);

impl Garbled {
    pub(super) fn at(self, path: PathBuf) -> CollectError {
        CollectError::Malformed { path, what: self.0 }
    }
}

impl From<ProcError> for Garbled {
    fn from(error: ProcError) -> Self {
        Self(match error {
            ProcError::Incomplete(_) => "a field is missing".to_owned(),
            ProcError::InternalError(inner) => inner.msg,
            other => other.to_string(),
        })
    }
}
