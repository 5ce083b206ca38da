//! The wiring: settings, listener and shutdown in; a running agent out.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use usher_common::rt::http_client::Failure;
use usher_common::rt::http_server::serve_behind;
use usher_common::rt::process::{host_name, random_id};
use usher_common::rt::tasks::{TaskEnded, Tasks};

use crate::agent_check;
use crate::config::{Access, Config};
use crate::eyes;
use crate::http::{HostMetrics, Routes, front, router};
use crate::node::{Identity, Node};
use crate::operator::Operator;
use crate::probe;
use crate::probe::systemd;
use crate::public_url::public_url;
use crate::reservations::{Limits, Reservations};
use crate::sampler::host::host_probe;
use crate::upkeep::{self, Works};
use crate::vitals;

/// How long the tasks may take beyond the requests under way when the agent stops.
const TASKS_END: Duration = Duration::from_secs(1);

/// Why an agent ended that nobody told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The listener has no address any more.
    #[error("the listener is unusable: {0}")]
    Listener(#[from] std::io::Error),
    /// The service probes, or the one of ourselves, could not start.
    #[error("no HTTP client for the probes: {0}")]
    Client(#[from] Failure),
    /// A part of it ended.
    #[error(transparent)]
    Task(#[from] TaskEnded),
}

/// The bound listeners of an agent.
#[derive(Debug)]
pub struct Listeners {
    /// For HTTP.
    pub http: TcpListener,
    /// For HAProxy's agent-check.
    pub agent_check: Option<TcpListener>,
}

/// Runs an agent on bound listeners until `shutdown` is cancelled.
pub async fn run(config: Config, listeners: Listeners, shutdown: CancellationToken) -> Result<(), RunError> {
    let (_never, access) = watch::channel(config.access.clone());
    run_reloading(config, listeners, access, shutdown).await
}

/// The same; `access` says anew who may call.
pub async fn run_reloading(
    config: Config,
    listeners: Listeners,
    access: watch::Receiver<Access>,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let address = listeners.http.local_addr()?;
    let (url, url_source) = public_url(&config, address, host_name().as_deref());
    let operator = Operator::load(&config.state_dir);

    let mut tasks = Tasks::new(shutdown.clone());
    let snapshot = eyes::open(&mut tasks, &config)?;
    let (units_seen, units) = watch::channel(None);
    let works = config.upkeep.as_ref().map(|options| (options, Works::new(options, &config.state_dir)));
    let node = Arc::new(Node {
        identity: Identity {
            node: config.node.clone(),
            public_url: url,
            url_source,
            region: config.region.clone(),
            labels: config.labels.clone(),
            boot_id: random_id(),
        },
        stack: config.stack.clone(),
        works: works.as_ref().map(|(_, (works, _))| works.clone()),
        operator,
        reservations: Reservations::load(&config.state_dir, Limits::default()),
        snapshot,
        systemd: units,
        sample_interval: config.sample_interval,
        stopping: shutdown.clone(),
    });
    tracing::info!(%address, node = %config.node, public_url = %node.identity.public_url,
        mode = %node.operator.now().mode, "agent starting");

    let units_asked = systemd::Options::of_system(config.host.systemd_units.clone());
    tasks.spawn("systemd", systemd::watch(units_asked, units_seen));
    if let Some((options, (works, orders))) = works {
        upkeep::spawn(&mut tasks, &config, options.clone(), &works, orders, &node);
    }
    tasks.spawn("arrivals", end_reservations_of_live_rooms(Arc::clone(&node)));
    let routes = Routes {
        node: Arc::clone(&node),
        host: Arc::new(HostMetrics::new(host_probe(&config), config.sample_interval)),
    };
    if let Some(listener) = listeners.agent_check {
        tasks.spawn("agent-check", agent_check::serve(listener, Arc::clone(&node)));
    }
    let front = front(routes.clone(), access.clone());
    let router = router(routes, &access);
    let grace = config.stop_grace;
    tasks.spawn("vitals", vitals::report(Arc::clone(&node), address));
    tasks.spawn_until_done("end", vitals::report_end(node, grace * 2 + TASKS_END));
    tasks.spawn_until_done("http", async move {
        if let Err(error) = serve_behind(front, listeners.http, router, shutdown, grace).await {
            tracing::error!(%error, "the listener failed");
        }
    });
    tasks.run(grace + TASKS_END).await?;
    tracing::info!("agent stopped");
    Ok(())
}

/// A promise ends when its room shows up: from then on its people are measured.
async fn end_reservations_of_live_rooms(node: Arc<Node>) {
    let mut snapshots = node.snapshot.clone();
    while snapshots.changed().await.is_ok() {
        let snapshot = snapshots.borrow_and_update().clone();
        let rooms = snapshot.as_ref().and_then(|snapshot| probe::merge::rooms(&snapshot.services));
        if let Some(rooms) = rooms {
            node.reservations.arrived(rooms);
        }
    }
}
