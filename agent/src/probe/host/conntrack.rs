//! The connection tracking table, from `/proc/sys/net/netfilter` and
//! `/proc/net/stat/nf_conntrack`. Not loaded (no firewall, no Docker) is no fault.

use usher_common::metric::Families;

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

const COUNT: &str = "sys/net/netfilter/nf_conntrack_count";
const LIMIT: &str = "sys/net/netfilter/nf_conntrack_max";
const STAT: &str = "net/stat/nf_conntrack";

/// Column in [`STAT`], the help of its metric. node_exporter calls all of them gauges.
const COUNTERS: [(&str, &str); 8] = [
    ("found", "Number of searched entries which were successful."),
    ("invalid", "Number of packets seen which can not be tracked."),
    ("ignore", "Number of packets seen which are already connected to a conntrack entry."),
    ("insert", "Number of entries inserted into the list."),
    ("insert_failed", "Number of entries for which list insertion was attempted but failed."),
    ("drop", "Number of packets dropped due to conntrack failure."),
    (
        "early_drop",
        "Number of dropped conntrack entries to make room for new ones, if maximum table size was reached.",
    ),
    (
        "search_restart",
        "Number of conntrack table lookups which had to be restarted due to hashtable resizes.",
    ),
];

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let help = "Number of currently allocated flow entries for connection tracking.";
    for (file, name, help) in [
        (COUNT, "node_nf_conntrack_entries", help),
        (LIMIT, "node_nf_conntrack_entries_limit", "Maximum size of connection tracking table."),
    ] {
        let value = parse::number(machine.files.proc_single(file)?);
        let value = value.map_err(|garbled| garbled.at(machine.files.proc_path(file)))?;
        families.gauge(name, help, &[], value);
    }
    let sums = sums(machine.files.proc(STAT)?);
    let sums = sums.map_err(|garbled| garbled.at(machine.files.proc_path(STAT)))?;
    for ((column, help), sum) in COUNTERS.iter().zip(sums) {
        families.gauge_if(&format!("node_nf_conntrack_stat_{column}"), help, &[], sum.map(|sum| sum as f64));
    }
    Ok(())
}

/// Each counter summed over the cores; `None` for a column this kernel does not have.
fn sums(text: &str) -> Result<[Option<u64>; COUNTERS.len()], Garbled> {
    let mut lines = text.lines();
    let header = lines.next().ok_or_else(|| Garbled("it is empty".to_owned()))?;
    let place = |column: &str| header.split_ascii_whitespace().position(|word| word == column);
    let places = COUNTERS.map(|(column, _)| place(column));
    let mut sums = places.map(|place| place.map(|_| 0_u64));
    for line in lines {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        for (sum, place) in sums.iter_mut().zip(places) {
            let (Some(sum), Some(place)) = (sum, place) else { continue };
            let word = words.get(place).ok_or_else(|| Garbled(format!("line {line:?} is too short")))?;
            *sum = sum.wrapping_add(parse::hex(word)?);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::sums;

    #[test]
    fn counters_are_hexadecimal_and_summed_over_cores() {
        let text = "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop\n\
                    00000021  00000000 0000000a 0 1 0 0 0 0 0 0 0\n00000021  00000000 00000006 0 1 0 0 0 0 0 0 0\n";
        let sums = sums(text).unwrap();
        assert_eq!(&sums[..2], [Some(16), Some(2)]);
        assert_eq!(sums[7], None, "this kernel has no search_restart");
    }

    #[test]
    fn a_short_line_is_told() {
        assert!(sums("entries found drop\n1 2\n").is_err());
        assert!(sums("").is_err());
    }
}
