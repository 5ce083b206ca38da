//! Whether SELinux is in force, from `/sys/fs/selinux`.

use usher_common::metric::Families;

use super::{CollectError, table::Machine};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let directory = machine.roots.sys.join("fs/selinux");
    // Without SELinux the directory has no files, or is not there.
    let enforcing = machine.files.number(&directory.join("enforce"));
    let enabled = f64::from(u8::from(enforcing.is_some()));
    families.gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false", &[], enabled);
    if let Some(enforcing) = enforcing {
        let configured =
            configured(machine.files.attribute(&machine.roots.rootfs.join("etc/selinux/config")));
        families.gauge("node_selinux_config_mode", "Configured SELinux enforcement mode", &[], configured);
        families.gauge("node_selinux_current_mode", "Current SELinux enforcement mode", &[], enforcing);
    }
    Ok(())
}

/// 1 enforcing, 0 permissive, -1 disabled or not configured: libselinux's numbers.
fn configured(text: Option<&str>) -> f64 {
    let mode = text.and_then(|text| text.lines().find_map(|line| line.trim().strip_prefix("SELINUX=")));
    match mode.map(str::trim) {
        Some("enforcing") => 1.0,
        Some("permissive") => 0.0,
        _ => -1.0,
    }
}
