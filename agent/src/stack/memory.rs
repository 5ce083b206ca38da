//! What the engine cannot remember for us, in one small file of the project's folder.
//!
//! Losing it harms little: a container that was rolled back gets the restart policy that the files say now, and what
//! failed is tried once more.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use usher_common::rt::files::{ReadError, SMALL_FILE_MAX, read_text};

use super::failure::{Failure, Reason};
use crate::compose::desired::Restart;

const NAME: &str = ".usher-agent.json";

/// The notes on one project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    path: PathBuf,
    notes: Notes,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Notes {
    /// Restart policies of containers that wait to be replaced for good, by container id.
    restart: BTreeMap<String, Restart>,
    /// Spec hashes whose containers did not come up, and why.
    failed: BTreeMap<String, Reason>,
    /// Containers that are to be restarted with a service that is being replaced, by container id.
    owed: BTreeMap<String, String>,
}

impl Memory {
    /// Reads the notes; a missing or broken file is an empty one (and a broken one is told in the log).
    #[must_use]
    pub fn load(directory: &Path) -> Self {
        let path = directory.join(NAME);
        let notes = match read_text(&path, SMALL_FILE_MAX) {
            Ok(text) => serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "the notes on the stack are not understood and begin anew");
                Notes::default()
            }),
            Err(ReadError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => Notes::default(),
            Err(error) => {
                tracing::warn!(%error, "the notes on the stack begin anew");
                Notes::default()
            }
        };
        Self { path, notes }
    }

    /// What a container's restart policy was before it was taken away.
    #[must_use]
    pub fn restart_of(&self, id: &str) -> Option<Restart> {
        self.notes.restart.get(id).copied()
    }

    /// Spec hashes whose containers did not come up, and why: for `Policy::failed`.
    #[must_use]
    pub fn failed(&self) -> &BTreeMap<String, Reason> {
        &self.notes.failed
    }

    /// Notes a restart policy before it is taken away; a policy noted earlier stays.
    pub fn note_restart(&mut self, id: &str, restart: Restart) -> Result<(), Failure> {
        if self.notes.restart.contains_key(id) {
            return Ok(());
        }
        self.notes.restart.insert(id.to_owned(), restart);
        self.store()
    }

    /// Forgets a restart policy that was given back or whose container is gone.
    pub fn forget_restart(&mut self, id: &str) -> Result<(), Failure> {
        if self.notes.restart.remove(id).is_none() {
            return Ok(());
        }
        self.store()
    }

    /// The service with whose replacement a container is still to be restarted.
    #[must_use]
    pub fn owed(&self, id: &str) -> Option<&str> {
        self.notes.owed.get(id).map(String::as_str)
    }

    /// Notes the restarts that a plan ends in, before it begins: (container id, service it is restarted with).
    pub fn note_owed<'a>(&mut self, owed: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), Failure> {
        let before = self.notes.owed.len();
        self.notes.owed.extend(owed.map(|(id, service)| (id.to_owned(), service.to_owned())));
        if self.notes.owed.len() == before { Ok(()) } else { self.store() }
    }

    /// Forgets a restart that is done, or whose container is gone.
    pub fn forget_owed(&mut self, id: &str) -> Result<(), Failure> {
        if self.notes.owed.remove(id).is_none() {
            return Ok(());
        }
        self.store()
    }

    /// Notes that a container of this spec did not come up.
    pub fn note_failed(&mut self, spec_hash: &str, reason: Reason) -> Result<(), Failure> {
        self.notes.failed.insert(spec_hash.to_owned(), reason);
        self.store()
    }

    /// Forgets what failed: the operator asks again, or it came up after all.
    pub fn forget_failed(&mut self) -> Result<(), Failure> {
        if self.notes.failed.is_empty() {
            return Ok(());
        }
        self.notes.failed.clear();
        self.store()
    }

    /// Whole or not at all: a new file in the old one's place.
    fn store(&self) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&self.notes).expect("names and words are JSON");
        let fresh = self.path.with_extension("json.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, &self.path)
        };
        write()
            .map_err(|error| Failure::new(Reason::State, self.path.display().to_string(), error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_outlive_the_process_and_the_first_policy_noted_counts() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = Memory::load(dir.path());
        memory.note_restart("a", Restart::OnFailure(3)).unwrap();
        memory.note_restart("a", Restart::No).unwrap();
        memory.note_failed("1:00", Reason::Unhealthy).unwrap();
        let mut again = Memory::load(dir.path());
        assert_eq!(again, memory);
        assert_eq!(again.restart_of("a"), Some(Restart::OnFailure(3)));
        again.forget_restart("a").unwrap();
        again.note_owed([("b", "db")].into_iter()).unwrap();
        assert_eq!(Memory::load(dir.path()).owed("b"), Some("db"));
        again.forget_owed("b").unwrap();
        again.forget_failed().unwrap();
        assert_eq!(Memory::load(dir.path()), Memory { path: dir.path().join(NAME), ..Memory::default() });
        std::fs::write(dir.path().join(NAME), "{").unwrap();
        assert!(Memory::load(dir.path()).failed().is_empty());
    }
}
