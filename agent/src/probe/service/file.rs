//! Reads a certificate file on a thread of its own.
//!
//! A file system that hangs (a dead network mount) costs one thread in all, however often the
//! probe is made: the next attempt waits for the read that hangs. The thread is not the
//! runtime's, which would wait for it when the process is to end.

use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;
use usher_common::rt::files::{ReadError, read_text};
use usher_common::wire::ProbeFailure;

use super::super::certificate;
use super::super::reading::{Failed, Reading};

/// The reads of one path, one at a time.
#[derive(Debug, Default)]
pub(super) struct Reader {
    running: Option<oneshot::Receiver<Result<String, ReadError>>>,
}

impl Reader {
    /// Reads the certificate at `path`, which must be the same for every call.
    pub(super) async fn read(
        &mut self,
        path: &Path,
        deadline: Duration,
        cap: u64,
    ) -> Result<Reading, Failed> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => start(path, cap)?,
        };
        match tokio::time::timeout(deadline, &mut running).await {
            Err(_) => {
                self.running = Some(running);
                Err(Failed::new(ProbeFailure::Timeout, format!("reading {} hangs", path.display())))
            }
            Ok(Err(_)) => Err(Failed::new(ProbeFailure::Io, "the reading thread ended without a word")),
            Ok(Ok(Err(error))) => Err(Failed::new(reason(&error), error.to_string())),
            Ok(Ok(Ok(text))) => certificate::from_pem(text.as_bytes()).map(Reading::Certificate),
        }
    }
}

fn start(path: &Path, cap: u64) -> Result<oneshot::Receiver<Result<String, ReadError>>, Failed> {
    let (done, running) = oneshot::channel();
    let path = path.to_owned();
    let read = move || drop(done.send(read_text(&path, cap))); // nobody listens when the path changed
    std::thread::Builder::new()
        .name("certificate".to_owned())
        .spawn(read)
        .map_err(|error| Failed::new(ProbeFailure::Io, format!("no thread to read with: {error}")))?;
    Ok(running)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_hangs_is_waited_for_and_not_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        // A pipe without a writer hangs its reader at the opening, as a dead mount does.
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut reader = Reader::default();
        let short = Duration::from_millis(20);
        for _ in 0..3 {
            let error = reader.read(&path, short, 1 << 20).await.unwrap_err();
            assert_eq!(error.reason, ProbeFailure::Timeout);
        }
        let made = rcgen::generate_simple_self_signed(vec!["vm1".into()]).unwrap();
        std::fs::write(&path, made.cert.pem()).unwrap(); // one writer for the one reader
        let reading = reader.read(&path, Duration::from_secs(30), 1 << 20).await;
        assert!(matches!(reading, Ok(Reading::Certificate(_))), "{reading:?}");
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_missing_and_one_of_garbage_malformed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cert.pem");
        let read = async |cap| {
            let reading = Reader::default().read(&path, Duration::from_secs(30), cap).await;
            reading.unwrap_err().reason
        };
        assert_eq!(read(100).await, ProbeFailure::Missing);
        std::fs::write(&path, "no certificate").unwrap();
        assert_eq!(read(100).await, ProbeFailure::Malformed);
        assert_eq!(read(5).await, ProbeFailure::TooLarge);
    }
}
