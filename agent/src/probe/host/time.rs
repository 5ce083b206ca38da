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
    let localtime = machine.roots.rootfs.join("etc/localtime");
    // Without the file the machine is at UTC.
    let name = machine.files.attribute(&localtime).and_then(|tzif| zone(tzif, seconds_east)).unwrap_or("UTC");
    families.gauge(
        "node_time_zone_offset_seconds",
        "System time zone offset in seconds.",
        &[("time_zone", name)],
        f64::from(seconds_east),
    );
    sources(machine, families)
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
fn sources(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("devices/system/clocksource");
    let devices = parse::entries(&root).map_err(|source| CollectError::read(&root, source))?;
    for name in devices.into_iter().flatten() {
        let Some(device) = name.strip_prefix("clocksource") else { continue };
        if let Some(list) = machine.files.attribute(&root.join(&name).join("available_clocksource")) {
            for source in list.split_ascii_whitespace() {
                families.gauge(
                    "node_time_clocksource_available_info",
                    "Available clocksources read from '/sys/devices/system/clocksource'.",
                    &[("device", device), ("clocksource", source)],
                    1.0,
                );
            }
        }
        if let Some(source) = machine.files.attribute(&root.join(&name).join("current_clocksource")) {
            families.gauge(
                "node_time_clocksource_current_info",
                "Current clocksource read from '/sys/devices/system/clocksource'.",
                &[("device", device), ("clocksource", source)],
                1.0,
            );
        }
    }
    Ok(())
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
