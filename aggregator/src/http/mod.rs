//! The two listeners' routes. They share the state and the layers below, and no route.
//!
//! ```text
//!  public    /  /meet  /join/{room}  /api/v1/…            for people and front ends
//!            /api/v1/peer…                               for other replicas, behind the rooms' secret
//!  operator  /  /api/v1/fleet…  /metrics  /sd             behind a token off loopback
//!  both      /-/healthy  /-/ready  /style.css  /icon.svg
//! ```

mod agents;
mod assets;
mod auth;
mod decisions;
mod health;
mod layers;
mod openapi;
mod operator;
mod peer;
mod people;
mod placing;
mod public;
mod respond;
mod sd;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use usher_common::rt::auth::Tokens;

use crate::confirm::{Agreement, Placer};
use crate::decision::Decisions;
use crate::discovery::DiscoveryView;
use crate::fleet::{Fleet, Readiness};
use crate::stats::Stats;

pub use agents::Agents;

/// What the handlers work on.
#[derive(Debug)]
pub struct App {
    /// The fleet.
    pub fleet: Arc<Fleet>,
    /// Who places rooms on it.
    pub placer: Placer,
    /// By what replicas agree on rooms.
    pub agreement: Agreement,
    /// The newest decisions.
    pub decisions: Arc<Decisions>,
    /// Our own counters.
    pub stats: Arc<Stats>,
    /// Discovery's newest list.
    pub discovery: watch::Receiver<Arc<DiscoveryView>>,
    /// How operators' wishes reach the agents.
    pub agents: Agents,
    /// What opens the operators' side; empty for an open door (loopback).
    pub tokens: Tokens,
    /// Secret of the rooms' keyed hash.
    pub room_secret: Vec<u8>,
    /// Cancelled when the process was told to stop.
    pub stopping: CancellationToken,
}

impl App {
    /// Whether requests should be sent here: the fleet is known, the store and the other replicas
    /// were asked once (whatever they said), and the process was not told to stop.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let mut readiness = self.fleet.readiness();
        let Agreement { claims, peers } = &self.agreement;
        if claims.as_ref().is_some_and(|claims| !claims.is_tried()) {
            readiness.reasons.push("the store of claims was not asked yet".to_owned());
        }
        if peers.as_ref().is_some_and(|peers| !peers.is_tried()) {
            readiness.reasons.push("the other replicas were not asked yet".to_owned());
        }
        if self.stopping.is_cancelled() {
            readiness.reasons.insert(0, "stopping".to_owned());
        }
        readiness.ready = readiness.reasons.is_empty();
        readiness
    }
}

/// The public listener's routes.
pub fn public_router(app: Arc<App>) -> Router {
    let routes = Router::new()
        .route("/", get(people::front))
        .route("/meet", post(people::meet).get(people::to_front))
        .route("/join/{room}", get(people::join))
        .route("/api/v1/server", get(public::server))
        .route("/api/v1/rooms", post(public::rooms))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/api/v1/peer", get(peer::hello))
        .route("/api/v1/peer/place", post(peer::place))
        .merge(common_routes());
    layers::around(routes, "public", &app).with_state(app)
}

/// The operator listener's routes.
pub fn operator_router(app: Arc<App>) -> Router {
    let guarded = Router::new()
        .route("/", get(operator::dashboard))
        .route("/api/v1/fleet", get(operator::fleet))
        .route("/api/v1/fleet/{node}", get(operator::node))
        .route("/api/v1/fleet/{node}/state", put(operator::set_state))
        .route("/api/v1/explain", get(operator::explain))
        .route("/api/v1/decisions", get(decisions::list))
        .route("/metrics", get(operator::metrics))
        .route("/sd", get(sd::targets))
        .route_layer(axum::middleware::from_fn_with_state(app.clone(), auth::guard));
    layers::around(guarded.merge(common_routes()), "operator", &app).with_state(app)
}

fn common_routes() -> Router<Arc<App>> {
    Router::new()
        .route("/-/healthy", get(health::healthy))
        .route("/-/ready", get(health::ready))
        .route("/style.css", get(assets::style))
        .route("/icon.svg", get(assets::icon))
}
