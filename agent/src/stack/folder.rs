//! Host folders for mounts: there with their owner, or not there at all.

use std::io;
use std::os::unix::fs::chown;
use std::path::Path;

use super::failure::{Failure, Reason};

/// Makes a folder that belongs to `owner`, and those above it, which stay ours. Renamed into place when it is whole,
/// because nobody would mend the owner of one that is there.
pub(super) fn make(path: &Path, owner: Option<(u32, u32)>) -> Result<(), Failure> {
    make_whole(path, owner).map_err(|error| {
        let mend = if error.kind() == io::ErrorKind::PermissionDenied {
            ": run as root, or make it by hand"
        } else {
            ""
        };
        Failure::new(Reason::Folder, path.display().to_string(), format!("{error}{mend}"))
    })
}

fn make_whole(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    std::fs::create_dir_all(above)?;
    let fresh = above.join(format!(".{}.usher-new", name.to_string_lossy()));
    match std::fs::create_dir(&fresh) {
        Ok(()) => {}
        // Left by somebody who was cut short.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    if let Some((user, group)) = owner {
        chown(&fresh, Some(user), Some(group))?;
    }
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_folder_is_made_with_those_above_and_again_without_harm() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        let me = std::fs::metadata(dir.path()).unwrap();
        std::fs::create_dir_all(dir.path().join("a/.b.usher-new")).unwrap();
        for _ in 0..2 {
            make(&path, Some((me.uid(), me.gid()))).unwrap();
        }
        assert!(path.is_dir() && !dir.path().join("a/.b.usher-new").exists());
    }
}
