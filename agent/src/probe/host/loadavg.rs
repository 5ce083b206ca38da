//! Load averages, from `/proc/loadavg`.

use procfs::{FromRead as _, LoadAverage};
use usher_common::metric::Families;

use super::CollectError;
use super::error::Garbled;
use super::table::Machine;

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let [one, five, fifteen] = read(machine)?;
    families.gauge("node_load1", "1m load average.", &[], one);
    families.gauge("node_load5", "5m load average.", &[], five);
    families.gauge("node_load15", "15m load average.", &[], fifteen);
    Ok(())
}

/// Over 1, 5 and 15 minutes.
pub(super) fn read(machine: &mut Machine) -> Result<[f64; 3], CollectError> {
    parse(machine.files.proc_single("loadavg")?)
        .map_err(|garbled| garbled.at(machine.files.proc_path("loadavg")))
}

fn parse(text: &str) -> Result<[f64; 3], Garbled> {
    let load = LoadAverage::from_read(text.as_bytes())?;
    // The kernel prints two decimals; the parser's 32-bit floats would show as 0.5099999904632568.
    Ok([load.one, load.five, load.fifteen].map(|load| (f64::from(load) * 100.0).round() / 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_decimals_stay_what_they_are() {
        assert_eq!(parse("0.51 12.07 3.00 1/234 5678\n"), Ok([0.51, 12.07, 3.0]));
        assert!(parse("0.51 12.07\n").is_err());
    }
}
