//! What an agent sees with: the engine, the probes of Jitsi, the host, as samples.
//!
//! ```text
//!  engine watch ──► aim ──► service probes ──┐
//!        └───────────────────────────────────┴─► sampler ──► newest sample
//! ```
//!
//! Not here: what is done about what is seen.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use usher_common::rt::http_client::Failure;
use usher_common::rt::tasks::Tasks;
use usher_common::wire::ProbeFailure;

use crate::config::Config;
use crate::engine::{self, EngineFailure, EngineView, WatchOptions};
use crate::probe::targets::ServiceTargets;
use crate::probe::{self, containers::Meter};
use crate::sampler::host::{HostSampler, host_probe};
use crate::sampler::{self, Meters, Sources};
use crate::snapshot::Snapshot;
use crate::stack;

/// How often the engine is looked at although it said nothing.
const ENGINE_RESYNC: Duration = Duration::from_secs(15);

/// Where the engine keeps images and containers unless told otherwise: what fills up first.
const ENGINE_ROOT: &str = "/var/lib/docker";

/// Opens them: from now on the newest sample is in what is returned; `None` before the first.
pub(crate) fn open(
    tasks: &mut Tasks,
    config: &Config,
) -> Result<watch::Receiver<Option<Arc<Snapshot>>>, Failure> {
    let pending = EngineFailure::new(ProbeFailure::Pending, "not asked yet");
    let (engine_view, engine) = watch::channel(EngineView { at: Instant::now(), containers: Err(pending) });
    let (published, snapshot) = watch::channel(None);
    let options = WatchOptions {
        socket: config.engine_socket.clone(),
        deadline: config.engine_deadline,
        resync: ENGINE_RESYNC,
    };
    tasks.spawn("engine watch", engine::watch(options, engine_view));
    let directories: Vec<PathBuf> = vec!["/".into(), config.state_dir.clone(), ENGINE_ROOT.into()];
    let secret = config.room_secret.clone();
    let (aimed, targets) = watch::channel(probe::aim::targets(&config.jitsi, secret, &[]));
    tasks.spawn("aim", follow_containers(config.clone(), engine.clone(), aimed));
    let services = probe::service::spawn(tasks, &targets, probe::service::Options::default())?;
    let meters = Meters {
        host: HostSampler::new(host_probe(config), directories),
        containers: Meter::new(&config.host.proc, &config.host.sys),
    };
    let sources = Sources { engine, services };
    tasks.spawn(
        "sampler",
        sampler::sample(config.sample_interval, config.stack.clone(), sources, meters, published),
    );
    Ok(snapshot)
}

/// Aims the service probes anew whenever the containers changed. While the engine does not
/// answer they stay aimed as they were.
async fn follow_containers(
    config: Config,
    mut engine: watch::Receiver<EngineView>,
    aimed: watch::Sender<ServiceTargets>,
) {
    loop {
        let containers = engine.borrow_and_update().containers.clone();
        if let Ok(all) = containers {
            let project = stack::project(&config.stack, &all);
            let ours: Vec<_> = all.iter().filter(|one| Some(one.project.as_str()) == project).collect();
            let targets = probe::aim::targets(&config.jitsi, config.room_secret.clone(), &ours);
            aimed.send_if_modified(|before| {
                let moved = *before != targets;
                if moved {
                    *before = targets;
                }
                moved
            });
        }
        if engine.changed().await.is_err() {
            return;
        }
    }
}
