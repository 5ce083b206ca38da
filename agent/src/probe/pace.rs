//! When to ask again, and what silence means. Pure.

use std::time::Duration;

use usher_common::backoff::Backoff;
use usher_common::wire::ProbeFailure;

use super::rows::Pace;

/// The waits between two attempts of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paces {
    /// Of probes for figures. The bridge refreshes its own every 5 s: asking faster shows nothing
    /// but its death, which the engine tells at once.
    pub live: Duration,
    /// Of health checks and the front door: what asks for figures meets a dead service, too, a container
    /// that died is the engine's to tell, and the bridge itself checks its health once a minute.
    pub calm: Duration,
    /// Of slow probes, and of whatever is switched off or not for us.
    pub slow: Duration,
    /// Of a probe without a reading while its service is young.
    pub settling: Duration,
    /// How long a service is young after its container started or its address changed.
    pub young_for: Duration,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            live: Duration::from_secs(5),
            calm: Duration::from_secs(10),
            slow: Duration::from_secs(30),
            settling: Duration::from_secs(2),
            young_for: Duration::from_secs(60),
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Why there is no reading; `None` when there is one.
    pub reason: Option<ProbeFailure>,
    /// Attempts without a reading in a row, this one included.
    pub failures: u32,
    /// How long the service has been where it is.
    pub age: Duration,
}

impl Paces {
    /// The wait after an attempt. `chance` in 0..1 spreads the waits after failures.
    #[must_use]
    pub fn wait(&self, pace: Pace, ended: Ended, chance: f64) -> Duration {
        let usual = match pace {
            Pace::Live => self.live,
            Pace::Calm => self.calm,
            Pace::Slow => self.slow,
        };
        match ended.reason {
            None => usual,
            Some(ProbeFailure::Disabled | ProbeFailure::Denied) => usual.max(self.slow),
            // It comes up: somebody waits for that.
            Some(_) if ended.age < self.young_for => self.settling.min(usual),
            // It answers: what we want to see is when the answer changes.
            Some(ProbeFailure::Unhealthy) => usual,
            // Twice the usual, because the back-off may halve it: never faster than when all is well.
            Some(_) => {
                let first = self.live.max(Duration::from_millis(1)) * 2;
                Backoff::new(first, self.slow.max(first)).wait(ended.failures.max(1), chance)
            }
        }
    }

    /// `wait` from `since_start` on, shortened to the beat that all live probes share: one
    /// wake-up for all of them costs less than one for each. Never shortened by half or more.
    #[must_use]
    pub fn in_step(&self, since_start: Duration, wait: Duration) -> Duration {
        let beat = self.live.as_nanos().max(1);
        let due = (since_start + wait).as_nanos();
        let early = Duration::from_nanos(u64::try_from(due % beat).unwrap_or(u64::MAX));
        if early * 2 < wait { wait - early } else { wait }
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

    fn ended(reason: ProbeFailure, failures: u32) -> Ended {
        Ended { reason: Some(reason), failures, age: Duration::from_secs(3600) }
    }

    proptest! {
        #[test]
        fn no_failure_of_an_old_service_is_asked_about_more_often_than_success_nor_left_for_longer_than_slow(
            at in 0..ProbeFailure::ALL.len(), failures in 0u32..100, chance in 0.0f64..1.0, which in 0..3usize
        ) {
            let paces = Paces::default();
            let pace = [Pace::Live, Pace::Calm, Pace::Slow][which];
            let wait = paces.wait(pace, ended(ProbeFailure::ALL[at], failures), chance);
            prop_assert!(wait >= paces.live && wait <= paces.slow);
        }

        #[test]
        fn keeping_step_never_lengthens_a_wait_nor_halves_it(start in 0u64..1_000_000, wait in 0u64..60_000) {
            let (start, wait) = (Duration::from_millis(start), Duration::from_millis(wait));
            let stepped = Paces::default().in_step(start, wait);
            prop_assert!(stepped <= wait && stepped * 2 >= wait);
        }
    }

    #[test]
    fn probes_that_took_different_times_meet_at_the_next_beat() {
        let paces = Paces::default();
        let next = |ms| {
            let now = Duration::from_millis(ms);
            now + paces.in_step(now, paces.live)
        };
        assert_eq!([next(3), next(40), next(2000)], [Duration::from_secs(5); 3]);
    }

    #[test]
    fn what_is_off_is_asked_rarely_and_what_is_ill_as_often_as_ever() {
        let paces = Paces::default();
        assert_eq!(paces.wait(Pace::Live, ended(ProbeFailure::Disabled, 1), 0.0), paces.slow);
        assert_eq!(paces.wait(Pace::Live, ended(ProbeFailure::Unhealthy, 9), 0.0), paces.live);
        assert!(paces.wait(Pace::Live, ended(ProbeFailure::Refused, 9), 0.0) >= Duration::from_secs(15));
    }

    #[test]
    fn a_service_that_comes_up_is_asked_often_until_it_answers() {
        let paces = Paces::default();
        let young = |reason| Ended { reason, failures: 9, age: Duration::from_secs(20) };
        assert_eq!(paces.wait(Pace::Live, young(Some(ProbeFailure::Refused)), 0.5), paces.settling);
        assert_eq!(paces.wait(Pace::Slow, young(Some(ProbeFailure::Unhealthy)), 0.5), paces.settling);
        assert_eq!(paces.wait(Pace::Live, young(Some(ProbeFailure::Disabled)), 0.5), paces.slow);
        assert_eq!(paces.wait(Pace::Live, young(None), 0.5), paces.live);
    }
}
