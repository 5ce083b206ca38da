//! Whose hands did it: what happened to containers, told apart into ours, the operator's and nobody's. Pure.
//!
//! The engine never says who asked for something. A `stop` of a container while we were stopping that very one is ours;
//! any other is the operator's wish that the service stays down until somebody starts it; a `die` without a `stop` is an
//! accident. What is made, renamed and removed while we work is ours.
//! An engine that shuts down stops everything too, and then goes: stops of its last moments are nobody's wish. One that
//! was killed and comes back ends what outlived it before it answers anybody: nobody can have asked for that either.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Deed, Happening};

/// An engine gives its containers up to 15 s to stop before it goes, and some more itself.
const SHUTDOWN_MS: u64 = 20_000;
/// From the signal that begins a stop to the word that it was one: the usual grace, and the engine's own time.
const LEAVING_MS: u64 = 15_000;
/// Events may bear a time just after the call that caused them returned. Short, since a person's stop may follow ours.
const ECHO_MS: u64 = 100;
/// Work that is longer ago than any event that may still come.
const FORGET_MS: u64 = 600_000;

/// What is known of other people's hands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hands {
    /// Services that the operator stopped, and when.
    stopped: BTreeMap<String, u64>,
    /// Services that were told to end, which is how a stop begins, and when.
    leaving: BTreeMap<String, u64>,
    /// When somebody else last worked on the project.
    foreign: Option<u64>,
    /// When and at what we worked.
    ours: Vec<Work>,
    /// From when to when the engine answered nobody; an open end: it still does not.
    away: Option<(u64, Option<u64>)>,
    /// Containers that somebody sent SIGKILL.
    killed: BTreeSet<String>,
    /// Containers in which the kernel killed for want of memory.
    starved: BTreeSet<String>,
}

/// One of our own stops, of a container by the name that it had then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// The container.
    pub name: String,
    /// When it began, milliseconds since the Unix epoch.
    pub from_ms: u64,
    /// When it ended; `None`: it was cut short.
    pub until_ms: Option<u64>,
}

/// What a piece of our work came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worked {
    /// Nothing was touched.
    Looked,
    /// These containers were stopped.
    Stopped(Vec<Act>),
    /// Nobody remembers what was done, since we died at it.
    Forgotten,
}

/// A time in which we worked.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Work {
    from: u64,
    /// `None`: we still do.
    until: Option<u64>,
    /// What was stopped; `None`: anything may have been.
    acts: Option<Vec<Act>>,
}

impl Hands {
    /// Begins with what was known before the agent started.
    #[must_use]
    pub fn with_stopped(stopped: BTreeMap<String, u64>) -> Self {
        Self { stopped, ..Self::default() }
    }

    /// We begin to work.
    pub fn begin(&mut self, now_ms: u64) {
        self.ours.retain(|work| work.until.is_none_or(|until| now_ms.saturating_sub(until) < FORGET_MS));
        self.ours.push(Work { from: now_ms, until: None, acts: None });
    }

    /// We are done.
    pub fn end(&mut self, now_ms: u64, worked: Worked) {
        let acts = match worked {
            Worked::Looked => return self.ours.retain(|work| work.until.is_some()),
            Worked::Stopped(acts) => Some(acts),
            Worked::Forgotten => None,
        };
        for work in self.ours.iter_mut().filter(|work| work.until.is_none()) {
            (work.until, work.acts) = (Some(now_ms), acts.clone());
        }
    }

    /// Takes in what happened.
    pub fn note(&mut self, happening: &Happening) {
        let (at, container) = (happening.at_unix_ms, &happening.container);
        let stops = matches!(happening.deed, Deed::Stop | Deed::Signal(_));
        let ours = self.is_ours(at, stops.then_some(happening.name.as_str())) || self.was_away(at);
        if matches!(happening.deed, Deed::Start | Deed::Stop) {
            self.leaving.remove(&happening.service);
        }
        match happening.deed {
            Deed::Start => {
                self.stopped.remove(&happening.service);
                self.killed.remove(container);
                self.starved.remove(container);
            }
            Deed::OutOfMemory => drop(self.starved.insert(container.clone())),
            _ if ours => {}
            Deed::Stop => {
                self.stopped.insert(happening.service.clone(), at);
                self.foreign = Some(at);
            }
            Deed::Work => self.foreign = Some(at),
            Deed::Signal(Some(9)) => drop(self.killed.insert(container.clone())),
            Deed::Signal(_) => drop(self.leaving.insert(happening.service.clone(), at)),
        }
    }

    /// The engine went: what it stopped in its last moments, nobody wished to be stopped.
    pub fn engine_went(&mut self, now_ms: u64) {
        let before = now_ms.saturating_sub(SHUTDOWN_MS);
        self.leaving.clear();
        self.stopped.retain(|_, at| *at < before);
        if self.foreign.is_some_and(|at| at >= before) {
            self.foreign = None;
        }
        if !matches!(self.away, Some((_, None))) {
            self.away = Some((before, None));
        }
    }

    /// The engine answers again.
    pub fn engine_back(&mut self, now_ms: u64) {
        if let Some((_, until @ None)) = &mut self.away {
            *until = Some(now_ms);
        }
    }

    fn was_away(&self, at: u64) -> bool {
        self.away.is_some_and(|(from, until)| at >= from && until.is_none_or(|until| at <= until))
    }

    /// A deployment or a person wants everything up again.
    pub fn release_all(&mut self) {
        self.stopped.clear();
    }

    /// Services that the operator stopped, and when.
    #[must_use]
    pub const fn stopped(&self) -> &BTreeMap<String, u64> {
        &self.stopped
    }

    /// Whether somebody else worked on the project within the last `quiet_ms`.
    #[must_use]
    pub fn is_foreign(&self, now_ms: u64, quiet_ms: u64) -> bool {
        let within = |at: u64, ms: u64| now_ms.saturating_sub(at) < ms;
        self.foreign.is_some_and(|at| within(at, quiet_ms))
            || self.leaving.values().any(|at| within(*at, LEAVING_MS))
    }

    /// Whether somebody killed the container during its last life.
    #[must_use]
    pub fn was_killed(&self, container: &str) -> bool {
        self.killed.contains(container)
    }

    /// Whether the engine said that memory ran out in it during its last life.
    #[must_use]
    pub fn was_starved(&self, container: &str) -> bool {
        self.starved.contains(container)
    }

    /// Whether we worked then, and where a container is named, at that.
    fn is_ours(&self, at: u64, name: Option<&str>) -> bool {
        let within = |from: u64, until: Option<u64>| {
            at >= from && until.is_none_or(|until| at <= until.saturating_add(ECHO_MS))
        };
        self.ours.iter().filter(|work| within(work.from, work.until)).any(|work| match (&work.acts, name) {
            (Some(acts), Some(name)) => {
                acts.iter().any(|act| act.name == name && within(act.from_ms, act.until_ms))
            }
            _ => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn happening(at_unix_ms: u64, deed: Deed) -> Happening {
        Happening { at_unix_ms, deed, container: "c".into(), name: "p-web-1".into(), service: "web".into() }
    }

    fn after(happenings: &[(u64, Deed)]) -> Hands {
        let mut hands = Hands::default();
        for (at, deed) in happenings {
            hands.note(&happening(*at, *deed));
        }
        hands
    }

    #[test]
    fn a_stop_is_a_wish_that_holds_until_somebody_starts_it() {
        assert!(after(&[(1, Deed::Signal(Some(15))), (2, Deed::Stop)]).stopped().contains_key("web"));
        let leaving = after(&[(1, Deed::Signal(Some(15)))]);
        assert!(leaving.is_foreign(LEAVING_MS, 0) && !leaving.is_foreign(LEAVING_MS + 1, 0));
        assert!(!after(&[(1, Deed::Signal(Some(15))), (2, Deed::Stop)]).is_foreign(3, 0));
        assert!(after(&[(2, Deed::Stop), (3, Deed::Start)]).stopped().is_empty());
        let killed = after(&[(1, Deed::Signal(Some(9)))]);
        assert!(killed.stopped().is_empty() && killed.was_killed("c") && !killed.is_foreign(1, 60_000));
        assert!(!after(&[(1, Deed::Signal(Some(9))), (2, Deed::Start)]).was_killed("c"));
    }

    #[test]
    fn what_happens_while_we_work_is_ours_but_looking_is_not_work() {
        let mut hands = Hands::default();
        hands.begin(10);
        hands.end(20, Worked::Forgotten);
        hands.note(&happening(21, Deed::Stop));
        assert!(hands.stopped().is_empty() && !hands.is_foreign(21, 60_000));
        hands.begin(5_000);
        hands.end(6_000, Worked::Looked);
        hands.note(&happening(5_500, Deed::Stop));
        assert!(hands.stopped().contains_key("web") && hands.is_foreign(6_000, 60_000));
        assert!(!hands.is_foreign(66_000, 60_000));
    }

    #[test]
    fn a_persons_stop_while_we_work_at_something_else_is_theirs() {
        let act = |name: &str| Act { name: name.to_owned(), from_ms: 1_000, until_ms: Some(2_000) };
        let after = |act: Act, at| {
            let mut hands = Hands::default();
            hands.begin(500);
            hands.end(9_000, Worked::Stopped(vec![act]));
            hands.note(&happening(at, Deed::Signal(Some(15))));
            hands.note(&happening(at, Deed::Stop));
            hands.note(&happening(at, Deed::Work));
            (hands.stopped().contains_key("web"), hands.is_foreign(at, 60_000))
        };
        assert_eq!(after(act("p-web-1"), 1_500), (false, false));
        assert_eq!(after(act("p-jvb-1"), 1_500), (true, true));
        assert_eq!(after(act("p-web-1"), 5_000), (true, true));
    }

    #[test]
    fn an_engine_that_goes_takes_its_last_stops_with_it() {
        let mut hands = after(&[(1_000, Deed::Stop)]);
        hands.note(&Happening { service: "jvb".into(), ..happening(50_000, Deed::Stop) });
        hands.engine_went(52_000);
        assert_eq!(hands.stopped().keys().collect::<Vec<_>>(), ["web"]);
        assert!(!hands.is_foreign(52_000, 60_000));
    }

    #[test]
    fn what_an_engine_ends_before_it_answers_nobody_wished() {
        let mut hands = Hands::default();
        hands.engine_went(50_000);
        hands.note(&happening(60_000, Deed::Stop));
        hands.engine_back(61_000);
        hands.note(&happening(60_500, Deed::Stop));
        assert!(hands.stopped().is_empty() && !hands.is_foreign(61_000, 60_000));
        hands.note(&happening(61_001, Deed::Stop));
        assert!(hands.stopped().contains_key("web"));
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            Just(Deed::Start),
            Just(Deed::Stop),
            Just(Deed::Signal(Some(9))),
            Just(Deed::OutOfMemory),
            Just(Deed::Work)
        ]
    }

    proptest! {
        /// Nothing that we do ourselves is ever taken for somebody's wish, in whatever order events arrive.
        #[test]
        fn our_own_work_holds_nothing_back(
            deeds in prop::collection::vec((100_u64..200, deed()), 0..40), cut: bool
        ) {
            let mut hands = Hands::default();
            hands.begin(100);
            let act = Act { name: "p-web-1".into(), from_ms: 100, until_ms: cut.then_some(200) };
            hands.end(200, Worked::Stopped(vec![act]));
            for (at, deed) in deeds {
                hands.note(&happening(at, deed));
            }
            prop_assert!(hands.stopped().is_empty() && !hands.is_foreign(200, 60_000) && !hands.was_killed("c"));
        }
    }
}
