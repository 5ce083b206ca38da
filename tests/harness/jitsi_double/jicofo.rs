//! Jicofo's REST server.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Shared;
use super::world::{Dialect, Health, World};

const STATS: &str = include_str!("../../fixtures/jicofo/stats-1.1.json");
const STATS_FORMER: &str = include_str!("../../fixtures/jicofo/stats-1.0.json");

pub(super) fn routes(world: Shared) -> Router {
    Router::new()
        .route("/about/health", get(health))
        .route("/about/version", get(version))
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .with_state(world)
}

/// The route exists only where health checks are switched on.
async fn health(State(world): State<Shared>) -> Response {
    let world = world.borrow();
    if !world.jicofo_health_checks {
        return StatusCode::NOT_FOUND.into_response();
    }
    if world.graceful_shutdown || !world.linked {
        let words = "No operational bridges available (total bridge count: 1)";
        return (StatusCode::INTERNAL_SERVER_ERROR, words).into_response();
    }
    match world.jicofo_health {
        Health::Well => Json("OK").into_response(),
        Health::Hard => (StatusCode::INTERNAL_SERVER_ERROR, "Failed to create a conference").into_response(),
        Health::Soft => (StatusCode::SERVICE_UNAVAILABLE, "No response from the XMPP server").into_response(),
    }
}

async fn version() -> Json<Value> {
    Json(json!({"name": "JICOFO", "version": "1.1.x", "os": "Linux"}))
}

async fn stats(State(world): State<Shared>) -> Json<Value> {
    let world = world.borrow();
    let sample = if world.dialect == Dialect::Present { STATS } else { STATS_FORMER };
    let mut stats: Value = serde_json::from_str(sample).expect("a fixture of ours");
    for (key, value) in figures(&world) {
        stats[key] = json!(value);
    }
    let operational = u64::from(world.linked && !world.graceful_shutdown);
    stats["bridge_selector"]["operational_bridge_count"] = json!(operational);
    if !world.jicofo_health_checks
        && let Some(map) = stats.as_object_mut()
    {
        for key in ["healthy", "health", "slow_health_check"] {
            map.remove(key);
        }
    }
    Json(stats)
}

async fn metrics(State(world): State<Shared>) -> Response {
    let world = world.borrow();
    let mut text = String::new();
    for (key, value) in figures(&world) {
        let (name, kind) = match key {
            "participants" => ("participants_current", "gauge"),
            "total_participants" => ("participants_total", "counter"),
            plain => (plain, "gauge"),
        };
        text += &format!(
            "# HELP jitsi_jicofo_{name} {key}\n# TYPE jitsi_jicofo_{name} {kind}\njitsi_jicofo_{name} {value}.0\n"
        );
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

fn figures(world: &World) -> [(&'static str, u64); 4] {
    [
        ("participants", world.meetings().map(|room| room.people).sum()),
        ("conferences", world.meetings().count() as u64),
        ("largest_conference", world.meetings().map(|room| room.people).max().unwrap_or(0)),
        ("total_participants", world.joins),
    ]
}
