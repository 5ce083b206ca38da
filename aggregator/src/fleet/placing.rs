//! Placing: what is asked, what is answered, and the steps in between, each one critical section.
//!
//! ```text
//!  propose ──► Known: there already               accept ──► the room is remembered
//!     └──────► Chosen, promised to its node ─ask─┤
//!                                                withdraw ─► the promise is taken back;
//!                                                            a silent node is doubted
//! ```
//!
//! Asking the node is not done here: it takes time, and the lock is not held meanwhile.

use usher_common::wire::{NodeId, ProbeFailure, ReservationRequest, RoomKey};

use super::asked::{How, NoPlace, PlaceRequest, Placed};
use super::candidates::{Declined, forgive};
use super::handle::{Fleet, Inner};
use super::standing::is_joinable;
use super::{Event, Node, Pledge};
use crate::clock::Millis;
use crate::decision::{Excluded, Inputs, Weighed};
use crate::placement::{Choice, Removal, Removed};
use crate::target::{Target, TargetKind};

/// What to do about a request.
#[derive(Debug)]
pub enum Proposal {
    /// Nothing: the room is there already.
    Known(Placed),
    /// Ask this node.
    Chosen(Box<Chosen>),
    /// Turn the request away.
    Nowhere(NoPlace, Box<Weighed>),
}

/// A node that was chosen, and holds our promise.
#[derive(Debug)]
pub struct Chosen {
    /// Where people would go.
    pub placed: Placed,
    /// Whom to ask.
    pub target: Target,
    /// What to ask; `None` for a node that cannot be asked.
    pub reservation: Option<ReservationRequest>,
    /// What it was chosen on; taken out for the record.
    pub weighed: Option<Weighed>,
}

impl Fleet {
    /// Finds where a room is, or chooses a node that did not decline this request yet and promises
    /// it what is expected, under `id` where it can be told.
    pub fn propose(&self, request: &PlaceRequest, declined: &[Declined], id: &str, ttl_s: u64) -> Proposal {
        let now = self.now();
        let mut inner = self.lock();
        if let Some(known) = request.room.as_ref().and_then(|room| inner.known(room, now)) {
            inner.remember(request, &known, now);
            return Proposal::Known(known);
        }
        let (choice, weighed) = match inner.choose(request, declined, now) {
            Ok(chosen) => chosen,
            Err((none, weighed)) => return Proposal::Nowhere(none, weighed),
        };
        let found = inner.state.find(choice.node.as_str()).expect("the choice is one of the fleet");
        let target = found.target.clone();
        let node = inner.state.node_mut(&target.id).expect("it was just found");
        let asked = target.kind == TargetKind::Agent;
        node.pledges.add(Pledge {
            id: asked.then(|| id.to_owned()),
            room: request.room.clone(),
            expected: choice.people,
            made: now,
            arrived: 0,
        });
        let reservation = asked.then(|| ReservationRequest {
            id: id.to_owned(),
            room_key: request.room.clone(),
            expected: choice.people,
            ttl_s,
            seen_seq: node.latest.as_ref().map(|latest| latest.report.seq),
        });
        let placed = placed(node, How::Placed).expect("only nodes that were read are chosen");
        Proposal::Chosen(Box::new(Chosen { placed, target, reservation, weighed: Some(weighed) }))
    }

    /// Where a room is beyond doubt: people are in it, or the replicas agreed on it a moment ago.
    #[must_use]
    pub fn settled(&self, room: &RoomKey) -> Option<Placed> {
        let now = self.now();
        let mut inner = self.lock();
        let settled = match inner.state.whereabouts(room, now) {
            Some(found) if found.live => placed(found.node, How::Live),
            _ => {
                let agreed = inner.rooms.agreed(room, now).and_then(|node| inner.state.find(node.as_str()));
                agreed
                    .filter(|node| inner.is_joinable(node, now))
                    .and_then(|node| placed(node, How::Remembered))
            }
        }?;
        inner.rooms.remember(room.clone(), settled.node.clone(), now);
        Some(settled)
    }

    /// Follows what the store of claims says, unless nobody can be sent there: a room on a dead node
    /// moves, on a draining one it stays.
    #[must_use]
    pub fn follow(&self, room: &RoomKey, node: &NodeId) -> Option<Placed> {
        let now = self.now();
        let mut inner = self.lock();
        let found = inner.state.find(node.as_str()).filter(|node| inner.is_joinable(node, now))?;
        let placed = placed(found, How::Claimed)?;
        inner.rooms.agree(room, placed.node.clone(), now);
        Some(placed)
    }

    /// The replicas agree that a room is there.
    pub fn agree(&self, room: &RoomKey, node: &NodeId) {
        let now = self.now();
        self.lock().rooms.agree(room, node.clone(), now);
    }

    /// The chosen node takes the room; `told` says whether it knows of the promise itself.
    pub fn accept(&self, request: &PlaceRequest, chosen: &Chosen, told: bool) {
        let now = self.now();
        let mut inner = self.lock();
        let params = inner.state.params().clone();
        if let Some(node) = inner.state.node_mut(&chosen.target.id) {
            node.traffic.breaker.placed(now, &params);
            if let (false, Some(reservation)) = (told, &chosen.reservation) {
                node.pledges.untold(&reservation.id);
            }
        }
        inner.remember(request, &chosen.placed, now);
    }

    /// The chosen node does not take the room. With `silence`, because it did not answer: then
    /// it is suspect from now on, until its next good read.
    pub fn withdraw(&self, chosen: &Chosen, silence: Option<(ProbeFailure, String)>) {
        let target = chosen.target.id.clone();
        if let (Some(reservation), Some(node)) = (&chosen.reservation, self.lock().state.node_mut(&target)) {
            node.pledges.withdraw(&reservation.id);
        }
        if let Some((reason, detail)) = silence {
            self.apply(Event::Silent { target, reason, detail });
        }
    }

    /// Why nobody took a request that was declined by as many as may be asked.
    #[must_use]
    pub fn no_place(&self, request: &PlaceRequest, declined: &[Declined]) -> NoPlace {
        let inner = self.lock();
        let now = self.now();
        let weighed = inner.weigh(request, declined, now);
        let removed = match weighed.inputs.choose(&weighed.request, &weighed.inputs.params) {
            Ok(_) => Vec::new(),
            Err(none) => none.removed,
        };
        NoPlace {
            reasons: reasons(&weighed.inputs.excluded, &removed),
            retry_after_ms: inner.state.params().retry_after_ms,
        }
    }
}

impl Inner {
    /// Where a room is: by the nodes' word, else by our memory.
    pub(super) fn known(&self, room: &RoomKey, now: Millis) -> Option<Placed> {
        if let Some(found) = self.state.whereabouts(room, now) {
            return placed(found.node, if found.live { How::Live } else { How::Promised });
        }
        let node = self.state.find(self.rooms.find(room, now)?.as_str())?;
        self.is_joinable(node, now).then(|| placed(node, How::Remembered)).flatten()
    }

    /// Everything that a choice is made on, with a seed of its own.
    pub(super) fn weigh(&self, request: &PlaceRequest, declined: &[Declined], now: Millis) -> Weighed {
        let lineup = self.state.lineup(declined, now);
        let (expected, wish) = self.state.wish(request, now);
        let params = self.state.params_now(now);
        let inputs = Inputs {
            now_ms: now,
            seed: self.seed,
            params,
            candidates: lineup.candidates,
            excluded: lineup.excluded,
        };
        Weighed { request: wish, expected, inputs }
    }

    fn choose(
        &mut self,
        request: &PlaceRequest,
        declined: &[Declined],
        now: Millis,
    ) -> Result<(Choice, Weighed), (NoPlace, Box<Weighed>)> {
        let mut weighed = self.weigh(request, declined, now);
        self.seed = self.seed.wrapping_add(1);
        let choose = |weighed: &Weighed| weighed.inputs.choose(&weighed.request, &weighed.inputs.params);
        let mut choice = choose(&weighed);
        if choice.as_ref().is_err_and(|none| none.removed.iter().any(|node| node.by == Removal::BrokenOff)) {
            forgive(&mut weighed.inputs.candidates);
            choice = choose(&weighed);
        }
        match choice {
            Ok(choice) => Ok((choice, weighed)),
            Err(none) => {
                let reasons = reasons(&weighed.inputs.excluded, &none.removed);
                Err((NoPlace { reasons, retry_after_ms: none.retry_after_ms }, Box::new(weighed)))
            }
        }
    }

    fn is_joinable(&self, node: &Node, now: Millis) -> bool {
        is_joinable(node, false, self.state.rules(), self.state.panic(), now)
    }

    fn remember(&mut self, request: &PlaceRequest, placed: &Placed, now: Millis) {
        if let Some(room) = &request.room {
            self.rooms.remember(room.clone(), placed.node.clone(), now);
        }
    }
}

/// Why no node took the room, each with its word.
fn reasons(excluded: &[Excluded], removed: &[Removed]) -> Vec<(String, &'static str)> {
    let excluded = excluded.iter().map(|excluded| (excluded.node.clone(), excluded.by.as_str()));
    excluded.chain(removed.iter().map(|node| (node.node.to_string(), node.by.as_str()))).collect()
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
