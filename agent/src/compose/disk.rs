//! The only place of the compose engine that reads files: hands [`file::load`] what it asks for.

use std::path::Path;

use super::file::{self, Files, LoadError, Loaded, Request};

/// Why a project could not be read from disk.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The files are there and something in them is wrong.
    #[error(transparent)]
    Refused(#[from] file::place::Complaints),
    /// A file is there and cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Largest compose or env file that is read, in bytes: a hundred times the biggest of docker-jitsi-meet.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

/// Reads everything the request means from disk.
///
/// # Errors
/// See [`ReadError`].
pub fn load(request: &Request) -> Result<Loaded, ReadError> {
    let mut files = Files::default();
    loop {
        match file::load(&files, request) {
            Ok(loaded) => return Ok(loaded),
            Err(LoadError::Refused(complaints)) => return Err(complaints.into()),
            Err(LoadError::Unread(paths)) => {
                for path in paths {
                    let text = read(Path::new(&path))
                        .map_err(|source| ReadError::Io { path: path.clone(), source })?;
                    files.put(path, text);
                }
            }
        }
    }
}

fn read(path: &Path) -> std::io::Result<Option<String>> {
    use std::io::{Error, ErrorKind, Read as _};
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if file.metadata()?.is_dir() {
        return Ok(None);
    }
    let mut text = String::new();
    file.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(Error::new(ErrorKind::FileTooLarge, format!("more than {MOST_BYTES} bytes")));
    }
    Ok(Some(text))
}
