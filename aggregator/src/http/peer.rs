//! What replicas say to each other; see `peers`. Behind the token that the rooms' secret makes.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};

use super::App;
use super::respond::Failed;
use crate::peers::{Hello, Peers, Question};

/// `GET /api/v1/peer`: who we are, and how we see the nodes.
pub(super) async fn hello(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<Hello>, Failed> {
    let peers = admitted(&app, &headers)?;
    let name = peers.name().to_owned();
    Ok(Json(Hello { name, ready: app.readiness().ready, loads: app.fleet.loads() }))
}

/// `POST /api/v1/peer/place`: decides on a room for another replica, which takes us for its owner.
/// Never asks further, so a question makes one hop at most.
pub(super) async fn place(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failed> {
    admitted(&app, &headers)?;
    let question: Question = serde_json::from_slice(&body)
        .map_err(|error| Failed::new(StatusCode::BAD_REQUEST, "bad_request", error.to_string()))?;
    let placed = app.placer.decide(&question.request).await.map_err(|none| Failed::no_server(&none))?;
    Ok(Json(placed).into_response())
}

fn admitted<'a>(app: &'a App, headers: &HeaderMap) -> Result<&'a Peers, Failed> {
    let Some(peers) = app.agreement.peers.as_deref() else {
        let reason = "this replica has no peers (rooms.peers)";
        return Err(Failed::new(StatusCode::NOT_FOUND, "no_peers", reason));
    };
    if !peers.tokens().admit(headers) {
        let reason = "a replica with the same rooms.secret_file is admitted, nobody else";
        return Err(Failed::new(StatusCode::UNAUTHORIZED, "unauthorized", reason));
    }
    Ok(peers)
}
