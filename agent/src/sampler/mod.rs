//! The agent's clock: at every tick, measure what is cheap and hot, take the newest of
//! what others measure at their own pace, and publish one whole snapshot.
//!
//! ```text
//!  host (files of /proc) ────┐
//!  containers (cgroup files) ┼─► Snapshot ──watch──► report, metrics, readiness
//!  EngineView, ServiceReadings ┘
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::config::StackConfig;
use crate::engine::{EngineView, ObservedContainer};
use crate::probe::containers::Meter;
use crate::probe::merge;
use crate::probe::reading::ServiceReadings;
use crate::sampler::host::HostSampler;
use crate::snapshot::Snapshot;
use crate::stack;

mod beat;
pub mod host;

use beat::Beat;

/// What the sampler draws from.
#[derive(Debug)]
pub struct Sources {
    /// The engine's newest view.
    pub engine: watch::Receiver<EngineView>,
    /// The newest readings of Jitsi's services.
    pub services: watch::Receiver<Arc<ServiceReadings>>,
}

/// What is measured in the sampler itself: on the runtime's own thread, for files of `/proc` do
/// not hang and waking another thread costs as much as reading them. Only for a sample that
/// asks file systems, which may hang, it is moved to a blocking thread and back.
#[derive(Debug)]
pub struct Meters {
    /// The machine.
    pub host: HostSampler,
    /// The containers.
    pub containers: Meter,
}

/// Samples every `interval` until it is dropped, or has no timer (any more), which the log says.
pub async fn sample(
    interval: Duration,
    stack: StackConfig,
    mut sources: Sources,
    meters: Meters,
    published: watch::Sender<Option<Arc<Snapshot>>>,
) {
    let mut beat = match Beat::every(interval) {
        Ok(beat) => beat,
        Err(error) => return tracing::error!(%error, "no timer for the samples"),
    };
    // On the heap, for they are handed to and fro at each sample.
    let mut meters = Some(Box::new(meters));
    for seq in 1.. {
        // A container that fell is worth a sample of its own, before the tick.
        tokio::select! {
            moment = beat.next() => if let Err(error) = moment {
                return tracing::error!(%error, "the timer of the samples failed");
            },
            changed = sources.engine.changed(), if seq > 1 => {
                if changed.is_err() {
                    return;
                }
            }
        }
        let engine = sources.engine.borrow_and_update().clone();
        let services = Arc::clone(&sources.services.borrow_and_update());
        let project = match &engine.containers {
            Ok(all) => stack::project(&stack, all).map(str::to_owned),
            Err(_) => stack.project.clone(),
        };
        let Some(owned) = meters.take() else { return };
        let now = Instant::now();
        let may_block = owned.host.may_block(now);
        let work = move || take(owned, now, seq, engine, project, services);
        let (back, snapshot) = if may_block {
            match tokio::task::spawn_blocking(work).await {
                Ok(done) => done,
                // A bug in a probe: the supervisor ends the process, by this task's name.
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        } else {
            work()
        };
        meters = Some(back);
        published.send_replace(Some(Arc::new(snapshot)));
    }
}

/// One sample; gives the meters back.
fn take(
    mut meters: Box<Meters>,
    now: Instant,
    seq: u64,
    engine: EngineView,
    project: Option<String>,
    services: Arc<ServiceReadings>,
) -> (Box<Meters>, Snapshot) {
    let (host, host_probes) = meters.host.sample(now);
    let containers = engine.containers.map(|all| {
        let is_ours = |one: &&ObservedContainer| Some(one.project.as_str()) == project.as_deref();
        meters.containers.measure(all.iter().filter(is_ours), now)
    });
    let jitsi = merge::jitsi(&services);
    let engine_at = engine.at;
    let snapshot =
        Snapshot { seq, taken: now, host, host_probes, project, containers, engine_at, services, jitsi };
    (meters, snapshot)
}
