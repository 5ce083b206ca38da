//! One worker at a time: a lock file in the project's folder, and the operator's `HOLD`.
//!
//! Compose itself takes no lock, so this keeps apart the agent and `usher-agent stack`, not a person who runs
//! `docker compose`; against that the hashes are the same, and the plan is made anew from what is there.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use usher_common::rt::files::{SMALL_FILE_MAX, read_text};

const NAME: &str = ".usher-agent.lock";
/// While a file of this name is in the project's folder, the agent only watches.
const HOLD: &str = "HOLD";

/// The right to work on a project; given up when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else works on the project.
    #[error("{holder} is working on this project ({}): wait until it is done", path.display())]
    Busy {
        /// The lock file.
        path: PathBuf,
        /// Who it says it is.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}: {error}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl Lock {
    /// Takes the lock of the project in `directory`, or says at once who has it.
    pub fn take(directory: &Path, who: &str) -> Result<Self, LockError> {
        let path = directory.join(NAME);
        let failed = |error| LockError::Io { path: path.clone(), error };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                file.take(256).read_to_string(&mut holder).map_err(failed)?;
                let holder = if holder.trim().is_empty() { "somebody" } else { holder.trim() }.to_owned();
                return Err(LockError::Busy { path, holder });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        note(&mut file, who).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Says in the file who has it.
fn note(file: &mut File, who: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{who}, process {}", std::process::id())
}

/// What the `HOLD` file says, if there is one.
#[must_use]
pub fn hold_file(directory: &Path) -> Option<String> {
    let path = directory.join(HOLD);
    if !path.exists() {
        return None;
    }
    let said = read_text(&path, SMALL_FILE_MAX)
        .map_or_else(|error| error.to_string(), |text| text.trim().to_owned());
    Some(if said.is_empty() { "no reason given".to_owned() } else { said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_to_come_is_told_who_was_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path(), "stack up").unwrap();
        let said = Lock::take(dir.path(), "agent").expect_err("took it twice").to_string();
        assert!(said.contains("stack up, process"), "{said}");
        drop(first);
        Lock::take(dir.path(), "agent").unwrap();
    }

    #[test]
    fn a_hold_file_holds_even_when_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(hold_file(dir.path()), None);
        std::fs::write(dir.path().join("HOLD"), "").unwrap();
        assert_eq!(hold_file(dir.path()).as_deref(), Some("no reason given"));
        std::fs::write(dir.path().join("HOLD"), "disk swap\n").unwrap();
        assert_eq!(hold_file(dir.path()).as_deref(), Some("disk swap"));
    }
}
