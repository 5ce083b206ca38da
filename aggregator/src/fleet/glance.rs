//! Short looks at the fleet, for those who need less than its view.

use std::collections::BTreeMap;

use usher_common::wire::{NodeId, RoomKey};

use super::node::Presence;
use super::standing::standing;
use super::{Fleet, Lessons, Life, Node};
use crate::decision::Inputs;

/// What one node carries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burden {
    /// CPU busy fraction, smoothed.
    pub load: f64,
    /// People in meetings; `None` when the node does not say.
    pub participants: Option<u64>,
}

impl Fleet {
    /// What a placement now would be made on.
    #[must_use]
    pub fn look(&self) -> Inputs {
        let now = self.now();
        self.lock().weigh(&super::PlaceRequest::default(), &[], now).inputs
    }

    /// What was learned.
    #[must_use]
    pub fn lessons(&self) -> Lessons {
        let now = self.now();
        self.lock().state.lessons(now)
    }

    /// What each node carries that answers and says so.
    #[must_use]
    pub fn burdens(&self) -> Vec<Burden> {
        let inner = self.lock();
        let alive = inner.state.nodes().filter(|node| matches!(node.life, Life::Up | Life::Suspect));
        alive
            .filter_map(|node| {
                let jitsi = node.latest.as_ref()?.report.jitsi.as_ref();
                Some(Burden { load: load(node)?, participants: jitsi.and_then(|jitsi| jitsi.participants) })
            })
            .collect()
    }

    /// CPU busy fraction of each node that may take rooms, by name.
    #[must_use]
    pub fn loads(&self) -> BTreeMap<String, f64> {
        let now = self.now();
        let inner = self.lock();
        let state = &inner.state;
        let usable = state.nodes().filter(|node| standing(node, state.rules(), state.panic(), now).is_ok());
        usable.filter_map(|node| Some((node.name()?.to_string(), load(node)?))).collect()
    }

    /// Every room that agents report live or promised, with the node that newcomers are led to.
    #[must_use]
    pub fn held_rooms(&self) -> Vec<(RoomKey, NodeId)> {
        let now = self.now();
        let inner = self.lock();
        let up = inner.state.nodes().filter(|node| node.life == Life::Up);
        let mut held: BTreeMap<&RoomKey, Option<&NodeId>> = BTreeMap::new();
        for (room, node) in up.flat_map(|node| node.rooms().keys().map(move |room| (room, node))) {
            // A second place: decided by the rule below.
            held.entry(room).and_modify(|place| *place = None).or_insert_with(|| node.name());
        }
        held.into_iter()
            .filter_map(|(room, node)| {
                let node = node.or_else(|| inner.state.whereabouts(room, now)?.node.name())?;
                Some((room.clone(), node.clone()))
            })
            .collect()
    }

    /// People in a room, on whatever node.
    #[must_use]
    pub fn people_in(&self, room: &RoomKey) -> u64 {
        let inner = self.lock();
        let people = inner.state.nodes().filter_map(|node| match node.presence(room)? {
            Presence::Live { participants, .. } => Some(participants),
            Presence::Promised { .. } => None,
        });
        people.sum()
    }
}

fn load(node: &Node) -> Option<f64> {
    let cpu = node.latest.as_ref()?.report.cpu.as_ref()?;
    cpu.busy_smooth.or(cpu.busy).filter(|load| load.is_finite())
}
