//! CPU per person, from pairs of (CPU, participants): of one node, or of the whole fleet.
//!
//! Least squares through the idle load, so that full moments count more than empty ones:
//! `c = Σ n·(cpu − idle) / Σ n²`, with weights that fade with age.
//!
//! What a node taught is believed as far as there is evidence that it is the machine's doing and not that of
//! the meetings which happen to be there, see [`on_node`].

use serde::{Deserialize, Serialize};

/// CPU of a node without meetings, share of its CPU: the stack's own housekeeping.
const IDLE_CPU: f64 = 0.03;
/// Lessons fade with this age constant, ms, where nobody says otherwise: a meeting's length.
pub const COST_MEMORY_MS: u64 = 1_800_000;
/// The same for what one node teaches of itself: a machine hardly changes, its meetings do.
pub const NODE_MEMORY_MS: u64 = 86_400_000;
/// Fewer observations than this (weighted by age) say nothing, where nobody says otherwise.
pub const COST_SAMPLES_MIN: u32 = 30;
/// Moments with fewer people than this say more of the node's other work than of people.
const PEOPLE_MIN: u64 = 5;
/// Above this the CPU is exhausted and no longer grows with people.
const CPU_MAX: f64 = 0.95;
/// What a person can cost on any node that serves meetings: bounds of the estimate.
const COST_RANGE: (f64, f64) = (0.0002, 0.02);

/// A node's figure is taken for at most this many times (or this part of) what its hardware lets
/// expect: a node whose CPU has nothing to do with its people must not be taken at its word.
const ODDITY_MAX: f64 = 3.0;

/// How differently machines of one size perform: standard deviation of the logarithm. Replay: 0.06.
const MACHINES_SD: f64 = 0.06;
/// What one person's meeting says of the machine it is on: variance of the logarithm. Meetings differ in
/// video and in size, and those of the first half hour are the same ones all the time. Replay: a standard
/// deviation of 0.11 after 390 of them, 0.19 after 180, on machines of full and of half size.
const MEETING_VARIANCE: f64 = 6.0;
/// A difference of more standard deviations than this is not the meetings'; the fleet's are many.
const SURPRISE: f64 = 3.0;

/// CPU of one more person on a node, share of its CPU, by what the node `learned` from so many
/// `person_meetings` (people, each through one meeting's length) and by what its hardware lets expect.
///
/// The share of the difference that is believed is that of the machines' variance in both variances together
/// (empirical Bayes: machines may differ by more where meetings do not explain it). In the replay a node's own
/// figure taken at its word makes a tenth more overload than none at all.
#[must_use]
pub fn on_node(learned: f64, by_hardware: f64, person_meetings: f64) -> f64 {
    let difference = (learned / by_hardware).ln();
    let meetings = MEETING_VARIANCE / person_meetings.max(f64::MIN_POSITIVE);
    let machines = (difference * difference - SURPRISE * SURPRISE * meetings).max(MACHINES_SD * MACHINES_SD);
    let believed = difference * machines / (machines + meetings);
    by_hardware * believed.exp().clamp(1.0 / ODDITY_MAX, ODDITY_MAX)
}

/// The learned cost of one person. `Default` has learned nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonCost {
    memory_ms: f64,
    samples_min: f64,
    samples: f64,
    people: f64,
    people_cpu: f64,
    people_squared: f64,
    at_ms: u64,
}

impl Default for PersonCost {
    fn default() -> Self {
        Self::new(COST_MEMORY_MS, COST_SAMPLES_MIN)
    }
}

impl PersonCost {
    /// Nothing learned yet; lessons fade with `memory_ms`, and fewer than `samples_min` say nothing.
    #[must_use]
    pub fn new(memory_ms: u64, samples_min: u32) -> Self {
        Self {
            memory_ms: memory_ms.max(1) as f64,
            samples_min: f64::from(samples_min.max(1)),
            samples: 0.0,
            people: 0.0,
            people_cpu: 0.0,
            people_squared: 0.0,
            at_ms: 0,
        }
    }

    /// A node had this CPU (0..=1) with so many participants. For a fleet's figure hand in CPU and
    /// participants of each node, and `capacity` to bring its CPU to that of a standard VM; for
    /// the node's own figure `capacity` is 1.
    pub fn observe(&mut self, cpu: f64, participants: u64, capacity: f64, now_ms: u64) {
        if participants < PEOPLE_MIN || !(0.0..=CPU_MAX).contains(&cpu) {
            return;
        }
        let keep = self.fade(now_ms);
        self.at_ms = self.at_ms.max(now_ms);
        let people = participants as f64;
        self.samples = self.samples * keep + 1.0;
        self.people = self.people * keep + people;
        self.people_cpu = self.people_cpu * keep + people * (cpu - IDLE_CPU).max(0.0) * capacity;
        self.people_squared = self.people_squared * keep + people * people;
    }

    /// CPU per person; `None` while too little was seen lately.
    #[must_use]
    pub fn estimate(&self, now_ms: u64) -> Option<f64> {
        // A whole sample may be lost to the fading of those that came first.
        (self.samples(now_ms) >= self.samples_min - 1.0)
            .then(|| (self.people_cpu / self.people_squared).clamp(COST_RANGE.0, COST_RANGE.1))
    }

    /// Observations that count, weighted by age.
    #[must_use]
    pub fn samples(&self, now_ms: u64) -> f64 {
        self.samples * self.fade(now_ms)
    }

    /// People in all observations that count, weighted by age: times the time from one to the next, how long
    /// people were seen.
    #[must_use]
    pub fn people(&self, now_ms: u64) -> f64 {
        self.people * self.fade(now_ms)
    }

    fn fade(&self, now_ms: u64) -> f64 {
        (-(now_ms.saturating_sub(self.at_ms) as f64) / self.memory_ms).exp()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taught(pairs: impl Iterator<Item = (f64, u64)>) -> PersonCost {
        let mut cost = PersonCost::default();
        pairs.enumerate().for_each(|(i, (cpu, people))| cost.observe(cpu, people, 1.0, i as u64 * 5000));
        cost
    }

    #[test]
    fn the_true_cost_is_found_under_noise() {
        let noise = |i: u64| [0.02, -0.02, 0.01, -0.01][(i % 4) as usize];
        let cost = taught((0..100).map(|i| (0.03 + 0.0025 * (50 + i) as f64 + noise(i), 50 + i)));
        assert!((cost.estimate(500_000).unwrap() - 0.0025).abs() < 0.0001);
    }

    #[test]
    fn little_or_old_or_empty_evidence_says_nothing() {
        assert_eq!(taught((0..20).map(|_| (0.5, 200))).estimate(100_000), None);
        assert_eq!(taught((0..1000).map(|_| (0.5, 0))).estimate(5_000_000), None);
        let cost = taught((0..100).map(|_| (0.5, 200)));
        assert!(cost.estimate(500_000).is_some());
        assert_eq!(cost.estimate(50_000_000), None, "a day later");
    }

    #[test]
    fn a_nodes_figure_is_believed_as_far_as_its_meetings_do_not_explain_it() {
        let (hardware, half_an_hour, a_day) = (0.002, 150.0, 48.0 * 150.0);
        let believed = |times: f64, evidence| (on_node(hardware * times, hardware, evidence) / hardware).ln();
        let share = |times: f64, evidence| believed(times, evidence) / times.ln();
        assert!((0.05..0.1).contains(&share(1.15, half_an_hour)), "as meetings differ anyway");
        assert!(share(1.15, a_day) > 0.8, "not over a day");
        assert!(share(2.0, 2.0 * half_an_hour) > 0.8, "meetings do not differ so much");
        assert!(share(2.0, 5.0) < 0.1, "they do when they are few");
        assert_eq!(on_node(hardware * 2.0, hardware, 0.0), hardware);
    }

    #[test]
    fn a_nodes_figure_is_taken_within_three_times_what_its_hardware_lets_expect() {
        assert!((on_node(0.02, 0.002, 1e6) - 0.006).abs() < 1e-12);
        assert!((on_node(0.0002, 0.006, 1e6) - 0.002).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn what_is_believed_lies_between_hardware_and_lesson_and_follows_both(
            times in 0.4f64..2.5,
            more in 1.0f64..1.1,
            evidence in 0.0f64..1e5,
        ) {
            let believed = on_node(0.002 * times, 0.002, evidence);
            let (low, high) = (times.min(1.0) * 0.002, times.max(1.0) * 0.002);
            prop_assert!((low - 1e-12..=high + 1e-12).contains(&believed), "{believed}");
            prop_assert!(on_node(0.002 * times * more, 0.002, evidence) >= believed - 1e-12);
            let surer = on_node(0.002 * times, 0.002, evidence * more);
            prop_assert!((surer - 0.002 * times).abs() <= (believed - 0.002 * times).abs() + 1e-12);
        }
    }

    #[test]
    fn nonsense_stays_within_bounds_and_exhausted_nodes_teach_nothing() {
        assert_eq!(taught((0..100).map(|_| (0.9, 5))).estimate(500_000), Some(COST_RANGE.1));
        assert_eq!(taught((0..100).map(|_| (0.0, 500))).estimate(500_000), Some(COST_RANGE.0));
        assert_eq!(taught((0..100).map(|_| (1.0, 100))).estimate(500_000), None);
        assert_eq!(taught((0..100).map(|_| (f64::NAN, 100))).estimate(500_000), None);
    }
}
