//! Clock rates of the cores, from `/sys/devices/system/cpu/cpu*/cpufreq`. Virtual
//! machines have none.

use std::path::PathBuf;

use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

/// File, name, help. The first is for root only.
const SHOWN: [(&str, &str, &str); 6] = [
    ("cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Current CPU thread frequency in hertz."),
    ("cpuinfo_min_freq", "node_cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz."),
    ("cpuinfo_max_freq", "node_cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz."),
    ("scaling_cur_freq", "node_cpu_scaling_frequency_hertz", "Current scaled CPU thread frequency in hertz."),
    (
        "scaling_min_freq",
        "node_cpu_scaling_frequency_min_hertz",
        "Minimum scaled CPU thread frequency in hertz.",
    ),
    (
        "scaling_max_freq",
        "node_cpu_scaling_frequency_max_hertz",
        "Maximum scaled CPU thread frequency in hertz.",
    ),
];

/// The cores whose rate can be scaled, each with its directory; looked for once.
#[derive(Debug, Default)]
pub(super) struct Scaled(Option<Vec<(String, PathBuf)>>);

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    if machine.memory.cpufreq.0.is_none() {
        machine.memory.cpufreq.0 = Some(find(machine)?);
    }
    for (core, directory) in machine.memory.cpufreq.0.iter().flatten() {
        for (file, metric, help) in SHOWN {
            let kilohertz = machine.files.number(&directory.join(file));
            families.gauge_if(metric, help, &[("cpu", core)], kilohertz.map(|value| value * 1000.0));
        }
    }
    Ok(())
}

fn find(machine: &Machine) -> Result<Vec<(String, PathBuf)>, CollectError> {
    let root = machine.roots.sys.join("devices/system/cpu");
    let names = parse::entries(&root).map_err(|source| CollectError::read(&root, source))?;
    let mut found = Vec::new();
    for name in names.ok_or_else(|| CollectError::NoData { path: root.clone() })? {
        let core = name.strip_prefix("cpu").filter(|core| core.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(core) = core.filter(|core| !core.is_empty()) else { continue };
        let directory = root.join(&name).join("cpufreq");
        if directory.is_dir() {
            found.push((core.to_owned(), directory));
        }
    }
    Ok(found)
}
