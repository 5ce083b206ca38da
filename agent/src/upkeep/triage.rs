//! Who of the ill is helped now, and who has to wait and why. Pure.
//!
//! What fell is started, each by its own waits. What runs and is ill is restarted one at a time, dependencies first:
//! where several are ill, the later ones are often ill only because the first is. Where everything is ill at once,
//! it is the host, and a restart would only add to its trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use usher_common::wire::{Illness, StackHold};

use super::heals::{Heals, Limits};
use super::illness::is_up;

/// A service of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bed {
    /// Its name.
    pub service: String,
    /// What is the matter with it; `None`: nothing.
    pub illness: Option<Illness>,
    /// Services that it needs in order to be well.
    pub needs: BTreeSet<String>,
}

/// What the treatment depends on besides.
#[derive(Debug, Clone, Copy)]
pub struct Ward<'a> {
    /// The host has no room on its disk.
    pub disk_full: bool,
    /// Services that the operator stopped.
    pub stopped: &'a BTreeSet<String>,
    /// For so long after a help a service may still be on its way up.
    pub recovery: Duration,
}

/// Who is helped and who waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Treatment {
    /// Services that are helped now.
    pub help: BTreeMap<String, Illness>,
    /// Services that are left alone for now.
    pub resting: BTreeMap<String, StackHold>,
}

impl Treatment {
    /// Those of the helped that run and are restarted.
    #[must_use]
    pub fn restart(&self) -> BTreeSet<String> {
        self.help.iter().filter(|(_, illness)| is_up(**illness)).map(|(service, _)| service.clone()).collect()
    }
}

/// Decides for all services, `beds` being in the order of their dependencies.
#[must_use]
pub fn treat(beds: &[Bed], ward: Ward<'_>, heals: &Heals, now_ms: u64, limits: &Limits) -> Treatment {
    let recovering: BTreeSet<&str> = heals.recovering(now_ms, ward.recovery).into_iter().collect();
    let ill: BTreeSet<&str> =
        beds.iter().filter(|bed| bed.illness.is_some()).map(|bed| bed.service.as_str()).collect();
    let up_and_ill = beds.iter().filter(|bed| bed.illness.is_some_and(is_up)).count();
    let all_at_once = up_and_ill >= 2 && up_and_ill == beds.len();
    let mut treatment = Treatment::default();
    let mut restarting = false;
    for bed in beds {
        let Some(illness) = bed.illness.filter(|_| !ward.stopped.contains(&bed.service)) else { continue };
        let others = |name: &&str| *name != bed.service;
        let hold = if ward.disk_full || (is_up(illness) && all_at_once) {
            Some(StackHold::Host)
        } else if !is_up(illness) {
            heals.objection(&bed.service, now_ms, limits)
        } else if needs_one_of(bed, beds, &|name| ill.contains(name) || recovering.contains(name)) {
            Some(StackHold::Dependency)
        } else if restarting || recovering.iter().any(others) {
            Some(StackHold::Backoff)
        } else {
            heals.objection(&bed.service, now_ms, limits)
        };
        match hold {
            Some(hold) => drop(treatment.resting.insert(bed.service.clone(), hold)),
            None => {
                restarting |= is_up(illness);
                treatment.help.insert(bed.service.clone(), illness);
            }
        }
    }
    treatment
}

/// Whether `such` holds of anything that a service needs, directly or through others.
fn needs_one_of(bed: &Bed, beds: &[Bed], such: &dyn Fn(&str) -> bool) -> bool {
    let mut seen = BTreeSet::from([bed.service.as_str()]);
    let mut ahead: Vec<&str> = bed.needs.iter().map(String::as_str).collect();
    while let Some(name) = ahead.pop() {
        if !seen.insert(name) {
            continue;
        }
        if such(name) {
            return true;
        }
        let further = beds.iter().find(|other| other.service == name);
        ahead.extend(further.into_iter().flat_map(|other| other.needs.iter().map(String::as_str)));
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits =
        Limits { first: Duration::from_secs(30), most: Duration::from_secs(900), per_hour: 3 };
    const NEEDS: [(&str, &[&str]); 4] =
        [("prosody", &[]), ("jicofo", &["prosody"]), ("jvb", &["prosody"]), ("web", &["jvb"])];

    fn beds(ill: [Option<Illness>; 4]) -> Vec<Bed> {
        let bed = |((service, needs), illness): (&(&str, &[&str]), Option<Illness>)| Bed {
            service: (*service).to_owned(),
            illness,
            needs: needs.iter().map(|name| (*name).to_owned()).collect(),
        };
        NEEDS.iter().zip(ill).map(bed).collect()
    }

    fn treat_all(ill: [Option<Illness>; 4], disk_full: bool, heals: &Heals, now_ms: u64) -> Treatment {
        let stopped = BTreeSet::new();
        let ward = Ward { disk_full, stopped: &stopped, recovery: Duration::from_secs(60) };
        treat(&beds(ill), ward, heals, now_ms, &LIMITS)
    }

    const DOWN: Option<Illness> = Some(Illness::Crashed);
    const SICK: Option<Illness> = Some(Illness::Unresponsive);

    #[test]
    fn all_that_fell_is_started_at_once_but_of_what_runs_only_the_first_cause_is_restarted() {
        let fallen = treat_all([DOWN; 4], false, &Heals::default(), 0);
        assert_eq!((fallen.help.len(), fallen.restart().len()), (4, 0));
        let sick = treat_all([SICK, SICK, SICK, None], false, &Heals::default(), 0);
        assert_eq!(sick.restart(), ["prosody".to_owned()].into());
        assert_eq!(sick.resting["jvb"], StackHold::Dependency);
        let siblings = treat_all([None, SICK, SICK, None], false, &Heals::default(), 0);
        assert_eq!(siblings.restart(), ["jicofo".to_owned()].into());
        assert_eq!(siblings.resting["jvb"], StackHold::Backoff);
    }

    #[test]
    fn when_everything_fails_at_once_or_the_disk_is_full_it_is_the_host() {
        let all = treat_all([SICK; 4], false, &Heals::default(), 0);
        assert!(all.help.is_empty() && all.resting.values().all(|hold| *hold == StackHold::Host));
        let full = treat_all([DOWN, SICK, None, None], true, &Heals::default(), 0);
        assert!(full.help.is_empty() && full.resting.len() == 2);
    }

    #[test]
    fn what_needs_one_that_recovers_is_not_judged_yet() {
        let mut heals = Heals::default();
        heals.note("prosody", 0);
        let waiting = treat_all([None, None, None, SICK], false, &heals, 59_000);
        assert_eq!(waiting.resting["web"], StackHold::Dependency);
        assert!(treat_all([None, None, None, SICK], false, &heals, 60_000).help.contains_key("web"));
    }

    #[test]
    fn what_the_operator_stopped_is_nobodys_patient() {
        let stopped = BTreeSet::from(["jvb".to_owned()]);
        let ward = Ward { disk_full: false, stopped: &stopped, recovery: Duration::ZERO };
        let found = treat(&beds([None, None, DOWN, None]), ward, &Heals::default(), 0, &LIMITS);
        assert_eq!(found, Treatment::default());
    }

    fn any_illness() -> impl Strategy<Value = Option<Illness>> {
        prop::option::of((0..Illness::ALL.len()).prop_map(|at| Illness::ALL[at]))
    }

    proptest! {
        #[test]
        fn nobody_is_helped_and_left_alone_and_at_most_one_running_service_is_touched(
            ill in [any_illness(), any_illness(), any_illness(), any_illness()],
            disk_full: bool,
            helped in prop::collection::vec((0_usize..4, 0_u64..4_000_000), 0..12),
            now in 0_u64..4_000_000,
        ) {
            let mut heals = Heals::default();
            for (who, at) in helped {
                heals.note(NEEDS[who].0, at.min(now));
            }
            let found = treat_all(ill, disk_full, &heals, now);
            prop_assert!(found.restart().len() <= 1);
            prop_assert!(!disk_full || found.help.is_empty());
            for ((service, _), illness) in NEEDS.iter().zip(ill) {
                let (helped, resting) = (found.help.contains_key(*service), found.resting.contains_key(*service));
                prop_assert_eq!(helped || resting, illness.is_some());
                prop_assert!(!(helped && resting));
                if helped {
                    prop_assert_eq!(heals.objection(service, now, &LIMITS), None);
                }
            }
        }
    }
}
