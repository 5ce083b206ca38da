//! What placement is asked and what it answers.

use serde::{Deserialize, Serialize};
use usher_common::wire::{NodeId, RoomKey};
use usher_common::words;

use super::eligible::Removal;
use super::policy::Policy;
use super::score::Load;

/// What a room is asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The room's key, where it has a name: then replicas with the same view choose alike.
    pub room: Option<RoomKey>,
    /// People expected, given by whoever asks or learned; clamped.
    pub expected_people: Option<f64>,
    /// The region wished for.
    pub region: Option<String>,
}

/// Groups of nodes, best first: none of a group is taken while an earlier one has any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// For a room that is known to be small: busy, with room enough for it.
    Filling,
    /// In the region wished for and comfortable; or no region was wished for.
    Wished,
    /// Elsewhere and comfortable: the region is full enough to spill over.
    SpillOver,
    /// In the region, above the comfortable load.
    WishedCrowded,
    /// Elsewhere, above the comfortable load.
    SpillOverCrowded,
    /// It missed its last scrape: used when nobody else is left.
    Suspect,
    /// Looks dead, while most of the fleet does: better than nobody.
    PresumedDead,
}

words!(Tier, "tier" {
    Filling => "filling", Wished => "wished", SpillOver => "spill_over", WishedCrowded => "wished_crowded",
    SpillOverCrowded => "spill_over_crowded", Suspect => "suspect", PresumedDead => "presumed_dead",
});

/// Every node: in which order they would be taken, or why not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ranking {
    /// The policy that ordered them.
    pub policy: Policy,
    /// Most of the fleet looks dead, or nothing else is left: the fault is probably ours.
    pub alarm: bool,
    /// Those that may take the room, best first.
    pub placed: Vec<Placed>,
    /// The others, by name.
    pub removed: Vec<Removed>,
}

/// A node that may take the room.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placed {
    /// Its name.
    pub node: NodeId,
    /// Its group.
    pub tier: Tier,
    /// Its expected load by parts; `None` when it does not say and the policy does not ask.
    pub load: Option<Load>,
}

/// A node that may not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Removed {
    /// Its name.
    pub node: NodeId,
    /// The filter that removed it.
    pub by: Removal,
    /// Its expected load by parts, where that is known.
    pub load: Option<Load>,
}

/// Where the room goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The best node.
    pub node: NodeId,
    /// The next best, in order, for the case that it refuses.
    pub runners_up: Vec<NodeId>,
    /// People to expect, to be promised to whichever node takes the room.
    pub people: f64,
    /// The group that the best node is of.
    pub tier: Tier,
    /// Its expected load by parts.
    pub load: Option<Load>,
    /// Nodes that could have taken the room.
    pub candidates: usize,
    /// Most of the fleet looks dead, or nothing else is left: the fault is probably ours.
    pub alarm: bool,
}

/// No node can take the room.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[error("no node can take the room: {}; ask again in {retry_after_ms} ms", summary(.removed))]
pub struct NoPlace {
    /// Every node with its reason, by name; empty when no node is known at all.
    pub removed: Vec<Removed>,
    /// When to ask again, ms.
    pub retry_after_ms: u64,
    /// Most of the fleet looks dead.
    pub alarm: bool,
}

/// "3 draining, 1 full".
fn summary(removed: &[Removed]) -> String {
    let count = |by: &Removal| removed.iter().filter(|node| node.by == *by).count();
    let counts: Vec<String> =
        Removal::ALL.iter().filter(|by| count(by) > 0).map(|by| format!("{} {by}", count(by))).collect();
    if counts.is_empty() { "no node is known".to_owned() } else { counts.join(", ") }
}
