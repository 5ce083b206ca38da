//! Time that tasks waited for processor, memory and IO (pressure stall information).
//!
//! A kernel without it (before 4.20, or started without `psi=1`) is no fault: no data.
//! Record by record, because the whole-file parsers of `procfs` want a `full` line for
//! the processors, which kernels before 5.13 do not print.

use procfs::{PressureRecord, parse_pressure_record};
use usher_common::metric::Families;

use super::CollectError;
use super::error::Garbled;
use super::table::Machine;

/// One series: file, `full` or `some`, name, help.
type Shown = (&'static str, &'static str, &'static str, &'static str);

const SHOWN: [Shown; 6] = [
    (
        "pressure/cpu",
        "some",
        "node_pressure_cpu_waiting_seconds_total",
        "Total time in seconds that processes have waited for CPU time",
    ),
    (
        "pressure/io",
        "some",
        "node_pressure_io_waiting_seconds_total",
        "Total time in seconds that processes have waited due to IO congestion",
    ),
    (
        "pressure/io",
        "full",
        "node_pressure_io_stalled_seconds_total",
        "Total time in seconds no process could make progress due to IO congestion",
    ),
    (
        "pressure/memory",
        "some",
        "node_pressure_memory_waiting_seconds_total",
        "Total time in seconds that processes have waited for memory",
    ),
    (
        "pressure/memory",
        "full",
        "node_pressure_memory_stalled_seconds_total",
        "Total time in seconds no process could make progress due to memory congestion",
    ),
    (
        "pressure/irq",
        "full",
        "node_pressure_irq_stalled_seconds_total",
        "Total time in seconds no process could make progress due to IRQ congestion",
    ),
];

/// Only kernels built with `CONFIG_IRQ_TIME_ACCOUNTING` have it.
const OPTIONAL: &str = "pressure/irq";

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    for file in SHOWN.chunk_by(|a, b| a.0 == b.0) {
        let name = file[0].0;
        let path = machine.files.proc_path(name);
        let text = match machine.files.proc_single(name) {
            Ok(text) => text,
            // Built in but switched off: the files are there and cannot be read.
            Err(CollectError::Read { path, source }) if source.raw_os_error() == Some(EOPNOTSUPP) => {
                return Err(CollectError::NoData { path });
            }
            Err(CollectError::NoData { .. }) if name == OPTIONAL => continue,
            Err(error) => return Err(error),
        };
        for (_, share, metric, help) in file {
            let record = record(text, share).map_err(|garbled| garbled.at(path.clone()))?;
            // Microseconds.
            families.counter(metric, help, &[], record.total as f64 / 1e6);
        }
    }
    Ok(())
}

/// The time in a text of pressure, microseconds, in which some or all tasks (`share`: `some`, `full`)
/// waited; `None` when it does not say.
pub(in crate::probe) fn waited_us(text: &str, share: &str) -> Option<u64> {
    record(text, share).ok().map(|record| record.total)
}

const EOPNOTSUPP: i32 = rustix::io::Errno::OPNOTSUPP.raw_os_error();

fn record(text: &str, share: &str) -> Result<PressureRecord, Garbled> {
    // The parser cuts off five letters unasked.
    let line = text.lines().find(|line| line.starts_with(share) && line.len() > 5);
    let line = line.ok_or_else(|| Garbled(format!("no line {share:?}")))?;
    Ok(parse_pressure_record(line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_file_of_an_old_kernel_has_no_full_line() {
        let text = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\n";
        assert_eq!(record(text, "some").unwrap().total, 1_500_000);
        assert_eq!(record(text, "full").unwrap_err(), Garbled("no line \"full\"".into()));
        assert!(record("some", "some").is_err());
    }
}
