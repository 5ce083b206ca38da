//! The course of a deployment: from what happened to the next phase. Pure.
//!
//! ```text
//! requested ─► pulling ─► draining ─► replacing ─► verifying ─► done
//!     │           │           │           │            │
//!     └───────────┴───────────┴► failed   └────────────┴► rolling back ─► rolled back
//!        nothing was replaced                                  └────────► stuck
//! ```
//!
//! Every phase can be begun again from its start, so that after a crash the phase on disk alone says how to go on:
//! forward as long as it does, back once it went back.

use std::collections::BTreeMap;

use usher_common::wire::{DeployPhase, DeployReason};

use super::job::{Job, Turn};

/// What was found in a phase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The phase's work is done.
    Good,
    /// It is not, yet.
    NotYet,
    /// It cannot be done.
    Bad(DeployReason, String),
}

/// How long the phases that wait may take, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For conferences to end.
    pub drain_ms: u64,
    /// For the new version to prove itself.
    pub verify_ms: u64,
}

/// So often going back is tried before a human is needed.
pub const RETURNS: u32 = 5;

/// The deployment after `found`; the same one when nothing changes. `images`: what the new version is made of, where
/// that is known.
#[must_use]
pub fn after(
    job: &Job,
    found: Found,
    images: Option<&BTreeMap<String, String>>,
    patience: Patience,
    now_ms: u64,
) -> Job {
    use DeployPhase as Phase;
    let waited = now_ms.saturating_sub(job.since_unix_ms());
    let mut next = job.clone();
    let phase = match (job.phase, found) {
        (Phase::Requested, Found::Good) => Phase::Pulling,
        (Phase::Pulling, Found::Good) => Phase::Draining,
        (Phase::Draining, Found::Good) => Phase::Replacing,
        (Phase::Draining, Found::NotYet) if waited >= patience.drain_ms => {
            blame(&mut next, DeployReason::Conferences, "conferences did not end in time".to_owned());
            Phase::Failed
        }
        (Phase::Replacing, Found::Good) => Phase::Verifying,
        (Phase::Verifying, Found::Good) => {
            next.images = images.cloned().unwrap_or_default();
            Phase::Done
        }
        (Phase::Verifying, Found::NotYet) if waited >= patience.verify_ms => {
            blame(&mut next, DeployReason::Deadline, "it was not up and well in time".to_owned());
            Phase::RollingBack
        }
        (Phase::RollingBack, Found::Good) => Phase::RolledBack,
        (Phase::RollingBack, Found::Bad(reason, detail)) => {
            blame(&mut next, reason, format!("going back failed: {detail}"));
            next.returns += 1;
            if next.returns < RETURNS {
                return next;
            }
            Phase::Stuck
        }
        (Phase::Requested | Phase::Pulling | Phase::Draining, Found::Bad(reason, detail)) => {
            blame(&mut next, reason, detail);
            Phase::Failed
        }
        (Phase::Replacing | Phase::Verifying, Found::Bad(reason, detail)) => {
            blame(&mut next, reason, detail);
            Phase::RollingBack
        }
        // Waiting, or over.
        _ => return next,
    };
    next.phase = phase;
    next.turns.push(Turn { phase, at_unix_ms: now_ms });
    next
}

/// The deployment after somebody called it off: over where nothing was replaced, else on its way back; one that is
/// over or on its way back stays as it is.
#[must_use]
pub fn called_off(job: &Job, now_ms: u64) -> Job {
    use DeployPhase as Phase;
    let mut next = job.clone();
    next.phase = match job.phase {
        Phase::Requested | Phase::Pulling | Phase::Draining => Phase::Failed,
        Phase::Replacing | Phase::Verifying => Phase::RollingBack,
        _ => return next,
    };
    blame(&mut next, DeployReason::Asked, "it was called off".to_owned());
    next.turns.push(Turn { phase: next.phase, at_unix_ms: now_ms });
    next
}

/// The first cause is what people need; a failed way back says its own in the detail.
fn blame(next: &mut Job, reason: DeployReason, detail: String) {
    next.reason.get_or_insert(reason);
    next.detail = Some(match next.detail.take() {
        None => detail,
        Some(before) if before.contains(&detail) => before,
        Some(before) => format!("{before}; then {detail}"),
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::job::{Goal, Release, Wanted};
    use super::*;

    const PATIENCE: Patience = Patience { drain_ms: 1000, verify_ms: 500 };

    fn job() -> Job {
        Job::new("1-a".into(), Wanted::default(), Goal::Set, Release::default(), 0)
    }

    fn live(found: &[(Found, u64)]) -> Job {
        found.iter().fold(job(), |job, (found, now)| after(&job, found.clone(), None, PATIENCE, *now))
    }

    fn phases(job: &Job) -> Vec<&'static str> {
        job.turns.iter().map(|turn| turn.phase.as_str()).collect()
    }

    #[test]
    fn a_good_one_goes_through_all_phases_to_done() {
        let good = (0..5).map(|now| (Found::Good, now)).collect::<Vec<_>>();
        let all = ["requested", "pulling", "draining", "replacing", "verifying", "done"];
        assert_eq!(phases(&live(&good)), all);
    }

    #[test]
    fn before_anything_is_replaced_it_just_ends_and_afterwards_it_goes_back() {
        let bad = || Found::Bad(DeployReason::PullMissing, "no such tag".into());
        let failed = live(&[(Found::Good, 0), (bad(), 1)]);
        assert_eq!((failed.phase, failed.reason), (DeployPhase::Failed, Some(DeployReason::PullMissing)));
        let good = (Found::Good, 0);
        let back =
            live(&[good.clone(), good.clone(), good.clone(), good.clone(), (bad(), 1), (Found::Good, 2)]);
        assert_eq!(phases(&back)[4..], ["verifying", "rolling_back", "rolled_back"]);
        let late = live(&[good.clone(), good.clone(), (Found::NotYet, 999), (Found::NotYet, 1000)]);
        assert_eq!((late.phase, late.reason), (DeployPhase::Failed, Some(DeployReason::Conferences)));
        let slow = live(&[good.clone(), good.clone(), good.clone(), good, (Found::NotYet, 500)]);
        assert_eq!((slow.phase, slow.reason), (DeployPhase::RollingBack, Some(DeployReason::Deadline)));
    }

    #[test]
    fn the_first_cause_stays_when_going_back_fails_too() {
        let bad = |reason| Found::Bad(reason, reason.to_string());
        let mut found = vec![(Found::Good, 0); 4];
        found.push((bad(DeployReason::Unhealthy), 1));
        found.extend((0..RETURNS).map(|_| (bad(DeployReason::EngineDown), 2)));
        let stuck = live(&found);
        assert_eq!((stuck.phase, stuck.reason), (DeployPhase::Stuck, Some(DeployReason::Unhealthy)));
        assert_eq!(stuck.detail.unwrap(), "unhealthy; then going back failed: engine_down");
    }

    #[test]
    fn what_is_called_off_ends_where_nothing_was_replaced_and_goes_back_where_something_was() {
        let mut phases = Vec::new();
        for steps in 0..6 {
            let job = live(&vec![(Found::Good, 0); steps]);
            phases.push(called_off(&job, 1).phase.as_str());
        }
        assert_eq!(phases, ["failed", "failed", "failed", "rolling_back", "rolling_back", "done"]);
        assert_eq!(called_off(&live(&[]), 1).reason, Some(DeployReason::Asked));
    }

    fn found() -> impl Strategy<Value = Found> {
        prop_oneof![
            4 => Just(Found::Good),
            1 => Just(Found::NotYet),
            1 => Just(Found::Bad(DeployReason::StepFailed, "x".into())),
        ]
    }

    proptest! {
        /// Whatever happens: an end stays the end, nothing is replaced without a way back, and all that go well or
        /// badly for long enough end.
        #[test]
        fn every_course_ends_and_never_leaves_what_was_replaced(found in prop::collection::vec(found(), 0..40)) {
            let mut job = job();
            for (now, found) in found.into_iter().enumerate() {
                let before = job.clone();
                job = after(&job, found, None, PATIENCE, now as u64);
                if before.phase.is_final() {
                    prop_assert_eq!(&before, &job);
                }
                let replaced = before.turns.iter().any(|turn| turn.phase == DeployPhase::Replacing);
                prop_assert!(!(replaced && job.phase == DeployPhase::Failed));
                prop_assert!(!replaced || job.phase != DeployPhase::Pulling);
                prop_assert_eq!(job.reason.is_some(), matches!(job.phase,
                    DeployPhase::Failed | DeployPhase::RollingBack | DeployPhase::RolledBack | DeployPhase::Stuck));
            }
            for now in 0..20 {
                job = after(&job, Found::Bad(DeployReason::StepFailed, "x".into()), None, PATIENCE, 100 + now);
            }
            prop_assert!(job.phase.is_final());
        }
    }
}
