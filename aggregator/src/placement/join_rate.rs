//! How fast people are joining on a node: who joins now tells who is still to come.

use serde::{Deserialize, Serialize};

/// Joins per second from a counter of joins, smoothed exponentially.
///
/// Where a node has no such counter, feed [`rose`](Self::rose) with the rises of its number of
/// participants: nearly as good.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JoinRate {
    last: Option<(u64, u64)>,
    per_s: Option<f64>,
}

impl JoinRate {
    /// A reading of the counter, taken at `at_ms`. Returns the joins since the reading before;
    /// `None` for the first, after a restart of the counter, or for a reading that is not newer.
    pub fn counted(&mut self, total: u64, at_ms: u64, smoothing_ms: u64) -> Option<u64> {
        self.observe(total, at_ms, smoothing_ms, |before| total.checked_sub(before))
    }

    /// A reading of the number of participants instead: only rises count.
    pub fn rose(&mut self, participants: u64, at_ms: u64, smoothing_ms: u64) -> Option<u64> {
        self.observe(participants, at_ms, smoothing_ms, |before| Some(participants.saturating_sub(before)))
    }

    fn observe(
        &mut self,
        value: u64,
        at_ms: u64,
        smoothing_ms: u64,
        joins_since: impl FnOnce(u64) -> Option<u64>,
    ) -> Option<u64> {
        if self.last.is_some_and(|(_, before_ms)| at_ms <= before_ms) {
            return None;
        }
        let (before, before_ms) = self.last.replace((value, at_ms))?;
        let joins = joins_since(before)?;
        let elapsed_s = (at_ms - before_ms) as f64 / 1000.0;
        let keep = (-elapsed_s * 1000.0 / smoothing_ms.max(1) as f64).exp();
        // starts from nobody joining: one burst in the first second is not a trend yet
        let old = self.per_s.unwrap_or(0.0);
        self.per_s = Some(old * keep + joins as f64 / elapsed_s * (1.0 - keep));
        Some(joins)
    }

    /// Joins per second; `None` before two readings.
    #[must_use]
    pub fn per_s(&self) -> Option<f64> {
        self.per_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMOOTHING_MS: u64 = 30_000;

    #[test]
    fn a_steady_stream_is_found_and_forgotten() {
        let mut rate = JoinRate::default();
        assert_eq!(rate.counted(1000, 0, SMOOTHING_MS), None);
        assert_eq!(rate.per_s(), None, "one reading is no rate");
        for second in 1..=300 {
            assert_eq!(rate.counted(1000 + second * 2, second * 1000, SMOOTHING_MS), Some(2));
        }
        assert!((rate.per_s().unwrap() - 2.0).abs() < 0.001);
        for second in 301..=600 {
            rate.counted(1600, second * 1000, SMOOTHING_MS);
        }
        assert!(rate.per_s().unwrap() < 0.001);
    }

    #[test]
    fn a_restarted_counter_is_a_new_beginning_not_a_rush() {
        let mut rate = JoinRate::default();
        rate.counted(5000, 0, SMOOTHING_MS);
        rate.counted(5000, 1000, SMOOTHING_MS);
        assert_eq!(rate.counted(3, 2000, SMOOTHING_MS), None);
        assert_eq!(rate.per_s(), Some(0.0));
        assert_eq!(rate.counted(4, 3000, SMOOTHING_MS), Some(1));
    }

    #[test]
    fn the_same_reading_twice_counts_once() {
        let mut rate = JoinRate::default();
        rate.counted(0, 0, SMOOTHING_MS);
        rate.counted(9, 1000, SMOOTHING_MS);
        let before = rate.clone();
        assert_eq!(rate.counted(9, 1000, SMOOTHING_MS), None);
        assert_eq!(rate, before);
    }

    #[test]
    fn falling_participants_are_not_joins() {
        let mut rate = JoinRate::default();
        rate.rose(10, 0, SMOOTHING_MS);
        assert_eq!(rate.rose(4, 5000, SMOOTHING_MS), Some(0));
        assert_eq!(rate.rose(6, 10_000, SMOOTHING_MS), Some(2));
    }
}
