//! Where the machine's trees lie and what to leave out of them.

use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;

/// Where the trees lie. A fixture tree is as good as the machine's.
#[derive(Debug, Clone)]
pub struct Roots {
    /// `/proc`.
    pub proc: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
    /// The root directory as the machine sees it; elsewhere when we run in a container
    /// that has it mounted. Mount points are reported relative to it.
    pub rootfs: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), rootfs: "/".into() }
    }
}

/// What to leave out and how long to wait. The defaults are those of node_exporter 1.5.0
/// as Debian 12 ships it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Directory of `*.prom` files that others write.
    pub textfile_directory: PathBuf,
    /// Block devices that are not measured.
    pub diskstats_device_exclude: Regex,
    /// Interfaces whose traffic is not measured.
    pub netdev_device_exclude: Regex,
    /// Interfaces whose properties are not shown.
    pub netclass_device_exclude: Regex,
    /// Mount points that are not measured.
    pub mount_point_exclude: Regex,
    /// Types of file systems that are not measured.
    pub fs_type_exclude: Regex,
    /// How long one file system may take to answer. One that does not is shown with
    /// `node_filesystem_device_error` 1 and not asked again while the question hangs.
    pub statfs_deadline: Duration,
    /// How long readings of the collectors marked warm serve again.
    pub warm_for: Duration,
    /// How long those of the collectors marked still do, and the absence of what a warm one looks for.
    pub still_for: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let pattern = |text| Regex::new(text).expect("the default patterns compile");
        Self {
            textfile_directory: "/var/lib/prometheus/node-exporter".into(),
            diskstats_device_exclude: pattern(r"^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme[0-9]+n[0-9]+p)[0-9]+$"),
            netdev_device_exclude: pattern("^lo$"),
            netclass_device_exclude: pattern("^$"),
            mount_point_exclude: pattern(
                "^/(dev|proc|run|sys|mnt|media|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
            ),
            fs_type_exclude: pattern(
                "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|\
                 mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$",
            ),
            statfs_deadline: Duration::from_millis(500),
            warm_for: Duration::from_secs(5),
            still_for: Duration::from_secs(60),
        }
    }
}
