//! The agent's clock: at every tick, measure what is cheap and hot, take the newest of
//! what others measure at their own pace, and publish one whole snapshot.
//!
//! ```text
//!  host (blocking, ~0.2 ms) ─┐
//!  containers (cgroup files) ┼─► Snapshot ──watch──► report, metrics, readiness
//!  EngineView, ServiceReadings ┘
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::config::StackConfig;
use crate::engine::EngineView;
use crate::probe::containers::Meter;
use crate::probe::merge;
use crate::probe::reading::ServiceReadings;
use crate::sampler::host::HostSampler;
use crate::snapshot::Snapshot;
use crate::stack;

pub mod host;

/// What the sampler draws from.
#[derive(Debug)]
pub struct Sources {
    /// The engine's newest view.
    pub engine: watch::Receiver<EngineView>,
    /// The newest readings of Jitsi's services.
    pub services: watch::Receiver<Arc<ServiceReadings>>,
}

/// What is measured in the sampler itself. Moved to a blocking thread and back at each
/// tick: a file of `/proc` never hangs, but a file system may.
#[derive(Debug)]
pub struct Meters {
    /// The machine.
    pub host: HostSampler,
    /// The containers.
    pub containers: Meter,
}

/// Samples every `interval` until it is dropped.
pub async fn sample(
    interval: Duration,
    stack: StackConfig,
    mut sources: Sources,
    meters: Meters,
    published: watch::Sender<Option<Arc<Snapshot>>>,
) {
    let mut ticks = tokio::time::interval(interval);
    // After a pause (a suspended VM) one sample is worth more than many.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut meters = Some(meters);
    for seq in 1.. {
        // A container that fell is worth a sample of its own, before the tick.
        tokio::select! {
            _ = ticks.tick() => {}
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
        let Some(mut owned) = meters.take() else { return };
        let work = move || {
            let now = Instant::now();
            let (host, host_probes) = owned.host.sample(now);
            let containers = engine.containers.map(|all| {
                let ours: Vec<_> = all
                    .iter()
                    .filter(|one| Some(one.project.as_str()) == project.as_deref())
                    .cloned()
                    .collect();
                owned.containers.measure(&ours, now)
            });
            let engine_at = engine.at;
            let jitsi = merge::jitsi(&services);
            (
                owned,
                Snapshot {
                    seq,
                    taken: now,
                    host,
                    host_probes,
                    project,
                    containers,
                    engine_at,
                    services,
                    jitsi,
                },
            )
        };
        match tokio::task::spawn_blocking(work).await {
            Ok((back, snapshot)) => {
                meters = Some(back);
                published.send_replace(Some(Arc::new(snapshot)));
            }
            // A bug in a probe: the supervisor ends the process, by this task's name.
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }
}
