//! Finds where a room is or places it, so that all replicas give the same answer and nobody is sent
//! to a node that did not say yes.
//!
//! ```text
//!  place ─► settled? ──► there                      (people are in it, or just agreed on)
//!    └─► the owner among the replicas ──► its answer (without a store; one hop)
//!    └─► decide ─► turn (one at a time for a room)
//!          ├─ with a store:  claim? ──► there;  else search, then take the claim: the first wins
//!          └─ without:       search
//!                              └─► known ──► there;  else propose, ask the node, accept
//! ```
//!
//! The rim around `fleet::placing`: it alone waits, always with a deadline. No lock of the fleet is
//! held meanwhile.

mod ask;
mod release;
mod search;
mod turns;

use std::sync::Arc;

use tokio::time::Instant;
use usher_common::rt::http_client::Failure;
use usher_common::wire::RoomKey;

use crate::claims::{Claim, Claims, Taken, unix_ms};
use crate::config::Confirm;
use crate::fleet::{Fleet, NoPlace, PlaceRequest, Placed};
use crate::journal::Journal;
use crate::peers::{Decider, Peers};
use crate::stats::Stats;

pub use ask::Outcome;
pub use release::Releases;

use ask::Asker;
use release::{Release, release};
use search::Found;
use turns::Turns;

/// How often a room is searched anew because another replica claimed it meanwhile for a node that
/// nobody can be sent to.
const CLAIM_ROUNDS: usize = 4;

/// Owners asked for one room: who finds the first one silent asks whom the room falls to without it, as
/// the other replicas do, and decides alone only when that one fails too.
const OWNERS_ASKED: usize = 2;

/// Places rooms on nodes that say yes.
#[derive(Debug)]
pub struct Placer {
    fleet: Arc<Fleet>,
    stats: Arc<Stats>,
    settings: Confirm,
    asker: Asker,
    release: Release,
    turns: Turns,
    agreement: Agreement,
    journal: Journal,
}

/// By what the replicas agree on rooms, beyond what the agents report.
#[derive(Debug, Clone, Default)]
pub struct Agreement {
    /// The store of claims.
    pub claims: Option<Arc<Claims>>,
    /// The other replicas.
    pub peers: Option<Arc<Peers>>,
}

impl Placer {
    /// A placer for a fleet, and the task that cleans up behind it.
    pub fn new(
        settings: Confirm,
        fleet: Arc<Fleet>,
        stats: Arc<Stats>,
        agreement: Agreement,
        journal: Journal,
    ) -> Result<(Self, Releases), Failure> {
        let asker = Asker::new()?;
        let (release, releases) = release(asker.clone());
        let turns = Turns::default();
        Ok((Self { fleet, stats, settings, asker, release, turns, agreement, journal }, releases))
    }

    /// Finds where a room is, or places it; `ready` tells whether this replica takes part in deciding
    /// on named rooms. Takes at most twice `settings.total` (once for the turn, once for the search),
    /// plus the deadlines of the owner or the store.
    pub async fn place(&self, request: &PlaceRequest, ready: bool) -> Result<Placed, NoPlace> {
        if let Some(room) = &request.room {
            if let Some(settled) = self.fleet.settled(room) {
                return Ok(settled);
            }
            if let Some(placed) = self.by_owner(room, request, ready).await {
                return Ok(placed);
            }
        }
        self.decide(request).await
    }

    /// The same, without asking another replica: what the owner of a room does.
    pub async fn decide(&self, request: &PlaceRequest) -> Result<Placed, NoPlace> {
        // Who comes second for a room must wait for where the first is sent. After that long it has
        // failed, and waiting on would only add up.
        let _turn = match &request.room {
            Some(room) => tokio::time::timeout(self.settings.total, self.turns.take(room)).await.ok(),
            None => None,
        };
        let deadline = Instant::now() + self.settings.total;
        if let (Some(room), Some(claims)) = (&request.room, self.claims()) {
            return self.decide_claimed(claims, room, request, deadline).await;
        }
        let found = self.search(request, deadline).await?;
        Ok(self.accept(request, found))
    }

    /// The owner's answer; `None` when we are it, when a store makes owners needless, or when it does
    /// not answer.
    async fn by_owner(&self, room: &RoomKey, request: &PlaceRequest, ready: bool) -> Option<Placed> {
        let peers = self.agreement.peers.as_ref().filter(|_| self.claims().is_none())?;
        for _ in 0..OWNERS_ASKED {
            let Decider::Other(owner) = peers.decider(room, ready) else { return None };
            match peers.ask(&owner, request).await {
                Ok(placed) => {
                    self.stats.forwards.with_label_values(&["answered"]).inc();
                    self.fleet.agree(room, &placed.node);
                    return Some(placed);
                }
                Err(error) => {
                    tracing::debug!(%error, "the owner of a room did not decide");
                    self.stats.forwards.with_label_values(&["failed"]).inc();
                }
            }
        }
        None
    }

    async fn decide_claimed(
        &self,
        claims: &Claims,
        room: &RoomKey,
        request: &PlaceRequest,
        deadline: Instant,
    ) -> Result<Placed, NoPlace> {
        // Those who waited for their turn find what the first has learned.
        if let Some(settled) = self.fleet.settled(room) {
            return Ok(settled);
        }
        let Ok(mut claim) = claims.find(room).await else {
            let found = self.search(request, deadline).await?;
            return Ok(self.accept(request, found));
        };
        for _ in 0..CLAIM_ROUNDS {
            let node = claim.as_ref().and_then(Claim::node);
            if let Some(placed) = node.and_then(|node| self.fleet.follow(room, &node)) {
                return Ok(placed);
            }
            let found = self.search(request, deadline).await?;
            let ours = Claim::new(&found.placed().node, unix_ms());
            match claims.take(room, &ours, claim.as_ref()).await {
                Ok(Taken::Theirs(theirs)) if theirs.node() != ours.node() => {
                    self.give_up(found);
                    claim = Some(theirs);
                }
                Ok(_) => {
                    let placed = self.accept(request, found);
                    self.fleet.agree(room, &placed.node);
                    return Ok(placed);
                }
                Err(_) => return Ok(self.accept(request, found)),
            }
        }
        tracing::warn!("a room was claimed again and again for nodes that nobody can be sent to");
        let found = self.search(request, deadline).await?;
        Ok(self.accept(request, found))
    }

    /// The store, while it helps.
    fn claims(&self) -> Option<&Claims> {
        self.agreement.claims.as_deref().filter(|claims| claims.is_up())
    }

    /// What was found is the answer.
    fn accept(&self, request: &PlaceRequest, found: Found) -> Placed {
        match found {
            Found::Known(placed) => placed,
            Found::Taken(taken) => {
                self.fleet.accept(request, &taken.chosen, taken.told);
                let placed = taken.chosen.placed;
                self.journal.record(taken.draft.ended(Some(placed.node.clone())));
                placed
            }
        }
    }

    /// Another replica's answer stands: what we reserved is given back.
    fn give_up(&self, found: Found) {
        let Found::Taken(taken) = found else { return };
        self.fleet.withdraw(&taken.chosen, None);
        if let Some(reservation) = taken.chosen.reservation.as_ref().filter(|_| taken.told) {
            self.release.take_back(&taken.chosen.target, &reservation.id);
        }
        self.journal.record(taken.draft.late());
    }
}
