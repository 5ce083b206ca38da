//! How often in a row our probes of a service failed. Pure.

use std::collections::BTreeMap;
use std::time::Instant;

use usher_common::wire::ProbeFailure;

use crate::probe::reading::{Failed, ServiceProbe, ServiceReadings};

/// The probes whose failure says that a service does not do its work.
const JUDGES: [(ServiceProbe, &str); 5] = [
    (ServiceProbe::JvbHealth, "jvb"),
    (ServiceProbe::JicofoHealth, "jicofo"),
    (ServiceProbe::ProsodyHealth, "prosody"),
    (ServiceProbe::ProsodyBosh, "prosody"),
    (ServiceProbe::Web, "web"),
];

/// Failures in a row, probe by probe.
#[derive(Debug, Clone, Default)]
pub struct Streaks(BTreeMap<ServiceProbe, (Instant, u32)>);

impl Streaks {
    /// Takes in the newest outcomes; one that was taken in before is not counted twice.
    pub fn note(&mut self, readings: &ServiceReadings) {
        for (probe, _) in JUDGES {
            let Some(outcome) = readings.outcome(probe) else {
                self.0.remove(&probe);
                continue;
            };
            let failed = outcome.result.as_ref().err().is_some_and(counts);
            let entry = self.0.entry(probe).or_insert((outcome.at, u32::from(failed)));
            if entry.0 != outcome.at {
                *entry = (outcome.at, if failed { entry.1.saturating_add(1) } else { 0 });
            }
        }
    }

    /// The longest streak of a service's probes.
    #[must_use]
    pub fn of(&self, service: &str) -> u32 {
        let own = JUDGES.iter().filter(|(_, name)| *name == service);
        own.filter_map(|(probe, _)| self.0.get(probe)).map(|(_, count)| *count).max().unwrap_or(0)
    }
}

/// Whether a failure speaks against the service: that it cannot be asked does not, and what passes by its own word
/// passes.
fn counts(failed: &Failed) -> bool {
    !failed.soft
        && matches!(
            failed.reason,
            ProbeFailure::Refused
                | ProbeFailure::Reset
                | ProbeFailure::Timeout
                | ProbeFailure::Status
                | ProbeFailure::Unhealthy
        )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::probe::reading::{Outcome, Reading};

    fn told(readings: &ServiceReadings, at: Instant, result: Result<Reading, Failed>) -> ServiceReadings {
        readings.with(ServiceProbe::JvbHealth, Outcome { result, at, took: Duration::ZERO })
    }

    #[test]
    fn failures_are_counted_once_each_and_a_success_or_a_silent_one_begins_anew() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let refused = || Err(Failed::new(ProbeFailure::Refused, "x"));
        let (mut streaks, none) = (Streaks::default(), ServiceReadings::default());
        let one = told(&none, at(0), refused());
        streaks.note(&one);
        streaks.note(&one);
        assert_eq!((streaks.of("jvb"), streaks.of("web")), (1, 0));
        streaks.note(&told(&none, at(1), refused()));
        assert_eq!(streaks.of("jvb"), 2);
        streaks.note(&told(&none, at(2), Err(Failed::new(ProbeFailure::Disabled, "x"))));
        assert_eq!(streaks.of("jvb"), 0);
        streaks.note(&told(
            &none,
            at(3),
            Err(Failed { soft: true, ..Failed::new(ProbeFailure::Unhealthy, "x") }),
        ));
        assert_eq!(streaks.of("jvb"), 0);
        streaks.note(&told(&none, at(4), refused()));
        streaks.note(&told(&none, at(5), Ok(Reading::Well)));
        assert_eq!(streaks.of("jvb"), 0);
        streaks.note(&told(&none, at(6), refused()));
        streaks.note(&none);
        assert_eq!(streaks.of("jvb"), 0);
    }
}
