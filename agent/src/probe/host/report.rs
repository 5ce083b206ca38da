//! Samples and rates to the parts of the report. Pure, but for [`identity`].

use usher_common::wire;

use super::{HostSample, Rates, SlowRates, Space};

/// The processors; `None` when they could not be read. `busy_smooth` is what
/// [`super::smooth`] made of the shares so far, `load` the newest load averages.
#[must_use]
pub fn cpu(
    sample: &HostSample,
    rates: Option<&Rates>,
    busy_smooth: Option<f64>,
    load: Option<[f64; 3]>,
) -> Option<wire::Cpu> {
    let times = sample.cpu.as_ref()?;
    let shares = rates.and_then(|rates| rates.cpu);
    // One unknown core makes the list unknown: a list with a hole would shift the others.
    let cores = rates.and_then(|rates| {
        let all_seen = rates.core_busy.len() == times.cores.len() && !times.cores.is_empty();
        all_seen.then(|| rates.core_busy.iter().map(|(_, busy)| *busy).collect::<Option<Vec<_>>>())?
    });
    Some(wire::Cpu {
        cores: u32::try_from(times.cores.len()).ok()?,
        busy: shares.map(|shares| shares.busy),
        busy_smooth,
        steal: shares.map(|shares| shares.steal),
        iowait: shares.map(|shares| shares.iowait),
        per_core_busy: cores,
        load,
    })
}

/// The memory; `None` when it could not be read.
#[must_use]
pub fn memory(sample: &HostSample) -> Option<wire::Memory> {
    let memory = sample.memory.as_ref()?;
    Some(wire::Memory {
        total_bytes: memory.total,
        available_bytes: memory.available,
        swap_total_bytes: memory.swap_total,
        swap_free_bytes: memory.swap_free,
    })
}

/// The fullest of `spaces`, with the traffic of all disks; `None` when none answered.
#[must_use]
pub fn disk(spaces: &[Space], rates: Option<SlowRates>) -> Option<wire::Disk> {
    let left = |space: &Space| space.available_bytes as f64 / space.total_bytes as f64;
    let sized = spaces.iter().filter(|space| space.total_bytes > 0);
    let fullest = sized.min_by(|a, b| left(a).total_cmp(&left(b)))?;
    Some(wire::Disk {
        mount: fullest.mount.clone(),
        total_bytes: fullest.total_bytes,
        available_bytes: fullest.available_bytes,
        read_bytes_per_s: rates.and_then(|rates| rates.read_bytes_per_s),
        written_bytes_per_s: rates.and_then(|rates| rates.written_bytes_per_s),
    })
}

/// The network; `None` when its counters could not be read.
#[must_use]
pub fn network(sample: &HostSample, rates: Option<&Rates>, slow: Option<SlowRates>) -> Option<wire::Network> {
    sample.net.as_ref()?;
    Some(wire::Network {
        receive_bytes_per_s: rates.and_then(|rates| rates.receive_bytes_per_s),
        transmit_bytes_per_s: rates.and_then(|rates| rates.transmit_bytes_per_s),
        receive_drop_per_s: rates.and_then(|rates| rates.receive_drop_per_s),
        udp_rcvbuf_errors_per_s: slow.and_then(|rates| rates.udp_rcvbuf_errors_per_s),
    })
}

/// Which machine this is; when it booted is not in it. Asks the running kernel, not a fixture.
#[must_use]
pub fn identity() -> wire::Host {
    wire::Host {
        hostname: sysinfo::System::host_name().ok(),
        kernel: sysinfo::System::kernel_version().ok(),
        boot_time_unix_s: None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::rates::CpuShares;
    use super::super::{CpuTimes, MemoryFigures};
    use super::*;

    fn sample() -> HostSample {
        HostSample {
            at: Instant::now(),
            cpu: Some(CpuTimes {
                total: [0; 10],
                cores: vec![(0, [0; 10]), (3, [0; 10])],
                boot_time_unix_s: 9,
            }),
            memory: Some(MemoryFigures {
                total: 4,
                available: None,
                swap_total: Some(0),
                swap_free: Some(0),
            }),
            net: None,
        }
    }

    #[test]
    fn before_the_second_sample_speeds_are_unknown_not_zero() {
        let cpu = cpu(&sample(), None, None, Some([1.0, 2.0, 3.0])).unwrap();
        assert_eq!(
            (cpu.cores, cpu.busy, cpu.steal, cpu.per_core_busy, cpu.load),
            (2, None, None, None, Some([1.0, 2.0, 3.0]))
        );
        assert_eq!(memory(&sample()).unwrap().available_bytes, None);
        assert_eq!(network(&sample(), None, None), None);
    }

    #[test]
    fn one_unknown_core_makes_the_list_unknown() {
        let shares = CpuShares { busy: 0.5, steal: 0.0, iowait: 0.0 };
        let mut rates = Rates { cpu: Some(shares), ..Rates::default() };
        rates.core_busy = vec![(0, Some(0.25)), (3, Some(0.75))];
        assert_eq!(
            cpu(&sample(), Some(&rates), Some(0.4), None).unwrap().per_core_busy,
            Some(vec![0.25, 0.75])
        );
        rates.core_busy = vec![(0, Some(0.25)), (3, None)];
        assert_eq!(cpu(&sample(), Some(&rates), Some(0.4), None).unwrap().per_core_busy, None);
        rates.core_busy = vec![(0, Some(0.25))];
        assert_eq!(cpu(&sample(), Some(&rates), Some(0.4), None).unwrap().per_core_busy, None);
    }

    #[test]
    fn the_fullest_file_system_is_the_one_with_the_smallest_share_left() {
        let space = |mount: &str, total_bytes, available_bytes| Space {
            mount: mount.into(),
            total_bytes,
            available_bytes,
        };
        let spaces = [space("/", 1000, 100), space("/var", 100, 50), space("/proc", 0, 0)];
        assert_eq!(disk(&spaces, None).unwrap().mount, "/");
        assert_eq!(disk(&[], None), None);
    }
}
