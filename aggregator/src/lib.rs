//! The aggregator: reads the agents of a fleet and answers with the server that has the
//! most room.
//!
//! ```text
//!  discovery ──► scrape ──► fleet (one value, one lock) ──► http ──► people, front ends
//!  (files)       (HTTP)       ▲    │                          └────► operators, Prometheus
//!                             │    ├── placement, rooms (pure)
//!                             └────┴── confirm ──► the chosen agent; claims (Redis), peers (replicas)
//!                                        └─► journal ──► decision, quality
//! ```
//!
//! [`run`] wires the parts together; nothing else does. Everything comes from outside:
//! checked settings, bound listeners, and the token that ends it.

pub mod claims;
pub mod clock;
pub mod config;
pub mod confirm;
pub mod decision;
pub mod discovery;
pub mod export;
pub mod fleet;
pub mod http;
pub mod journal;
pub mod page;
pub mod peers;
pub mod placement;
pub mod quality;
pub mod replay;
pub mod rooms;
pub mod scrape;
pub mod stats;
pub mod target;
mod vitals;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use usher_common::rt::http_client::Failure;
use usher_common::rt::http_server::serve;
use usher_common::rt::systemd;
use usher_common::rt::tasks::{TaskEnded, Tasks};

use claims::{Claims, Keeper};
use clock::Clock;
use config::{Config, Discovery};
use confirm::{Agreement, Placer};
use decision::Decisions;
use discovery::Watch;
use fleet::Fleet;
use journal::Journalist;
use peers::Peers;
use scrape::Scraper;
use stats::Stats;
use vitals::{Vitals, wait_until_ready};

/// How long requests under way may take once the listeners close.
const GRACE: Duration = Duration::from_secs(5);

/// The two listeners, bound.
#[derive(Debug)]
pub struct Listeners {
    /// For people and front ends.
    pub public: TcpListener,
    /// For operators.
    pub operator: TcpListener,
}

/// Why the aggregator ended that should have gone on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A listener has no address any more.
    #[error("a listener is unusable: {0}")]
    Listener(#[from] std::io::Error),
    /// The HTTP client could not be made.
    #[error("cannot prepare to call agents: {0}")]
    Client(#[from] Failure),
    /// A part of it ended or panicked.
    #[error(transparent)]
    Task(#[from] TaskEnded),
}

/// Runs until `shutdown`, then answers for `config.drain` longer with `/-/ready` at 503.
pub async fn run(config: Config, listeners: Listeners, shutdown: CancellationToken) -> Result<(), RunError> {
    let (_never, reloads) = mpsc::channel(1);
    run_reloading(config, listeners, reloads, shutdown).await
}

/// The same; each of `reloads` says anew whom to read.
pub async fn run_reloading(
    config: Config,
    listeners: Listeners,
    reloads: mpsc::Receiver<Discovery>,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let clock = Clock::start();
    let stats = Arc::new(Stats::new());
    let seed = rand::random();
    let config::Placement { params, confirm, learn, shadow, decisions, herd_window_ms } = config.placement;
    let fleet = Arc::new(Fleet::new(clock, config.health, params, learn, seed));
    let (watch, lists) = Watch::new(config.discovery, reloads);
    let scraper =
        Arc::new(Scraper::new(config.scrape, config.health, fleet.clone(), stats.clone(), clock, seed)?);
    let room_secret = config.rooms.secret.unwrap_or_else(random_secret);
    let claims = config.rooms.store.map(|store| Arc::new(Claims::new(store, clock, stats.clone())));
    let peers = match config.rooms.peers {
        peers if peers.urls.is_empty() => None,
        peers => Some(Arc::new(Peers::new(peers, &room_secret, clock)?)),
    };
    let decisions = Arc::new(Decisions::new(decisions));
    let (journal, journalist) = Journalist::new(
        decisions.clone(),
        fleet.clone(),
        stats.clone(),
        shadow,
        config.scrape.interval,
        herd_window_ms,
    );
    let agreement = Agreement { claims, peers };
    let (placer, releases) = Placer::new(confirm, fleet.clone(), stats.clone(), agreement.clone(), journal)?;
    let app = Arc::new(http::App {
        fleet: fleet.clone(),
        placer,
        agreement: agreement.clone(),
        decisions,
        stats,
        discovery: lists.clone(),
        agents: http::Agents::new()?,
        tokens: config.operator.tokens,
        room_secret,
        stopping: shutdown.clone(),
    });

    let listens = [listeners.public.local_addr()?, listeners.operator.local_addr()?];
    let vitals =
        Vitals { fleet: app.fleet.clone(), stats: app.stats.clone(), scrape: config.scrape, listens, clock };

    let end = CancellationToken::new();
    let mut tasks = Tasks::new(end.clone());
    tasks.spawn("discovery", watch.run());
    tasks.spawn("releases", releases.run());
    tasks.spawn("journal", journalist.run());
    if let Some(claims) = agreement.claims {
        tasks.spawn("store of claims", Keeper::new(claims, fleet.clone()).run());
    }
    if let Some(peers) = agreement.peers {
        tasks.spawn("peers", peers::Watch::new(peers, fleet.clone()).run());
    }
    tasks.spawn("scrape", scraper.run(lists));
    let (fleet, hold, ended) = (app.fleet.clone(), config.hold, end.clone());
    let public = http::public_router(app.clone());
    tasks.spawn_until_done("public listener", async move {
        wait_until_ready(&fleet, hold).await;
        answer(listeners.public, public, ended).await;
    });
    let operator = http::operator_router(app);
    tasks.spawn_until_done("operator listener", answer(listeners.operator, operator, end.clone()));
    let (fleet, hold) = (vitals.fleet.clone(), config.hold);
    tasks.spawn("vitals", async move {
        wait_until_ready(&fleet, hold).await;
        vitals.report().await;
    });
    tasks.spawn_until_done("drain", drain(shutdown, config.drain, end));
    Ok(tasks.run(GRACE + Duration::from_secs(1)).await?)
}

async fn answer(listener: TcpListener, router: axum::Router, end: CancellationToken) {
    if let Err(error) = serve(listener, router, end, GRACE).await {
        tracing::error!(%error, "listener failed");
    }
}

/// Turns "stop" into "end", a while later: load balancers must see us unready first.
async fn drain(shutdown: CancellationToken, drain: Duration, end: CancellationToken) {
    tokio::select! {
        () = end.cancelled() => return,
        () = shutdown.cancelled() => {}
    }
    systemd::stopping(drain + GRACE * 2);
    tracing::info!(drain_s = drain.as_secs_f64(), "no longer ready; answering a while longer");
    tokio::select! {
        () = end.cancelled() => {}
        () = tokio::time::sleep(drain) => end.cancel(),
    }
}

/// A secret for this life of the process.
fn random_secret() -> Vec<u8> {
    tracing::warn!(
        "rooms.secret_file is not set: rooms are keyed with a random secret, so that this replica and the agents' \
         lists of rooms cannot agree on where a room is; set it to the same secret everywhere"
    );
    rand::random::<[u8; 32]>().to_vec()
}
