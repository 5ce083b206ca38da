//! The operator's wish (ready, drain, maint), kept on disk so that it survives
//! restarts: it is written and synced before anybody is told that it holds.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tokio::sync::watch;
use usher_common::rt::files::{ReadError, SMALL_FILE_MAX, read_text};
use usher_common::wire::{OperatorMode, OperatorState};

const FILE: &str = "operator.json";

/// Why a wish could not be kept. The old one holds on.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {error}; the state was not changed. Make room or mend the rights there", path.display())]
pub struct KeepError {
    path: PathBuf,
    error: io::Error,
}

/// The wish, its file, and everybody who looks at it.
#[derive(Debug)]
pub struct Operator {
    directory: PathBuf,
    published: watch::Sender<OperatorState>,
    writing: tokio::sync::Mutex<()>,
}

impl Operator {
    /// Reads the wish from `directory`. No file means a new node, which is ready. A file
    /// that cannot be read means that we do not know whether the operator drained the
    /// node: then it drains, says so, and the file is kept for a human to look at.
    #[must_use]
    pub fn load(directory: &Path) -> Self {
        let path = directory.join(FILE);
        let state = match read_text(&path, SMALL_FILE_MAX) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|error| unreadable(&path, &error)),
            Err(ReadError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                OperatorState::default()
            }
            Err(error) => unreadable(&path, &error),
        };
        let (published, _) = watch::channel(state);
        Self { directory: directory.to_owned(), published, writing: tokio::sync::Mutex::new(()) }
    }

    /// The wish now.
    #[must_use]
    pub fn now(&self) -> OperatorState {
        self.published.borrow().clone()
    }

    /// Follows the wish.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<OperatorState> {
        self.published.subscribe()
    }

    /// Keeps a new wish: on disk and synced first, then in force.
    pub async fn set(&self, state: OperatorState) -> Result<(), KeepError> {
        let _one_at_a_time = self.writing.lock().await;
        let directory = self.directory.clone();
        let text = serde_json::to_string_pretty(&state).expect("the state is plain data");
        let written =
            tokio::task::spawn_blocking(move || write_synced(&directory, FILE, text.as_bytes())).await;
        written
            .unwrap_or_else(|panic| Err(io::Error::other(panic)))
            .map_err(|error| KeepError { path: self.directory.join(FILE), error })?;
        self.published.send_replace(state);
        Ok(())
    }
}

fn unreadable(path: &Path, error: &dyn std::error::Error) -> OperatorState {
    tracing::error!(path = %path.display(), %error, "the operator state cannot be read: draining until it is set again");
    OperatorState {
        mode: OperatorMode::Drain,
        who: Some("usher-agent".to_owned()),
        why: Some(format!("{} cannot be read ({error}); set the state again", path.display())),
        ..OperatorState::default()
    }
}

/// Writes a file so that after a crash at any moment it holds the old text or the new,
/// whole: temporary file, sync, rename, sync of the directory.
pub(crate) fn write_synced(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let temporary = directory.join(format!(".{name}.new"));
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(name))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained() -> OperatorState {
        OperatorState {
            mode: OperatorMode::Drain,
            why: Some("kernel update".into()),
            ..OperatorState::default()
        }
    }

    #[tokio::test]
    async fn a_wish_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let operator = Operator::load(dir.path());
        assert_eq!(operator.now().mode, OperatorMode::Ready);
        operator.set(drained()).await.unwrap();
        assert_eq!(Operator::load(dir.path()).now(), drained());
    }

    #[tokio::test]
    async fn a_wish_that_cannot_be_written_does_not_come_into_force() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let operator = Operator::load(&file.join("below"));
        let error = operator.set(drained()).await.expect_err("was written");
        assert!(error.to_string().contains("the state was not changed"));
    }

    #[test]
    fn an_unreadable_wish_drains_and_is_not_lost() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "{ half").unwrap();
        let state = Operator::load(dir.path()).now();
        assert_eq!(state.mode, OperatorMode::Drain);
        assert!(state.why.unwrap().contains("cannot be read"));
        assert_eq!(std::fs::read_to_string(dir.path().join(FILE)).unwrap(), "{ half");
    }
}
