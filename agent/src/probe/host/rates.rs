//! Two samples to speeds. Pure: no clock, no files.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cpu::{DISTINCT, IDLE, IOWAIT, STEAL};
use super::sample::Ticks;
use super::{HostSample, SlowSample};

/// Idle and iowait are computed anew at each reading and may step back this far without
/// anything having happened, ticks: 3 s at the 100 ticks per second that the kernel
/// reports on every architecture.
const SMALL_STEP: u64 = 300;

/// Speeds between two samples. `None` is unknown: there was no reading, or a counter
/// was set back in between.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rates {
    /// All cores together.
    pub cpu: Option<CpuShares>,
    /// Busy share of each core that was online at both samples, by its number.
    pub core_busy: Vec<(u32, Option<f64>)>,
    /// Bytes received per second, over the interfaces that lead out.
    pub receive_bytes_per_s: Option<f64>,
    /// Bytes sent per second.
    pub transmit_bytes_per_s: Option<f64>,
    /// Received packets dropped per second.
    pub receive_drop_per_s: Option<f64>,
}

/// Speeds between two slow samples. `None` is unknown, as above.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SlowRates {
    /// Bytes read per second, over all disks.
    pub read_bytes_per_s: Option<f64>,
    /// Bytes written per second.
    pub written_bytes_per_s: Option<f64>,
    /// UDP datagrams lost to full socket buffers, per second.
    pub udp_rcvbuf_errors_per_s: Option<f64>,
}

/// Shares of processor time, each 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CpuShares {
    /// Everything but idle and iowait, steal included.
    pub busy: f64,
    /// Given by the hypervisor to others.
    pub steal: f64,
    /// Idle with IO outstanding.
    pub iowait: f64,
}

/// The speeds between `previous` and `current`, `elapsed` apart.
#[must_use]
pub fn rates(previous: &HostSample, current: &HostSample, elapsed: Duration) -> Rates {
    let seconds = elapsed.as_secs_f64();
    let net = Pair::of(previous.net.as_ref(), current.net.as_ref(), seconds);
    let cpu = previous.cpu.as_ref().zip(current.cpu.as_ref());
    Rates {
        cpu: cpu.and_then(|(previous, current)| shares(&previous.total, &current.total)),
        core_busy: cpu.map_or_else(Vec::new, |(previous, current)| cores(&previous.cores, &current.cores)),
        receive_bytes_per_s: net.speed(|totals| totals.receive_bytes),
        transmit_bytes_per_s: net.speed(|totals| totals.transmit_bytes),
        receive_drop_per_s: net.speed(|totals| totals.receive_drop),
    }
}

/// The speeds between two slow samples, from the one's time to the other's.
#[must_use]
pub fn slow_rates(previous: &SlowSample, current: &SlowSample) -> SlowRates {
    let seconds = current.at.saturating_duration_since(previous.at).as_secs_f64();
    let disks = Pair::of(previous.disks.as_ref(), current.disks.as_ref(), seconds);
    SlowRates {
        read_bytes_per_s: disks.speed(|totals| totals.read_bytes),
        written_bytes_per_s: disks.speed(|totals| totals.written_bytes),
        udp_rcvbuf_errors_per_s: previous
            .udp_rcvbuf_errors
            .zip(current.udp_rcvbuf_errors)
            .and_then(|(previous, current)| per_second(current.checked_sub(previous)?, seconds)),
    }
}

/// `value` blended into what was there before, with time constant `tau`.
#[must_use]
pub fn smooth(before: Option<f64>, value: f64, elapsed: Duration, tau: Duration) -> f64 {
    let Some(before) = before else { return value };
    let weight = 1.0 - (-elapsed.as_secs_f64() / tau.as_secs_f64()).exp();
    before + (value - before) * weight
}

/// `None` when a counter was set back, or no time was counted.
fn shares(previous: &Ticks, current: &Ticks) -> Option<CpuShares> {
    let mut passed = [0_u64; DISTINCT];
    for (mode, passed) in passed.iter_mut().enumerate() {
        *passed = match current[mode].checked_sub(previous[mode]) {
            Some(ticks) => ticks,
            None if [IDLE, IOWAIT].contains(&mode) && previous[mode] - current[mode] < SMALL_STEP => 0,
            None => return None,
        };
    }
    let all: u64 = passed.iter().sum();
    let share = |ticks: u64| ticks as f64 / all as f64;
    (all > 0).then(|| CpuShares {
        busy: share(all - passed[IDLE] - passed[IOWAIT]),
        steal: share(passed[STEAL]),
        iowait: share(passed[IOWAIT]),
    })
}

fn cores(previous: &[(u32, Ticks)], current: &[(u32, Ticks)]) -> Vec<(u32, Option<f64>)> {
    let before: BTreeMap<u32, &Ticks> = previous.iter().map(|(core, ticks)| (*core, ticks)).collect();
    let both = current.iter().filter_map(|(core, now)| Some((*core, *before.get(core)?, now)));
    both.map(|(core, before, now)| (core, shares(before, now).map(|shares| shares.busy))).collect()
}

/// The devices that both samples have.
struct Pair<'a, T> {
    devices: Vec<(&'a T, &'a T)>,
    seconds: f64,
}

impl<'a, T> Pair<'a, T> {
    fn of(
        previous: Option<&'a BTreeMap<String, T>>,
        current: Option<&'a BTreeMap<String, T>>,
        seconds: f64,
    ) -> Self {
        let both = previous.into_iter().zip(current);
        let devices = both.flat_map(|(previous, current)| {
            current.iter().filter_map(|(name, now)| Some((previous.get(name)?, now)))
        });
        Self { devices: devices.collect(), seconds }
    }

    /// `None` without devices, or when the counter of one was set back.
    fn speed(&self, counter: impl Fn(&T) -> u64) -> Option<f64> {
        if self.devices.is_empty() {
            return None;
        }
        let mut sum = 0_u64;
        for (before, now) in &self.devices {
            sum = sum.saturating_add(counter(now).checked_sub(counter(before))?);
        }
        per_second(sum, self.seconds)
    }
}

fn per_second(count: u64, seconds: f64) -> Option<f64> {
    (seconds > 0.0).then(|| count as f64 / seconds)
}

#[cfg(test)]
mod tests;
