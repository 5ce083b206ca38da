//! How often a service was helped up, and whether it may be again. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use usher_common::wire::StackHold;

/// How often a service may be helped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first help to the second; doubled with each further one.
    pub first: Duration,
    /// The longest wait between two.
    pub most: Duration,
    /// So many within an hour; then a human is needed.
    pub per_hour: usize,
}

const HOUR_MS: u64 = 3_600_000;

/// When each service was helped, milliseconds of one clock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Heals(BTreeMap<String, Vec<u64>>);

impl Heals {
    /// Why a service is not helped at `now_ms`; `None`: it may be.
    #[must_use]
    pub fn objection(&self, service: &str, now_ms: u64, limits: &Limits) -> Option<StackHold> {
        let recent = self.recent(service, now_ms);
        let last = *recent.last()?;
        if recent.len() >= limits.per_hour {
            return Some(StackHold::GaveUp);
        }
        let doublings = u32::try_from(recent.len() - 1).unwrap_or(u32::MAX).min(20);
        let wait = limits.first.saturating_mul(1 << doublings).min(limits.most);
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        (now_ms < last.saturating_add(wait_ms)).then_some(StackHold::Backoff)
    }

    /// Notes a help. What is older than an hour is forgotten.
    pub fn note(&mut self, service: &str, now_ms: u64) {
        let all = self.0.entry(service.to_owned()).or_default();
        all.retain(|at| now_ms.saturating_sub(*at) < HOUR_MS);
        all.push(now_ms);
    }

    /// The services that were helped within the last `within`.
    #[must_use]
    pub fn recovering(&self, now_ms: u64, within: Duration) -> Vec<&str> {
        let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        let young = |all: &Vec<u64>| all.last().is_some_and(|at| now_ms.saturating_sub(*at) < within_ms);
        self.0.iter().filter(|(_, all)| young(all)).map(|(service, _)| service.as_str()).collect()
    }

    fn recent(&self, service: &str, now_ms: u64) -> Vec<u64> {
        let all = self.0.get(service).into_iter().flatten();
        all.copied().filter(|at| now_ms.saturating_sub(*at) < HOUR_MS).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits =
        Limits { first: Duration::from_secs(30), most: Duration::from_secs(900), per_hour: 3 };

    #[test]
    fn the_first_help_comes_at_once_the_next_later_and_later_and_the_fourth_within_an_hour_not_at_all() {
        let mut heals = Heals::default();
        assert_eq!(heals.objection("jvb", 0, &LIMITS), None);
        heals.note("jvb", 0);
        assert_eq!(heals.objection("jvb", 29_999, &LIMITS), Some(StackHold::Backoff));
        assert_eq!(heals.objection("web", 1, &LIMITS), None);
        heals.note("jvb", 30_000);
        assert_eq!(heals.objection("jvb", 89_999, &LIMITS), Some(StackHold::Backoff));
        heals.note("jvb", 90_000);
        assert_eq!(heals.objection("jvb", HOUR_MS - 1, &LIMITS), Some(StackHold::GaveUp));
        assert_eq!(heals.objection("jvb", HOUR_MS, &LIMITS), None);
    }

    proptest! {
        /// Whoever asks before each help never helps more often than allowed, whenever the service falls.
        #[test]
        fn no_history_of_falls_leads_to_more_helps_than_allowed(
            gaps in prop::collection::vec(0_u64..600_000, 1..200), per_hour in 1_usize..8, first_s in 1_u64..120
        ) {
            let limits = Limits { first: Duration::from_secs(first_s), most: Duration::from_secs(900), per_hour };
            let (mut heals, mut now, mut helped) = (Heals::default(), 0, Vec::new());
            for gap in gaps {
                now += gap;
                if heals.objection("jvb", now, &limits).is_none() {
                    heals.note("jvb", now);
                    helped.push(now);
                }
            }
            for (index, at) in helped.iter().enumerate() {
                let within = helped[..=index].iter().filter(|other| at - **other < HOUR_MS).count();
                prop_assert!(within <= per_hour);
                if index > 0 && at - helped[index - 1] < HOUR_MS {
                    prop_assert!(at - helped[index - 1] >= first_s.min(900) * 1000);
                }
            }
            prop_assert!(!helped.is_empty());
        }
    }
}
