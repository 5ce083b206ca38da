//! Drawing the fleet: sizes of the VMs, what happens to them, and what runs on them at the start.

use super::cost::room_cost;
use super::random::Random;
use super::workload::Workload;
use super::{Room, VmEvent, VmKind};

/// Shares of the VMs that die, are drained, are added within the measured time.
const DIE: f64 = 0.03;
const DRAIN: f64 = 0.05;
const ADD: f64 = 0.08;

impl Workload {
    /// Every k-th VM is of half size, permille of the standard VM.
    pub(super) fn capacity_of(&self, vm: u32) -> u32 {
        let k = (1.0 / self.half.max(1e-9)).round() as u32;
        if self.half > 0.0 && vm % k == k - 1 { 500 } else { 1000 }
    }

    /// The fleet's capacity at the start, in standard VMs.
    pub(super) fn capacity_at_start(&self) -> f64 {
        (0..self.vms).map(|vm| f64::from(self.capacity_of(vm)) / 1000.0).sum()
    }

    /// The initial fleet and, with `churn`, what happens to it.
    pub(super) fn draw_fleet(&self) -> Vec<VmEvent> {
        let event = |at_s: f64, kind, vm| VmEvent {
            at_ms: (at_s * 1000.0) as u64,
            kind,
            vm,
            capacity_permille: self.capacity_of(vm),
        };
        let mut events: Vec<VmEvent> = (0..self.vms).map(|vm| event(0.0, VmKind::Add, vm)).collect();
        if !self.churn {
            return events;
        }
        let mut random = Random::new(self.seed, 2);
        let (from, span) = (self.measured_from_s(), self.measured_s);
        let count = |share: f64| (f64::from(self.vms) * share).ceil() as u32;
        let mut order: Vec<u32> = (0..self.vms).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, random.below(i + 1));
        }
        let (dying, rest) = order.split_at((count(DIE) as usize).min(order.len()));
        for &vm in dying {
            events.push(event(from + span * (0.05 + 0.9 * random.unit()), VmKind::Die, vm));
        }
        let drained = rest.iter().take(count(DRAIN) as usize);
        events.extend(drained.map(|&vm| event(from + span * 0.55, VmKind::Drain, vm)));
        // shortly before the second flash crowd of `replay`
        let added = |k: u32| event(from + span * 0.22 + 2.0 * f64::from(k), VmKind::Add, self.vms + k);
        events.extend((0..count(ADD)).map(added));
        events.sort_by_key(|event| event.at_ms);
        events
    }

    /// Puts the rooms that run at time 0 on VMs, by power of two choices.
    pub(super) fn settle_live(&self, rooms: &mut [Room], random: &mut Random) {
        let mut load = vec![0.0; self.vms as usize];
        for room in rooms.iter_mut().filter(|room| room.live_on.is_some()) {
            let people = u32::try_from(room.stays.len()).expect("at most twice 300 entries");
            let cost = room_cost(people) * f64::from(room.weight_permille) / 1000.0;
            let (one, two) = (random.below(load.len()), random.below(load.len()));
            let vm = if load[two] < load[one] { two } else { one };
            let number = u32::try_from(vm).expect("an index below `vms`, which is a u32");
            load[vm] += cost * 1000.0 / f64::from(self.capacity_of(number));
            room.live_on = Some(number);
        }
    }
}
