//! When a target is due. Pure: times are since the process's clock began.
//!
//! ```text
//!  |─phase─•───interval───•────────────•     each target has its own phase, so that
//!                                            reads are spread over the interval
//! ```

use std::time::Duration;

use usher_common::backoff::Backoff;

/// The first round is spread over at most this: a fresh replica should know the fleet soon,
/// but each first read sets up a connection, and hundreds of handshakes at once are slower
/// than the deadline of any of them.
const FIRST_ROUND: Duration = Duration::from_secs(1);

/// The grid of one target's reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    interval: Duration,
    /// Share of the interval, 0..1.
    phase: f64,
    fall: u32,
    backoff: Backoff,
}

/// What comes after a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    /// When the next read is due.
    pub(super) due: Duration,
    /// Reads that should have been and were not, because the last one took too long.
    pub(super) missed: u64,
}

impl Schedule {
    /// A grid. From `fall` failures in a row on, reads get rarer, up to one in `retry_max`.
    pub(super) fn new(interval: Duration, phase: f64, fall: u32, retry_max: Duration) -> Self {
        let backoff = Backoff::new(interval, retry_max.max(interval));
        Self { interval, phase: phase.clamp(0.0, 1.0), fall, backoff }
    }

    /// When the first read is due.
    pub(super) fn first(&self, now: Duration) -> Duration {
        now + self.interval.min(FIRST_ROUND).mul_f64(self.phase)
    }

    /// What follows a read that was due at `due` and is over at `now`, `failures` having
    /// failed in a row. `chance` in 0..1 spreads those that failed together.
    pub(super) fn next(&self, due: Duration, now: Duration, failures: u32, chance: f64) -> Next {
        if failures > self.fall {
            return Next { due: now + self.backoff.wait(failures - self.fall, chance), missed: 0 };
        }
        // The next point of the grid that is not the one just served: half an interval on
        // at least, since the first read and those after a failure stand beside the grid.
        let mut next = self.at_or_after(due + self.interval / 2);
        let mut missed = 0;
        if next < now {
            let later = self.at_or_after(now);
            missed = u64::try_from((later - next).as_nanos() / self.interval.as_nanos()).unwrap_or(u64::MAX);
            next = later;
        }
        Next { due: next, missed }
    }

    fn at_or_after(&self, time: Duration) -> Duration {
        let phase = self.interval.mul_f64(self.phase);
        let since = time.saturating_sub(phase).as_nanos();
        let steps = since.div_ceil(self.interval.as_nanos());
        phase + self.interval.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
    }
}

/// The phase of a target on this replica: even over many targets, and different from one
/// replica (`seed`) to another, so that replicas do not all ask one agent at once.
pub(super) fn phase(target: &str, seed: u64) -> f64 {
    let bytes = seed.to_le_bytes().into_iter().chain(target.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let high = u32::try_from((hash ^ (hash >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 32).unwrap_or(0);
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn schedule(phase: f64) -> Schedule {
        Schedule::new(S, phase, 2, 5 * S)
    }

    #[test]
    fn reads_fall_on_the_grid_and_overrun_ones_are_counted_as_missed() {
        let schedule = schedule(0.5);
        assert_eq!(schedule.first(ms(100)), ms(600));
        assert_eq!(schedule.next(ms(600), ms(610), 0, 0.0), Next { due: ms(1500), missed: 0 });
        assert_eq!(schedule.next(ms(1500), ms(2300), 0, 0.0), Next { due: ms(2500), missed: 0 });
        assert_eq!(schedule.next(ms(1500), ms(4700), 0, 0.0), Next { due: ms(5500), missed: 3 });
    }

    #[test]
    fn a_target_that_keeps_failing_is_read_rarely_but_at_least_every_retry_max() {
        let schedule = schedule(0.0);
        assert_eq!(schedule.next(S, S, 2, 1.0).due, 2 * S, "still on the grid while it may be a hiccup");
        assert_eq!(schedule.next(S, S, 3, 1.0).due, 2 * S);
        assert_eq!(schedule.next(S, S, 4, 1.0).due, 3 * S);
        assert_eq!(schedule.next(S, S, 1000, 1.0).due, 6 * S);
    }

    #[test]
    fn phases_are_spread_and_differ_between_replicas() {
        let phases: Vec<f64> = (0..1000).map(|n| phase(&format!("http://vm{n}:9100/"), 7)).collect();
        for tenth in 0..10 {
            let low = f64::from(tenth) / 10.0;
            let count = phases.iter().filter(|p| **p >= low && **p < low + 0.1).count();
            assert!((60..=140).contains(&count), "{count} in tenth {tenth}");
        }
        assert!((phase("http://vm1:9100/", 7) - phase("http://vm1:9100/", 8)).abs() > 1e-6);
    }

    proptest::proptest! {
        #[test]
        fn the_next_read_is_never_in_the_past_nor_far_off(phase in 0.0f64..1.0, due in 0u64..100_000, took in 0u64..20_000, failures in 0u32..50, chance in 0.0f64..1.0) {
            let schedule = schedule(phase);
            let now = ms(due + took);
            let next = schedule.next(ms(due), now, failures, chance);
            proptest::prop_assert!(next.due >= now);
            let most = if failures > 2 { 5 * S } else { 3 * S / 2 };
            proptest::prop_assert!(next.due <= now + most);
            proptest::prop_assert!(next.missed <= took / 1000 + 1);
        }
    }
}
