//! Carries out a plan, step by step; decides nothing. Each step may have been done already by somebody who was cut
//! short, and then is done.

use std::path::Path;
use std::time::Duration;

use super::await_up::{Patience, far_enough};
use super::failure::{Failure, Reason};
use super::memory::Memory;
use super::options::{Fault, StackOptions};
use super::progress::{Progress, Sink};
use super::view::StepView;
use super::{create, folder, pull};
use crate::compose::create_body;
use crate::compose::desired::Restart;
use crate::compose::plan::{Planned, Step, Target};
use crate::engine::Engine;

/// Who carries out.
pub(super) struct Applier<'a> {
    pub(super) engine: &'a Engine,
    pub(super) options: &'a StackOptions,
    pub(super) memory: Memory,
    pub(super) sink: Sink<'a>,
    /// Steps begun so far, over all plans of this run.
    begun: usize,
    /// Steps done so far.
    pub(super) done: Vec<StepView>,
}

impl<'a> Applier<'a> {
    pub(super) fn new(engine: &'a Engine, options: &'a StackOptions, memory: Memory, sink: Sink<'a>) -> Self {
        Self { engine, options, memory, sink, begun: 0, done: Vec::new() }
    }

    /// Does one step and tells of it.
    pub(super) async fn apply(&mut self, planned: &Planned) -> Result<(), Failure> {
        self.begun += 1;
        let number = self.begun;
        Fault::BeforeStep(number).die_if(self.options.fault);
        let step = StepView::of(planned);
        (self.sink)(Progress::StepBegan { number, step: step.clone() });
        let result = self.step(&planned.step).await;
        if result.is_ok() {
            Fault::AfterStep(number).die_if(self.options.fault);
            self.done.push(step);
        }
        (self.sink)(Progress::StepEnded { number, failure: result.as_ref().err().cloned() });
        result
    }

    async fn step(&mut self, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Pull { image } => {
                pull::pull(self.engine, self.options, image, self.sink).await?;
                Ok(())
            }
            Step::CreateNetwork(spec) => {
                let name = spec.network.name.as_str();
                let failed = |error| Failure::of_engine(name, &error);
                // The engine would make a second one of the same name.
                let there = self.engine.networks(&[name].into()).await.map_err(failed)?;
                if there.is_empty() {
                    self.engine.create_network(create_body::network(spec)).await.map_err(failed)?;
                }
                Ok(())
            }
            Step::CreateVolume(spec) => {
                let made = self.engine.create_volume(create_body::volume(spec)).await;
                made.map_err(|error| Failure::of_engine(&spec.volume.name, &error))
            }
            Step::RemoveNetwork { name } => match self.engine.remove_network(name).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(Failure::new(Reason::EngineRefused, name, "something else is still on it")),
                Err(error) => Err(Failure::of_engine(name, &error)),
            },
            Step::MakeFolder { path, owner } => folder::make(Path::new(path), *owner),
            Step::Rename { target, to } => self.rename(target, to).await,
            Step::Create { spec, replaces } => create::create(self.engine, spec, replaces.as_deref()).await,
            Step::SetRestart { target, restart } => self.set_restart(target, *restart).await,
            Step::Stop { target, grace_ms } => self.stop(target, Duration::from_millis(*grace_ms)).await,
            Step::Start { target } => self.start(target).await,
            Step::Restart { target, grace_ms } => {
                self.stop(target, Duration::from_millis(*grace_ms)).await?;
                self.start(target).await?;
                target.id.as_deref().map_or(Ok(()), |id| self.memory.forget_owed(id))
            }
            Step::Await { target, until } => {
                let patience = Patience { within: self.options.ready_within, settle: self.options.settle };
                let found = far_enough(self.engine, key(target), *until, patience).await;
                found.map_err(|failure| Failure { subject: target.name.clone(), ..failure })
            }
            Step::Remove { target } => {
                let removed = self.engine.remove(key(target)).await;
                removed.map_err(|error| Failure::of_engine(&target.name, &error))?;
                let Some(id) = target.id.as_deref() else { return Ok(()) };
                self.memory.forget_restart(id)?;
                self.memory.forget_owed(id)
            }
        }
    }

    async fn rename(&self, target: &Target, to: &str) -> Result<(), Failure> {
        let failed = |error| Failure::of_engine(&target.name, &error);
        let Err(error) = self.engine.rename(key(target), to).await else { return Ok(()) };
        let found = self.engine.inspect(key(target)).await.map_err(failed)?;
        if found.is_some_and(|found| found.container.name == to) { Ok(()) } else { Err(failed(error)) }
    }

    /// A policy that is taken away is noted first, so that whoever goes back can give it back.
    async fn set_restart(&mut self, target: &Target, restart: Restart) -> Result<(), Failure> {
        let failed = |error| Failure::of_engine(&target.name, &error);
        let found = self.engine.inspect(key(target)).await.map_err(failed)?;
        let found = found.ok_or_else(|| Failure::new(Reason::Gone, &target.name, "somebody removed it"))?;
        let id = &found.container.id;
        if restart == Restart::No && found.restart != Restart::No {
            self.memory.note_restart(id, found.restart)?;
        }
        if found.restart != restart {
            self.engine.set_restart(id, restart).await.map_err(failed)?;
        }
        if restart == Restart::No { Ok(()) } else { self.memory.forget_restart(id) }
    }

    async fn start(&self, target: &Target) -> Result<(), Failure> {
        let started = self.engine.start(key(target)).await;
        started.map_err(|error| Failure::of_engine(&target.name, &error))
    }

    /// The engine goes on stopping when we lose patience, so what counts is whether it runs.
    async fn stop(&self, target: &Target, grace: Duration) -> Result<(), Failure> {
        let failed = |error| Failure::of_engine(&target.name, &error);
        let Err(error) = self.engine.stop(key(target), grace).await else { return Ok(()) };
        if error.is_missing() {
            return Ok(());
        }
        let found = self.engine.inspect(key(target)).await.map_err(failed)?;
        if found.is_some_and(|found| found.container.is_up()) { Err(failed(error)) } else { Ok(()) }
    }
}

/// What the engine knows the container by.
fn key(target: &Target) -> &str {
    target.id.as_deref().unwrap_or(&target.name)
}
