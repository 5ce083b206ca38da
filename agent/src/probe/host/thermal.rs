//! Thermal zones and cooling devices, from `/sys/class/thermal`.

use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("class/thermal");
    let names = parse::entries(&root).map_err(|source| CollectError::read(&root, source))?;
    for name in names.into_iter().flatten() {
        let directory = root.join(&name);
        let Some(kind) = machine.files.attribute(&directory.join("type")).map(str::to_owned) else {
            continue;
        };
        if let Some(zone) = name.strip_prefix("thermal_zone") {
            // A zone whose sensor sleeps cannot be read.
            let millidegrees = machine.files.number(&directory.join("temp"));
            families.gauge_if(
                "node_thermal_zone_temp",
                "Zone temperature in Celsius",
                &[("type", &kind), ("zone", zone)],
                millidegrees.map(|value| value / 1000.0),
            );
        } else if let Some(device) = name.strip_prefix("cooling_device") {
            let labels = [("name", device), ("type", kind.as_str())];
            let state = machine.files.number(&directory.join("cur_state"));
            let help = "Current throttle state of the cooling device";
            families.gauge_if("node_cooling_device_cur_state", help, &labels, state);
            let state = machine.files.number(&directory.join("max_state"));
            let help = "Maximum throttle state of the cooling device";
            families.gauge_if("node_cooling_device_max_state", help, &labels, state);
        }
    }
    Ok(())
}
