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

use serde::Serialize;
use usher_common::wire::{NodeId, ProbeFailure, PublicUrl, ReservationRequest, RoomKey};

use super::candidates::{Declined, Lineup};
use super::handle::{Fleet, Inner};
use super::standing::is_joinable;
use super::{Event, Node, Pledge};
use crate::clock::Millis;
use crate::placement::{self, Choice, Ranking, Removal, Request};
use crate::target::{Target, TargetKind};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
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

/// What to do about a request.
#[derive(Debug)]
pub enum Proposal {
    /// Nothing: the room is there already.
    Known(Placed),
    /// Ask this node.
    Chosen(Box<Chosen>),
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
}

/// No node may take the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPlace {
    /// Each node, by name or `host:port`, with the closed word of its reason.
    pub reasons: Vec<(String, &'static str)>,
    /// When to ask again, milliseconds.
    pub retry_after_ms: u64,
}

/// The ranking that a placement now would use.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// Where the room is already: then nobody is ranked for it.
    pub known: Option<Known>,
    /// Those that could take it, best first, and those that placement's filters removed.
    #[serde(flatten)]
    pub ranking: Ranking,
    /// Those that were no candidates at all.
    pub excluded: Vec<Excluded>,
}

/// Where a room is.
#[derive(Debug, Clone, Serialize)]
pub struct Known {
    /// The node.
    pub node: NodeId,
    /// How that is known.
    pub how: How,
}

/// A node that is no candidate.
#[derive(Debug, Clone, Serialize)]
pub struct Excluded {
    /// Its name, or `host:port` while it has none.
    pub node: String,
    /// Why.
    pub by: &'static str,
}

impl Fleet {
    /// Finds where a room is, or chooses a node that did not decline this request yet and promises
    /// it what is expected, under `id` where it can be told.
    pub fn propose(
        &self,
        request: &PlaceRequest,
        declined: &[Declined],
        id: &str,
        ttl_s: u64,
    ) -> Result<Proposal, NoPlace> {
        let now = self.now();
        let mut inner = self.lock();
        if let Some(known) = request.room.as_ref().and_then(|room| inner.known(room, now)) {
            inner.remember(request, &known, now);
            return Ok(Proposal::Known(known));
        }
        let choice = inner.choose(request, declined, now)?;
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
        Ok(Proposal::Chosen(Box::new(Chosen { placed, target, reservation })))
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
        let lineup = inner.state.lineup(request.region.as_deref(), declined, self.now());
        NoPlace { reasons: reasons(&lineup), retry_after_ms: inner.state.params().retry_after_ms }
    }

    /// What a placement now would see.
    #[must_use]
    pub fn explain(&self, request: &PlaceRequest) -> Explained {
        let now = self.now();
        let inner = self.lock();
        let known = request.room.as_ref().and_then(|room| inner.known(room, now));
        let mut lineup = inner.state.lineup(request.region.as_deref(), &[], now);
        let rank = |lineup: &Lineup| {
            placement::rank(&lineup.candidates, &wish(request), inner.state.params(), inner.seed, now)
        };
        let mut ranking = rank(&lineup);
        if ranking.placed.is_empty() && ranking.removed.iter().any(|node| node.by == Removal::BrokenOff) {
            lineup.forgive();
            ranking = rank(&lineup);
        }
        let excluded = reasons(&lineup).into_iter().map(|(node, by)| Excluded { node, by }).collect();
        Explained { known: known.map(|known| Known { node: known.node, how: known.how }), ranking, excluded }
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
        declined: &[Declined],
        now: Millis,
    ) -> Result<Choice, NoPlace> {
        let seed = self.seed;
        self.seed = self.seed.wrapping_add(1);
        let mut lineup = self.state.lineup(request.region.as_deref(), declined, now);
        let choose = |lineup: &Lineup| {
            placement::choose(&lineup.candidates, &wish(request), self.state.params(), seed, now)
        };
        let mut choice = choose(&lineup);
        if choice.as_ref().is_err_and(|none| none.removed.iter().any(|node| node.by == Removal::BrokenOff)) {
            lineup.forgive();
            choice = choose(&lineup);
        }
        choice.map_err(|none| {
            let mut all = reasons(&lineup);
            all.extend(none.removed.iter().map(|node| (node.node.to_string(), node.by.as_str())));
            NoPlace { reasons: all, retry_after_ms: none.retry_after_ms }
        })
    }

    fn remember(&mut self, request: &PlaceRequest, placed: &Placed, now: Millis) {
        if let Some(room) = &request.room {
            self.rooms.remember(room.clone(), placed.node.clone(), now);
        }
    }
}

fn wish(request: &PlaceRequest) -> Request {
    Request { room: request.room.clone(), expected_people: request.expected, region: request.region.clone() }
}

fn reasons(lineup: &Lineup) -> Vec<(String, &'static str)> {
    lineup.excluded.iter().map(|(node, unfit)| (node.clone(), unfit.as_str())).collect()
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
