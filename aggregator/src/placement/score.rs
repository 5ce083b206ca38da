//! How loaded a node will be: what it measures, and what it was promised and cannot show yet.
//!
//! For node s of capacity `cap` (1 = the standard VM of 8 cores), all loads as shares of its CPU:
//!
//! ```text
//! L_s     = base_s + c_s · ( Σ_promises people · exp(−age / T1)  +  τ · joins_per_s  +  m )
//! score_s = (L_s − θ) · cap_s^γ · ramp_s                            the smallest is the best
//! ```
//!
//! - `base`: CPU, or JVB's stress × 0.9 less a margin where that is higher. Never clamped.
//! - `c_s`: CPU of one more person there; unless learned for the node, the fleet's ÷ `cap`.
//! - promises: `age` is counted at the time of the reading, for that is what the reading can show.
//!   One that only this replica can see counts once for every replica.
//!   The part beyond `m`, known from a hint, has a longer age constant of its own.
//! - `τ · joins_per_s`: who is joining now tells who is still to come. Where that is not known,
//!   promises live for τ instead of T1.
//! - `m`: the new room itself.
//! - `ramp`: a node that is new in the rotation has only part of its headroom at first.
//! - An old reading is trusted less: a load below the fleet's mean fades towards the mean.
//!
//! θ, γ, T1, τ, m are in [`Params`], with their origin.

use serde::Serialize;

use super::candidate::{Candidate, Promise, Reading, Witness};
use super::params::Params;

/// Share of its headroom that a node has at the very start of its slow start.
const RAMP_START: f64 = 0.1;

/// The expected load of a node, by its parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Measured load, share of its CPU.
    pub base: f64,
    /// People promised and taken to be still on their way.
    pub promised_people: f64,
    /// People still to come by the join rate; `None` when that is not known.
    pub arriving_people: Option<f64>,
    /// People of the room to be placed.
    pub own_people: f64,
    /// CPU of one more person, share of its CPU.
    pub cost_per_person: f64,
    /// Capacity in standard VMs.
    pub capacity: f64,
    /// Age of the reading, ms.
    pub reading_age_ms: u64,
    /// What is added for the reading's age, share of its CPU.
    pub age_penalty: f64,
    /// Part of its headroom that slow start leaves it, 0..=1.
    pub ramp: f64,
    /// L: the expected load with the new room, share of its CPU; may be above 1.
    pub expected: f64,
    /// What nodes are compared by; the smallest is the best.
    pub score: f64,
}

impl Load {
    /// Expected load of a node that takes a room of `people`; `None` when it does not say how
    /// loaded it is.
    pub(super) fn of(candidate: &Candidate, people: f64, params: &Params, now_ms: u64) -> Option<Self> {
        let reading = candidate.reading.as_ref()?;
        let base = measured(reading, params)?;
        let capacity = capacity(candidate, params);
        let cost_per_person =
            candidate.cost_per_person.and_then(finite).unwrap_or(params.cost_per_person / capacity);
        let arriving_people =
            reading.joins_per_s.and_then(finite).map(|rate| rate * params.join_foresight_ms as f64 / 1000.0);
        let promised_people = promised(candidate, reading.at_ms, arriving_people.is_some(), params);
        let coming = promised_people + arriving_people.unwrap_or(0.0) + people;
        let mut load = Self {
            base,
            promised_people,
            arriving_people,
            own_people: people,
            cost_per_person,
            capacity,
            reading_age_ms: now_ms.saturating_sub(reading.at_ms),
            age_penalty: 0.0,
            ramp: ramp(candidate, params, now_ms),
            expected: base + cost_per_person * coming,
            score: 0.0,
        };
        load.rescore(params);
        Some(load)
    }

    /// Lets an old reading fade towards the fleet's mean expected load.
    pub(super) fn age_towards(&mut self, fleet_mean: f64, params: &Params) {
        let late_ms = self.reading_age_ms.saturating_sub(params.fresh_ms) as f64;
        let doubt = 1.0 - (-late_ms / params.trust_fade_ms.max(1) as f64).exp();
        self.age_penalty = doubt * (fleet_mean - self.expected).max(0.0);
        self.expected += self.age_penalty;
        self.rescore(params);
    }

    /// What an ordinary room would make of the node. Admission asks this and not `expected`: a
    /// large room must be let in wherever a small one is, or it would find no place at all.
    pub(super) fn with_ordinary_room(&self, params: &Params) -> f64 {
        let excess = (self.own_people - params.expected_people).max(0.0);
        self.expected - self.cost_per_person * excess
    }

    fn rescore(&mut self, params: &Params) {
        let headroom = (params.comfortable - self.expected) * self.capacity.powf(params.capacity_exponent);
        self.score = if headroom > 0.0 { -headroom * self.ramp } else { -headroom };
    }
}

/// CPU, or the bridge's own opinion where that is worse.
fn measured(reading: &Reading, params: &Params) -> Option<f64> {
    let cpu = reading.cpu.and_then(finite);
    let stress = reading.stress.and_then(finite).map(|stress| stress * params.cpu_at_full_stress);
    match (cpu, stress) {
        (Some(cpu), Some(stress)) => Some(cpu.max(stress - params.stress_margin)),
        (one, other) => one.or(other),
    }
}

/// Given or learned, else by its cores; a node that tells neither is taken for a standard VM.
pub(super) fn capacity(candidate: &Candidate, params: &Params) -> f64 {
    let given = candidate.capacity.and_then(finite).filter(|&capacity| capacity > 0.0);
    let by_cores = || {
        let cores = candidate.reading.as_ref()?.cores.filter(|&cores| cores > 0)?;
        Some(f64::from(cores) / params.standard_cores)
    };
    given.or_else(by_cores).unwrap_or(1.0)
}

fn promised(candidate: &Candidate, reading_at_ms: u64, sees_joins: bool, params: &Params) -> f64 {
    let forgotten_ms = params.promise_forgotten_after_ms();
    let (guess_ms, known_ms) = if sees_joins {
        (params.promise_memory_ms, params.known_promise_memory_ms)
    } else {
        (params.join_foresight_ms, params.join_foresight_ms)
    };
    let weigh = |promise: &Promise| {
        // one made after the reading has age 0: the reading shows nothing of it
        let age_ms = reading_at_ms.saturating_sub(promise.made_at_ms);
        if age_ms > forgotten_ms {
            return 0.0;
        }
        let left = |memory_ms: u64| (-(age_ms as f64) / memory_ms.max(1) as f64).exp();
        let times = match promise.witness {
            Witness::Agent | Witness::Own => 1.0,
            Witness::OwnOnly => f64::from(params.replicas.max(1)),
        };
        let guess = promise.people.clamp(0.0, params.expected_people);
        let known = (promise.people - guess).max(0.0);
        let known_left = if known > 0.0 { known * left(known_ms) } else { 0.0 };
        times * (guess * left(guess_ms) + known_left)
    };
    // not `sum()`, which makes -0 of nothing
    candidate.promises.iter().map(weigh).fold(0.0, |sum, people| sum + people)
}

fn ramp(candidate: &Candidate, params: &Params, now_ms: u64) -> f64 {
    let Some(since) = candidate.in_rotation_since_at_ms else { return 1.0 };
    let done = now_ms.saturating_sub(since) as f64 / params.slow_start_ms.max(1) as f64;
    RAMP_START + (1.0 - RAMP_START) * done.min(1.0)
}

/// Not a number is not known.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
