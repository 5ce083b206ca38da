//! Files, read whole with a cap, and with the path in every error.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Largest configuration or token file that is read, bytes.
pub const SMALL_FILE_MAX: u64 = 1 << 20;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system said no.
    #[error("cannot read {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// It is larger than the cap.
    #[error("{} is larger than {cap} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The cap.
        cap: u64,
    },
    /// It is not UTF-8.
    #[error("{} is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// It holds no token.
    #[error("{} holds no token: put one line of at least {TOKEN_MIN} characters there, for example from `openssl rand -hex 32`", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
}

/// Shortest token that is taken, characters: below that, guessing becomes practical.
pub const TOKEN_MIN: usize = 16;

/// Reads a text file of at most `cap` bytes.
pub fn read_text(path: &Path, cap: u64) -> Result<String, ReadError> {
    let io = |error| ReadError::Io { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(cap + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > cap {
        return Err(ReadError::TooLarge { path: path.to_owned(), cap });
    }
    String::from_utf8(bytes).map_err(|_| ReadError::NotText { path: path.to_owned() })
}

/// Reads tokens, one a line; blank lines and `#` comments are passed over. Several
/// tokens are valid at once, so that one can be replaced without a gap.
pub fn read_tokens(path: &Path) -> Result<Vec<String>, ReadError> {
    let text = read_text(path, SMALL_FILE_MAX)?;
    let tokens: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if tokens.is_empty() || tokens.iter().any(|token| token.chars().count() < TOKEN_MIN) {
        return Err(ReadError::NoToken { path: path.to_owned() });
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_file_may_hold_several_but_none_too_short() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_tokens(&path)
        };
        assert_eq!(read("# old\n0123456789abcdef\n\n fedcba9876543210 \n").unwrap().len(), 2);
        assert!(matches!(read("short\n"), Err(ReadError::NoToken { .. })));
        assert!(matches!(read(""), Err(ReadError::NoToken { .. })));
        assert!(matches!(read_text(&path.join("x"), 10), Err(ReadError::Io { .. })));
        std::fs::write(&path, "x".repeat(11)).unwrap();
        assert!(matches!(read_text(&path, 10), Err(ReadError::TooLarge { .. })));
    }
}
