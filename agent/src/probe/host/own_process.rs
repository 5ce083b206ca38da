//! The agent's own process, under the `process_*` names that every exporter has.

use procfs::process::{LimitValue, Process};
use procfs::{WithCurrentSystemInfo as _, ticks_per_second};
use usher_common::metric::Families;

use super::CollectError;
use super::error::Garbled;

/// Pushes `process_*` of this process; `boot_unix_s` is when the machine booted.
///
/// # Errors
///
/// When `/proc/self` cannot be read.
pub fn own_process(boot_unix_s: Option<u64>, families: &mut Families) -> Result<(), CollectError> {
    let garbled = |error| Garbled::from(error).at("/proc/self".into());
    let process = Process::myself().map_err(garbled)?;
    let stat = process.stat().map_err(garbled)?;
    let limits = process.limits().map_err(garbled)?;
    let descriptors = process.fd_count().map_err(garbled)?;
    let tick = ticks_per_second() as f64;
    let bound = |limit: LimitValue| match limit {
        LimitValue::Value(value) => value as f64,
        LimitValue::Unlimited => u64::MAX as f64,
    };
    families.counter(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        &[],
        (stat.utime + stat.stime) as f64 / tick,
    );
    let mut gauge = |name, help, value| families.gauge(name, help, &[], value);
    gauge("process_open_fds", "Number of open file descriptors.", descriptors as f64);
    gauge(
        "process_max_fds",
        "Maximum number of open file descriptors.",
        bound(limits.max_open_files.soft_limit),
    );
    gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat.vsize as f64);
    gauge(
        "process_virtual_memory_max_bytes",
        "Maximum amount of virtual memory available in bytes.",
        bound(limits.max_address_space.soft_limit),
    );
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", stat.rss_bytes().get() as f64);
    if let Some(boot) = boot_unix_s {
        gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            boot as f64 + stat.starttime as f64 / tick,
        );
    }
    Ok(())
}
