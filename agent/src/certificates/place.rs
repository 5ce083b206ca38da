//! Where the web container wants its certificate, and putting it there.
//!
//! docker-jitsi-meet's web container has it at `/config/keys/cert.crt` and `cert.key`. Since its rootless images
//! (stable-11146) `/config` is only copied from when the container starts, to `/run/web/config`, by a user 1000.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use crate::compose::model::Project;
use crate::compose::model::service::MountKind;

/// The service that serves it.
pub(super) const WEB: &str = "web";
const CONFIG: &str = "/config";

/// Makes the running nginx take it: copied where a rootless container looks, then a reload, which keeps every
/// connection.
pub(super) const RELOAD: &str = "set -e
if [ -f /run/web/config/nginx/nginx.conf ]; then
  cp /config/keys/cert.crt /config/keys/cert.key /run/web/config/keys/
  exec nginx -c /run/web/config/nginx/nginx.conf -s reload
fi
if [ -f /config/nginx/nginx.conf ]; then
  exec nginx -c /config/nginx/nginx.conf -s reload
fi
exec nginx -s reload";

/// The folder on the host for the web container's keys; `None`: it has no `/config` of the host.
pub(super) fn folder(project: &Project) -> Option<PathBuf> {
    let mounts = &project.services.get(WEB)?.volumes;
    let config = mounts
        .iter()
        .find(|mount| mount.kind == MountKind::Bind && mount.target.trim_end_matches('/') == CONFIG)?;
    Some(Path::new(&config.source).join("keys"))
}

/// Puts both files in place, each whole or not at all. Returns whether anything changed.
pub(super) fn put(folder: &Path, chain: &[u8], key: &[u8], owner: Option<(u32, u32)>) -> io::Result<bool> {
    if !folder.is_dir() {
        fs::create_dir_all(folder)?;
        if let Some((user, group)) = owner {
            chown(folder, Some(user), Some(group))?;
        }
    }
    // Whoever owns the folder reads what is in it.
    let meta = fs::metadata(folder)?;
    let owner = (meta.uid(), meta.gid());
    let owner = if owner == (0, 0) { None } else { Some(owner) };
    let key_changed = put_one(&folder.join("cert.key"), key, 0o600, owner)?;
    Ok(put_one(&folder.join("cert.crt"), chain, 0o644, owner)? || key_changed)
}

fn put_one(path: &Path, bytes: &[u8], mode: u32, owner: Option<(u32, u32)>) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|now| now == bytes) {
        return Ok(false);
    }
    let fresh = path.with_extension("usher-new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    if let Some((user, group)) = owner {
        chown(&fresh, Some(user), Some(group))?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_put_once_with_the_key_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("web/keys");
        assert!(put(&folder, b"chain", b"key", None).unwrap());
        assert!(!put(&folder, b"chain", b"key", None).unwrap());
        assert!(put(&folder, b"chain2", b"key", None).unwrap());
        assert_eq!(fs::read(folder.join("cert.crt")).unwrap(), b"chain2");
        let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("cert.key"), mode("cert.crt")), (0o600, 0o644));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }
}
