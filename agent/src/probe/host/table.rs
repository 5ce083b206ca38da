//! The table of collectors: one row a collector, one file a row.
//!
//! A collector reads through the [`Machine`] it is handed and pushes samples. It keeps
//! no clock and counts no failures: `run` does that for all of them alike.

use usher_common::metric::Families;

use super::files::Files;
use super::{CollectError, Roots, Settings};
use super::{
    arp, bonding, conntrack, cpu, cpufreq, diskstats, dmi, edac, entropy, filefd, filesystem, hwmon, loadavg,
    meminfo, mounts, netclass, netdev, netstat, os_release, powersupply, pressure, sample, schedstat,
    selinux, sockstat, softnet, stat, statfs, textfile, thermal, time, timex, udp_queues, uname, vmstat,
};

/// How often a collector's readings are worth having anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// One or two files of `/proc`, kept open: read at every pass.
    Hot,
    /// Walks directories or asks file systems: its readings serve for
    /// [`Settings::warm_for`], so that a second scraper costs little.
    Warm,
    /// Says what only an installation or a reboot changes: [`Settings::still_for`].
    Still,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Collector {
    /// The `collector` label of `node_scrape_collector_success`; node_exporter's word.
    pub name: &'static str,
    /// How often it runs.
    pub cost: Cost,
    /// Pushes its samples. What was pushed before an error stays.
    pub(super) collect: fn(&mut Machine, &mut Families) -> Result<(), CollectError>,
}

/// The machine as collectors see it.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) roots: Roots,
    pub(super) settings: Settings,
    pub(super) files: Files,
    pub(super) memory: Memory,
}

/// What collectors remember from pass to pass.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) cpu: cpu::Highest,
    pub(super) clocks: time::Clocks,
    pub(super) cpufreq: cpufreq::Scaled,
    pub(super) throttles: cpu::Throttles,
    pub(super) diskstats: diskstats::Disks,
    pub(super) mounts: mounts::Mounts,
    pub(super) netclass: netclass::Interfaces,
    pub(super) netdev: netdev::Unhandled,
    pub(super) outward: sample::Outward,
    pub(super) stat: Option<cpu::Stat>,
    pub(super) statfs: statfs::Surveyor,
}

impl Machine {
    pub(super) fn new(roots: Roots, settings: Settings) -> Self {
        Self { files: Files::new(roots.clone()), roots, settings, memory: Memory::default() }
    }
}

/// Every collector, in the order of its name.
pub const TABLE: &[Collector] = &[
    Collector { name: "arp", cost: Cost::Hot, collect: arp::collect },
    Collector { name: "bonding", cost: Cost::Warm, collect: bonding::collect },
    Collector { name: "conntrack", cost: Cost::Hot, collect: conntrack::collect },
    Collector { name: "cpu", cost: Cost::Hot, collect: cpu::collect },
    Collector { name: "cpufreq", cost: Cost::Warm, collect: cpufreq::collect },
    Collector { name: "diskstats", cost: Cost::Hot, collect: diskstats::collect },
    Collector { name: "dmi", cost: Cost::Still, collect: dmi::collect },
    Collector { name: "edac", cost: Cost::Warm, collect: edac::collect },
    Collector { name: "entropy", cost: Cost::Hot, collect: entropy::collect },
    Collector { name: "filefd", cost: Cost::Hot, collect: filefd::collect },
    Collector { name: "filesystem", cost: Cost::Warm, collect: filesystem::collect },
    Collector { name: "hwmon", cost: Cost::Warm, collect: hwmon::collect },
    Collector { name: "loadavg", cost: Cost::Hot, collect: loadavg::collect },
    Collector { name: "meminfo", cost: Cost::Hot, collect: meminfo::collect },
    Collector { name: "netclass", cost: Cost::Warm, collect: netclass::collect },
    Collector { name: "netdev", cost: Cost::Hot, collect: netdev::collect },
    Collector { name: "netstat", cost: Cost::Hot, collect: netstat::collect },
    Collector { name: "os", cost: Cost::Still, collect: os_release::collect },
    Collector { name: "powersupplyclass", cost: Cost::Warm, collect: powersupply::collect },
    Collector { name: "pressure", cost: Cost::Hot, collect: pressure::collect },
    Collector { name: "schedstat", cost: Cost::Hot, collect: schedstat::collect },
    Collector { name: "selinux", cost: Cost::Warm, collect: selinux::collect },
    Collector { name: "sockstat", cost: Cost::Hot, collect: sockstat::collect },
    Collector { name: "softnet", cost: Cost::Hot, collect: softnet::collect },
    Collector { name: "stat", cost: Cost::Hot, collect: stat::collect },
    Collector { name: "textfile", cost: Cost::Warm, collect: textfile::collect },
    Collector { name: "thermal_zone", cost: Cost::Warm, collect: thermal::collect },
    Collector { name: "time", cost: Cost::Hot, collect: time::collect },
    Collector { name: "timex", cost: Cost::Hot, collect: timex::collect },
    Collector { name: "udp_queues", cost: Cost::Hot, collect: udp_queues::collect },
    Collector { name: "uname", cost: Cost::Hot, collect: uname::collect },
    Collector { name: "vmstat", cost: Cost::Hot, collect: vmstat::collect },
];
