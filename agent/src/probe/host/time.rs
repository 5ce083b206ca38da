//! The clock's time, time zone and source.

use std::time::SystemTime;

use chrono::{Local, Offset as _};
use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    if let Ok(since) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        let help = "System time in seconds since epoch (1970).";
        families.gauge("node_time_seconds", help, &[], since.as_secs_f64());
    }
    let seconds_east = Local::now().offset().fix().local_minus_utc();
    let mut clocks = std::mem::take(&mut machine.memory.clocks);
    let looked = clocks.look(machine, seconds_east);
    families.gauge(
        "node_time_zone_offset_seconds",
        "System time zone offset in seconds.",
        &[("time_zone", &clocks.zone)],
        f64::from(seconds_east),
    );
    clocks.push(families);
    machine.memory.clocks = clocks;
    looked
}

/// The name of the zone and the clock sources, which change so rarely that they are looked at
/// only every so many passes.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    passes: u32,
    zone: String,
    seconds_east: i32,
    sources: Vec<Sources>,
}

/// The sources of one clock.
#[derive(Debug)]
struct Sources {
    device: String,
    available: Vec<String>,
    current: Option<String>,
}

/// As [`super::netclass`] has it.
const STILL_FOR: u32 = 4;

impl Clocks {
    fn look(&mut self, machine: &mut Machine, seconds_east: i32) -> Result<(), CollectError> {
        let is_due = self.passes.is_multiple_of(STILL_FOR);
        self.passes = self.passes.wrapping_add(1);
        if is_due || seconds_east != self.seconds_east {
            let localtime = machine.roots.rootfs.join("etc/localtime");
            let name = machine.files.attribute(&localtime).and_then(|tzif| zone(tzif, seconds_east));
            // Without the file the machine is at UTC.
            name.unwrap_or("UTC").clone_into(&mut self.zone);
            self.seconds_east = seconds_east;
        }
        if is_due {
            self.sources.clear();
            self.sources = sources(machine).inspect_err(|_| self.passes = 0)?;
        }
        Ok(())
    }

    fn push(&self, families: &mut Families) {
        for Sources { device, available, current } in &self.sources {
            for source in available {
                families.gauge(
                    "node_time_clocksource_available_info",
                    "Available clocksources read from '/sys/devices/system/clocksource'.",
                    &[("device", device), ("clocksource", source)],
                    1.0,
                );
            }
            if let Some(source) = current {
                families.gauge(
                    "node_time_clocksource_current_info",
                    "Current clocksource read from '/sys/devices/system/clocksource'.",
                    &[("device", device), ("clocksource", source)],
                    1.0,
                );
            }
        }
    }
}

/// The abbreviation of the zone that is `seconds_east` of Greenwich now, out of the rule
/// at the end of a TZif file (RFC 8536), such as `CET-1CEST,M3.5.0,M10.5.0/3`. (chrono
/// reads these files too, but keeps the names to itself.) `None` when there is no rule.
fn zone(tzif: &str, seconds_east: i32) -> Option<&str> {
    let rule = tzif.trim_end_matches('\n').rsplit('\n').next()?;
    let (standard, rest) = abbreviation(rule)?;
    let offset =
        &rest[..rest.find(|c: char| !matches!(c, '+' | '-' | ':' | '0'..='9')).unwrap_or(rest.len())];
    if seconds_west(offset)? == -seconds_east {
        return Some(standard);
    }
    abbreviation(&rest[offset.len()..]).map(|(summer, _)| summer)
}

/// Letters, or anything in angle brackets; and what follows.
fn abbreviation(rule: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = rule.strip_prefix('<') {
        return quoted.split_once('>');
    }
    let end = rule.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rule.len());
    (end >= 3).then(|| rule.split_at(end))
}

/// `-1`, `5:30`.
fn seconds_west(offset: &str) -> Option<i32> {
    let (sign, digits) = match offset.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, offset.strip_prefix('+').unwrap_or(offset)),
    };
    let mut seconds = 0;
    for (part, unit) in digits.split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i32>().ok()? * unit;
    }
    Some(sign * seconds)
}

/// The kernel's clock sources, from `/sys/devices/system/clocksource`.
fn sources(machine: &mut Machine) -> Result<Vec<Sources>, CollectError> {
    let root = machine.roots.sys.join("devices/system/clocksource");
    let devices = parse::entries(&root).map_err(|source| CollectError::read(&root, source))?;
    let mut found = Vec::new();
    for name in devices.into_iter().flatten() {
        let Some(device) = name.strip_prefix("clocksource") else { continue };
        let mut attribute = |file| machine.files.attribute(&root.join(&name).join(file)).map(str::to_owned);
        let available = attribute("available_clocksource").unwrap_or_else(String::new);
        found.push(Sources {
            device: device.to_owned(),
            available: available.split_ascii_whitespace().map(str::to_owned).collect(),
            current: attribute("current_clocksource"),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::zone;

    #[test]
    fn the_zone_has_the_name_of_its_season() {
        let paris = "TZif2\u{0}binary\nCET-1CEST,M3.5.0,M10.5.0/3\n";
        assert_eq!(zone(paris, 3600), Some("CET"));
        assert_eq!(zone(paris, 7200), Some("CEST"));
        assert_eq!(zone("x\nUTC0\n", 0), Some("UTC"));
        assert_eq!(zone("x\nIST-5:30\n", 19_800), Some("IST"));
        assert_eq!(zone("x\n<-03>3\n", -10_800), Some("-03"));
        assert_eq!(zone("x\n\n", 0), None);
    }
}
