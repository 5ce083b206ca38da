//! The circuit breaker: a node that gets room after room and nobody joins any of them is left out.
//!
//! Such a node looks idle for the worst of reasons: its agent reports well, and people cannot
//! connect (a closed UDP port, a dead certificate). Without the breaker it would win every ranking.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::params::Params;

/// The breaker of one node. `Default` is closed, with nothing counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Placements since the last join that was seen, oldest first; no more than it takes to trip.
    fruitless_at_ms: VecDeque<u64>,
    out_until_at_ms: Option<u64>,
}

impl Breaker {
    /// A room was placed there.
    pub fn placed(&mut self, now_ms: u64, params: &Params) {
        if self.fruitless_at_ms.len() < params.breaker_placements as usize {
            self.fruitless_at_ms.push_back(now_ms);
        }
    }

    /// A report came, with this many joins since the one before; `None` when that is not known,
    /// which says nothing. Returns whether the breaker tripped now.
    pub fn reported(&mut self, joins: Option<u64>, now_ms: u64, params: &Params) -> bool {
        let Some(joins) = joins else { return false };
        if joins > 0 {
            self.fruitless_at_ms.clear();
            return false;
        }
        let ripe = |at: &&u64| now_ms.saturating_sub(**at) > params.breaker_ripe_ms;
        let enough = params.breaker_placements.max(1) as usize;
        if self.is_open(now_ms) || self.fruitless_at_ms.iter().filter(ripe).count() < enough {
            return false;
        }
        self.out_until_at_ms = Some(now_ms + params.breaker_pause_ms);
        // after the pause one more fruitless placement is enough
        self.fruitless_at_ms.pop_back();
        true
    }

    /// Whether the node is left out at `now_ms`.
    #[must_use]
    pub fn is_open(&self, now_ms: u64) -> bool {
        self.out_until_at_ms.is_some_and(|until| now_ms < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_placements(count: u64) -> Breaker {
        let mut breaker = Breaker::default();
        (0..count).for_each(|i| breaker.placed(i * 100, &Params::default()));
        breaker
    }

    #[test]
    fn eight_ripe_placements_without_a_join_open_it_for_a_minute() {
        let params = Params::default();
        let mut breaker = after_placements(8);
        assert!(!breaker.reported(Some(0), 10_000, &params), "people need time to come");
        assert!(breaker.reported(Some(0), 16_000, &params));
        assert!(breaker.is_open(75_999) && !breaker.is_open(76_000));
        assert!(!after_placements(7).reported(Some(0), 60_000, &params));
    }

    #[test]
    fn one_join_closes_the_account_and_an_unknown_count_changes_nothing() {
        let params = Params::default();
        let mut breaker = after_placements(8);
        assert!(!breaker.reported(Some(1), 16_000, &params));
        assert!(!breaker.reported(Some(0), 17_000, &params));
        let mut blind = after_placements(8);
        assert!(!blind.reported(None, 16_000, &params), "without a count of joins nothing is proven");
    }

    #[test]
    fn after_the_pause_one_more_empty_room_opens_it_again() {
        let params = Params::default();
        let mut breaker = after_placements(8);
        assert!(breaker.reported(Some(0), 16_000, &params));
        assert!(!breaker.reported(Some(0), 80_000, &params), "nothing new was tried");
        breaker.placed(80_000, &params);
        assert!(breaker.reported(Some(0), 96_000, &params));
    }
}
