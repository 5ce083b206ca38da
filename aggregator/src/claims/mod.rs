//! Claims on rooms in Redis or Valkey: with it two replicas cannot send one new room to two nodes.
//!
//! ```text
//!  find: GETEX ──► the node that has the room, or none          key: usher:room:<keyed hash>
//!  take: EVAL  ──► ours, or who came first   (compare and set)  value: "<node> <unix ms>"
//!  keep: EVAL… ──► live and promised rooms keep their claims    (the background task)
//! ```
//!
//! The store is an aid, not a need: each call has a short deadline, the first that fails opens the
//! circuit, and until the background task has it back the replicas agree by what agents report
//! (`fleet::whereabouts`). People's names never get here, only keyed hashes of the rooms'.

mod call;
mod keep;
mod line;

use std::sync::Arc;

use redis::Client;
use serde::Serialize;
use usher_common::wire::{NodeId, RoomKey};

use crate::clock::{Clock, Millis};
use crate::config::Store;
use crate::stats::Stats;

pub use keep::Keeper;
pub(crate) use keep::unix_ms;
pub use line::{StoreView, Trouble};

use line::Line;

/// A room's claim as it stands in the store. Compared as a whole when it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim(String);

impl Claim {
    /// A claim made now.
    #[must_use]
    pub fn new(node: &NodeId, unix_ms: u64) -> Self {
        Self(format!("{node} {unix_ms}"))
    }

    /// The node; `None` for a text that none of us wrote.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        let (node, made) = self.0.split_once(' ')?;
        made.parse::<u64>().ok()?;
        NodeId::parse(node).ok()
    }
}

/// What came of taking a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is claimed as we wished.
    Ours,
    /// Somebody else's claim stands.
    Theirs(Claim),
}

/// The store does not help at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("the store of claims is away")]
pub struct Away;

/// The store.
#[derive(Debug)]
pub struct Claims {
    client: Client,
    settings: Store,
    line: Line,
    clock: Clock,
    stats: Arc<Stats>,
}

impl Claims {
    /// A store that is connected to by its [`Keeper`].
    #[must_use]
    pub fn new(settings: Store, clock: Clock, stats: Arc<Stats>) -> Self {
        let client = Client::open(settings.server.clone()).expect("a parsed address opens");
        Self { client, settings, line: Line::new(clock.now()), clock, stats }
    }

    /// Whether it is asked at the moment.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.line.connection().is_some()
    }

    /// Whether it was tried since the start, with whatever outcome.
    #[must_use]
    pub fn is_tried(&self) -> bool {
        self.line.is_tried()
    }

    /// How it is, for operators.
    #[must_use]
    pub fn view(&self) -> StoreView {
        self.line.view(self.clock.now())
    }

    /// Who has a room. Asking makes the claim last longer.
    pub async fn find(&self, room: &RoomKey) -> Result<Option<Claim>, Away> {
        let found: Option<String> = self.asked(call::find(room, self.settings.ttl_ms)).await?;
        self.count(if found.is_some() { "found" } else { "free" });
        Ok(found.map(Claim))
    }

    /// Takes a room that is free, or that has the claim `instead_of`.
    pub async fn take(
        &self,
        room: &RoomKey,
        claim: &Claim,
        instead_of: Option<&Claim>,
    ) -> Result<Taken, Away> {
        let before = instead_of.map_or("", |claim| claim.0.as_str());
        let stands: String = self.asked(call::take(room, &claim.0, before, self.settings.ttl_ms)).await?;
        if stands == claim.0 {
            self.count(if instead_of.is_some() { "moved" } else { "won" });
            return Ok(Taken::Ours);
        }
        self.count("lost");
        Ok(Taken::Theirs(Claim(stands)))
    }

    fn count(&self, outcome: &str) {
        self.stats.claims.with_label_values(&[outcome]).inc();
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_names_its_node_and_a_foreign_text_none() {
        let node = NodeId::parse("vm-1.example.org").unwrap();
        assert_eq!(Claim::new(&node, 12).node(), Some(node));
        for foreign in ["", "vm1", "vm1 soon", "a/b 12", " 12"] {
            assert_eq!(Claim(foreign.to_owned()).node(), None, "{foreign:?}");
        }
    }
}
