//! Temperatures, fans, voltages and the like, from `/sys/class/hwmon`. Virtual machines
//! have none.
//!
//! ```text
//!  hwmon3/temp1_input = 45000   ──►  node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 45
//!         └type└number └element
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use usher_common::metric::{Families, Kind};

use super::table::Machine;
use super::{CollectError, parse};

/// The types of sensors that are shown.
const TYPES: [&str; 13] = [
    "vrm",
    "beep_enable",
    "update_interval",
    "in",
    "cpu",
    "fan",
    "pwm",
    "temp",
    "curr",
    "power",
    "energy",
    "humidity",
    "intrusion",
];

/// A sensor's elements by name, raw.
type Elements = BTreeMap<String, String>;

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("class/hwmon");
    let chips = parse::entries(&root).map_err(|source| CollectError::read(&root, source))?;
    for chip in chips.ok_or_else(|| CollectError::NoData { path: root.clone() })? {
        let directory = root.join(chip);
        let chip = chip_name(machine, &directory);
        if let Some(name) = machine.files.attribute(&directory.join("name")).map(clean) {
            families.gauge(
                "node_hwmon_chip_names",
                "Annotation metric for human-readable chip names",
                &[("chip", &chip), ("chip_name", &name)],
                1.0,
            );
        }
        let mut sensors = BTreeMap::new();
        // Older drivers leave their files in the device's directory.
        for directory in [directory.join("device"), directory] {
            read_sensors(machine, &directory, &mut sensors)?;
        }
        for ((kind, number), elements) in &sensors {
            push(&chip, kind, *number, elements, families);
        }
    }
    Ok(())
}

fn read_sensors(
    machine: &mut Machine,
    directory: &Path,
    sensors: &mut BTreeMap<(&'static str, u32), Elements>,
) -> Result<(), CollectError> {
    let names = parse::entries(directory).map_err(|source| CollectError::read(directory, source))?;
    for name in names.into_iter().flatten() {
        let Some((kind, number, element)) = split(&name) else { continue };
        if let Some(value) = machine.files.attribute(&directory.join(&name)) {
            sensors.entry((kind, number)).or_default().insert(element.to_owned(), value.to_owned());
        }
    }
    Ok(())
}

/// `temp1_input` is `temp`, 1, `input`. Without a number it is 0, without an element empty.
fn split(name: &str) -> Option<(&'static str, u32, &str)> {
    TYPES.iter().find_map(|kind| {
        let rest = name.strip_prefix(kind)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = if digits == 0 { 0 } else { rest[..digits].parse().ok()? };
        match &rest[digits..] {
            "" => Some((*kind, number, "")),
            element => Some((*kind, number, element.strip_prefix('_')?)),
        }
    })
}

/// A name that stays the same over boots: the device's place on its bus, else its own name.
fn chip_name(machine: &mut Machine, directory: &Path) -> String {
    if let Ok(device) = directory.join("device").canonicalize() {
        let part =
            |path: Option<&Path>| path.and_then(Path::file_name).map(|name| clean(&name.to_string_lossy()));
        let (bus, name) = (part(device.parent()), part(Some(&device)));
        match (bus.filter(|bus| !bus.is_empty()), name.filter(|name| !name.is_empty())) {
            (Some(bus), Some(name)) => return format!("{bus}_{name}"),
            (None, Some(name)) => return name,
            _ => {}
        }
    }
    let own = machine.files.attribute(&directory.join("name")).map(clean).filter(|name| !name.is_empty());
    own.unwrap_or_else(|| clean(&directory.file_name().unwrap_or_default().to_string_lossy()))
}

/// Lower case, and `_` for all that a name may not have.
fn clean(name: &str) -> String {
    let allowed =
        |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == ':' || c == '_' { c } else { '_' };
    name.to_lowercase().chars().map(allowed).collect::<String>().trim_matches('_').to_owned()
}

fn push(chip: &str, kind: &str, number: u32, elements: &Elements, families: &mut Families) {
    let sensor = format!("{kind}{number}");
    let labels = [("chip", chip), ("sensor", sensor.as_str())];
    if let Some(label) = elements.get("label") {
        families.gauge(
            "node_hwmon_sensor_label",
            "Label for given chip and sensor",
            &[("chip", chip), ("label", label), ("sensor", &sensor)],
            1.0,
        );
    }
    let whole = elements.get("").and_then(|value| value.parse::<f64>().ok());
    let single = match kind {
        "beep_enable" => Some((
            "node_hwmon_beep_enabled",
            "Hardware beep enabled",
            whole.map(|v| f64::from(u8::from(v == 1.0))),
        )),
        "vrm" => Some(("node_hwmon_voltage_regulator_version", "Hardware voltage regulator", whole)),
        "update_interval" => Some((
            "node_hwmon_update_interval_seconds",
            "Hardware monitor update interval",
            whole.map(|v| v * 0.001),
        )),
        _ => None,
    };
    if let Some((name, help, value)) = single {
        families.gauge_if(name, help, &labels, value);
        return;
    }
    for (element, value) in elements.iter().filter(|(element, _)| *element != "label") {
        let Ok(value) = value.parse::<f64>() else { continue };
        // The input is the reading itself, unless a file without element is that.
        let mut name = format!("node_hwmon_{kind}");
        if !element.is_empty() && (element != "input" || whole.is_some()) {
            name.push('_');
            name.push_str(&clean(element));
        }
        let (metric_kind, suffix, help, value) = unit(kind, element, value);
        families.push(metric_kind, &(name + suffix), &help, &labels, value);
    }
}

/// The unit of an element: type, suffix of the name, help, value in the base unit.
fn unit(kind: &str, element: &str, raw: f64) -> (Kind, &'static str, String, f64) {
    let gauge = |suffix, help: String, value| (Kind::Gauge, suffix, help, value);
    match (kind, element) {
        (_, "fault" | "alarm") => gauge("", format!("Hardware sensor {element} status ({kind})"), raw),
        (_, "beep") => gauge("_enabled", "Hardware monitor sensor has beeping enabled".to_owned(), raw),
        ("in" | "cpu", _) => {
            gauge("_volts", format!("Hardware monitor for voltage ({element})"), raw * 0.001)
        }
        ("temp", element) if element != "type" => {
            gauge("_celsius", format!("Hardware monitor for temperature ({element})"), raw * 0.001)
        }
        ("curr", _) => gauge("_amps", format!("Hardware monitor for current ({element})"), raw * 0.001),
        ("energy", _) => (
            Kind::Counter,
            "_joule_total",
            format!("Hardware monitor for joules used so far ({element})"),
            raw / 1e6,
        ),
        ("power", "accuracy") => {
            gauge("", "Hardware monitor power meter accuracy, as a ratio".to_owned(), raw / 1e6)
        }
        ("power", "average_interval" | "average_interval_min" | "average_interval_max") => gauge(
            "_seconds",
            format!("Hardware monitor power usage update interval ({element})"),
            raw * 0.001,
        ),
        ("power", _) => {
            gauge("_watt", format!("Hardware monitor for power usage in watts ({element})"), raw / 1e6)
        }
        ("humidity", _) => gauge(
            "",
            format!(
                "Hardware monitor for humidity, as a ratio (multiply with 100.0 to get the humidity as a percentage) ({element})"
            ),
            raw / 1e6,
        ),
        ("fan", "input" | "min" | "max" | "target") => {
            gauge("_rpm", format!("Hardware monitor for fan revolutions per minute ({element})"), raw)
        }
        _ => gauge("", format!("Hardware monitor {kind} element {element}"), raw),
    }
}

#[cfg(test)]
mod tests {
    use usher_common::metric::{Format, encode};

    use super::*;

    #[test]
    fn a_file_name_is_a_type_a_number_and_an_element() {
        assert_eq!(split("temp1_input"), Some(("temp", 1, "input")));
        assert_eq!(split("in12_crit_alarm"), Some(("in", 12, "crit_alarm")));
        assert_eq!(split("pwm2"), Some(("pwm", 2, "")));
        assert_eq!(split("intrusion0_alarm"), Some(("intrusion", 0, "alarm")));
        assert_eq!(split("update_interval"), Some(("update_interval", 0, "")));
        assert_eq!(split("uevent"), None);
        assert_eq!(split("temperature"), None);
    }

    #[test]
    fn readings_get_their_unit() {
        let elements = [("input", "45500"), ("crit_alarm", "0"), ("label", "Core 0"), ("max", "bad")];
        let elements = elements.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut families = Families::new();
        push("platform_coretemp_0", "temp", 1, &elements, &mut families);
        let names: Vec<_> = families.names().collect();
        assert_eq!(
            names,
            ["node_hwmon_sensor_label", "node_hwmon_temp_crit_alarm_celsius", "node_hwmon_temp_celsius"]
        );
        let text = encode(Format::Text, [&families]);
        assert!(
            text.ends_with("node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 45.5\n"),
            "{text}"
        );
    }
}
