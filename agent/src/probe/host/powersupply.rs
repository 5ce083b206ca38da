//! Mains and batteries, from `/sys/class/power_supply`.

use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

/// File, name after `node_power_supply_`, what one of its unit is in the metric's.
const FIGURES: [(&str, &str, f64); 17] = [
    ("capacity", "capacity", 1.0),
    ("cycle_count", "cyclecount", 1.0),
    ("online", "online", 1.0),
    ("present", "present", 1.0),
    ("time_to_empty_now", "time_to_empty_seconds", 1.0),
    ("time_to_full_now", "time_to_full_seconds", 1.0),
    ("charge_full", "charge_full", 1e-6),
    ("charge_full_design", "charge_full_design", 1e-6),
    ("charge_now", "charge_ampere", 1e-6),
    ("current_now", "current_ampere", 1e-6),
    ("energy_full", "energy_full", 1e-6),
    ("energy_full_design", "energy_full_design", 1e-6),
    ("energy_now", "energy_watthour", 1e-6),
    ("power_now", "power_watt", 1e-6),
    ("voltage_min_design", "voltage_min_design", 1e-6),
    ("voltage_now", "voltage_volt", 1e-6),
    ("temp", "temp_celsius", 0.1),
];

/// Labels of `node_power_supply_info`, which are files too. Those without a word are left out.
const WORDS: [&str; 9] = [
    "capacity_level",
    "charge_type",
    "health",
    "manufacturer",
    "model_name",
    "serial_number",
    "status",
    "technology",
    "type",
];

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("class/power_supply");
    let names = parse::entries(&root).map_err(|source| CollectError::read(&root, source))?;
    for supply in names.ok_or_else(|| CollectError::NoData { path: root.clone() })? {
        let directory = root.join(&supply);
        for (file, name, unit) in FIGURES {
            let value = machine.files.number(&directory.join(file));
            families.gauge_if(
                &format!("node_power_supply_{name}"),
                &format!("{name} value of /sys/class/power_supply/<power_supply>."),
                &[("power_supply", &supply)],
                value.map(|value| value * unit),
            );
        }
        let mut words = Vec::new();
        for label in WORDS {
            if let Some(word) =
                machine.files.attribute(&directory.join(label)).filter(|word| !word.is_empty())
            {
                words.push((label, word.to_owned()));
            }
        }
        let mut labels = vec![("power_supply", supply.as_str())];
        labels.extend(words.iter().map(|(label, word)| (*label, word.as_str())));
        labels.sort_unstable();
        families.gauge(
            "node_power_supply_info",
            "info of /sys/class/power_supply/<power_supply>.",
            &labels,
            1.0,
        );
    }
    Ok(())
}
