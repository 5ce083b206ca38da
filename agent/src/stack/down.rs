//! Taking the stack down: containers in reverse order, then networks that nothing is on. Volumes stay, always.

use std::time::Duration;

use super::Stack;
use super::apply::Applier;
use super::failure::Failure;
use super::lock::{Lock, hold_file};
use super::memory::Memory;
use super::observe;
use super::outcome::Outcome;
use super::progress::{Progress, Sink};
use super::project::LoadedStack;
use super::view::PlanView;
use crate::compose::plan::{Plan, down as plan_down};
use crate::engine::Engine;

/// How to take the stack down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DownOptions {
    /// Containers of services that are gone from the files go too.
    pub remove_orphans: bool,
    /// How long a container may take to stop; `None`: what its service says.
    pub timeout: Option<Duration>,
}

pub(super) async fn down(
    stack: &Stack,
    _lock: &Lock,
    loaded: &LoadedStack,
    options: &DownOptions,
    sink: Sink<'_>,
) -> Outcome {
    if let Some(said) = hold_file(loaded.directory()) {
        return Outcome { hold_file: Some(said), ..Outcome::default() };
    }
    match stack.engine() {
        Ok(engine) => take_down(stack, &engine, loaded, options, sink).await,
        Err(failure) => Outcome::failed(failure),
    }
}

async fn take_down(
    stack: &Stack,
    engine: &Engine,
    loaded: &LoadedStack,
    options: &DownOptions,
    sink: Sink<'_>,
) -> Outcome {
    let memory = Memory::load(loaded.directory());
    let observed = match observe::observe(engine, &loaded.desired, &memory).await {
        Ok(observed) => observed,
        Err(failure) => return Outcome::failed(failure),
    };
    let grace_ms = options.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    let plan: Plan = plan_down(&loaded.desired, &observed, options.remove_orphans, grace_ms);
    sink(Progress::Planned { plan: PlanView::of(&plan) });
    let mut applier = Applier::new(engine, stack.options(), memory, sink);
    // One that cannot be stopped is no reason to leave the others up.
    let mut failures: Vec<Failure> = Vec::new();
    for planned in &plan.steps {
        failures.extend(applier.apply(planned).await.err());
    }
    Outcome { done: applier.done, failures, holds: PlanView::of(&plan).holds, ..Outcome::default() }
}
