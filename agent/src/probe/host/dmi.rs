//! The make of the machine, from `/sys/class/dmi/id`.

use usher_common::metric::Families;

use super::{CollectError, table::Machine};

/// Files, which are labels too. Serial numbers are for root only; a label that cannot
/// be read is left out.
const LABELS: [&str; 19] = [
    "bios_date",
    "bios_release",
    "bios_vendor",
    "bios_version",
    "board_asset_tag",
    "board_name",
    "board_serial",
    "board_vendor",
    "board_version",
    "chassis_asset_tag",
    "chassis_serial",
    "chassis_vendor",
    "chassis_version",
    "product_family",
    "product_name",
    "product_serial",
    "product_sku",
    "product_uuid",
    "product_version",
];

/// The one file whose name is not its label.
const VENDOR: (&str, &str) = ("system_vendor", "sys_vendor");

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("class/dmi/id");
    if !root.is_dir() {
        return Err(CollectError::NoData { path: root });
    }
    let mut found = Vec::new();
    for (label, file) in LABELS.map(|name| (name, name)).into_iter().chain([VENDOR]) {
        if let Some(value) = machine.files.attribute(&root.join(file)) {
            found.push((label, value.to_owned()));
        }
    }
    let labels: Vec<_> = found.iter().map(|(label, value)| (*label, value.as_str())).collect();
    let help = "A metric with a constant '1' value labeled by bios_date, bios_release, bios_vendor, bios_version, \
                board_asset_tag, board_name, board_serial, board_vendor, board_version, chassis_asset_tag, \
                chassis_serial, chassis_vendor, chassis_version, product_family, product_name, product_serial, \
                product_sku, product_uuid, product_version, system_vendor if provided by DMI.";
    families.gauge("node_dmi_info", help, &labels, 1.0);
    Ok(())
}
