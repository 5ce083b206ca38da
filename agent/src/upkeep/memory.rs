//! What upkeep must not forget when the agent restarts: who was stopped by the operator, who was
//! helped and when, and until when it listened.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use usher_common::rt::files::{ReadError, SMALL_FILE_MAX, read_text};

use super::heals::Heals;
use crate::operator::write_synced;

const FILE: &str = "upkeep.json";

/// The file and what is in it.
#[derive(Debug)]
pub struct Memory {
    directory: PathBuf,
    notes: Notes,
}

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// Services that the operator stopped, and when, milliseconds since the Unix epoch.
    pub stopped: BTreeMap<String, u64>,
    /// Until when events were heard; `None`: never.
    pub heard_unix_ms: Option<u64>,
    /// Since when we were at work when this was written: what happened since was us.
    pub working_unix_ms: Option<u64>,
    /// When services were helped: an agent that crashes along with one must not help it for ever.
    pub heals: Heals,
}

impl Memory {
    /// Reads the notes; without a readable file they begin anew, and every service that is down is taken for fallen.
    #[must_use]
    pub fn load(directory: &Path) -> Self {
        let path = directory.join(FILE);
        let read = match read_text(&path, SMALL_FILE_MAX) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| error.to_string()),
            Err(ReadError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Notes::default())
            }
            Err(error) => Err(error.to_string()),
        };
        let notes = read.unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), error, "the notes of upkeep cannot be read and begin anew");
            Notes::default()
        });
        Self { directory: directory.to_owned(), notes }
    }

    /// What was kept last.
    #[must_use]
    pub const fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Keeps new notes, synced, unless they are the same.
    pub fn keep(&mut self, notes: Notes) {
        if notes == self.notes {
            return;
        }
        let text = serde_json::to_string_pretty(&notes).expect("notes are plain data");
        match write_synced(&self.directory, FILE, text.as_bytes()) {
            Ok(()) => self.notes = notes,
            // The next keeping tries again; meanwhile a restart would start what the operator stopped.
            Err(error) => {
                tracing::error!(directory = %self.directory.display(), %error, "upkeep cannot keep its notes");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_after_a_restart_and_a_broken_file_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let mut heals = Heals::default();
        heals.note("jvb", 5);
        let notes = Notes { stopped: [("web".to_owned(), 7)].into(), heals, ..Notes::default() };
        Memory::load(dir.path()).keep(notes.clone());
        assert_eq!(*Memory::load(dir.path()).notes(), notes);
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert_eq!(*Memory::load(dir.path()).notes(), Notes::default());
    }
}
