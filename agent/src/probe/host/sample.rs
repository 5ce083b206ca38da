//! The figures of the report, as values: those worth having every second, and those of which every few
//! seconds are enough (a file of `/proc` costs 50 µs of a machine that slept). Counters stay counters:
//! `rates` makes speeds of two samples.

use std::collections::BTreeMap;
use std::time::Instant;

use super::table::Machine;
use super::{CollectError, Host, cpu, diskstats, loadavg, meminfo, netdev, netstat, parse};

/// Ticks of a core (or of all) in user, nice, system, idle, iowait, irq, softirq, steal,
/// guest and guest_nice, since boot. The last two are also in the first two.
pub type Ticks = [u64; 10];

/// The machine at one moment. `None` is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSample {
    /// When it was taken.
    pub at: Instant,
    /// Processor time.
    pub cpu: Option<CpuTimes>,
    /// Memory.
    pub memory: Option<MemoryFigures>,
    /// The interfaces that lead out of the machine, by name.
    pub net: Option<BTreeMap<String, NetTotals>>,
}

/// What nobody places a meeting by, or what the kernel itself makes anew every 5 s only. `None` is unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowSample {
    /// When it was taken.
    pub at: Instant,
    /// Load averages over 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Whole disks, by name.
    pub disks: Option<BTreeMap<String, DiskTotals>>,
    /// UDP datagrams (IPv4) lost to full socket buffers since boot.
    pub udp_rcvbuf_errors: Option<u64>,
}

/// Processor time since boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuTimes {
    /// All cores together.
    pub total: Ticks,
    /// Each core that is online, by its number; numbers have gaps where one is not.
    pub cores: Vec<(u32, Ticks)>,
    /// When the machine booted, seconds since the Unix epoch.
    pub boot_time_unix_s: u64,
}

/// Memory, bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryFigures {
    /// All of it.
    pub total: u64,
    /// What could be had without swapping; kernels before 3.14 do not say.
    pub available: Option<u64>,
    /// Swap space.
    pub swap_total: Option<u64>,
    /// Swap space not in use.
    pub swap_free: Option<u64>,
}

/// Traffic of an interface since it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetTotals {
    /// Bytes received.
    pub receive_bytes: u64,
    /// Bytes sent.
    pub transmit_bytes: u64,
    /// Received packets that were dropped.
    pub receive_drop: u64,
}

/// Traffic of a disk since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskTotals {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
}

/// A sample and what is missing in it.
#[derive(Debug)]
pub struct Sampled<T> {
    /// The sample.
    pub sample: T,
    /// Why a part is unknown, by the collector's name.
    pub failures: Vec<(&'static str, CollectError)>,
}

impl Host {
    /// Reads three files of `/proc` that are kept open; `at` is now.
    pub fn sample(&mut self, at: Instant) -> Sampled<HostSample> {
        let machine = &mut self.machine;
        let mut failures = Vec::new();
        let mut told = Told(&mut failures);
        let sample = HostSample {
            at,
            cpu: told.of("cpu", cpu_times(machine)),
            memory: told.of("meminfo", memory(machine)),
            net: told.of("netdev", net(machine)),
        };
        Sampled { sample, failures }
    }

    /// Reads three more; `at` is now.
    pub fn slow_sample(&mut self, at: Instant) -> Sampled<SlowSample> {
        let machine = &mut self.machine;
        let mut failures = Vec::new();
        let mut told = Told(&mut failures);
        let sample = SlowSample {
            at,
            load: told.of("loadavg", loadavg::read(machine)),
            disks: told.of("diskstats", disks(machine)),
            udp_rcvbuf_errors: told.of("netstat", udp_rcvbuf_errors(machine)),
        };
        Sampled { sample, failures }
    }
}

/// Where failures go.
struct Told<'a>(&'a mut Vec<(&'static str, CollectError)>);

impl Told<'_> {
    fn of<T>(&mut self, part: &'static str, read: Result<T, CollectError>) -> Option<T> {
        read.map_err(|error| self.0.push((part, error))).ok()
    }
}

fn cpu_times(machine: &mut Machine) -> Result<CpuTimes, CollectError> {
    let stat = cpu::read(machine)?;
    Ok(CpuTimes { total: stat.total, cores: stat.cores, boot_time_unix_s: stat.kernel.btime })
}

fn memory(machine: &mut Machine) -> Result<MemoryFigures, CollectError> {
    let garbled_at = machine.files.proc_path("meminfo");
    let text = machine.files.proc_single("meminfo")?;
    let names = ["MemTotal", "MemAvailable", "SwapTotal", "SwapFree"];
    let malformed = |what: &str| CollectError::Malformed { path: garbled_at.clone(), what: what.to_owned() };
    let [total, available, swap_total, swap_free] =
        meminfo::figures(text, names).map_err(|garbled| malformed(&garbled.0))?;
    let total = total.ok_or_else(|| malformed("no line \"MemTotal\""))?;
    Ok(MemoryFigures { total, available, swap_total, swap_free })
}

/// Whether each interface has a device behind it; looked at once in its life.
#[derive(Debug, Default)]
pub(super) struct Outward(BTreeMap<String, bool>);

fn net(machine: &mut Machine) -> Result<BTreeMap<String, NetTotals>, CollectError> {
    let devices = netdev::read(machine)?;
    let Machine { roots, memory, .. } = machine;
    let known = &mut memory.outward.0;
    known.retain(|name, _| devices.iter().any(|device| device.name == *name));
    let mut has_device = |name: &String| {
        if let Some(has) = known.get(name) {
            return *has;
        }
        let has = roots.sys.join("class/net").join(name).join("device").exists();
        known.insert(name.clone(), has);
        has
    };
    let has_device: Vec<bool> = devices.iter().map(|device| has_device(&device.name)).collect();
    let any = has_device.contains(&true);
    let outward =
        devices.into_iter().zip(has_device).filter(|(device, has)| leads_out(&device.name, *has, any));
    let totals = outward.map(|(device, _)| {
        let totals = NetTotals {
            receive_bytes: device.recv_bytes,
            transmit_bytes: device.sent_bytes,
            receive_drop: device.recv_drop,
        };
        (device.name, totals)
    });
    Ok(totals.collect())
}

/// Traffic between containers and over bridges is seen twice; what leaves the machine
/// does so through interfaces with a device behind them. Where none has one (in a
/// container), all count that are not known to lead inward.
fn leads_out(name: &str, has_device: bool, any_has_device: bool) -> bool {
    const INWARD: [&str; 7] = ["veth", "docker", "br-", "virbr", "ifb", "dummy", "tap"];
    if any_has_device {
        return has_device;
    }
    name != "lo" && !INWARD.iter().any(|prefix| name.starts_with(prefix))
}

fn disks(machine: &mut Machine) -> Result<BTreeMap<String, DiskTotals>, CollectError> {
    let disks = diskstats::read(machine)?.into_iter().filter(|disk| is_whole_disk(&disk.name));
    let totals = disks.map(|disk| {
        let totals = DiskTotals {
            read_bytes: disk.sectors_read * diskstats::SECTOR,
            written_bytes: disk.sectors_written * diskstats::SECTOR,
        };
        (disk.name, totals)
    });
    Ok(totals.collect())
}

/// Devices that are made of others would count their traffic twice.
fn is_whole_disk(name: &str) -> bool {
    !["dm-", "md", "zram", "loop", "ram", "bcache", "drbd"].iter().any(|prefix| name.starts_with(prefix))
}

fn udp_rcvbuf_errors(machine: &mut Machine) -> Result<u64, CollectError> {
    let mut errors = None;
    let walked = netstat::pairs(machine.files.proc_single(netstat::SNMP)?, &mut |protocol, field, value| {
        if (protocol, field) == ("Udp", "RcvbufErrors") {
            errors = Some(parse::number(value)?);
        }
        Ok(())
    });
    let path = || machine.files.proc_path(netstat::SNMP);
    walked.map_err(|garbled| garbled.at(path()))?;
    errors.ok_or_else(|| CollectError::Malformed { path: path(), what: "no Udp RcvbufErrors".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_that_leaves_the_machine_is_counted_once() {
        assert!(leads_out("eth0", true, true));
        assert!(!leads_out("bond0", false, true), "its members have the devices");
        assert!(leads_out("eth0", false, false), "no interface of a container has a device");
        for name in ["lo", "veth12ab", "docker0", "br-0a1b2c"] {
            assert!(!leads_out(name, false, false), "{name}");
        }
    }

    #[test]
    fn disks_made_of_disks_do_not_count() {
        assert!(is_whole_disk("vda") && is_whole_disk("nvme0n1"));
        assert!(!is_whole_disk("dm-0") && !is_whole_disk("md127") && !is_whole_disk("zram0"));
    }
}
