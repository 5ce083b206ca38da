//! The one lock of the aggregator, around the fleet and the memory of rooms.
//!
//! Choosing and pledging are one critical section (see `placing`), so that two requests cannot
//! both see the same idle node. Nothing here awaits; nobody else holds the lock.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;
use usher_common::wire::NodeId;

use super::{Event, FleetView, Node, NodeView, Readiness, State};
use crate::clock::{Clock, Millis};
use crate::config::{Health, Learn};
use crate::placement::Params;
use crate::rooms::Memory;
use crate::target::{Target, TargetId};

/// The fleet, shared.
#[derive(Debug)]
pub struct Fleet {
    clock: Clock,
    inner: Mutex<Inner>,
}

/// What the lock is around.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) state: State,
    pub(super) rooms: Memory,
    /// Breaks the ties of requests without a room; steps with each.
    pub(super) seed: u64,
}

impl Fleet {
    /// A fleet of which nothing is known. `seed` starts the breaking of ties.
    #[must_use]
    pub fn new(clock: Clock, health: Health, params: Params, learn: Learn, seed: u64) -> Self {
        let rooms = Memory::new(params.room_memory_ms, params.room_agreed_ms);
        let inner = Inner { state: State::new(health, params, learn), rooms, seed };
        Self { clock, inner: Mutex::new(inner) }
    }

    /// Takes an event in, and logs what it changed.
    pub fn apply(&self, event: Event) {
        let flips = self.lock().state.apply(event, self.clock.now());
        flips.iter().for_each(super::Flip::log);
    }

    /// The fleet now.
    #[must_use]
    pub fn view(&self) -> FleetView {
        self.lock().state.view(self.clock.now())
    }

    /// One node now, by name (or `host:port` while it has none).
    #[must_use]
    pub fn node(&self, name: &str) -> Option<NodeView> {
        let inner = self.lock();
        let node = inner.state.find(name)?;
        Some(inner.state.node_view(node, self.clock.now()))
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

    /// The page of the node at a target, where it should be looked at: it has one, and reads of it fail.
    #[must_use]
    pub fn page_to_look_at(&self, target: &TargetId) -> Option<Url> {
        let inner = self.lock();
        let node = inner.state.nodes().find(|node| node.target.id == *target)?;
        node.misfortune.as_ref()?;
        Some(node.latest.as_ref()?.report.public_url.as_url().clone())
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

    pub(super) fn now(&self) -> Millis {
        self.clock.now()
    }

    /// The state is changed only by functions that leave it whole; a panic elsewhere
    /// under the lock does not spoil it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
