//! What is reported of a replay: every half second, over the VMs that are alive.

use super::room::LiveRoom;
use super::vm::{TICK_MS, Vm};
use crate::replay::trace::{Room, Trace, room_cost};

/// Demand above which people notice.
const OVERLOAD: f64 = 0.85;
const HEAVY_OVERLOAD: f64 = 0.95;
/// How long after its start a flash crowd's peak is looked for, and its placements counted, ms.
const PEAK_MS: u64 = 900_000;
const BURST_MS: u64 = 120_000;
/// Placements are counted in slots of this length, ms.
const SLOT_MS: u64 = 30_000;

/// The result of one replay.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Outcome {
    /// Participant-minutes in all.
    pub minutes: f64,
    /// Those on VMs above 85 % CPU: the headline.
    pub overload_minutes: f64,
    /// Those on VMs above 95 %.
    pub heavy_overload_minutes: f64,
    /// Those on VMs above 85 % even without the VM's largest room: caused by placement alone.
    pub herd_minutes: f64,
    /// Mean over time of (highest ÷ mean) demand of the VMs that do not drain.
    pub max_over_mean: f64,
    /// Mean over time of the spread of demand: standard deviation ÷ mean.
    pub spread: f64,
    /// Mean over time of the mean demand, weighted by capacity.
    pub mean_demand: f64,
    /// Mean over the flash crowds of the highest demand in the 15 minutes after each.
    pub flash_peak: f64,
    /// Mean over the flash crowds of the most placements given to one VM in 30 s.
    pub burst: f64,
    /// Requests answered with a dead VM, or not at all.
    pub failed: u64,
    /// Those of them that were refused because no node could take the room.
    pub refused: u64,
    /// Requests in all.
    pub asked: u64,
    /// Named rooms with two people at once.
    pub met_rooms: u64,
    /// Those of them that had people on two VMs at once.
    pub split_rooms: u64,
}

impl Outcome {
    /// Share of participant-minutes in overload, per cent.
    #[must_use]
    pub fn overload_percent(&self) -> f64 {
        100.0 * self.overload_minutes / self.minutes
    }

    /// Share of participant-minutes in overload that placement alone caused, per cent.
    #[must_use]
    pub fn herd_percent(&self) -> f64 {
        100.0 * self.herd_minutes / self.minutes
    }

    /// Several replays as one: sums of what is counted, means of what is a level.
    #[must_use]
    pub fn pooled<'a>(outcomes: impl Iterator<Item = &'a Self>) -> Self {
        let (mut all, mut count) = (Self::default(), 0.0f64);
        for one in outcomes {
            count += 1.0;
            all.minutes += one.minutes;
            all.overload_minutes += one.overload_minutes;
            all.heavy_overload_minutes += one.heavy_overload_minutes;
            all.herd_minutes += one.herd_minutes;
            all.failed += one.failed;
            all.refused += one.refused;
            all.asked += one.asked;
            all.met_rooms += one.met_rooms;
            all.split_rooms += one.split_rooms;
            all.max_over_mean += one.max_over_mean;
            all.spread += one.spread;
            all.mean_demand += one.mean_demand;
            all.flash_peak += one.flash_peak;
            all.burst += one.burst;
        }
        let levels = [
            &mut all.max_over_mean,
            &mut all.spread,
            &mut all.mean_demand,
            &mut all.flash_peak,
            &mut all.burst,
        ];
        levels.into_iter().for_each(|level| *level /= count.max(1.0));
        all
    }

    /// Share of the named rooms that were split, per cent.
    #[must_use]
    pub fn split_percent(&self) -> f64 {
        100.0 * self.split_rooms as f64 / self.met_rooms.max(1) as f64
    }
}

/// Sums up while the replay goes on.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    pub(super) outcome: Outcome,
    ticks: f64,
    peaks: Vec<f64>,
    bursts: Vec<u32>,
}

impl Meter {
    pub(super) fn new(trace: &Trace) -> Self {
        let spikes = trace.spikes_ms.len();
        Self { outcome: Outcome::default(), ticks: 0.0, peaks: vec![0.0; spikes], bursts: vec![0; spikes] }
    }

    pub(super) fn tick(&mut self, trace: &Trace, now_ms: u64, vms: &mut [Vm], rooms: &[LiveRoom]) {
        let burst = vms.iter().map(|vm| vm.placed_in_slot).max().unwrap_or(0);
        if now_ms.is_multiple_of(SLOT_MS) {
            vms.iter_mut().for_each(|vm| vm.placed_in_slot = 0);
        }
        if now_ms < trace.warm_ms {
            return;
        }
        vms.iter()
            .enumerate()
            .filter(|(_, vm)| vm.alive)
            .for_each(|(at, vm)| self.people(trace, at, vm, rooms));
        let takers = || vms.iter().filter(|vm| vm.alive && !vm.draining);
        let count = takers().count();
        if count == 0 {
            return;
        }
        let highest = takers().map(|vm| vm.demand).fold(0.0, f64::max);
        let mean = takers().map(|vm| vm.demand).sum::<f64>() / count as f64;
        let capacity: f64 = takers().map(|vm| vm.capacity).sum();
        self.ticks += 1.0;
        self.outcome.max_over_mean += highest / mean;
        let variance = takers().map(|vm| (vm.demand - mean).powi(2)).sum::<f64>() / count as f64;
        self.outcome.spread += variance.sqrt() / mean;
        self.outcome.mean_demand += takers().map(|vm| vm.demand * vm.capacity).sum::<f64>() / capacity;
        for (spike, &start) in trace.spikes_ms.iter().enumerate() {
            let Some(since) = now_ms.checked_sub(start) else { continue };
            if since < PEAK_MS {
                self.peaks[spike] = self.peaks[spike].max(highest);
            }
            if since <= BURST_MS {
                self.bursts[spike] = self.bursts[spike].max(burst);
            }
        }
    }

    fn people(&mut self, trace: &Trace, at: usize, vm: &Vm, rooms: &[LiveRoom]) {
        let minutes = f64::from(vm.people) * TICK_MS as f64 / 60_000.0;
        let outcome = &mut self.outcome;
        outcome.minutes += minutes;
        if vm.demand <= OVERLOAD {
            return;
        }
        outcome.overload_minutes += minutes;
        if vm.demand > HEAVY_OVERLOAD {
            outcome.heavy_overload_minutes += minutes;
        }
        let cost = |&room: &u32| need(&trace.rooms[room as usize], rooms[room as usize].people_on(at));
        let largest = vm.rooms.iter().map(cost).fold(0.0, f64::max);
        if vm.demand - largest / vm.speed > OVERLOAD {
            outcome.herd_minutes += minutes;
        }
    }

    pub(super) fn finish(mut self, trace: &Trace, rooms: &[LiveRoom]) -> Outcome {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let outcome = &mut self.outcome;
        outcome.max_over_mean /= self.ticks.max(1.0);
        outcome.spread /= self.ticks.max(1.0);
        outcome.mean_demand /= self.ticks.max(1.0);
        outcome.flash_peak = mean(&self.peaks);
        outcome.burst = mean(&self.bursts.iter().map(|&burst| f64::from(burst)).collect::<Vec<_>>());
        for (room, live) in trace.rooms.iter().zip(rooms) {
            if room.named && live.met && room.at_ms >= trace.warm_ms {
                outcome.met_rooms += 1;
                outcome.split_rooms += u64::from(live.split);
            }
        }
        self.outcome
    }
}

/// CPU of `people` of this room, in standard VMs.
pub(super) fn need(room: &Room, people: u32) -> f64 {
    room_cost(people) * f64::from(room.weight_permille) / 1000.0
}
