//! What is mounted, from `/proc/1/mounts`.
//!
//! `procfs::MountEntry` leaves the escape of a space (`\040`) as it is and builds a map
//! of the options of every mount, of which one is asked.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, Settings};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// What is mounted: a device, a remote path, or any word.
    pub(super) device: String,
    /// Where, as the machine sees it.
    pub(super) point: String,
    /// The type of file system.
    pub(super) fs_type: String,
    /// Whether it is mounted read-only.
    pub(super) read_only: bool,
}

/// What was mounted at the last reading. Mounts change seldom, and there may be hundreds.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    text: String,
    all: Arc<[Mount]>,
    measured: Arc<[Mount]>,
}

/// All mounts, as the machine's first process sees them; as we do where its view is
/// closed to us.
pub(super) fn all(machine: &mut Machine) -> Result<Arc<[Mount]>, CollectError> {
    refresh(machine)?;
    Ok(Arc::clone(&machine.memory.mounts.all))
}

/// The mounts whose figures are shown: those that the settings do not leave out. Of
/// mounts stacked upon each other only the uppermost can be asked.
pub(super) fn measured(machine: &mut Machine) -> Result<Arc<[Mount]>, CollectError> {
    refresh(machine)?;
    Ok(Arc::clone(&machine.memory.mounts.measured))
}

fn refresh(machine: &mut Machine) -> Result<(), CollectError> {
    let Machine { files, memory, settings, .. } = machine;
    let mut file = "1/mounts";
    if let Err(error) = files.proc(file) {
        tracing::trace!("failed to {error}");
        file = "self/mounts";
        files.proc(file)?;
    }
    let text = files.text();
    if text == memory.mounts.text {
        return Ok(());
    }
    let all: Arc<[Mount]> = parse(text).map_err(|garbled| garbled.at(files.proc_path(file)))?.into();
    let mut seen = HashSet::new();
    let measured = all.iter().filter(|mount| {
        !mount.is_excluded(settings) && seen.insert((&mount.device, &mount.point, &mount.fs_type))
    });
    memory.mounts = Mounts { text: text.to_owned(), measured: measured.cloned().collect(), all };
    Ok(())
}

impl Mount {
    /// Whether the settings leave it out.
    fn is_excluded(&self, settings: &Settings) -> bool {
        settings.mount_point_exclude.is_match(&self.point) || settings.fs_type_exclude.is_match(&self.fs_type)
    }
}

fn parse(text: &str) -> Result<Vec<Mount>, Garbled> {
    text.lines()
        .map(|line| {
            // A field may be empty, so that blanks are not to be taken together.
            let mut fields = line.split(' ');
            let mut field =
                || fields.next().ok_or_else(|| Garbled(format!("line {line:?} has fewer than four fields")));
            Ok(Mount {
                device: unescape(field()?),
                point: unescape(field()?),
                fs_type: unescape(field()?),
                read_only: field()?.split(',').any(|option| option == "ro"),
            })
        })
        .collect()
}

/// The kernel writes blank, tab, newline, `#` and backslash as a backslash and three octal digits.
fn unescape(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 4);
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if byte.is_ascii() => {
                text.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            _ => {
                text.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_options_are_understood() {
        let text = "/dev/sda1 /mnt/a\\040b\\134040 ext4 rw,errors=remount-ro 0 0\n\
                    none /x tmpfs ro,size=1k 0 0\n //srv/share /y\\c cifs rw 0 0\n";
        let mounts = parse(text).unwrap();
        assert_eq!((mounts[0].point.as_str(), mounts[0].read_only), ("/mnt/a b\\040", false));
        assert!(mounts[1].read_only);
        assert_eq!((mounts[2].device.as_str(), mounts[2].point.as_str()), ("", "//srv/share"));
        assert!(parse("/dev/sda1 / ext4").is_err());
    }
}
