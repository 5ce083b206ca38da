//! A VM: people in, CPU out, and what its agent says of it.

use std::collections::VecDeque;
use std::f64::consts::TAU;

use super::world::World;
use crate::trace::{CPU_IDLE, Random, mix, unit};

/// Measuring happens this often; so does everything that moves by itself.
pub(super) const TICK_MS: u64 = 500;
/// How long an agent holds a promise.
const PROMISE_MS: u64 = 600_000;
/// Cores of the standard VM.
const CORES: f64 = 8.0;

#[derive(Debug)]
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
    /// Promises that its agent holds, oldest first.
    promises: VecDeque<Promised>,
    /// Share of its CPU that would be needed; above 1 when there is not enough.
    pub(super) demand: f64,
    noise: f64,
    smooth_3s: f64,
    smooth_15s: f64,
    stress: f64,
    shown_people: u32,
    /// Placements in the present 30-second slot.
    pub(super) placed_in_slot: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Promised {
    pub(super) people: f64,
    pub(super) made_at_ms: u64,
}

/// What an agent answers.
#[derive(Debug, Clone)]
pub(super) struct Report {
    pub(super) at_ms: u64,
    pub(super) cpu_3s: f64,
    pub(super) cpu_15s: f64,
    pub(super) stress: f64,
    pub(super) participants: u64,
    pub(super) joins_total: u64,
    pub(super) cores: u32,
    pub(super) draining: bool,
    pub(super) promises: Vec<Promised>,
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
        let towards =
            |old: f64, constant_ms: f64| old + (cpu - old) * (1.0 - (-(TICK_MS as f64) / constant_ms).exp());
        self.smooth_3s = towards(self.smooth_3s, 3_000.0);
        self.smooth_15s = towards(self.smooth_15s, 15_000.0);
        let due = |every_ms: u64| (tick + phase).is_multiple_of((every_ms / TICK_MS).max(1));
        if due(world.bridge_refresh_ms) {
            self.shown_people = self.people;
        }
        if due(world.stress_refresh_ms) {
            self.stress = self.smooth_3s / 0.9;
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
    ) -> Option<Report> {
        let (luck, error) = (net.unit(), net.noise() * world.reading_noise);
        let failure = if self.demand > 0.97 { world.scrape_failure_overloaded } else { world.scrape_failure };
        if luck < failure || !self.answers(number, now_ms, seed, world) {
            return None;
        }
        while self.promises.front().is_some_and(|promise| now_ms - promise.made_at_ms > PROMISE_MS) {
            self.promises.pop_front();
        }
        Some(Report {
            at_ms: now_ms,
            cpu_3s: (self.smooth_3s + error).clamp(0.0, 1.0),
            cpu_15s: self.smooth_15s,
            stress: self.stress,
            participants: u64::from(self.shown_people),
            joins_total: self.joins_total,
            cores: (self.capacity * CORES).round() as u32,
            draining: self.draining,
            promises: self.promises.iter().copied().collect(),
        })
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
