//! Prosody's HTTP server, with the modules that docker-jitsi-meet brings.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Shared;
use super::world::Dialect;

pub(super) fn routes(world: Shared) -> Router {
    let bosh = || async { "It works! Now point your BOSH client to this URL to connect to Prosody." };
    Router::new()
        .route("/health", get(health))
        .route("/http-bind", get(bosh))
        .route("/room-census", get(census))
        .with_state(world)
}

async fn health(State(world): State<Shared>) -> Response {
    let world = world.borrow();
    if !world.prosody_health_open {
        return StatusCode::FORBIDDEN.into_response();
    }
    match world.prosody_errors {
        true => (StatusCode::INTERNAL_SERVER_ERROR, "HAS ERRORS\n").into_response(),
        false => "OK\n".into_response(),
    }
}

async fn census(State(world): State<Shared>) -> Response {
    let world = world.borrow();
    if !world.census {
        return StatusCode::NOT_FOUND.into_response();
    }
    let rooms: Vec<Value> = world
        .rooms
        .iter()
        .map(|room| {
            json!({
                "room_name": room.address, "participants": room.people,
                "created_time": room.created_unix_ms, "leaked": room.leaked,
            })
        })
        .collect();
    let list = match (rooms.is_empty(), world.dialect) {
        (true, Dialect::Former) => json!({}),
        _ => Value::Array(rooms),
    };
    // The module sets no type.
    let mut response = Json(json!({"room_census": list})).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    response
}
