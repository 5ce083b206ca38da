//! From what should be and what is to the steps between: a pure function, asked again after every change.
//!
//! ```text
//! Desired ──┐
//! Observed ─┼──► plan ──► steps (with why) · waits (for whom) · holds (with reason)
//! Policy ───┘
//! ```
//!
//! It is driven by states, not by events: nothing but the engine's own state is needed to go on after a crash, and a
//! plan for a project that is as it should be is empty. Images come first, so that nothing is stopped before all that
//! replaces it is here; services follow in the order of their dependencies, one at a time.

mod down;
mod policy;
mod resources;
mod slot;
mod step;

pub use down::down;
pub use policy::Policy;
pub use step::{Because, Held, Hold, Plan, Planned, Step, Target, Wait};

use std::collections::{BTreeMap, BTreeSet};

use super::desired::{Desired, ServiceSpec};
use super::model::service::Condition;
use super::observed::{Container, Health, Observed, PREVIOUS, State};
use slot::{Outcome, Slot};

/// Plans the way from `observed` to `desired` as far as `policy` allows.
#[must_use]
pub fn plan(desired: &Desired, observed: &Observed, policy: &Policy) -> Plan {
    if policy.foreign_activity {
        let hold = Hold { subject: desired.project.clone(), reason: Held::ForeignActivity };
        return Plan { holds: vec![hold], ..Plan::default() };
    }
    let mut planner = Planner {
        desired,
        observed,
        policy,
        front: Vec::new(),
        blocked: BTreeMap::new(),
        plan: Plan::default(),
    };
    planner.resources();
    let mut replaced = BTreeSet::new();
    for service in &desired.services {
        planner.service(service, &mut replaced);
    }
    planner.orphans();
    let Planner { mut front, mut plan, .. } = planner;
    front.sort_by_key(|planned| rank(&planned.step));
    front.append(&mut plan.steps);
    Plan { steps: front, ..plan }
}

/// What has to be there before any container is touched, in this order.
fn rank(step: &Step) -> u8 {
    match step {
        Step::Pull { .. } => 0,
        Step::CreateNetwork(_) => 1,
        Step::CreateVolume(_) => 2,
        _ => 3,
    }
}

struct Planner<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    policy: &'a Policy,
    /// Done before the services.
    front: Vec<Planned>,
    /// Engine names of networks and volumes that cannot be used, and why.
    blocked: BTreeMap<String, Held>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    fn before(&mut self, because: Because, step: Step) {
        let planned = Planned { step, because };
        if !self.front.contains(&planned) {
            self.front.push(planned);
        }
    }

    fn hold(&mut self, subject: &str, reason: Held) {
        let hold = Hold { subject: subject.to_owned(), reason };
        if !self.plan.holds.contains(&hold) {
            self.plan.holds.push(hold);
        }
    }

    fn containers_of(&self, service: &str) -> impl Iterator<Item = &'a Container> {
        let project = &self.desired.project;
        let service = service.to_owned();
        self.observed
            .containers
            .iter()
            .filter(move |container| container.belongs_to(project) && container.service() == Some(&service))
    }

    fn service(&mut self, service: &'a ServiceSpec, replaced: &mut BTreeSet<String>) {
        let before = self.plan.steps.len();
        for spec in &service.containers {
            let names = [spec.name.clone(), format!("{}{PREVIOUS}", spec.name)];
            let taken = self.observed.containers.iter().find(|container| {
                names.contains(&container.name)
                    && !(container.belongs_to(&self.desired.project)
                        && container.service() == Some(&service.name)
                        && container.number() == spec.number)
            });
            if let Some(taken) = taken {
                self.hold(&service.name, Held::NameTaken(taken.name.clone()));
                continue;
            }
            let numbered: Vec<&Container> = self
                .containers_of(&service.name)
                .filter(|container| container.number() == spec.number)
                .collect();
            let named = |name: &str| numbered.iter().copied().find(|container| container.name == name);
            let (mut current, previous) = (named(&names[0]), named(&names[1]));
            let mut strays: Vec<&Container> =
                numbered.iter().copied().filter(|container| !names.contains(&container.name)).collect();
            strays.sort_by_key(|container| (!container.is_up(), container.id.clone()));
            let mut misnamed = None;
            if current.is_none() && previous.is_none() && !strays.is_empty() {
                current = Some(strays.remove(0));
                misnamed = current;
            }
            let slot =
                Slot { service, spec, observed: self.observed, policy: self.policy, current, previous };
            let outcome = slot::steps(&slot);
            if let Some(stray) = misnamed {
                let target = Target { id: Some(stray.id.clone()), name: stray.name.clone() };
                let step = Step::Rename { target, to: spec.name.clone() };
                self.plan.steps.push(Planned { step, because: Because::Misnamed });
            }
            for stray in strays {
                self.discard(stray, service.grace_ms, &Because::Surplus);
            }
            self.accept(service, outcome);
        }
        let count = service.containers.len();
        let surplus: Vec<&Container> = self
            .containers_of(&service.name)
            .filter(|container| container.number() as usize > count)
            .collect();
        for container in surplus {
            self.discard(container, service.grace_ms, &Because::Surplus);
        }
        let creates = |planned: &Planned| matches!(planned.step, Step::Create { replaces: Some(_), .. });
        if self.plan.steps[before..].iter().any(creates) {
            replaced.insert(service.name.clone());
        }
        if self.plan.steps.len() == before {
            self.restart_with(service, replaced);
        }
        if service.refresh && self.policy.refresh {
            self.before(Because::Refresh, Step::Pull { image: service.image.clone() });
        }
    }

    /// Restarts what is to be restarted with a service that this plan replaces, or that one cut short replaced.
    fn restart_with(&mut self, service: &'a ServiceSpec, replaced: &BTreeSet<String>) {
        let now = service.restarts_with.iter().find(|name| replaced.contains(*name));
        let running: Vec<&Container> =
            self.containers_of(&service.name).filter(|container| container.is_up()).collect();
        for container in running {
            let Some(with) = now.or(container.owes_restart_with.as_ref()) else { continue };
            let target = Target { id: Some(container.id.clone()), name: container.name.clone() };
            let step = Step::Restart { target, grace_ms: service.grace_ms };
            self.plan.steps.push(Planned { step, because: Because::RestartsWith(with.clone()) });
        }
    }

    /// Takes the steps of one slot into the plan, unless something it needs is not to be had.
    fn accept(&mut self, service: &'a ServiceSpec, outcome: Outcome) {
        for held in outcome.held {
            self.hold(&service.name, held);
        }
        if outcome.can_wait && !self.dependencies_are_met(service) {
            return;
        }
        let spec = outcome.steps.iter().find_map(|planned| match &planned.step {
            Step::Create { spec, .. } => Some(spec.clone()),
            _ => None,
        });
        if let Some(spec) = spec {
            let networks = spec.networks.iter().map(|on| &on.network);
            let obstacle = networks.chain(spec.volumes.values()).find_map(|name| self.blocked.get(name));
            let no_image = !self.observed.images.contains_key(&service.image);
            let held = match obstacle {
                Some(held) => Some(held.clone()),
                None if no_image && !service.may_pull => Some(Held::NoImage(service.image.clone())),
                None => None,
            };
            if let Some(held) = held {
                self.hold(&service.name, held);
                return;
            }
            if no_image {
                self.before(Because::Needed, Step::Pull { image: service.image.clone() });
            }
            for mount in &spec.service.volumes {
                if let Some(owner) = self.desired.folders.get(&mount.source)
                    && self.observed.missing_folders.contains(&mount.source)
                {
                    self.before(
                        Because::Needed,
                        Step::MakeFolder { path: mount.source.clone(), owner: *owner },
                    );
                }
            }
        }
        self.plan.steps.extend(outcome.steps);
    }

    /// Whether everything a service waits for is far enough, or will be by the steps planned so far.
    fn dependencies_are_met(&mut self, service: &'a ServiceSpec) -> bool {
        let mut met = true;
        for (on, until) in &service.depends_on {
            let Some(other) = self.desired.services.iter().find(|other| other.name == *on) else { continue };
            for spec in &other.containers {
                let planned = self.plan.steps.iter().any(
                    |planned| matches!(&planned.step, Step::Await { target, .. } if target.name == spec.name),
                );
                if planned {
                    continue;
                }
                let found = self.containers_of(on).find(|container| container.name == spec.name);
                match found.map_or(Reached::No, |container| reached(container, *until)) {
                    Reached::Yes => {}
                    Reached::Soon(target) => {
                        let step = Step::Await { target, until: *until };
                        self.plan
                            .steps
                            .push(Planned { step, because: Because::WaitedFor(service.name.clone()) });
                    }
                    Reached::No => {
                        met = false;
                        let wait = Wait { service: service.name.clone(), on: on.clone(), until: *until };
                        if !self.plan.waits.contains(&wait) {
                            self.plan.waits.push(wait);
                        }
                    }
                }
            }
        }
        met
    }

    fn discard(&mut self, container: &Container, grace_ms: u64, because: &Because) {
        let target = Target { id: Some(container.id.clone()), name: container.name.clone() };
        if container.is_up() {
            let step = Step::Stop { target: target.clone(), grace_ms };
            self.plan.steps.push(Planned { step, because: because.clone() });
        }
        self.plan.steps.push(Planned { step: Step::Remove { target }, because: because.clone() });
    }

    /// Containers of the project whose service is gone.
    fn orphans(&mut self) {
        /// Docker's own time to stop: the service that knew better is gone.
        const GRACE_MS: u64 = 10_000;
        let known: BTreeSet<&str> =
            self.desired.services.iter().map(|service| service.name.as_str()).collect();
        let orphans = self.observed.containers.iter().filter(|container| {
            container.belongs_to(&self.desired.project)
                && container.service().is_none_or(|name| !known.contains(name))
        });
        for orphan in orphans {
            if self.policy.remove_orphans {
                self.discard(orphan, GRACE_MS, &Because::Orphan);
            } else {
                self.hold(&orphan.name, Held::Orphan);
            }
        }
    }
}

enum Reached {
    Yes,
    /// It is on its way: wait for this one.
    Soon(Target),
    No,
}

fn reached(container: &Container, until: Condition) -> Reached {
    let soon = || Reached::Soon(Target { id: Some(container.id.clone()), name: container.name.clone() });
    match (until, container.state, container.health) {
        (Condition::Started, State::Running | State::Restarting | State::Paused, _)
        | (Condition::Started | Condition::Completed, State::Exited(0), _)
        | (Condition::Healthy, State::Running, Some(Health::Healthy)) => Reached::Yes,
        (Condition::Healthy, State::Running, Some(Health::Starting))
        | (Condition::Completed, State::Running | State::Restarting, _) => soon(),
        _ => Reached::No,
    }
}

#[cfg(test)]
mod tests;
