//! The operators' routes: thin; what they show is the fleet's view.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use usher_common::metric::{Format, encode};
use usher_common::wire::OperatorMode;

use super::App;
use super::placing::{Wanted, wish};
use super::respond::{Failed, page};
use crate::claims::StoreView;
use crate::discovery::FileView;
use crate::export::{Told, families};
use crate::fleet::{Explained, FleetView, Lessons, NodeView, Readiness};
use crate::page::dashboard::dashboard as dashboard_page;
use crate::peers;

/// Answer of `GET /api/v1/fleet`.
#[derive(Debug, Serialize)]
struct Fleet {
    readiness: Readiness,
    rooms_remembered: usize,
    /// The store of claims; `None` without one.
    store: Option<StoreView>,
    /// The other replicas; `None` without any.
    replicas: Option<peers::View>,
    lessons: Lessons,
    discovery_files: Vec<FileView>,
    #[serde(flatten)]
    view: FleetView,
}

/// `GET /`: the fleet at a glance.
pub(super) async fn dashboard(State(app): State<Arc<App>>) -> Response {
    let files = app.discovery.borrow().files.clone();
    let store = app.agreement.claims.as_ref().map(|claims| claims.view());
    page(StatusCode::OK, dashboard_page(&app.fleet.view(), &app.readiness(), &files, store.as_ref()))
}

/// `GET /api/v1/fleet`.
pub(super) async fn fleet(State(app): State<Arc<App>>) -> Response {
    let fleet = Fleet {
        readiness: app.readiness(),
        rooms_remembered: app.fleet.remembered(),
        store: app.agreement.claims.as_ref().map(|claims| claims.view()),
        replicas: app.agreement.peers.as_ref().map(|peers| peers.view()),
        lessons: app.fleet.lessons(),
        discovery_files: app.discovery.borrow().files.clone(),
        view: app.fleet.view(),
    };
    Json(fleet).into_response()
}

/// `GET /api/v1/fleet/{node}`.
pub(super) async fn node(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<NodeView>, Failed> {
    app.fleet.node(&name).map(Json).ok_or_else(|| unknown_node(&name))
}

/// What to explain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainQuery {
    room: Option<String>,
    region: Option<String>,
    expected_participants: Option<f64>,
}

/// `GET /api/v1/explain`: the ranking that a placement now would use; nothing is placed.
pub(super) async fn explain(
    State(app): State<Arc<App>>,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Result<Json<Explained>, Failed> {
    let Query(query) =
        query.map_err(|error| Failed::new(StatusCode::BAD_REQUEST, "bad_request", error.body_text()))?;
    let wanted = Wanted { region: query.region, expected: query.expected_participants };
    let (request, _) = wish(&app, query.room.as_deref(), wanted)?;
    Ok(Json(app.fleet.explain(&request)))
}

/// `PUT /api/v1/fleet/{node}/state`: checked for its mode, forwarded to the agent as it
/// is; the agent's answer is the answer.
pub(super) async fn set_state(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Failed> {
    let bad = |reason: String| Failed::new(StatusCode::BAD_REQUEST, "bad_request", reason);
    let state: Value = serde_json::from_slice(&body).map_err(|error| bad(error.to_string()))?;
    serde_json::from_value::<OperatorMode>(state["mode"].clone())
        .map_err(|_| bad("mode must be ready, drain or maint".to_owned()))?;
    let target = app.fleet.target(&name).ok_or_else(|| unknown_node(&name))?;
    let answer = app.agents.set_state(&target, &state).await.map_err(|failure| {
        let reason = format!("the agent at {} did not answer: {failure}", target.id);
        Failed::new(StatusCode::BAD_GATEWAY, "agent_unreachable", reason)
    })?;
    tracing::info!(node = name, mode = %state["mode"], status = answer.status.as_u16(), "operator's wish forwarded");
    if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        // Not the operator's credentials are wrong, but ours.
        let reason = format!("the agent at {} does not take our token (token_file)", target.id);
        return Err(Failed::new(StatusCode::BAD_GATEWAY, "agent_denied", reason));
    }
    let kind = answer.headers.get(header::CONTENT_TYPE).cloned();
    let kind = kind.map(|kind| [(header::CONTENT_TYPE, kind)]);
    Ok((answer.status, kind, answer.body).into_response())
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = Format::negotiate(accept);
    let told = Told {
        view: app.fleet.view(),
        discovery: app.discovery.borrow().clone(),
        ready: app.readiness().ready,
        rooms_remembered: app.fleet.remembered(),
        lessons: app.fleet.lessons(),
        peers: app.agreement.peers.as_ref().map(|peers| peers.view()),
    };
    let families = families(&told, &app.stats.gather());
    ([(header::CONTENT_TYPE, format.content_type())], encode(format, [&families])).into_response()
}

fn unknown_node(name: &str) -> Failed {
    let reason = format!("there is no node {name:?}; see /api/v1/fleet");
    Failed::new(StatusCode::NOT_FOUND, "unknown_node", reason)
}
