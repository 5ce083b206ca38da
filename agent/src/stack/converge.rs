//! Looks, plans and does, until nothing is left to do; and what is to be thought of a step that failed.
//!
//! ```text
//!   ┌──► observe ──► plan ── empty ──► done
//!   │                 │
//!   │            apply, step by step
//!   │                 │ all done, or
//!   └── lesson ◄── failure: of a replacement  → its spec is not tried again, nothing more is replaced
//!                           of a pull, a disk → the image is done without, nothing more is replaced
//!                           of a start        → the service rests
//!                           of the engine     → the end
//! ```
//!
//! After a lesson the planner itself goes back to the old container: that is one of the pictures it knows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use usher_common::wire::StackHold;

use super::apply::Applier;
use super::failure::{Failure, Reason};
use super::lock::{Lock, hold_file};
use super::memory::Memory;
use super::outcome::{ImageFound, Outcome};
use super::progress::{Progress, Sink};
use super::project::LoadedStack;
use super::view::{PlanView, StepView};
use super::{Stack, observe, space};
use crate::compose::desired::{Desired, labels};
use crate::compose::diff::Why;
use crate::compose::plan::{Because, Plan, Planned, Policy, Step, plan};
use crate::engine::Engine;

/// Plans made for each container before we say that it leads nowhere.
const ROUNDS_EACH: usize = 6;
/// The same step may fail so often.
const SAME_FAILURE: usize = 2;

pub(super) async fn converge(
    stack: &Stack,
    _lock: &Lock,
    loaded: &LoadedStack,
    policy: Policy,
    sink: Sink<'_>,
) -> Outcome {
    if let Some(said) = hold_file(loaded.directory()) {
        return Outcome { hold_file: Some(said), ..Outcome::default() };
    }
    let engine = match stack.engine() {
        Ok(engine) => engine,
        Err(failure) => return Outcome::failed(failure),
    };
    let applier = Applier::new(&engine, stack.options(), Memory::load(loaded.directory()), sink);
    let desired = loaded.desired.clone();
    let mut run = Run {
        applier,
        desired,
        policy,
        failures: Vec::new(),
        failed: BTreeSet::new(),
        counts: BTreeMap::new(),
    };
    let last = run.rounds().await;
    let view = PlanView::of(&last);
    let images = images(&engine, &loaded.desired).await;
    Outcome {
        done: run.applier.done,
        failures: run.failures,
        failed_specs: run.failed,
        holds: view.holds,
        waits: view.waits,
        images,
        hold_file: None,
    }
}

/// Images that services use, as far as they are here and the engine says so.
async fn images(engine: &Engine, desired: &Desired) -> BTreeMap<String, ImageFound> {
    let mut images = BTreeMap::new();
    for service in &desired.services {
        match engine.image(&service.image).await {
            Ok(Some(image)) => {
                images.insert(service.image.clone(), ImageFound::of(&image));
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(image = service.image, %error, "the image cannot be looked at"),
        }
    }
    images
}

struct Run<'a> {
    applier: Applier<'a>,
    /// Changed only in whether an image may be pulled.
    desired: Desired,
    policy: Policy,
    failures: Vec<Failure>,
    failed: BTreeSet<String>,
    counts: BTreeMap<(Cow<'static, str>, String), usize>,
}

impl Run<'_> {
    /// Returns the last plan, of which nothing but waits and holds is left unless something failed for good.
    async fn rounds(&mut self) -> Plan {
        let containers: usize = self.desired.services.iter().map(|service| service.containers.len()).sum();
        let mut last = Plan::default();
        for _ in 0..(containers + 2) * ROUNDS_EACH {
            let observed =
                match observe::observe(self.applier.engine, &self.desired, &self.applier.memory).await {
                    Ok(observed) => observed,
                    Err(failure) => {
                        self.failures.push(failure);
                        return last;
                    }
                };
            let next = plan(&self.desired, &observed, &self.policy);
            if next.steps.is_empty() {
                return next;
            }
            if let Some(failure) = self.no_room(&next).await {
                self.failures.push(failure);
                self.go_on_with_what_is_here();
                continue;
            }
            (self.applier.sink)(Progress::Planned { plan: PlanView::of(&next) });
            if self.carry_out(&next).await.is_break() {
                return next;
            }
            last = next;
        }
        let text =
            "the same work is due again and again: somebody else works on the project, or it cannot be done";
        self.failures.push(Failure::new(Reason::NoProgress, &self.desired.project, text));
        last
    }

    /// Breaks when nothing more can be done.
    async fn carry_out(&mut self, plan: &Plan) -> ControlFlow<()> {
        // Once what they wait for is replaced, nothing else tells that they are due.
        let owed = plan.steps.iter().filter_map(|planned| match (&planned.step, &planned.because) {
            (Step::Restart { target, .. }, Because::RestartsWith(with)) => {
                Some((target.id.as_deref()?, with.as_str()))
            }
            _ => None,
        });
        if let Err(failure) = self.applier.memory.note_owed(owed) {
            self.failures.push(failure);
            return ControlFlow::Break(());
        }
        for planned in &plan.steps {
            match self.applier.apply(planned).await {
                Ok(()) => self.learn_from_success(&planned.step),
                Err(failure) => return self.learn_from(planned, failure).await,
            }
        }
        // Images were looked up once.
        self.policy.refresh = false;
        ControlFlow::Continue(())
    }

    /// What was asked for once is not asked for again.
    fn learn_from_success(&mut self, step: &Step) {
        match step {
            Step::Create { spec, .. } => {
                self.policy.force.remove(&spec.service.name);
            }
            Step::Restart { target, .. } => {
                if let Some(service) = self.service_of(&target.name) {
                    self.policy.restart.remove(&service);
                }
            }
            _ => {}
        }
    }

    fn service_of(&self, container: &str) -> Option<String> {
        let mut services = self.desired.services.iter();
        let found = services.find(|service| service.containers.iter().any(|spec| spec.name == container));
        found.map(|service| service.name.clone())
    }

    async fn learn_from(&mut self, planned: &Planned, failure: Failure) -> ControlFlow<()> {
        let view = StepView::of(planned);
        let count = self.counts.entry((view.action, view.subject)).or_insert(0);
        *count += 1;
        let too_often = *count >= SAME_FAILURE;
        let reason = failure.reason;
        self.failures.push(failure);
        if matches!(reason, Reason::EngineMissing | Reason::EngineDenied | Reason::State) || too_often {
            return ControlFlow::Break(());
        }
        let replaces = matches!(planned.because, Because::Replaces(_) | Because::GoesOn);
        match &planned.step {
            // Somebody else was faster, or the engine hiccuped: look again.
            _ if matches!(reason, Reason::Gone | Reason::EngineLost) => {}
            Step::Pull { image } => {
                self.do_without(image);
                self.go_on_with_what_is_here();
            }
            Step::Create { spec, .. } if replaces => self.give_up(&spec.hash(), &planned.because, reason)?,
            Step::Start { target } | Step::Await { target, .. } if replaces => {
                let key = target.id.as_deref().unwrap_or(&target.name);
                if let Ok(Some(found)) = self.applier.engine.inspect(key).await
                    && let Some(hash) = found.container.labels.get(labels::SPEC_HASH)
                {
                    self.give_up(hash, &planned.because, reason)?;
                }
                self.policy.halt = true;
            }
            Step::Create { spec, .. } => {
                self.policy.resting.insert(spec.service.name.clone(), StackHold::Backoff);
            }
            Step::Start { target } | Step::Await { target, .. } | Step::Restart { target, .. } => {
                if let Some(service) = self.service_of(&target.name) {
                    self.policy.resting.insert(service, StackHold::Backoff);
                }
            }
            _ => self.policy.halt = true,
        }
        ControlFlow::Continue(())
    }

    /// A replacement did not come up.
    fn give_up(&mut self, hash: &str, because: &Because, reason: Reason) -> ControlFlow<()> {
        self.policy.halt = true;
        self.policy.failed.insert(hash.to_owned());
        self.failed.insert(hash.to_owned());
        // What was replaced for no change of its own is not bad for good.
        if *because == Because::Replaces(Why::Forced) {
            return ControlFlow::Continue(());
        }
        match self.applier.memory.note_failed(hash, reason) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                self.failures.push(failure);
                ControlFlow::Break(())
            }
        }
    }

    fn do_without(&mut self, image: &str) {
        for service in self.desired.services.iter_mut().filter(|service| service.image == image) {
            service.may_pull = false;
        }
    }

    /// Nothing more is replaced; what is down is started all the same.
    fn go_on_with_what_is_here(&mut self) {
        self.policy.halt = true;
        self.policy.refresh = false;
    }

    /// Whether the disk has no room for what the plan is about to fetch or replace.
    async fn no_room(&mut self, plan: &Plan) -> Option<Failure> {
        let takes_room = |planned: &Planned| match &planned.step {
            Step::Pull { .. } => true,
            Step::Create { replaces, .. } => replaces.is_some(),
            _ => false,
        };
        if self.policy.halt || !plan.steps.iter().any(takes_room) {
            return None;
        }
        let failure =
            space::check(self.applier.engine, self.applier.options.disk_reserve_bytes).await.err()?;
        for service in &mut self.desired.services {
            service.may_pull = false;
        }
        Some(failure)
    }
}
