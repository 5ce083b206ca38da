//! Load promised but not yet visible in a report.
//!
//! Between the answer "go there" and the first person's arrival a node looks as idle
//! as before; without this memory, all callers of that while would land on it.

use std::collections::{HashMap, HashSet, VecDeque};

use usher_common::wire::{Report, Reservation, RoomKey};

use crate::clock::Millis;

/// Most pledges kept per node: beyond it the oldest, which weigh least, are dropped.
const MOST: usize = 10_000;

/// One promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Pledge {
    /// The id under which the node knows it, knew it, or is just being told; `None` when it cannot be.
    pub id: Option<String>,
    /// The room it is for; `None` for "a server, whatever the room".
    pub room: Option<RoomKey>,
    /// People expected.
    pub expected: f64,
    /// When it was made.
    pub made: Millis,
    /// People of its room that the last report showed.
    pub arrived: u64,
}

impl Pledge {
    fn listed(reservation: &Reservation, now: Millis) -> Self {
        Self {
            id: Some(reservation.id.clone()),
            room: reservation.room_key.clone(),
            expected: reservation.expected,
            made: now.saturating_sub(reservation.age_ms),
            arrived: 0,
        }
    }

    /// People still to come at `now`: those not seen yet, fewer with time.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "people and milliseconds are far below 2^52")]
    pub fn remaining(&self, now: Millis, memory_ms: u64) -> f64 {
        if memory_ms == 0 {
            return 0.0;
        }
        let age = now.saturating_sub(self.made) as f64 / memory_ms as f64;
        (self.expected - self.arrived as f64).max(0.0) * (-age).exp()
    }
}

/// The promises of one node that it does not list itself.
///
/// ```text
///  we promise ──► list ──the node lists it──► listed ──its room is live──► list ──age──► forgotten
///                                                └──given back, or nobody came──► gone
/// ```
///
/// A node ends a promise with the first person who comes; the others are still on their way, and
/// neither its CPU nor its join rate can show them yet. Other replicas remember what they saw
/// listed; a promise that people began to keep between two of their reads they never knew.
#[derive(Debug, Clone, Default)]
pub struct Pledges {
    list: VecDeque<Pledge>,
    /// What the last report listed, whoever made it.
    listed: Vec<Pledge>,
}

impl Pledges {
    /// Adds one.
    pub fn add(&mut self, pledge: Pledge) {
        if self.list.len() >= MOST {
            self.list.pop_front();
        }
        self.list.push_back(pledge);
    }

    /// Takes a report into account: what the node itself lists as promised needs no memory of ours;
    /// what it ceased to list because people came, does.
    /// Those older than `forgotten_ms` weigh nothing any more and are dropped.
    pub fn settle(&mut self, report: &Report, now: Millis, forgotten_ms: u64) {
        let told: HashSet<&str> = report.reservations.iter().map(|r| r.id.as_str()).collect();
        let is_told = |pledge: &Pledge| pledge.id.as_deref().is_some_and(|id| told.contains(id));
        let people: HashMap<&RoomKey, u64> =
            report.rooms.iter().flatten().map(|room| (&room.key, room.participants)).collect();
        let came = |pledge: &Pledge| pledge.room.as_ref().and_then(|room| people.get(room)).copied();

        self.list.retain(|pledge| !is_told(pledge));
        for pledge in std::mem::take(&mut self.listed) {
            if !is_told(&pledge) && came(&pledge).is_some_and(|people| people > 0) {
                self.add(pledge);
            }
        }
        self.list.retain(|pledge| now.saturating_sub(pledge.made) <= forgotten_ms);
        for pledge in &mut self.list {
            pledge.arrived = came(pledge).unwrap_or(pledge.arrived);
        }
        self.listed =
            report.reservations.iter().map(|reservation| Pledge::listed(reservation, now)).collect();
    }

    /// Takes one back: the node did not take the room.
    pub fn withdraw(&mut self, id: &str) {
        self.listed.retain(|pledge| pledge.id.as_deref() != Some(id));
        self.list.retain(|pledge| pledge.id.as_deref() != Some(id));
    }

    /// The node turned out to be one that cannot be told.
    pub fn untold(&mut self, id: &str) {
        for pledge in self.list.iter_mut().filter(|pledge| pledge.id.as_deref() == Some(id)) {
            pledge.id = None;
        }
    }

    /// People still to come, by all of them.
    #[must_use]
    pub fn expected(&self, now: Millis, memory_ms: u64) -> f64 {
        // Not `sum`, whose empty result is -0.
        self.list.iter().fold(0.0, |sum, pledge| sum + pledge.remaining(now, memory_ms))
    }

    /// The promises, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Pledge> {
        self.list.iter()
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
