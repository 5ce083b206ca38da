//! A VM: people in, CPU out, and what its agent says of it.

use std::collections::VecDeque;
use std::f64::consts::TAU;

use super::world::World;
use crate::replay::trace::{CPU_IDLE, Random, mix, unit};

/// Measuring happens this often; so does everything that moves by itself.
pub(super) const TICK_MS: u64 = 500;
/// How long an agent holds a promise.
const PROMISE_MS: u64 = 600_000;
/// The bridge calls itself full (stress 1) at this CPU.
const CPU_AT_FULL_STRESS: f64 = 0.9;
/// Cores of the standard VM.
const CORES: f64 = 8.0;

#[derive(Debug, Clone)]
pub(super) struct Vm {
    /// In standard VMs, as its cores say.
    pub(super) capacity: f64,
    /// In standard VMs, as it really performs.
    pub(super) speed: f64,
    /// People can meet here.
    pub(super) alive: bool,
    /// Its agent answers, as far as it depends on the VM.
    agent: bool,
    pub(super) draining: bool,
    /// Cost of all its rooms, in standard VMs.
    pub(super) media: f64,
    pub(super) people: u32,
    pub(super) joins_total: u64,
    /// Rooms with people here.
    pub(super) rooms: Vec<u32>,
    /// Promises that its agent holds, oldest first; each until its room is live.
    promises: VecDeque<Promised>,
    /// Share of its CPU that would be needed; above 1 when there is not enough.
    pub(super) demand: f64,
    noise: f64,
    smooth_3s: f64,
    smooth_15s: f64,
    stress: f64,
    shown_people: u32,
    shown_rooms: usize,
    busy_s: f64,
    /// Placements in the present 30-second slot.
    pub(super) placed_in_slot: u32,
}

/// People whom an agent was asked to keep room for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promised {
    /// The room they are of.
    pub room: u32,
    /// How many are still expected.
    pub people: f64,
    /// When it was asked, ms.
    pub made_at_ms: u64,
}

/// What an agent answers.
#[derive(Debug, Clone)]
pub struct Figures {
    /// When.
    pub at_ms: u64,
    /// CPU as it is, 0..=1.
    pub cpu: f64,
    /// CPU smoothed over 3 s, read with an error.
    pub cpu_3s: f64,
    /// CPU smoothed over 15 s.
    pub cpu_15s: f64,
    /// Seconds of CPU used since the VM is there, as a share of all of it.
    pub busy_s: f64,
    /// The bridge's own word, as old as it may be.
    pub stress: f64,
    /// People in conferences, as old as the bridge's figure may be.
    pub participants: u64,
    /// Conferences, of the same age.
    pub conferences: u64,
    /// People who ever joined.
    pub joins_total: u64,
    /// Cores.
    pub cores: u32,
    /// Whether it says that it drains.
    pub draining: bool,
    /// What it was asked to keep room for and nobody has come to yet, oldest first.
    pub promises: Vec<Promised>,
}

impl Vm {
    /// VM `number` of the trace with this seed.
    pub(super) fn new(number: u32, capacity_permille: u32, seed: u64, world: &World) -> Self {
        let capacity = f64::from(capacity_permille) / 1000.0;
        let [u, v] = [0xABC, 0xABD].map(|salt| unit(mix(u64::from(number), seed ^ salt)));
        let normal = (-2.0 * u.ln()).sqrt() * (TAU * v).cos();
        Self {
            capacity,
            speed: capacity * (world.speed_spread * normal).exp(),
            alive: true,
            agent: true,
            draining: false,
            media: 0.0,
            people: 0,
            joins_total: 0,
            rooms: Vec::new(),
            promises: VecDeque::new(),
            demand: CPU_IDLE,
            noise: 0.0,
            smooth_3s: CPU_IDLE,
            smooth_15s: CPU_IDLE,
            stress: CPU_IDLE,
            shown_people: 0,
            shown_rooms: 0,
            busy_s: 0.0,
            placed_in_slot: 0,
        }
    }

    /// Half a second passes. `tick` counts them; `phase` sets the VMs' bridges apart.
    pub(super) fn tick(&mut self, tick: u64, phase: u64, world: &World, random: &mut Random) {
        let keep = (-(TICK_MS as f64) / 60_000.0).exp();
        self.noise = self.noise * keep + world.noise * (1.0 - keep * keep).sqrt() * random.noise();
        if !self.agent {
            return;
        }
        self.demand = (CPU_IDLE + self.media / self.speed + self.noise).max(0.005);
        let cpu = self.demand.min(1.0);
        self.busy_s += cpu * TICK_MS as f64 / 1000.0;
        let towards =
            |old: f64, constant_ms: f64| old + (cpu - old) * (1.0 - (-(TICK_MS as f64) / constant_ms).exp());
        self.smooth_3s = towards(self.smooth_3s, 3_000.0);
        self.smooth_15s = towards(self.smooth_15s, 15_000.0);
        let due = |every_ms: u64| (tick + phase).is_multiple_of((every_ms / TICK_MS).max(1));
        if due(world.bridge_refresh_ms) {
            self.shown_people = self.people;
            self.shown_rooms = self.rooms.len();
        }
        if due(world.stress_refresh_ms) {
            self.stress = self.smooth_3s / CPU_AT_FULL_STRESS;
        }
    }

    /// The agent's answer at `now_ms`; `None` when it gives none.
    pub(super) fn report(
        &mut self,
        number: u64,
        now_ms: u64,
        seed: u64,
        world: &World,
        net: &mut Random,
    ) -> Option<Figures> {
        let (luck, error) = (net.unit(), net.noise() * world.reading_noise);
        let failure = if self.demand > 0.97 { world.scrape_failure_overloaded } else { world.scrape_failure };
        if luck < failure || !self.answers(number, now_ms, seed, world) {
            return None;
        }
        while self.promises.front().is_some_and(|promise| now_ms - promise.made_at_ms > PROMISE_MS) {
            self.promises.pop_front();
        }
        let rooms = &self.rooms;
        self.promises.retain(|promise| !rooms.contains(&promise.room));
        Some(Figures {
            at_ms: now_ms,
            cpu: self.demand.min(1.0),
            busy_s: self.busy_s,
            cpu_3s: (self.smooth_3s + error).clamp(0.0, 1.0),
            cpu_15s: self.smooth_15s,
            stress: self.stress,
            participants: u64::from(self.shown_people),
            conferences: self.shown_rooms as u64,
            joins_total: self.joins_total,
            cores: (self.capacity * CORES).round() as u32,
            draining: self.draining,
            promises: self.promises.iter().copied().collect(),
        })
    }

    /// What the agent goes by when it is asked to take a room.
    pub(super) fn load(&self) -> f64 {
        self.smooth_3s.max(self.stress * CPU_AT_FULL_STRESS)
    }

    /// Whether the agent is there at all in this minute.
    pub(super) fn answers(&self, number: u64, now_ms: u64, seed: u64, world: &World) -> bool {
        let minute = now_ms / 60_000;
        self.agent && unit(mix(number + 31, minute ^ (seed << 20))) >= world.silent_minutes
    }

    /// The agent is asked to hold a promise.
    pub(super) fn promise(&mut self, promise: Promised) {
        self.promises.push_back(promise);
    }

    /// Everything on it is gone, its agent too.
    pub(super) fn die(&mut self) -> Vec<u32> {
        self.agent = false;
        self.empty()
    }

    /// Everybody is out, and nobody comes in; the agent sees nothing wrong.
    pub(super) fn empty(&mut self) -> Vec<u32> {
        self.alive = false;
        self.media = 0.0;
        self.people = 0;
        std::mem::take(&mut self.rooms)
    }
}
