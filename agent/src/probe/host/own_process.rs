//! The agent's own process, under the `process_*` names that every exporter has.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use procfs::process::{LimitValue, Process, Stat};
use procfs::{FromRead as _, WithCurrentSystemInfo as _, ticks_per_second};
use usher_common::metric::Families;

use super::CollectError;
use super::error::Garbled;

/// This process.
#[derive(Debug)]
pub struct OwnProcess {
    /// Kept open; one line, far shorter than what is read of it at once.
    stat: File,
    /// Limits are looked up once: nobody changes those of a running agent.
    max_fds: f64,
    max_virtual_bytes: f64,
}

const STAT: &str = "/proc/self/stat";
const DESCRIPTORS: &str = "/proc/self/fd";

impl OwnProcess {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// When `/proc/self` cannot be read.
    pub fn open() -> Result<Self, CollectError> {
        let garbled = |error| Garbled::from(error).at("/proc/self".into());
        let limits = Process::myself().and_then(|process| process.limits()).map_err(garbled)?;
        let bound = |limit: LimitValue| match limit {
            LimitValue::Value(value) => value as f64,
            LimitValue::Unlimited => u64::MAX as f64,
        };
        Ok(Self {
            stat: File::open(STAT).map_err(|source| CollectError::read(Path::new(STAT), source))?,
            max_fds: bound(limits.max_open_files.soft_limit),
            max_virtual_bytes: bound(limits.max_address_space.soft_limit),
        })
    }

    /// Pushes `process_*` of this process; `boot_unix_s` is when the machine booted.
    ///
    /// # Errors
    ///
    /// When `/proc/self` cannot be read.
    pub fn push(&self, boot_unix_s: Option<u64>, families: &mut Families) -> Result<(), CollectError> {
        let mut line = [0; 1024];
        let length =
            self.stat.read_at(&mut line, 0).map_err(|source| CollectError::read(Path::new(STAT), source))?;
        let stat = Stat::from_read(&line[..length]).map_err(|error| Garbled::from(error).at(STAT.into()))?;
        let descriptors =
            descriptors().map_err(|source| CollectError::read(Path::new(DESCRIPTORS), source))?;
        let tick = ticks_per_second() as f64;
        families.counter(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            &[],
            (stat.utime + stat.stime) as f64 / tick,
        );
        let mut gauge = |name, help, value| families.gauge(name, help, &[], value);
        gauge("process_open_fds", "Number of open file descriptors.", descriptors as f64);
        gauge("process_max_fds", "Maximum number of open file descriptors.", self.max_fds);
        gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat.vsize as f64);
        gauge(
            "process_virtual_memory_max_bytes",
            "Maximum amount of virtual memory available in bytes.",
            self.max_virtual_bytes,
        );
        gauge(
            "process_resident_memory_bytes",
            "Resident memory size in bytes.",
            stat.rss_bytes().get() as f64,
        );
        if let Some(boot) = boot_unix_s {
            gauge(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
                boot as f64 + stat.starttime as f64 / tick,
            );
        }
        Ok(())
    }
}

/// Linux 6.2 and later say how many there are; before, they are listed.
fn descriptors() -> io::Result<u64> {
    match std::fs::metadata(DESCRIPTORS)?.len() {
        0 => Ok(std::fs::read_dir(DESCRIPTORS)?.count() as u64),
        count => Ok(count),
    }
}
