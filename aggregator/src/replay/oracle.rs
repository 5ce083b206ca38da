//! Deciding with knowledge that nobody has: the future of the rooms.
//!
//! The oracle gives a room to the VM whose *already placed* rooms will need least over the next
//! 20 minutes (mean of average and peak, compared like the product's own score); the clairvoyant
//! knows the new room's future too and avoids making overload.

use crate::replay::trace::{CPU_IDLE, Room, Stay, room_cost};

use super::vm::Vm;

/// The future is kept in steps of this length.
const STEP_MS: u64 = 30_000;
/// How far the oracle looks, and the clairvoyant where no overload is near: steps.
const ORACLE_STEPS: usize = 40;
const CLAIRVOYANT_STEPS: usize = 20;
/// The score's constants, as in the product.
const COMFORTABLE: f64 = 0.85;
const CAPACITY_EXPONENT: f64 = 0.5;
/// Above this the clairvoyant counts a load as overload: a little early, for the noise.
const TOO_MUCH: f64 = 0.80;

/// The need of a room, per step from `first` on, in standard VMs.
#[derive(Debug)]
pub(super) struct Future {
    first: usize,
    need: Vec<f64>,
}

impl Future {
    /// What `room` will need from `now_ms` on if everybody goes to one VM.
    pub(super) fn of(room: &Room, now_ms: u64) -> Self {
        let first = step(now_ms);
        let mut changes: Vec<i64> = Vec::new();
        let when = |offset_ms: u64| room.at_ms + offset_ms;
        for stay in room.stays.iter().filter(|stay| when(stay.leaves_ms()) > now_ms) {
            let from = step(when(Stay::joins_ms(stay))).saturating_sub(first);
            let to = step(when(stay.leaves_ms())).saturating_sub(first) + 1;
            if changes.len() <= to {
                changes.resize(to + 1, 0);
            }
            changes[from] += 1;
            changes[to] -= 1;
        }
        let weight = f64::from(room.weight_permille) / 1000.0;
        let mut people = 0i64;
        let need = changes.iter().map(|change| {
            people += change;
            room_cost(u32::try_from(people).expect("nobody leaves before joining")) * weight
        });
        Self { first, need: need.collect() }
    }
}

/// What each VM will need, by the rooms that were placed there.
#[derive(Debug, Clone, Default)]
pub(super) struct Foresight {
    needs: Vec<Vec<f64>>,
}

impl Foresight {
    pub(super) fn place(&mut self, vm: usize, future: &Future) {
        if self.needs.len() <= vm {
            self.needs.resize(vm + 1, Vec::new());
        }
        let needs = &mut self.needs[vm];
        let end = future.first + future.need.len();
        if needs.len() < end {
            needs.resize(end, 0.0);
        }
        needs[future.first..].iter_mut().zip(&future.need).for_each(|(sum, need)| *sum += need);
    }

    pub(super) fn die(&mut self, vm: usize) {
        if let Some(needs) = self.needs.get_mut(vm) {
            needs.clear();
        }
    }

    /// The oracle's score of a VM for any room; the smallest is the best.
    pub(super) fn oracle(&self, vm: usize, state: &Vm, now_ms: u64) -> f64 {
        let from = step(now_ms);
        let ahead = (from..from + ORACLE_STEPS).map(|at| self.need(vm, at));
        let (sum, peak) = ahead.fold((0.0, 0.0f64), |(sum, peak), need| (sum + need, peak.max(need)));
        let load = (0.5 * sum / ORACLE_STEPS as f64 + 0.5 * peak) / state.speed;
        (load - COMFORTABLE) * state.capacity.powf(CAPACITY_EXPONENT)
    }

    /// The clairvoyant's score of a VM for this room: overload made, then load.
    pub(super) fn clairvoyant(&self, vm: usize, state: &Vm, room: &Future) -> f64 {
        let over = |load: f64| (load + CPU_IDLE - TOO_MUCH).max(0.0) * load;
        let (mut made, mut near) = (0.0, 0.0);
        for (ahead, need) in room.need.iter().enumerate() {
            let before = self.need(vm, room.first + ahead) / state.speed;
            made += over(before + need / state.speed) - over(before);
            if ahead < CLAIRVOYANT_STEPS {
                near += before;
            }
        }
        made * 10.0 + near / CLAIRVOYANT_STEPS as f64 * 0.01
    }

    fn need(&self, vm: usize, step: usize) -> f64 {
        // beyond what is written down, nothing is needed
        self.needs.get(vm).and_then(|needs| needs.get(step)).copied().unwrap_or(0.0)
    }
}

fn step(at_ms: u64) -> usize {
    usize::try_from(at_ms / STEP_MS).expect("a trace is shorter than a lifetime")
}
