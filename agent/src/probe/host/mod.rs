//! The machine: its processors, memory, disks, networks and clock.
//!
//! ```text
//!  /proc /sys ──► files ──► one collector a file ──► run ──► Families   (node_*, for /metrics)
//!   statfs, uname          (rows of `table`)     └─ measures, isolates
//!              └──────────► sample ──► HostSample ──► rates ──► report  (for /v1/report)
//! ```
//!
//! The `node_*` names, labels, types and values are those of node_exporter 1.5.0 as
//! Debian 12 ships it, and the newer names that its dashboards ask for. Where the
//! roots of the trees lie is a setting, so that the same code reads a fixture tree.
//!
//! Nothing here starts a process, needs root, or decides anything about the node.

mod arp;
mod bonding;
mod conntrack;
mod cpu;
mod cpufreq;
mod diskstats;
mod dmi;
mod edac;
mod entropy;
mod error;
mod filefd;
mod files;
mod filesystem;
mod hwmon;
mod loadavg;
mod meminfo;
mod mounts;
mod netclass;
mod netdev;
mod netstat;
mod os_release;
mod own_process;
mod parse;
mod powersupply;
mod pressure;
mod rates;
mod report;
mod run;
mod sample;
mod schedstat;
mod selinux;
mod settings;
mod sockstat;
mod softnet;
mod space;
mod stat;
mod statfs;
mod table;
mod textfile;
mod thermal;
mod time;
mod timex;
mod udp_queues;
mod uname;
mod vmstat;

#[cfg(test)]
mod tests;

pub use error::CollectError;
pub(super) use files::{Attribute, Text};
pub use own_process::OwnProcess;
pub(super) use pressure::waited_us;
pub use rates::{CpuShares, Rates, SlowRates, rates, slow_rates, smooth};
pub use report::{cpu, disk, identity, memory, network};
pub use run::{Host, Ran};
pub use sample::{CpuTimes, DiskTotals, HostSample, MemoryFigures, NetTotals, Sampled, SlowSample, Ticks};
pub use settings::{Roots, Settings};
pub use space::Space;
pub use table::{Collector, Cost, TABLE};
