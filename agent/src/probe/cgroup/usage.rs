//! The files of a control group to figures.

use super::super::host::{Text, waited_us};
use super::Group;

/// One container's figures; `None` where the kernel does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time used since its start, nanoseconds.
    pub cpu_ns: Option<u64>,
    /// Times it was held back by its CPU quota.
    pub throttled_periods: Option<u64>,
    /// Memory without inactive page cache, bytes: what it needs.
    pub working_set_bytes: Option<u64>,
    /// Memory limit, bytes; `None` when there is none.
    pub limit_bytes: Option<u64>,
    /// Processes killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Bytes read from block devices.
    pub read_bytes: Option<u64>,
    /// Bytes written to block devices.
    pub written_bytes: Option<u64>,
    /// Time its tasks waited; version 2 only.
    pub pressure: Pressure,
}

/// Time that tasks of one container waited since its start, microseconds (pressure stall information).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pressure {
    /// For a processor.
    pub cpu: Waited,
    /// For memory.
    pub memory: Waited,
    /// For block devices.
    pub io: Waited,
}

/// `None`: version 1, a kernel without it, or one started without `psi=1`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waited {
    /// In which at least one task waited, microseconds.
    pub some_us: Option<u64>,
    /// In which no task could go on, microseconds; of processors only since kernel 5.13.
    pub full_us: Option<u64>,
}

/// Version 1 says "no limit" with the largest multiple of the page size below 2^63.
const NO_LIMIT_V1: u64 = 1 << 62;

pub(super) fn read_v1(group: &mut Group, text: &mut Text, kept: Option<Usage>) -> Option<Usage> {
    let stat = group.text("memory.stat", text)?;
    let inactive = keyed(stat, "total_inactive_file");
    let limit = keyed(stat, "hierarchical_memory_limit");
    let used = group.text("memory.usage_in_bytes", text).and_then(single);
    let others = kept.unwrap_or_else(|| others_v1(group, text));
    Some(Usage {
        cpu_ns: group.text("cpuacct.usage", text).and_then(single),
        working_set_bytes: used.zip(inactive).map(|(used, inactive)| used.saturating_sub(inactive)),
        limit_bytes: limit.filter(|limit| *limit < NO_LIMIT_V1),
        oom_kills: group.text("memory.oom_control", text).and_then(|text| keyed(text, "oom_kill")),
        ..others
    })
}

fn others_v1(group: &mut Group, text: &mut Text) -> Usage {
    let service = group
        .text("blkio.throttle.io_service_bytes", text)
        .map(|text| (v1_bytes(text, "Read"), v1_bytes(text, "Write")));
    Usage {
        throttled_periods: group.text("cpu.stat", text).and_then(|text| keyed(text, "nr_throttled")),
        pids: group.text("pids.current", text).and_then(single),
        read_bytes: service.map(|(read, _)| read),
        written_bytes: service.map(|(_, written)| written),
        ..Usage::default()
    }
}

pub(super) fn read_v2(group: &mut Group, text: &mut Text, kept: Option<Usage>) -> Option<Usage> {
    let cpu = group.text("cpu.stat", text)?;
    let cpu_us = keyed(cpu, "usage_usec");
    let throttled_periods = keyed(cpu, "nr_throttled");
    let inactive = group.text("memory.stat", text).and_then(|text| keyed(text, "inactive_file"));
    let used = group.text("memory.current", text).and_then(single);
    let others = kept.unwrap_or_else(|| others_v2(group, text));
    Some(Usage {
        cpu_ns: cpu_us.map(|us| us.saturating_mul(1000)),
        throttled_periods,
        working_set_bytes: used.zip(inactive).map(|(used, inactive)| used.saturating_sub(inactive)),
        oom_kills: group.text("memory.events", text).and_then(|text| keyed(text, "oom_kill")),
        ..others
    })
}

fn others_v2(group: &mut Group, text: &mut Text) -> Usage {
    let io = group.text("io.stat", text).map(|text| (v2_bytes(text, "rbytes="), v2_bytes(text, "wbytes=")));
    Usage {
        limit_bytes: group.text("memory.max", text).and_then(single),
        pids: group.text("pids.current", text).and_then(single),
        read_bytes: io.map(|(read, _)| read),
        written_bytes: io.map(|(_, written)| written),
        pressure: Pressure {
            cpu: waited(group, "cpu.pressure", text),
            memory: waited(group, "memory.pressure", text),
            io: waited(group, "io.pressure", text),
        },
        ..Usage::default()
    }
}

fn waited(group: &mut Group, name: &'static str, text: &mut Text) -> Waited {
    match group.text(name, text) {
        Some(text) => Waited { some_us: waited_us(text, "some"), full_us: waited_us(text, "full") },
        None => Waited::default(),
    }
}

/// A file with one number; `max` is none.
fn single(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A file with `key value` lines.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == key).then(|| value.trim().parse().ok()).flatten()
    })
}

/// Lines `8:0 Read 4096`, one per device and direction; no line means no traffic yet.
fn v1_bytes(text: &str, direction: &str) -> u64 {
    let of_line = |line: &str| {
        let mut words = line.split_ascii_whitespace().skip(1);
        (words.next()? == direction).then(|| words.next()?.parse::<u64>().ok()).flatten()
    };
    text.lines().filter_map(of_line).fold(0, u64::saturating_add)
}

/// Lines `8:0 rbytes=4096 wbytes=0 rios=1 …`, one per device.
fn v2_bytes(text: &str, prefix: &str) -> u64 {
    text.split_whitespace()
        .filter_map(|field| field.strip_prefix(prefix)?.parse::<u64>().ok())
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_of_block_devices_is_summed_over_them() {
        let text = "8:0 Read 5\n8:0 Write 7\n8:0 Total 12\n8:16 Read 1\nTotal 13\n";
        assert_eq!((v1_bytes(text, "Read"), v1_bytes(text, "Write")), (6, 7));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,300}") {
            let _ = (single(&text), keyed(&text, "a"), v1_bytes(&text, "Read"), v2_bytes(&text, "rbytes="));
            let _ = (waited_us(&text, "some"), waited_us(&text, "full"));
        }
    }
}
