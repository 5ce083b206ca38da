//! A node's load without the jitter: CPU says how heavy its people are, their number says quickly
//! that there are more or fewer of them.
//!
//! The smallest of a hundred noisy readings is above all the luckiest reading, and a room stays for
//! an hour where luck sent it. So readings are smoothed over much longer than one would like, and
//! what the smoothing would make late is brought in by the number of participants:
//!
//! ```text
//! level ← level + cost per person · change of participants        at once
//! level ← level + (measured − level) · (1 − exp(−elapsed / T))     T = Params::level_smoothing_ms
//! ```
//!
//! A reading far off (another program, a stuck process) is followed at once.

use serde::{Deserialize, Serialize};

use super::candidate::Reading;
use super::params::Params;
use super::score::measured;

/// Beyond this distance a reading is news and not noise, share of the CPU: five times the usual
/// deviation of one reading.
const NEWS: f64 = 0.1;

/// The steady load of one node. `Default` knows nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadLevel {
    level: Option<f64>,
    participants: Option<u64>,
    at_ms: u64,
}

impl LoadLevel {
    /// A new reading, and the CPU of one person there as a share of the node's CPU. Readings that
    /// are not newer, or say nothing of the load, change nothing.
    pub fn observe(&mut self, reading: &Reading, cost_per_person: f64, params: &Params) {
        let Some(measured) = measured(reading, params) else { return };
        let Some(level) = self.level else {
            *self = Self { level: Some(measured), participants: reading.participants, at_ms: reading.at_ms };
            return;
        };
        if reading.at_ms <= self.at_ms {
            return;
        }
        let change = match (self.participants, reading.participants) {
            (Some(before), Some(now)) => cost_per_person * (now as f64 - before as f64),
            // without both numbers there is nothing to bring in early
            _ => 0.0,
        };
        let predicted = (level + change).max(0.0);
        let off = measured - predicted;
        let elapsed = (reading.at_ms - self.at_ms) as f64;
        let gain = 1.0 - (-elapsed / params.level_smoothing_ms.max(1) as f64).exp();
        let followed = if off.abs() > NEWS { measured - NEWS * off.signum() } else { predicted };
        self.level = Some(followed + (measured - followed) * gain);
        self.participants = reading.participants.or(self.participants);
        self.at_ms = reading.at_ms;
    }

    /// The load as of the newest reading, share of the CPU; `None` before the first.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: f64 = 0.0025;

    fn reading(second: u64, cpu: f64, participants: Option<u64>) -> Reading {
        Reading { at_ms: second * 1000, cpu: Some(cpu), participants, ..Reading::default() }
    }

    fn after(readings: impl Iterator<Item = Reading>) -> f64 {
        let mut level = LoadLevel::default();
        readings.for_each(|reading| level.observe(&reading, COST, &Params::default()));
        level.value().unwrap()
    }

    #[test]
    fn jitter_is_smoothed_away() {
        let jitter = |second: u64| if second.is_multiple_of(2) { 0.03 } else { -0.03 };
        let level = after((0..200).map(|second| reading(second, 0.5 + jitter(second), Some(100))));
        assert!((level - 0.5).abs() < 0.005, "{level}");
    }

    #[test]
    fn people_who_come_or_leave_are_seen_at_once() {
        let quiet = (0..100).map(|second| reading(second, 0.5, Some(100)));
        let up = after(quiet.clone().chain([reading(100, 0.5, Some(120))]));
        assert!((up - 0.55).abs() < 0.01, "{up}");
        let down = after(quiet.chain([reading(100, 0.5, Some(60))]));
        assert!((down - 0.40).abs() < 0.02, "{down}");
    }

    #[test]
    fn a_jump_without_people_is_followed_at_once() {
        let quiet = (0..100).map(|second| reading(second, 0.2, None));
        assert!(after(quiet.chain([reading(100, 0.9, None)])) >= 0.8);
    }

    #[test]
    fn a_reading_without_load_or_out_of_order_changes_nothing() {
        let mut level = LoadLevel::default();
        level.observe(&Reading::default(), COST, &Params::default());
        assert_eq!(level.value(), None, "nothing measured is not zero");
        level.observe(&reading(10, 0.4, Some(50)), COST, &Params::default());
        level.observe(&reading(9, 0.9, Some(500)), COST, &Params::default());
        level.observe(&Reading { at_ms: 11_000, ..Reading::default() }, COST, &Params::default());
        assert_eq!(level.value(), Some(0.4));
    }
}
