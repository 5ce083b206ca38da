//! What the stack's `.env` says of the node: its project's name and its public URL.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use usher_common::rt::files::{ReadError, SMALL_FILE_MAX, read_text};

use crate::compose::file::dotenv::{self, DotenvError};

/// Why the `.env` says nothing.
#[derive(Debug, thiserror::Error)]
pub enum StackEnvError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is not understood.
    #[error("{path}: {error}")]
    Parse {
        /// The file.
        path: String,
        /// What is wrong.
        error: DotenvError,
    },
}

/// The variables of `.env` in `directory`, by compose's rules; those of the agent's own
/// environment have no say, since it differs from the one a person runs compose in.
pub fn read(directory: &Path) -> Result<BTreeMap<String, String>, StackEnvError> {
    let path = directory.join(".env");
    let text = read_text(&path, SMALL_FILE_MAX)?;
    let (mut variables, mut unset) = (BTreeMap::new(), BTreeSet::new());
    dotenv::read(&text, &|_| None, &mut variables, &mut unset)
        .map_err(|error| StackEnvError::Parse { path: path.display().to_string(), error })?;
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_compose_expands_them() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(read(dir.path()), Err(StackEnvError::Read(_))));
        let text = "HTTPS_PORT=8443\nPUBLIC_URL=https://meet.example.org:${HTTPS_PORT} # ours\nCOMPOSE_PROJECT_NAME='meet'\n";
        std::fs::write(dir.path().join(".env"), text).unwrap();
        let variables = read(dir.path()).unwrap();
        assert_eq!(variables["PUBLIC_URL"], "https://meet.example.org:8443");
        assert_eq!(variables["COMPOSE_PROJECT_NAME"], "meet");
        std::fs::write(dir.path().join(".env"), "A=\"open\n").unwrap();
        assert!(read(dir.path()).expect_err("was taken").to_string().contains(".env: line 1"));
    }
}
