//! The one lock of the aggregator, around the fleet and the memory of rooms.
//!
//! Choosing and pledging are one critical section, so that two requests cannot both see
//! the same idle node. Nothing here awaits; nobody else holds the lock.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use usher_common::wire::{NodeId, PublicUrl, RoomKey};

use super::standing::{is_joinable, standing};
use super::{Event, FleetView, Node, NodeView, Pledge, Readiness, State};
use crate::clock::{Clock, Millis};
use crate::config::{Health, Placement};
use crate::ranking::{Candidate, NoPlace, Wish, choose};
use crate::rooms::Memory;
use crate::target::{Target, TargetId};

/// The fleet, shared.
#[derive(Debug)]
pub struct Fleet {
    clock: Clock,
    placement: Placement,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    rooms: Memory,
    /// Breaks the ties of requests without a room; steps with each.
    tie: u64,
}

/// Somebody wants a server.
#[derive(Debug, Clone, Default)]
pub struct PlaceRequest {
    /// For this room; `None` for "a server, whatever the room".
    pub room: Option<RoomKey>,
    /// In this region.
    pub region: Option<String>,
    /// People expected; `None` when nobody said.
    pub expected: Option<f64>,
}

/// Why a room is where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It was placed just now.
    Placed,
    /// Its node reports people in it.
    Live,
    /// Its node reports that it was promised.
    Promised,
    /// It was sent there before.
    Remembered,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Placed, Self::Live, Self::Promised, Self::Remembered];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Live => "live",
            Self::Promised => "promised",
            Self::Remembered => "remembered",
        }
    }
}

/// Where to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The node.
    pub node: NodeId,
    /// Its server.
    pub url: PublicUrl,
    /// Its region.
    pub region: Option<String>,
    /// Why there.
    pub how: How,
}

impl Fleet {
    /// A fleet of which nothing is known. `seed` starts the breaking of ties.
    #[must_use]
    pub fn new(clock: Clock, health: Health, placement: Placement, room_memory_ms: u64, seed: u64) -> Self {
        let state = State::new(health, placement.memory_ms);
        let inner = Inner { state, rooms: Memory::new(room_memory_ms), tie: seed };
        Self { clock, placement, inner: Mutex::new(inner) }
    }

    /// Takes an event in, and logs what it changed.
    pub fn apply(&self, event: Event) {
        let flips = self.lock().state.apply(event, self.clock.now());
        flips.iter().for_each(super::Flip::log);
    }

    /// Finds the server for a request, and promises it what is expected.
    pub fn place(&self, request: &PlaceRequest) -> Result<Placed, NoPlace> {
        let now = self.clock.now();
        let mut inner = self.lock();
        if let Some(known) = request.room.as_ref().and_then(|room| inner.known(room, now)) {
            inner.remember(request, &known, now);
            return Ok(known);
        }
        let target = inner.choose(request, &self.placement, now)?.clone();
        let node = inner.state.node_mut(&target).expect("the choice is one of the fleet");
        node.pledges.add(Pledge {
            id: None,
            room: request.room.clone(),
            expected: request.expected.unwrap_or(self.placement.expected),
            made: now,
            arrived: 0,
        });
        let placed = placed(node, How::Placed).expect("only nodes that were read are chosen");
        inner.remember(request, &placed, now);
        Ok(placed)
    }

    /// The fleet now.
    #[must_use]
    pub fn view(&self) -> FleetView {
        self.lock().state.view(self.placement.memory_ms, self.clock.now())
    }

    /// One node now, by name (or `host:port` while it has none).
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeView> {
        let inner = self.lock();
        let node = inner.state.find(name)?;
        Some(inner.state.node_view(node, self.placement.memory_ms, self.clock.now()))
    }

    /// Each target with the name of the node there, where it is known.
    #[must_use]
    pub fn targets(&self) -> Vec<(Target, Option<NodeId>)> {
        self.lock().state.nodes().map(|node| (node.target.clone(), node.name().cloned())).collect()
    }

    /// The target of a node, by name (or `host:port` while it has none).
    #[must_use]
    pub fn target(&self, name: &str) -> Option<Target> {
        self.lock().state.find(name).map(|node| node.target.clone())
    }

    /// The regions that nodes stand in, each once.
    #[must_use]
    pub fn regions(&self) -> Vec<String> {
        let inner = self.lock();
        let regions: BTreeSet<&str> = inner.state.nodes().filter_map(Node::region).collect();
        regions.into_iter().map(str::to_owned).collect()
    }

    /// Whether requests should be sent to this replica.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.lock().state.readiness()
    }

    /// Rooms remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.lock().rooms.len()
    }

    /// The state is changed only by functions that leave it whole; a panic elsewhere
    /// under the lock does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Where a room is: by the nodes' word, else by our memory.
    fn known(&self, room: &RoomKey, now: Millis) -> Option<Placed> {
        if let Some((node, live)) = self.state.whereabouts(room, now) {
            return placed(node, if live { How::Live } else { How::Promised });
        }
        let node = self.state.find(self.rooms.find(room, now)?.as_str())?;
        let joinable = is_joinable(node, false, self.state.rules(), self.state.panic(), now);
        joinable.then(|| placed(node, How::Remembered)).flatten()
    }

    fn choose(
        &mut self,
        request: &PlaceRequest,
        rules: &Placement,
        now: Millis,
    ) -> Result<&TargetId, NoPlace> {
        let tie = request.room.as_ref().map_or(self.tie, tie_of);
        self.tie = self.tie.wrapping_add(1);
        let (health, panic) = (self.state.rules(), self.state.panic());
        let candidates: Vec<Candidate<'_>> = self
            .state
            .nodes()
            .map(|node| Candidate::of(node, standing(node, health, panic, now), rules, now))
            .collect();
        choose(&candidates, Wish { region: request.region.as_deref(), tie }, rules)
    }

    fn remember(&mut self, request: &PlaceRequest, placed: &Placed, now: Millis) {
        if let Some(room) = &request.room {
            self.rooms.remember(room.clone(), placed.node.clone(), now);
        }
    }
}

/// The same for a room on every replica.
fn tie_of(room: &RoomKey) -> u64 {
    let digits = room.as_str().get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    digits.expect("a room key is 32 hexadecimal digits")
}

fn placed(node: &Node, how: How) -> Option<Placed> {
    let report = &node.latest.as_ref()?.report;
    Some(Placed {
        node: report.node.clone(),
        url: report.public_url.clone(),
        region: node.region().map(str::to_owned),
        how,
    })
}
