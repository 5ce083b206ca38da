//! Sizes of file systems, from the mounts and `statfs(2)`.

use std::path::PathBuf;

use usher_common::metric::Families;

use super::statfs::Figures;
use super::table::Machine;
use super::{CollectError, mounts};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let mounts = mounts::measured(machine)?;
    let rootfs = &machine.roots.rootfs;
    let paths: Vec<PathBuf> =
        mounts.iter().map(|mount| rootfs.join(mount.point.trim_start_matches('/'))).collect();
    let answers = machine.memory.statfs.survey(&paths, machine.settings.statfs_deadline);
    for (mount, answer) in mounts.iter().zip(answers) {
        let labels = [
            ("device", mount.device.as_str()),
            ("fstype", mount.fs_type.as_str()),
            ("mountpoint", point(&mount.point, rootfs.to_str())),
        ];
        if let Err(error) = &answer {
            tracing::debug!(mount = mount.point, "failed to ask the file system: {error}");
        }
        families.gauge(
            "node_filesystem_device_error",
            "Whether an error occurred while getting statistics for the given device.",
            &labels,
            f64::from(u8::from(answer.is_err())),
        );
        if let Ok(figures) = answer {
            push(&figures, mount.read_only, &labels, families);
        }
    }
    Ok(())
}

/// The mount point as the machine sees it, when we see the machine's root elsewhere.
fn point<'a>(point: &'a str, rootfs: Option<&str>) -> &'a str {
    match rootfs.map(|rootfs| rootfs.trim_end_matches('/')).and_then(|rootfs| point.strip_prefix(rootfs)) {
        Some("") => "/",
        Some(inner) if inner.starts_with('/') => inner,
        _ => point,
    }
}

fn push(figures: &Figures, read_only: bool, labels: &[(&str, &str)], families: &mut Families) {
    let mut gauge = |name, help, value: u64| families.gauge(name, help, labels, value as f64);
    gauge("node_filesystem_size_bytes", "Filesystem size in bytes.", figures.size);
    gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.", figures.free);
    gauge(
        "node_filesystem_avail_bytes",
        "Filesystem space available to non-root users in bytes.",
        figures.available,
    );
    gauge("node_filesystem_files", "Filesystem total file nodes.", figures.files);
    gauge("node_filesystem_files_free", "Filesystem total free file nodes.", figures.files_free);
    gauge("node_filesystem_readonly", "Filesystem read-only status.", u64::from(read_only));
}

#[cfg(test)]
mod tests {
    use super::point;

    #[test]
    fn a_mount_point_is_told_as_the_machine_sees_it() {
        assert_eq!(point("/var", Some("/")), "/var");
        assert_eq!(point("/", Some("/")), "/");
        assert_eq!(point("/host", Some("/host")), "/");
        assert_eq!(point("/host/var", Some("/host/")), "/var");
        assert_eq!(point("/hostile", Some("/host")), "/hostile");
    }
}
