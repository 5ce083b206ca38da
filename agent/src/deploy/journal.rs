//! Deployments on disk: `state_dir/deployments/<id>.json`, one file each, written whole or not at all.
//!
//! They hold passwords (the texts of `.env` files), so they are for the agent's user only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use usher_common::rt::files::read_text;

use super::job::{Job, Release};
use crate::stack::{Lock, LockError};

const DIRECTORY: &str = "deployments";
/// The release that was last seen to run as its files say.
const SETTLED: &str = "settled.json";
/// Compose files and `.env` of docker-jitsi-meet are below 100 kB together.
const MOST_BYTES: u64 = 32 << 20;

/// Why deployments cannot be kept or looked at. One that cannot be kept is not begun, or not gone on with.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the records of deployments in {}: {error}; make room or mend the rights there", path.display())]
pub struct JournalError {
    path: PathBuf,
    error: io::Error,
}

/// The deployments of this node.
#[derive(Debug, Clone)]
pub struct Journal {
    directory: PathBuf,
}

impl Journal {
    /// The journal in a state directory; made when the first deployment is.
    #[must_use]
    pub fn new(state_dir: &Path) -> Self {
        Self { directory: state_dir.join(DIRECTORY) }
    }

    /// The right to work on deployments: of all who share a journal, one does, for as long as it has this.
    pub fn claim(&self, who: &str) -> Result<Lock, LockError> {
        let failed = |error| LockError::Io { path: self.directory.clone(), error };
        fs::create_dir_all(&self.directory).map_err(failed)?;
        Lock::take(&self.directory, who)
    }

    /// Whether the deployments can be looked at; a journal that nobody wrote to yet can.
    pub fn check_readable(&self) -> Result<(), JournalError> {
        match fs::read_dir(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(JournalError { path: self.directory.clone(), error })
            }
            _ => Ok(()),
        }
    }

    /// All deployments, newest first. One that cannot be read is told and left for a human to look at.
    #[must_use]
    pub fn all(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.names().iter().filter_map(|name| self.read(name)).collect();
        jobs.sort_by(|a, b| b.id.cmp(&a.id));
        jobs
    }

    /// Keeps a deployment as it is now: on return it is on the disk.
    pub fn keep(&self, job: &Job) -> Result<(), JournalError> {
        self.write(&format!("{}.json", job.id), job)
    }

    /// Removes the oldest finished deployments beyond `most`.
    pub fn thin_out(&self, most: usize) {
        for job in self.all().iter().skip(most).filter(|job| job.phase.is_final()) {
            let path = self.directory.join(format!("{}.json", job.id));
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "an old deployment cannot be removed");
            }
        }
    }

    /// The release that last ran as its files say.
    #[must_use]
    pub fn settled(&self) -> Option<Release> {
        self.directory.join(SETTLED).exists().then(|| self.read(SETTLED)).flatten()
    }

    /// Notes that a release runs as its files say.
    pub fn keep_settled(&self, release: &Release) -> Result<(), JournalError> {
        self.write(SETTLED, release)
    }

    fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.directory) else { return Vec::new() };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let job = |name: &String| name.ends_with(".json") && name != SETTLED && !name.starts_with('.');
        names.filter(job).collect()
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.directory.join(name);
        let told = |error: &dyn std::error::Error| {
            tracing::error!(path = %path.display(), %error, "a deployment's record cannot be read");
        };
        let text = read_text(&path, MOST_BYTES).inspect_err(|error| told(error)).ok()?;
        serde_json::from_str(&text).inspect_err(|error| told(error)).ok()
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), JournalError> {
        let path = self.directory.join(name);
        let text = serde_json::to_vec_pretty(value).expect("a record is plain data");
        write_private(&self.directory, name, &text).map_err(|error| JournalError { path, error })
    }
}

/// Writes a file that only its owner reads, so that after a crash it holds the old text or the new, whole.
pub(crate) fn write_private(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let temporary = directory.join(format!(".{name}.new"));
    // One that a crash left may have other rights.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(name))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use usher_common::wire::DeployPhase;

    use super::super::job::{Goal, Wanted};
    use super::*;

    fn job(id: &str, phase: DeployPhase) -> Job {
        Job { phase, ..Job::new(id.into(), Wanted::default(), Goal::Set, Release::default(), 1) }
    }

    #[test]
    fn what_was_kept_is_read_newest_first_and_only_by_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path());
        assert!(journal.all().is_empty() && journal.settled().is_none());
        for id in ["1-a", "3-c", "2-b"] {
            journal.keep(&job(id, DeployPhase::Done)).unwrap();
        }
        let ids: Vec<String> = journal.all().into_iter().map(|job| job.id).collect();
        assert_eq!(ids, ["3-c", "2-b", "1-a"]);
        let mode = fs::metadata(dir.path().join("deployments/1-a.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn old_ones_go_but_never_one_that_is_under_way() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path());
        journal.keep(&job("1-a", DeployPhase::Replacing)).unwrap();
        for id in ["2-b", "3-c", "4-d"] {
            journal.keep(&job(id, DeployPhase::Failed)).unwrap();
        }
        journal.thin_out(2);
        let ids: Vec<String> = journal.all().into_iter().map(|job| job.id).collect();
        assert_eq!(ids, ["4-d", "3-c", "1-a"]);
    }

    #[test]
    fn half_a_record_is_passed_over_and_kept_for_a_human() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path());
        journal.keep(&job("1-a", DeployPhase::Done)).unwrap();
        let half = dir.path().join("deployments/2-b.json");
        fs::write(&half, "{\"id\": \"2").unwrap();
        assert_eq!(journal.all().len(), 1);
        assert!(half.exists());
        let release = Release { files: [("/x".to_owned(), None)].into(), ..Release::default() };
        journal.keep_settled(&release).unwrap();
        assert_eq!(journal.settled(), Some(release));
    }
}
