//! Reads one file of targets, and notices when it changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use usher_common::rt::files::{ReadError, SMALL_FILE_MAX, read_text};

use super::file_sd::{BadList, Syntax, parse};
use crate::target::{Target, Token};

/// Why a file gives no targets.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It does not hold a list of targets.
    #[error("{}: {error}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        error: BadList,
    },
}

/// The targets of a file; JSON, unless its name ends in `.yml` or `.yaml`.
pub fn read_file(path: &Path, token: Option<&Token>) -> Result<Vec<Target>, FileError> {
    let text = read_text(path, SMALL_FILE_MAX)?;
    let yaml = path
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("yml") || end.eq_ignore_ascii_case("yaml"));
    let syntax = if yaml { Syntax::Yaml } else { Syntax::Json };
    parse(&text, syntax, token).map_err(|error| FileError::Content { path: path.to_owned(), error })
}

/// Time of last change, length and inode: a file replaced by `mv` within one tick of the
/// clock, and of the same length, still has another inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(Option<(SystemTime, u64, u64)>);

impl Stamp {
    /// The stamp now; one of its own for a file that is not there.
    pub(super) fn of(path: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let seen = std::fs::metadata(path).ok();
        Self(seen.and_then(|m| Some((m.modified().ok()?, m.len(), m.ino()))))
    }
}
