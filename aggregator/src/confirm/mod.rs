//! Asks the chosen node to keep room before anybody is sent there: a node that died, drained or
//! filled since its last report is never handed out.
//!
//! ```text
//!  request ─► turn (one at a time for a named room) ─► fleet.propose ─► ask the node ─► accept
//!                                                          ▲    409, silence: withdraw │
//!                                                          └───── the next best ◄──────┘
//! ```
//!
//! The rim around `fleet::placing`: it alone waits. No lock of the fleet is held meanwhile.

mod ask;
mod release;
mod turns;

use std::sync::Arc;
use std::time::Instant;

use usher_common::rt::http_client::Failure;

use crate::config::Confirm;
use crate::fleet::{Chosen, Fleet, NoPlace, PlaceRequest, Placed, Proposal, Unfit};
use crate::stats::Stats;

pub use ask::Outcome;
pub use release::Releases;

use ask::Asker;
use release::{Release, release};
use turns::Turns;

/// Places rooms on nodes that say yes.
#[derive(Debug)]
pub struct Placer {
    fleet: Arc<Fleet>,
    stats: Arc<Stats>,
    settings: Confirm,
    asker: Asker,
    release: Release,
    turns: Turns,
}

impl Placer {
    /// A placer for a fleet, and the task that cleans up behind it.
    pub fn new(settings: Confirm, fleet: Arc<Fleet>, stats: Arc<Stats>) -> Result<(Self, Releases), Failure> {
        let asker = Asker::new()?;
        let (release, releases) = release(asker.clone());
        Ok((Self { fleet, stats, settings, asker, release, turns: Turns::default() }, releases))
    }

    /// Finds where a room is, or places it. Takes at most `tries` times `timeout`, and as long
    /// again when others are just placing the same room.
    pub async fn place(&self, request: &PlaceRequest) -> Result<Placed, NoPlace> {
        let longest = self.settings.timeout * self.settings.tries;
        // Who comes second for a room must wait for where the first is sent. After `longest` that
        // has failed, and waiting on would only add up.
        let _turn = match &request.room {
            Some(room) => tokio::time::timeout(longest, self.turns.take(room)).await.ok(),
            None => None,
        };
        let mut declined = Vec::new();
        for _ in 0..self.settings.tries {
            let id = format!("{:032x}", rand::random::<u128>());
            let chosen = match self.fleet.propose(request, &declined, &id, self.settings.ttl_s)? {
                Proposal::Known(placed) => return Ok(placed),
                Proposal::Chosen(chosen) => chosen,
            };
            match self.confirm(request, &chosen).await {
                None => return Ok(chosen.placed),
                Some(unfit) => declined.push((chosen.placed.node, unfit)),
            }
        }
        Err(self.fleet.no_place(request, &declined))
    }

    /// Asks the node and tells the fleet what came of it; `Some` when it does not take the room.
    async fn confirm(&self, request: &PlaceRequest, chosen: &Chosen) -> Option<Unfit> {
        let outcome = match &chosen.reservation {
            None => Outcome::Unasked,
            Some(reservation) => {
                let started = Instant::now();
                let outcome = self.asker.ask(&chosen.target, reservation, self.settings.timeout).await;
                self.stats.reservation_seconds.observe(started.elapsed().as_secs_f64());
                outcome
            }
        };
        self.stats.reservations.with_label_values(&[outcome.as_str()]).inc();
        match outcome {
            Outcome::Confirmed => self.fleet.accept(request, chosen, true),
            Outcome::Unasked | Outcome::Unconfirmed => self.fleet.accept(request, chosen, false),
            Outcome::Refused(why) => {
                tracing::info!(node = %chosen.placed.node, why, "does not take a room");
                self.fleet.withdraw(chosen, None);
                return Some(Unfit::Refused);
            }
            Outcome::Timeout(failure) | Outcome::Unreachable(failure) => {
                tracing::warn!(node = %chosen.placed.node, %failure, "did not answer when asked to take a room");
                if let Some(reservation) = &chosen.reservation {
                    self.release.take_back(&chosen.target, &reservation.id);
                }
                self.fleet.withdraw(chosen, Some((failure.reason, failure.detail)));
                return Some(Unfit::Unreachable);
            }
        }
        None
    }
}
