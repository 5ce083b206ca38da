//! Changing `.env` as a careful person would: one line, everything else as it was, whole or not at all.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::Path;

use usher_common::rt::files::{ReadError, SMALL_FILE_MAX, read_text};

/// Why the file was not changed.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// The text with these variables set: in their last line where they have one, at the end where not. Comments, order
/// and every other line stay.
#[must_use]
pub fn set_variables(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (name, value) in variables {
        let line = format!("{name}={}", written(value));
        match lines.iter().rposition(|line| sets(line, name)) {
            Some(at) => lines[at] = line,
            None => lines.push(line),
        }
    }
    let mut out = lines.join("\n");
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// Sets variables in the file at `path`, which keeps its owner and mode; made when it is missing.
pub fn persist(path: &Path, variables: &BTreeMap<String, String>) -> Result<(), EnvFileError> {
    let text = match read_text(path, SMALL_FILE_MAX) {
        Ok(text) => text,
        Err(ReadError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    replace(path, &set_variables(&text, variables))
}

/// Puts a text in a file's place, whole or not at all, with the owner and mode of the one before.
pub fn replace(path: &Path, text: &str) -> Result<(), EnvFileError> {
    let write = || -> io::Result<()> {
        // A link stays a link.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let before = std::fs::metadata(&path).ok();
        let fresh = path
            .with_file_name(format!("{}.usher-new", path.file_name().unwrap_or_default().to_string_lossy()));
        let mode = before.as_ref().map_or(0o600, |meta| meta.mode() & 0o7777);
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        if let Some(meta) = before {
            chown(&fresh, Some(meta.uid()), Some(meta.gid()))?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(|error| EnvFileError::Write { path: path.to_owned(), error })
}

/// Whether a line sets a variable, by compose's rules.
fn sets(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['=', ':']))
}

/// A value as compose reads it back unchanged: bare where that is safe, else in single quotes, in which nothing is
/// expanded.
fn written(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@+%=".contains(c);
    if value.chars().all(safe) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::compose::file::dotenv;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn read(text: &str) -> BTreeMap<String, String> {
        let (mut variables, mut unset) = (BTreeMap::new(), BTreeSet::new());
        dotenv::read(text, &|_| None, &mut variables, &mut unset).unwrap();
        variables
    }

    #[test]
    fn one_line_changes_and_the_rest_stays_to_the_letter() {
        let text = "# ours\nTAG=1\n\nexport TAG2 = x # why\nTAG=2 # last wins\n#TAG=9\nMORE=\"a b\"\n";
        let want = "# ours\nTAG=1\n\nexport TAG2 = x # why\nTAG=3\n#TAG=9\nMORE=\"a b\"\nNEW='a $b'\n";
        assert_eq!(set_variables(text, &map(&[("TAG", "3"), ("NEW", "a $b")])), want);
        assert_eq!(set_variables("", &map(&[("A", "1")])), "A=1\n");
    }

    #[test]
    fn the_file_keeps_its_mode_and_a_link_its_target() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("real"), dir.path().join(".env"));
        std::fs::write(&path, "A=1\n").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        persist(&link, &map(&[("A", "2")])).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "A=2\n");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    proptest! {
        #[test]
        fn any_value_is_read_back_as_it_was_set(value in "[ -~]{0,20}", other in "[ -&(-~]{0,10}") {
            let before = format!("KEEP='{other}'\nV=old\n");
            // A backslash before a quote cannot be said in single quotes.
            prop_assume!(!value.contains("\\'") && !value.ends_with('\\') && !other.contains('\\'));
            let after = set_variables(&before, &map(&[("V", &value)]));
            let found = read(&after);
            prop_assert_eq!(&found["V"], &value);
            prop_assert_eq!(&found["KEEP"], &other);
        }
    }
}
