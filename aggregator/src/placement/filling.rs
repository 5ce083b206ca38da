//! Rooms that are known to be small fill up nodes that are busy anyway, so that the emptiest stay
//! free for rooms that may become large.
//!
//! Overload that is left once promises are counted is made by single large rooms whose size nobody
//! knew: each needs a node with much room, and where every room goes to the emptiest node, all
//! nodes are about equally full and none has much. A room that is known to be small (announced, or
//! learned from its meetings before) needs little.
//!
//! ```text
//!   load   mean                θ         mean: of the nodes that may take the room, by capacity
//!   ────────┼───┬──────┬───────┼──
//!               └ band ┘                 mean + low·(θ − mean)  <  expected load  ≤  mean + high·(θ − mean)
//! ```
//!
//! Nodes within the band come first for such a room, as a [`Tier`](super::Tier) of their own; among them the
//! score decides, as anywhere. Without a node in the band, and in a fleet with room everywhere, nothing changes.

use super::params::Params;
use super::ranking::{Request, Tier};
use super::score::Load;

/// The band. Loads are shares of a node's CPU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Filling {
    above: f64,
    up_to: f64,
}

impl Filling {
    /// For one request and the nodes that may take it; `None` when the room may become large, or
    /// the fleet has room everywhere.
    pub(super) fn of<'a>(
        request: &Request,
        loads: impl Iterator<Item = &'a Load>,
        params: &Params,
    ) -> Option<Self> {
        let known = request.expected_people.filter(|people| people.is_finite())?;
        if params.people(Some(known)) > params.small_room {
            return None;
        }
        let mut parts: Vec<(f64, f64)> =
            loads.map(|load| (load.expected * load.capacity, load.capacity)).collect();
        // summed in order of size: two replicas that list the nodes differently get the same last bit
        parts.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (load, capacity) = parts.iter().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        let mean = load / capacity;
        // also what a fleet without nodes gives: not a number
        if !(params.filling_from..params.comfortable).contains(&mean) {
            return None;
        }
        let at = |share: f64| mean + share * (params.comfortable - mean);
        Some(Self { above: at(params.filling_low), up_to: at(params.filling_high) })
    }

    /// The node's group: within the band before all others, if it was of the best anyway.
    pub(super) fn promote(self, tier: Tier, load: Option<&Load>) -> Tier {
        let within = |load: &Load| load.expected > self.above && load.expected <= self.up_to;
        if tier == Tier::Wished && load.is_some_and(within) { Tier::Filling } else { tier }
    }
}
