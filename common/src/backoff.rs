//! How long to wait before the next try. Pure: the caller brings attempt and chance.

use std::time::Duration;

/// Doubling waits between two bounds, with jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
}

impl Backoff {
    /// Waits from `first`, doubled with each failure, to `most`.
    ///
    /// # Panics
    /// If `first` is zero or longer than `most`: a bug of the caller's, not of an operator's.
    #[must_use]
    pub const fn new(first: Duration, most: Duration) -> Self {
        assert!(
            !first.is_zero() && first.as_nanos() <= most.as_nanos(),
            "a wait must be positive and bounded"
        );
        Self { first, most }
    }

    /// The wait after `failures` failures in a row (at least 1). `chance` in 0..1 spreads
    /// it over the upper half, so that many that failed together do not come back together.
    #[must_use]
    pub fn wait(&self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let whole = self.first.saturating_mul(1 << doublings).min(self.most);
        whole.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_wait_is_within_bounds_and_never_shrinks_with_failures(failures in 0u32..1000, chance in 0.0f64..1.0) {
            let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
            let wait = backoff.wait(failures, chance);
            proptest::prop_assert!(wait >= Duration::from_millis(50) && wait <= Duration::from_secs(10));
            proptest::prop_assert!(backoff.wait(failures + 1, chance) >= wait);
        }
    }
}
