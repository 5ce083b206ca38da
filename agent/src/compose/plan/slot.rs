//! One container of one service: from what is there, whatever was interrupted, to one that runs as it should.
//!
//! The name is the state. A replacement goes
//!
//! ```text
//! N runs ─1─► N.prev runs ─2─► N made ─3,4─► N.prev stopped ─5─► N runs ─6─► is ready ─7─► N.prev removed
//! ```
//!
//! and whoever dies in between leaves one of these pictures, from which [`steps`] goes on: forward while the old one
//! runs or the new one is up, back when the new one failed or is not wanted any more. At no point do both run, and
//! the old one is removed last.

use super::super::desired::{ContainerSpec, Restart, ServiceSpec, runs_once};
use super::super::diff::{Why, difference};
use super::super::observed::{Container, Health, Observed, PREVIOUS, State};
use super::policy::Policy;
use super::step::{Because, Held, Planned, Step, Target};

/// What there is for one number of a service.
pub(super) struct Slot<'a> {
    pub(super) service: &'a ServiceSpec,
    pub(super) spec: &'a ContainerSpec,
    pub(super) observed: &'a Observed,
    pub(super) policy: &'a Policy,
    /// The container with the final name.
    pub(super) current: Option<&'a Container>,
    /// The one that waits to be replaced for good.
    pub(super) previous: Option<&'a Container>,
}

/// What is to be done about a slot.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) steps: Vec<Planned>,
    pub(super) held: Vec<Held>,
    /// Nothing runs that could be spoiled, so it may as well wait for its dependencies.
    pub(super) can_wait: bool,
}

impl Outcome {
    fn add(&mut self, because: &Because, step: Step) {
        self.steps.push(Planned { step, because: because.clone() });
    }
}

pub(super) fn steps(slot: &Slot<'_>) -> Outcome {
    let mut out = Outcome::default();
    match (slot.current, slot.previous) {
        (None, None) => slot.fresh(&Because::Missing, &mut out),
        (Some(current), None) => slot.settled(current, &mut out),
        (None, Some(previous)) => slot.headless(previous, &mut out),
        (Some(current), Some(previous)) => slot.halfway(current, previous, &mut out),
    }
    out
}

impl Slot<'_> {
    fn new_one(&self) -> Target {
        Target { id: None, name: self.spec.name.clone() }
    }

    fn prev_name(&self) -> String {
        format!("{}{PREVIOUS}", self.spec.name)
    }

    fn target(container: &Container, name: &str) -> Target {
        Target { id: Some(container.id.clone()), name: name.to_owned() }
    }

    fn stop(&self, target: Target) -> Step {
        Step::Stop { target, grace_ms: self.service.grace_ms }
    }

    fn difference(&self, container: &Container) -> Option<Why> {
        let forced = || self.policy.force.contains(&self.service.name).then_some(Why::Forced);
        difference(self.service, self.spec, container, self.observed).or_else(forced)
    }

    fn failed_before(&self) -> bool {
        self.policy.failed.contains(&self.spec.hash())
    }

    /// Why a running container must not be replaced now.
    fn objection(&self, container: &Container, why: &Why) -> Option<Held> {
        if self.failed_before() {
            return Some(Held::FailedBefore);
        }
        if self.policy.halt {
            return Some(Held::AfterFailure);
        }
        if *why == Why::Drift && !self.policy.enforce {
            return Some(Held::Drift);
        }
        if self.policy.keep_versions && container.state != State::Created {
            return Some(Held::AwaitsDeployment);
        }
        let live = self.policy.conferences_on(&self.service.name).filter(|_| container.is_up());
        live.map(Held::Conferences)
    }

    /// Why nothing of this service is started now.
    fn rests(&self) -> Option<Held> {
        if self.policy.stopped.contains(&self.service.name) {
            return Some(Held::StoppedByOperator);
        }
        self.policy.resting.get(&self.service.name).copied().map(Held::Resting)
    }

    /// Nothing is there.
    fn fresh(&self, because: &Because, out: &mut Outcome) {
        if let Some(held) = self.rests() {
            out.held.push(held);
            return;
        }
        out.can_wait = true;
        out.add(because, Step::Create { spec: Box::new(self.spec.clone()), replaces: None });
        self.start(self.new_one(), because, out);
    }

    fn start(&self, target: Target, because: &Because, out: &mut Outcome) {
        out.add(because, Step::Start { target: target.clone() });
        out.add(because, Step::Await { target, until: self.service.ready });
    }

    /// One container, under its final name.
    fn settled(&self, current: &Container, out: &mut Outcome) {
        let me = Self::target(current, &self.spec.name);
        if current.state == State::Dead {
            out.add(&Because::Down, Step::Remove { target: me });
            return self.fresh(&Because::Down, out);
        }
        let Some(why) = self.difference(current) else { return self.keep_up(current, out) };
        if let Some(objection) = self.objection(current, &why) {
            out.held.push(objection);
            return self.keep_up(current, out);
        }
        if self.policy.stopped.contains(&self.service.name) && !current.is_up() {
            out.held.push(Held::StoppedByOperator);
            return;
        }
        let because = Because::Replaces(why);
        if current.state == State::Created {
            // It never ran, so there is nothing to go back to.
            out.add(&because, Step::Remove { target: me });
            return self.fresh(&because, out);
        }
        out.can_wait = true;
        out.add(&because, Step::Rename { target: me, to: self.prev_name() });
        self.replace(current, &because, out);
    }

    /// A container that stays: started when it is down and should not be.
    fn keep_up(&self, current: &Container, out: &mut Outcome) {
        if let Some(restart) = current.restart_before {
            // Going back was cut short after the name was given back.
            let target = Self::target(current, &self.spec.name);
            out.add(&Because::GoesBack, Step::SetRestart { target, restart });
        }
        if current.is_up() {
            return self.restart_if_ill(current, out);
        }
        if current.state == State::Exited(0) && runs_once(self.spec, self.service.ready) {
            return;
        }
        if let Some(held) = self.rests() {
            out.held.push(held);
            return;
        }
        out.can_wait = true;
        self.start(Self::target(current, &self.spec.name), &Because::Down, out);
    }

    /// A container that runs: restarted when it is ill, unless people are on it.
    fn restart_if_ill(&self, current: &Container, out: &mut Outcome) {
        if !self.policy.restart.contains(&self.service.name) {
            return;
        }
        let live = self.policy.conferences_on(&self.service.name).map(Held::Conferences);
        if let Some(held) = live.or_else(|| self.rests()) {
            out.held.push(held);
            return;
        }
        let target = Self::target(current, &self.spec.name);
        let step = Step::Restart { target: target.clone(), grace_ms: self.service.grace_ms };
        out.add(&Because::Ill, step);
        out.add(&Because::Ill, Step::Await { target, until: self.service.ready });
    }

    /// The old one has its waiting name already: make the new one and hand over.
    fn replace(&self, old: &Container, because: &Because, out: &mut Outcome) {
        let replaces = Some(old.id.clone());
        out.add(because, Step::Create { spec: Box::new(self.spec.clone()), replaces });
        self.hand_over(self.new_one(), old, because, out);
    }

    fn hand_over(&self, new: Target, old: &Container, because: &Because, out: &mut Outcome) {
        let old_one = Self::target(old, &self.prev_name());
        // Else the engine brings it back after a restart, on the ports of the new one.
        out.add(because, Step::SetRestart { target: old_one.clone(), restart: Restart::No });
        if old.is_up() {
            out.add(because, self.stop(old_one.clone()));
        }
        self.start(new, because, out);
        out.add(because, Step::Remove { target: old_one });
    }

    /// Only the old one is there, under its waiting name.
    fn headless(&self, previous: &Container, out: &mut Outcome) {
        let Some(why) = self.difference(previous) else { return self.go_back(previous, out) };
        if let Some(objection) = self.objection(previous, &why) {
            out.held.push(objection);
            return self.go_back(previous, out);
        }
        self.replace(previous, &Because::GoesOn, out);
    }

    /// The old one gets its name and its place back.
    fn go_back(&self, previous: &Container, out: &mut Outcome) {
        let because = Because::GoesBack;
        let waiting = Self::target(previous, &self.prev_name());
        out.add(&because, Step::Rename { target: waiting, to: self.spec.name.clone() });
        let target = Self::target(previous, &self.spec.name);
        let restart = previous.restart_before.unwrap_or(self.spec.restart);
        out.add(&because, Step::SetRestart { target: target.clone(), restart });
        if !previous.is_up() && self.rests().is_none() {
            out.add(&because, Step::Start { target: target.clone() });
            out.add(&because, Step::Await { target, until: self.service.ready });
        }
    }

    /// Both are there: a replacement was cut short.
    fn halfway(&self, current: &Container, previous: &Container, out: &mut Outcome) {
        let new = Self::target(current, &self.spec.name);
        let old = Self::target(previous, &self.prev_name());
        let wanted = difference(self.service, self.spec, current, self.observed).is_none();
        let done = current.state == State::Exited(0) && runs_once(self.spec, self.service.ready);
        let works = done
            || (matches!(current.state, State::Running | State::Paused)
                && current.health != Some(Health::Unhealthy));
        if works {
            let because = Because::GoesOn;
            if previous.is_up() {
                out.add(&because, self.stop(old.clone()));
            }
            out.add(&because, Step::Await { target: new, until: self.service.ready });
            out.add(&because, Step::Remove { target: old });
            // What the files say by now is the next plan's business: this one ends in a settled state.
            return;
        }
        if wanted && current.state == State::Created && !self.failed_before() && !self.policy.halt {
            let live = self.policy.conferences_on(&self.service.name).filter(|_| previous.is_up());
            if let Some(live) = live {
                out.held.push(Held::Conferences(live));
                return;
            }
            return self.hand_over(new, previous, &Because::GoesOn, out);
        }
        if current.is_up() {
            out.add(&Because::GoesBack, self.stop(new.clone()));
        }
        out.add(&Because::GoesBack, Step::Remove { target: new });
        // With the new one out of the way, the old one gets its name back; a next plan sees whether to try again.
        self.go_back(previous, out);
    }
}
