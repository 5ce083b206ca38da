//! The compose project of this node: read, compared with the engine, and brought to where it should be.
//!
//! ```text
//!  files, .env, overrides ──project──► LoadedStack ─┐
//!                                                   ├─ plan ──► apply, step by step ──► engine
//!  engine, disk ───────────observe──► Observed ─────┘    ▲             │
//!                                                        └── converge ─┴──► Outcome
//! ```
//!
//! [`Stack`] is the door: `load`, `plan`, `converge`, `down`. What is decided is decided in
//! [`compose`](crate::compose); here it is carried out, and what went wrong is put into a closed [`Reason`].
//! Not here: when to do it (healing, deployments, their history), and which containers make a node ready
//! ([`faults`], a pure look at what runs).

mod apply;
mod await_up;
mod converge;
mod create;
mod credentials;
mod down;
pub mod env_file;
mod failure;
mod faults;
mod fetch;
mod folder;
mod lock;
mod memory;
mod observe;
mod options;
mod outcome;
mod progress;
mod project;
mod pull;
mod space;
mod view;

pub use down::DownOptions;
pub use failure::{Failure, Reason};
pub use faults::{faults, project};
pub use lock::{Lock, LockError, hold_file};
pub use memory::Memory;
pub use options::{Fault, Source, StackOptions};
pub use outcome::{ImageFound, Outcome};
pub use progress::{Progress, Sink};
pub use project::{LoadedStack, ProjectError};
pub use view::{HoldView, PlanView, StepView, WaitView};

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use usher_common::wire::DeployPhase;

use crate::compose::observed::Observed;
use crate::compose::plan::{Plan, Policy, plan};
use crate::engine::Engine;

/// How long the engine may take for one answer while it works for us; making and starting a container that publishes
/// many ports takes seconds.
const WORK_DEADLINE: Duration = Duration::from_secs(60);

/// The stack of this node. Cheap to clone; reads everything anew each time.
#[derive(Debug, Clone)]
pub struct Stack {
    options: Arc<StackOptions>,
    /// Asked once: a plugin's upgrade must not recreate anything under a running agent.
    compose_version: Arc<OnceLock<String>>,
}

impl Stack {
    /// A stack as the settings describe it; nothing is read yet.
    #[must_use]
    pub fn new(options: StackOptions) -> Self {
        Self { options: Arc::new(options), compose_version: Arc::default() }
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &StackOptions {
        &self.options
    }

    /// Reads the compose files and `.env` anew; `overrides` beat what `.env` says. Needs no engine. Blocks for some
    /// milliseconds, and the first time for as long as `docker compose version` takes.
    pub fn load(&self, overrides: &BTreeMap<String, String>) -> Result<LoadedStack, ProjectError> {
        let version = self.compose_version.get_or_init(|| project::compose_version(&self.options));
        project::load(&self.options, version, overrides)
    }

    /// For tests: dies if they asked for it in this phase of a deployment.
    pub(crate) fn die_in(&self, phase: DeployPhase) {
        Fault::InPhase(phase).die_if(self.options.fault);
    }

    /// A connection to the engine, with the patience that work on containers needs.
    pub fn engine(&self) -> Result<Engine, Failure> {
        Engine::connect(&self.options.engine_socket, WORK_DEADLINE.max(self.options.engine_deadline))
            .map_err(|error| Failure::of_engine("the Docker engine", &error))
    }

    /// What is on the engine and the host, as far as the project cares.
    pub async fn observe(&self, stack: &LoadedStack) -> Result<Observed, Failure> {
        observe::observe(&self.engine()?, &stack.desired, &Memory::load(stack.directory())).await
    }

    /// What would be done now.
    pub async fn plan(&self, stack: &LoadedStack, policy: &Policy) -> Result<Plan, Failure> {
        Ok(plan(&stack.desired, &self.observe(stack).await?, policy))
    }

    /// Gets every image that the project needs, and touches nothing else; `refresh`: also those with
    /// `pull_policy: always` that are here.
    pub async fn fetch(&self, stack: &LoadedStack, refresh: bool, sink: Sink<'_>) -> Result<(), Failure> {
        fetch::fetch(self, stack, refresh, sink).await
    }

    /// Gets one image, which nobody watches.
    pub async fn fetch_image(&self, reference: &str) -> Result<ImageFound, Failure> {
        pull::pull(&self.engine()?, &self.options, reference, &|_| ()).await
    }

    /// Takes the lock of the project, so that only one works on it; `who` is told to those who come later.
    pub fn lock(&self, stack: &LoadedStack, who: &str) -> Result<Lock, LockError> {
        Lock::take(stack.directory(), who)
    }

    /// Brings the project to where it should be, as far as `policy` allows: looks, plans and does until there is
    /// nothing left to do. Ends in bounded time, whatever fails.
    pub async fn converge(
        &self,
        lock: &Lock,
        stack: &LoadedStack,
        policy: Policy,
        sink: Sink<'_>,
    ) -> Outcome {
        converge::converge(self, lock, stack, policy, sink).await
    }

    /// Stops and removes the project's containers, and its networks when nothing else is on them. Never volumes.
    pub async fn down(
        &self,
        lock: &Lock,
        stack: &LoadedStack,
        options: &DownOptions,
        sink: Sink<'_>,
    ) -> Outcome {
        down::down(self, lock, stack, options, sink).await
    }
}
