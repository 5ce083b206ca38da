//! Reads a certificate file on a thread of its own.
//!
//! A file system that hangs (a dead network mount) costs one thread in all, however often the
//! probe is made: the next attempt waits for the read that hangs.

use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;
use usher_common::rt::files::{ReadError, read_text};
use usher_common::wire::ProbeFailure;

use super::super::certificate;
use super::super::reading::{Failed, Reading};

/// The reads of one path, one at a time.
#[derive(Debug, Default)]
pub(super) struct Reader {
    running: Option<JoinHandle<Result<String, ReadError>>>,
}

impl Reader {
    /// Reads the certificate at `path`, which must be the same for every call.
    pub(super) async fn read(
        &mut self,
        path: &Path,
        deadline: Duration,
        cap: u64,
    ) -> Result<Reading, Failed> {
        let mut running = self.running.take().unwrap_or_else(|| {
            let path = path.to_owned();
            tokio::task::spawn_blocking(move || read_text(&path, cap))
        });
        match tokio::time::timeout(deadline, &mut running).await {
            Err(_) => {
                self.running = Some(running);
                Err(Failed::new(ProbeFailure::Timeout, format!("reading {} hangs", path.display())))
            }
            Ok(Err(error)) => Err(Failed::new(ProbeFailure::Io, error.to_string())),
            Ok(Ok(Err(error))) => Err(Failed::new(reason(&error), error.to_string())),
            Ok(Ok(Ok(text))) => certificate::from_pem(text.as_bytes()).map(Reading::Certificate),
        }
    }
}

fn reason(error: &ReadError) -> ProbeFailure {
    match error {
        ReadError::Io { error, .. } => match error.kind() {
            std::io::ErrorKind::NotFound => ProbeFailure::Missing,
            std::io::ErrorKind::PermissionDenied => ProbeFailure::Denied,
            _ => ProbeFailure::Io,
        },
        ReadError::TooLarge { .. } => ProbeFailure::TooLarge,
        ReadError::NotText { .. } | ReadError::NoToken { .. } => ProbeFailure::Malformed,
    }
}
