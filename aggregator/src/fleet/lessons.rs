//! What the fleet teaches about itself, gathered from its reports and handed to placement.
//!
//! ```text
//!  report ──(each node, every learn.interval)──► room sizes, cost of a person ──► Request, Params, Candidate
//! ```
//!
//! Kept in memory only: a fresh replica begins with the hardware's start values and has learned the
//! cost of a person anew within minutes; the sizes of recurring rooms come back as they meet. What
//! is learned, and from when on it speaks, is in `placement::learn`.

use serde::Serialize;
use usher_common::wire::RoomKey;

use super::asked::PlaceRequest;
use super::{Node, State};
use crate::clock::Millis;
use crate::config::Learn;
use crate::decision::Expected;
use crate::placement::learn::{JoinTime, PersonCost, RoomSizes, Sighting, on_node};
use crate::placement::{Params, Request};

/// The time in which people come is taken for at most this many times (or this part of) what was set.
const ODDITY_MAX: f64 = 3.0;

/// The lessons, as operators see them.
#[derive(Debug, Clone, Serialize)]
pub struct Lessons {
    /// CPU of one person on the standard VM; `None` while too little was seen, or learning is off.
    pub cost_per_person: Option<f64>,
    /// Observations that count for it, weighted by age.
    pub cost_samples: f64,
    /// People of an ordinary meeting, at its fullest; `None` while too few were seen to end.
    pub expected_people: Option<f64>,
    /// How long people take to come, milliseconds; `None` while too few meetings were seen from their
    /// beginning. Taken as `placement.known_memory`, within a factor of three of its setting.
    pub join_time_ms: Option<f64>,
    /// Meetings that were seen to end.
    pub meetings: u64,
    /// Rooms whose size can be told from earlier meetings.
    pub known_rooms: usize,
}

/// What the whole fleet taught.
#[derive(Debug, Clone)]
pub(super) struct School {
    rules: Learn,
    cost: PersonCost,
    sizes: RoomSizes,
    times: JoinTime,
}

/// What one node taught.
#[derive(Debug, Clone)]
pub struct Pupil {
    cost: PersonCost,
    heard: Option<Millis>,
}

/// A learned time, within reason of the one that was set.
fn within(learned_ms: f64, set_ms: u64) -> u64 {
    let set = set_ms as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within three times a setting"
    )]
    let within = learned_ms.clamp(set / ODDITY_MAX, set * ODDITY_MAX).round() as u64;
    within
}

impl School {
    pub(super) fn new(rules: Learn) -> Self {
        let cost = PersonCost::new(rules.memory_ms, rules.samples_min);
        let sizes = RoomSizes::new(rules.meeting_gap_ms, rules.meetings_min);
        Self { rules, cost, sizes, times: JoinTime::default() }
    }

    /// A pupil of this school.
    pub(super) fn pupil(&self) -> Pupil {
        Pupil { cost: PersonCost::new(self.rules.node_memory_ms, self.rules.samples_min), heard: None }
    }

    /// Listens to a node's newest report, if it is its turn.
    pub(super) fn listen(&mut self, node: &mut Node, params: &Params, now: Millis) {
        let Some(latest) = &node.latest else { return };
        if node.pupil.heard.is_some_and(|heard| now.saturating_sub(heard) < self.rules.interval_ms) {
            return;
        }
        node.pupil.heard = Some(now);
        let report = &latest.report;
        if self.rules.room_sizes {
            for room in report.rooms.iter().flatten() {
                let sighting = Sighting { room: &room.key, participants: room.participants };
                self.sizes.observe(sighting, now);
                self.times.observe(sighting, self.rules.meeting_gap_ms, now);
            }
        }
        let cpu = report.cpu.as_ref();
        let busy = cpu.and_then(|cpu| cpu.busy_smooth.or(cpu.busy));
        let people = report.jitsi.as_ref().and_then(|jitsi| jitsi.participants);
        let cores = cpu.map(|cpu| cpu.cores).filter(|cores| *cores > 0);
        if let (true, Some(busy), Some(people), Some(cores)) = (self.rules.person_cost, busy, people, cores) {
            self.cost.observe(busy, people, f64::from(cores) / params.standard_cores, now);
            node.pupil.cost.observe(busy, people, 1.0, now);
        }
    }
}

impl State {
    /// What the policy is asked for a request, with what is known of its size.
    #[must_use]
    pub fn wish(&self, request: &PlaceRequest, now: Millis) -> (Expected, Request) {
        let learned = request.room.as_ref().and_then(|room| self.learned_size(room, now));
        let expected = Expected { given: request.expected, learned };
        let expected_people = expected.people(self.school.rules.hint_tolerance);
        (expected, Request { room: request.room.clone(), expected_people, region: request.region.clone() })
    }

    /// The constants of placement, with what was learned in the place of start values.
    #[must_use]
    pub fn params_now(&self, now: Millis) -> Params {
        let mut params = self.params().clone();
        if let Some(cost) = self.school.cost.estimate(now).filter(|_| self.school.rules.person_cost) {
            params.cost_per_person = cost;
        }
        if let Some(people) = self.school.sizes.ordinary().filter(|_| self.school.rules.room_sizes) {
            params.expected_people = people;
        }
        if let Some(time) = self.school.times.estimate_ms().filter(|_| self.school.rules.room_sizes) {
            params.known_promise_memory_ms = within(time, params.known_promise_memory_ms);
        }
        params
    }

    /// What was learned.
    #[must_use]
    pub fn lessons(&self, now: Millis) -> Lessons {
        let School { rules, cost, sizes, times } = &self.school;
        Lessons {
            cost_per_person: cost.estimate(now).filter(|_| rules.person_cost),
            cost_samples: cost.samples(now),
            expected_people: sizes.ordinary().filter(|_| rules.room_sizes),
            join_time_ms: times.estimate_ms().filter(|_| rules.room_sizes),
            meetings: sizes.meetings(),
            known_rooms: sizes.known(),
        }
    }

    /// CPU of one more person on this node by its own figures, as far as they are to be believed beside what
    /// its hardware lets expect; `None` while too little was seen.
    pub(super) fn learned_cost(&self, node: &Node, params: &Params, now: Millis) -> Option<f64> {
        let (cost, rules) = (&node.pupil.cost, &self.school.rules);
        let learned = cost.estimate(now).filter(|_| rules.person_cost)?;
        let cores = node.latest.as_ref()?.report.cpu.as_ref()?.cores;
        let by_hardware = params.cost_per_person * params.standard_cores / f64::from(cores.max(1));
        let person_meetings = cost.people(now) * rules.interval_ms as f64 / rules.memory_ms.max(1) as f64;
        Some(on_node(learned, by_hardware, person_meetings))
    }

    fn learned_size(&self, room: &RoomKey, now: Millis) -> Option<f64> {
        self.school.rules.room_sizes.then(|| self.school.sizes.estimate(room, now)).flatten()
    }
}

#[cfg(test)]
mod tests;
