//! Time that tasks ran and waited on each core, from `/proc/schedstat`. Kernels built
//! without `CONFIG_SCHEDSTATS` have no such file. (`procfs` parses the one of a process.)

use usher_common::metric::Families;

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

const FILE: &str = "schedstat";

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let text = machine.files.proc(FILE)?;
    let done = text.lines().try_for_each(|line| {
        let Some((core, [running, waiting, slices])) = row(line)? else { return Ok(()) };
        let labels = [("cpu", core)];
        // Nanoseconds.
        families.counter(
            "node_schedstat_running_seconds_total",
            "Number of seconds CPU spent running a process.",
            &labels,
            running as f64 / 1e9,
        );
        families.counter(
            "node_schedstat_waiting_seconds_total",
            "Number of seconds spent by processing waiting for this CPU.",
            &labels,
            waiting as f64 / 1e9,
        );
        families.counter(
            "node_schedstat_timeslices_total",
            "Number of timeslices executed by CPU.",
            &labels,
            slices as f64,
        );
        Ok(())
    });
    done.map_err(|garbled: Garbled| garbled.at(machine.files.proc_path(FILE)))
}

/// The three last of a core's nine numbers: ran (ns), waited (ns), time slices.
/// `None` for lines that are not a core's.
fn row(line: &str) -> Result<Option<(&str, [u64; 3])>, Garbled> {
    let Some(rest) = line.strip_prefix("cpu") else { return Ok(None) };
    let core = rest.split_ascii_whitespace().next().unwrap_or_default();
    Ok(Some((core, [parse::nth(line, 7)?, parse::nth(line, 8)?, parse::nth(line, 9)?])))
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn only_the_lines_of_cores_count() {
        assert_eq!(row("cpu3 0 0 0 0 0 0 10 20 30"), Ok(Some(("3", [10, 20, 30]))));
        assert_eq!(row("version 15"), Ok(None));
        assert_eq!(row("domain0 3 0 0"), Ok(None));
        assert!(row("cpu3 0 0 0").is_err());
    }
}
