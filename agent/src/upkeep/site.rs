//! The place of work: the stack, what is known about it, and the tools. Used by upkeep and deployments in turn,
//! never at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use usher_common::rt::process::unix_now_ms;
use usher_common::wire::{ContainerState, OperatorMode, ProbeFailure};

use super::calls::{Calls, Life};
use super::feed::Heard;
use super::hands::{Act, Hands, Worked};
use super::heals::Heals;
use super::memory::{Memory, Notes};
use super::options::UpkeepOptions;
use super::starved::{Starved, host_kills};
use super::status::Board;
use super::streaks::Streaks;
use super::triage::Bed;
use super::ward::{self, Knowledge};
use crate::compose::plan::Policy;
use crate::deploy::journal::Journal;
use crate::engine::EngineFailure;
use crate::node::Node;
use crate::snapshot::Snapshot;
use crate::stack::{LoadedStack, LockError, Outcome, Progress, ProjectError, Sink, Stack};

/// The service that holds conferences.
const BRIDGE: &str = "jvb";

/// See the module.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) options: UpkeepOptions,
    pub(crate) stack: Stack,
    pub(crate) node: Arc<Node>,
    pub(crate) journal: Journal,
    pub(crate) board: Board,
    pub(crate) hands: Hands,
    pub(crate) heals: Heals,
    pub(crate) calls: Calls,
    streaks: Streaks,
    starved: Starved,
    memory: Memory,
    /// Where the host's counters are.
    vmstat: std::path::PathBuf,
    began_unix_ms: u64,
    /// Until when events were heard.
    heard_unix_ms: Option<u64>,
}

/// Why nothing could be done about the stack.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    /// Its files say nothing.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// Somebody else has it in hand.
    #[error(transparent)]
    Lock(#[from] LockError),
}

impl Site {
    /// The place of work of a node, with what was known before the agent started.
    pub(crate) fn new(
        options: UpkeepOptions,
        stack: Stack,
        node: Arc<Node>,
        journal: Journal,
        board: Board,
        (state_dir, proc): (&std::path::Path, &std::path::Path),
    ) -> Self {
        let memory = Memory::load(state_dir);
        let (notes, now) = (memory.notes().clone(), unix_now_ms());
        let mut hands = Hands::with_stopped(notes.stopped);
        if let Some(since) = notes.working_unix_ms {
            hands.begin(since);
            hands.end(now, Worked::Forgotten);
        }
        Self {
            options,
            stack,
            node,
            journal,
            board,
            hands,
            heals: notes.heals,
            calls: Calls::default(),
            streaks: Streaks::default(),
            starved: Starved::default(),
            memory,
            vmstat: proc.join("vmstat"),
            began_unix_ms: now,
            heard_unix_ms: notes.heard_unix_ms,
        }
    }

    /// Since when events are to be heard, seconds since the Unix epoch: from where the last life left off.
    pub(crate) fn listen_since(&self) -> u64 {
        self.heard_unix_ms.unwrap_or(self.began_unix_ms) / 1000
    }

    /// Takes in what was heard of the engine.
    pub(crate) fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Listening => {}
            Heard::Happened(happening) => {
                let before = self.hands.stopped().contains_key(&happening.service);
                self.hands.note(happening);
                let after = self.hands.stopped().contains_key(&happening.service);
                if before != after {
                    tracing::info!(
                        service = happening.service,
                        stays_stopped = after,
                        "somebody else's hand on the stack"
                    );
                }
                self.heard_unix_ms = Some(happening.at_unix_ms);
            }
            Heard::Went => {
                self.hands.engine_went(unix_now_ms());
                // What an engine took down with it did not fall by itself, and is started whatever was before.
                self.heals = Heals::default();
            }
        }
    }

    /// Takes in a sample that says that the engine is not there, such as at the start of the agent. One that is slow is.
    pub(crate) fn miss(&mut self, snapshot: &Snapshot) {
        let gone = |failure: &EngineFailure| {
            matches!(
                failure.reason,
                ProbeFailure::Missing | ProbeFailure::Refused | ProbeFailure::Reset | ProbeFailure::Io
            )
        };
        if snapshot.containers.as_ref().is_err_and(gone) {
            self.hands.engine_went(unix_now_ms());
        }
    }

    /// Takes in the newest sample.
    pub(crate) fn look(&mut self, snapshot: &Snapshot) {
        self.streaks.note(&snapshot.services);
        self.starved.note_host(std::fs::read_to_string(&self.vmstat).ok().and_then(|text| host_kills(&text)));
        let Ok(containers) = &snapshot.containers else { return };
        let running = |state| state == ContainerState::Running;
        for one in containers.iter().filter(|one| running(one.observed.state)) {
            self.starved.note_running(&one.observed.id, one.usage.and_then(|usage| usage.oom_kills));
        }
        self.starved.keep_only(|id| containers.iter().any(|one| one.observed.id == id));
        let mut bridges = containers.iter().map(|one| &one.observed);
        let bridge = bridges.find(|one| one.service == BRIDGE && running(one.state));
        let life = bridge.map(|one| Life { container: one.id.clone(), started_unix_ms: one.started_unix_ms });
        let said = snapshot.jitsi.as_ref().and_then(|jitsi| jitsi.conferences);
        let began = i64::try_from(self.began_unix_ms).unwrap_or(i64::MAX);
        self.calls.note(life, said, began);
    }

    /// All services and what is the matter with them; `None` while the engine does not answer.
    pub(crate) fn beds(&self, loaded: &LoadedStack, snapshot: &Snapshot) -> Option<Vec<Bed>> {
        let containers = snapshot.containers.as_ref().ok()?;
        let known = Knowledge {
            hands: &self.hands,
            starved: &self.starved,
            streaks: &self.streaks,
            patience: self.options.patience,
            young_ms: i64::try_from(self.options.recovery.as_millis()).unwrap_or(i64::MAX),
        };
        let now = i64::try_from(unix_now_ms()).unwrap_or(i64::MAX);
        Some(ward::beds(&loaded.desired, containers, known, now))
    }

    /// Services that the operator stopped.
    pub(crate) fn stopped(&self) -> BTreeSet<String> {
        self.hands.stopped().keys().cloned().collect()
    }

    /// Whether the operator took the node out of service, so that conferences may be interrupted.
    pub(crate) fn may_interrupt(&self) -> bool {
        let wish = self.node.operator.now();
        let over = wish.deadline_unix_ms.is_some_and(|deadline| unix_now_ms() >= deadline);
        wish.mode == OperatorMode::Maint || (wish.mode == OperatorMode::Drain && over)
    }

    /// Who is on the services that conferences run on.
    pub(crate) fn live(&self, services: &[&str]) -> BTreeMap<String, Option<u64>> {
        services.iter().map(|name| ((*name).to_owned(), self.calls.count())).collect()
    }

    /// The project as its files say it, with variables that beat the `.env`.
    pub(crate) async fn load(
        &self,
        overrides: &BTreeMap<String, String>,
    ) -> Result<LoadedStack, ProjectError> {
        let (stack, overrides) = (self.stack.clone(), overrides.clone());
        let loading = tokio::task::spawn_blocking(move || stack.load(&overrides));
        loading.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Brings the project to where it should be, noting that what happens meanwhile is our doing.
    pub(crate) async fn converge(
        &mut self,
        loaded: &LoadedStack,
        policy: Policy,
        sink: Sink<'_>,
    ) -> Result<Outcome, LockError> {
        let lock = self.stack.lock(loaded, "usher-agent")?;
        let began = unix_now_ms();
        self.hands.begin(began);
        self.keep_notes(Some(began));
        let acts = Mutex::new(Vec::new());
        let watching = |progress: Progress| {
            note_act(&mut acts.lock().unwrap_or_else(PoisonError::into_inner), &progress);
            sink(progress);
        };
        let outcome = self.stack.converge(&lock, loaded, policy, &watching).await;
        let acts = acts.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Whatever failed may have done something before it did.
        let looked = outcome.done.is_empty() && outcome.failures.is_empty();
        self.hands.end(unix_now_ms(), if looked { Worked::Looked } else { Worked::Stopped(acts) });
        self.keep_notes(None);
        Ok(outcome)
    }

    /// Keeps on disk what a restart must not lose.
    pub(crate) fn keep_notes(&mut self, working_unix_ms: Option<u64>) {
        self.memory.keep(Notes {
            stopped: self.hands.stopped().clone(),
            heard_unix_ms: self.heard_unix_ms,
            working_unix_ms,
            heals: self.heals.clone(),
        });
    }

    /// The newest sample, if it is one of now.
    pub(crate) fn sample(&self) -> Option<Arc<Snapshot>> {
        let fresh = self.node.sample_interval.saturating_mul(5);
        self.node.latest().filter(|snapshot| Instant::now().saturating_duration_since(snapshot.taken) < fresh)
    }
}

/// Notes which container we stop, and when.
fn note_act(acts: &mut Vec<Act>, progress: &Progress) {
    match progress {
        Progress::StepBegan { step, .. } if matches!(&*step.action, "stop" | "restart") => {
            acts.push(Act { name: step.subject.clone(), from_ms: unix_now_ms(), until_ms: None });
        }
        Progress::StepEnded { .. } => {
            acts.iter_mut()
                .filter(|act| act.until_ms.is_none())
                .for_each(|act| act.until_ms = Some(unix_now_ms()));
        }
        _ => {}
    }
}
