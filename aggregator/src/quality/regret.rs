//! Regret: by how much the best node's score was better than the chosen one's. Pure.

use usher_common::wire::NodeId;

use crate::decision::Inputs;
use crate::placement::{Params, Placed, Policy, Request, rank};

/// The nodes that could take a room, with the product's own score of each, whatever policy decided.
#[derive(Debug, Clone)]
pub struct Scores {
    placed: Vec<Placed>,
}

impl Scores {
    /// By these inputs.
    #[must_use]
    pub fn of(inputs: &Inputs, request: &Request) -> Self {
        let params = Params { policy: Policy::ExpectedLoad, ..inputs.params.clone() };
        let ranking = rank(&inputs.candidates, request, &params, inputs.seed, inputs.now_ms);
        Self { placed: ranking.placed }
    }

    /// How far a node's score lies above the best of its group, shares of a standard VM's CPU, at
    /// least 0; `None` when it could not take the room.
    #[must_use]
    pub fn regret(&self, node: &NodeId) -> Option<f64> {
        let score = |placed: &Placed| placed.load.as_ref().map(|load| load.score);
        let own = self.placed.iter().find(|placed| placed.node == *node)?;
        let group = self.placed.iter().filter(|placed| placed.tier == own.tier);
        let best = group.filter_map(score).min_by(f64::total_cmp)?;
        Some((score(own)? - best).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::placement::properties::{NOW_MS, any_fleet, any_policy, any_request};

    proptest! {
        #[test]
        fn our_own_policy_has_no_regret_beyond_its_tolerance_and_no_policy_a_negative_one(
            candidates in any_fleet(), request in any_request(), policy in any_policy(), seed in any::<u64>(),
        ) {
            let params = Params { policy, ..Params::default() };
            let inputs = Inputs { now_ms: NOW_MS, seed, params, candidates, excluded: Vec::new() };
            let scores = Scores::of(&inputs, &request);
            let Ok(choice) = inputs.choose(&request, &inputs.params) else { return Ok(()) };
            let Some(regret) = scores.regret(&choice.node) else {
                prop_assert!(policy != Policy::ExpectedLoad);
                return Ok(());
            };
            prop_assert!(regret >= 0.0);
            if policy == Policy::ExpectedLoad {
                let tolerance = if request.room.is_some() { inputs.params.near_equal } else { 0.0 };
                prop_assert!(regret <= tolerance, "{regret}");
            }
        }
    }
}
