//! When to ask again, and what silence means. Pure.

use std::time::Duration;

use usher_common::backoff::Backoff;
use usher_common::wire::ProbeFailure;

use super::rows::Pace;

/// The waits between two attempts of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paces {
    /// Of live probes: no shorter than makes sense for services that refresh every 5 s.
    pub live: Duration,
    /// Of slow probes, and of whatever is switched off or not for us.
    pub slow: Duration,
}

impl Default for Paces {
    fn default() -> Self {
        Self { live: Duration::from_secs(2), slow: Duration::from_secs(30) }
    }
}

impl Paces {
    /// The wait after an attempt that failed `failures` times in a row for now `reason`, or
    /// succeeded (`None`). `chance` in 0..1 spreads the waits after failures.
    #[must_use]
    pub fn wait(&self, pace: Pace, reason: Option<ProbeFailure>, failures: u32, chance: f64) -> Duration {
        let usual = match pace {
            Pace::Live => self.live,
            Pace::Slow => self.slow,
        };
        match reason {
            // It answers: what we want to see is when the answer changes.
            None | Some(ProbeFailure::Unhealthy) => usual,
            Some(ProbeFailure::Disabled | ProbeFailure::Denied) => usual.max(self.slow),
            // Twice the usual, because the back-off may halve it: never faster than when all is well.
            Some(_) => {
                let first = self.live.max(Duration::from_millis(1)) * 2;
                Backoff::new(first, self.slow.max(first)).wait(failures.max(1), chance)
            }
        }
    }
}

/// What a failure means of an interface that may be off in a running container.
///
/// A stock jicofo listens inside its container only, yet its port is published: docker-proxy
/// takes the connection and drops it (`Reset`). Where docker-proxy is not used, the kernel
/// passes the container's refusal on. Either way it is switched off, not dead, unless it
/// answered before in the life of this container, or the container is known not to run.
#[must_use]
pub fn judge(reason: ProbeFailure, running: Option<bool>, answered_before: bool) -> ProbeFailure {
    match (reason, running) {
        (ProbeFailure::Reset | ProbeFailure::Refused, Some(false)) => ProbeFailure::Refused,
        (ProbeFailure::Reset, _) if !answered_before => ProbeFailure::Disabled,
        (ProbeFailure::Refused, Some(true)) if !answered_before => ProbeFailure::Disabled,
        (other, _) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dropped_connection_is_an_interface_that_is_off_unless_it_ever_answered() {
        use ProbeFailure::{Disabled, Refused, Reset, Timeout};
        assert_eq!(judge(Reset, None, false), Disabled);
        assert_eq!(judge(Reset, Some(true), false), Disabled);
        assert_eq!(judge(Reset, Some(true), true), Reset);
        assert_eq!(judge(Reset, Some(false), false), Refused);
        assert_eq!(judge(Refused, None, false), Refused);
        assert_eq!(judge(Refused, Some(true), false), Disabled);
        assert_eq!(judge(Refused, Some(true), true), Refused);
        assert_eq!(judge(Timeout, Some(true), false), Timeout);
    }

    proptest! {
        #[test]
        fn no_failure_is_asked_about_more_often_than_success_nor_left_for_longer_than_slow(
            at in 0..ProbeFailure::ALL.len(), failures in 0u32..100, chance in 0.0f64..1.0, slow: bool
        ) {
            let paces = Paces::default();
            let pace = if slow { Pace::Slow } else { Pace::Live };
            let wait = paces.wait(pace, Some(ProbeFailure::ALL[at]), failures, chance);
            prop_assert!(wait >= paces.live && wait <= paces.slow);
        }
    }

    #[test]
    fn what_is_off_is_asked_rarely_and_what_is_ill_as_often_as_ever() {
        let paces = Paces::default();
        assert_eq!(paces.wait(Pace::Live, Some(ProbeFailure::Disabled), 1, 0.0), paces.slow);
        assert_eq!(paces.wait(Pace::Live, Some(ProbeFailure::Unhealthy), 9, 0.0), paces.live);
        assert_eq!(paces.wait(Pace::Live, None, 0, 0.0), paces.live);
        assert!(paces.wait(Pace::Live, Some(ProbeFailure::Refused), 9, 0.0) >= Duration::from_secs(15));
    }
}
