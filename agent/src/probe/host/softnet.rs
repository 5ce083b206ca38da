//! What each core did with received packets, from `/proc/net/softnet_stat`.
//! (`procfs` has no parser for it.)

use usher_common::metric::Families;

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

const FILE: &str = "net/softnet_stat";

/// Column, name, help. The last two are newer than node_exporter 1.5.0.
const COUNTERS: [(usize, &str, &str); 5] = [
    (0, "node_softnet_processed_total", "Number of processed packets"),
    (1, "node_softnet_dropped_total", "Number of dropped packets"),
    (2, "node_softnet_times_squeezed_total", "Number of times processing packets ran out of quota"),
    (9, "node_softnet_received_rps_total", "Number of times cpu woken up received_rps"),
    (10, "node_softnet_flow_limit_count_total", "Number of times flow limit has been reached"),
];

/// The core's number, since Linux 5.10; before, lines are the cores that are online, in order.
const CORE: usize = 12;

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let text = machine.files.proc(FILE)?;
    let done = text.lines().enumerate().try_for_each(|(at, line)| {
        let (core, columns) = row(at, line)?;
        for (column, name, help) in COUNTERS {
            if let Some(value) = columns[column] {
                families.counter(name, help, &[("cpu", &core)], value as f64);
            }
        }
        Ok(())
    });
    done.map_err(|garbled: Garbled| garbled.at(machine.files.proc_path(FILE)))
}

/// The core and its columns; the older the kernel, the fewer.
fn row(at: usize, line: &str) -> Result<(String, [Option<u64>; CORE + 1]), Garbled> {
    let mut columns = [None; CORE + 1];
    for (column, word) in columns.iter_mut().zip(line.split_ascii_whitespace()) {
        *column = Some(parse::hex(word)?);
    }
    if columns[2].is_none() {
        return Err(Garbled(format!("line {line:?} has fewer than three columns")));
    }
    let core = columns[CORE].map_or_else(|| at.to_string(), |core| core.to_string());
    Ok((core, columns))
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn a_line_names_its_core_when_the_kernel_says_it() {
        let zeros = ["00000000"; 9].join(" ");
        let (core, columns) = row(1, &format!("0000000f 00000000 00000001 {zeros} 00000005")).unwrap();
        assert_eq!((core.as_str(), columns[0], columns[2], columns[10]), ("5", Some(15), Some(1), Some(0)));
        let (core, columns) = row(1, "0000000f 00000000 00000001").unwrap();
        assert_eq!((core.as_str(), columns[9]), ("1", None));
        assert!(row(0, "0f 00").is_err());
        assert!(row(0, "xx 00 00").is_err());
    }
}
