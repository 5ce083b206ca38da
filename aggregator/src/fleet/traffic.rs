//! Who comes to a node: the rate of joins, and whether anybody joins the rooms placed there.
//!
//! Fed with each report; read by `candidates`. Not here: who was promised (`pledge`).

use usher_common::wire::Report;

use crate::clock::Millis;
use crate::placement::{Breaker, JoinRate, Params};

/// The traffic of one node.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// By the bridge's counter of joins.
    counted: JoinRate,
    /// By rises of the number of people: of nodes without that counter. A rate of its own, since
    /// the two numbers have nothing to do with each other.
    risen: JoinRate,
    /// Whether the last report had the counter.
    has_counter: bool,
    /// See [`Breaker`].
    pub breaker: Breaker,
}

impl Traffic {
    /// A report came whose sample was taken at `sampled`. Returns whether the breaker tripped now.
    pub fn reported(&mut self, report: &Report, sampled: Millis, params: &Params, now: Millis) -> bool {
        let jitsi = report.jitsi.as_ref();
        let smoothing_ms = params.join_rate_smoothing_ms;
        let counter = jitsi.and_then(|jitsi| jitsi.joins_total);
        let counted = counter.and_then(|total| self.counted.counted(total, sampled, smoothing_ms));
        let people = jitsi.and_then(|jitsi| jitsi.participants);
        let risen = people.and_then(|people| self.risen.rose(people, sampled, smoothing_ms));
        self.has_counter = counter.is_some();
        let joins = if self.has_counter { counted } else { risen };
        self.breaker.reported(joins, now, params)
    }

    /// Joins per second, smoothed; `None` when not known.
    #[must_use]
    pub fn joins_per_s(&self) -> Option<f64> {
        if self.has_counter { self.counted.per_s() } else { self.risen.per_s() }
    }
}

#[cfg(test)]
mod tests {
    use usher_common::wire::Jitsi;

    use super::*;
    use crate::fleet::state::tests::report;

    fn with(joins_total: Option<u64>, participants: Option<u64>) -> Report {
        let jitsi = Some(Jitsi { joins_total, participants, ..Jitsi::default() });
        Report { jitsi, ..report("vm1", "b", 1) }
    }

    #[test]
    fn the_counter_is_believed_where_there_is_one_and_the_rises_where_there_is_none() {
        let params = Params::default();
        let mut traffic = Traffic::default();
        traffic.reported(&with(Some(5000), Some(10)), 0, &params, 0);
        assert_eq!(traffic.joins_per_s(), None, "one reading is no rate");
        traffic.reported(&with(Some(5030), Some(10)), 1000, &params, 1000);
        assert!(traffic.joins_per_s().is_some_and(|rate| rate > 0.5));
        traffic.reported(&with(None, Some(10)), 2000, &params, 2000);
        assert_eq!(traffic.joins_per_s(), Some(0.0), "5030 joins are not compared with 10 people");
        traffic.reported(&with(Some(5030), Some(10)), 3000, &params, 3000);
        assert!(traffic.joins_per_s().is_some_and(|rate| rate < 1.0));
    }

    #[test]
    fn rooms_that_nobody_joins_trip_the_breaker_only_where_joins_can_be_seen() {
        let params = Params::default();
        for (people, tripped) in [(Some(0), true), (None, false)] {
            let mut traffic = Traffic::default();
            traffic.reported(&with(None, people), 0, &params, 0);
            (0..8).for_each(|_| traffic.breaker.placed(0, &params));
            assert_eq!(traffic.reported(&with(None, people), 20_000, &params, 20_000), tripped);
        }
    }
}
