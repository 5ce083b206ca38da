//! `GET /api/v1/decisions`: the newest placements with all their inputs, one JSON a line, oldest
//! first. `?after=` the last number seen follows them; `usherctl replay` takes the lines as a file.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde::Deserialize;

use super::App;
use super::respond::Failed;

/// Decisions given when nobody says how many: of a fleet of 100 nodes some megabytes.
const LIMIT: usize = 100;

/// Which decisions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionsQuery {
    limit: Option<usize>,
    after: Option<u64>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<DecisionsQuery>, QueryRejection>,
) -> Result<Response, Failed> {
    let Query(query) =
        query.map_err(|error| Failed::new(StatusCode::BAD_REQUEST, "bad_request", error.body_text()))?;
    let mut lines = Vec::new();
    for decision in app.decisions.list(query.after, query.limit.unwrap_or(LIMIT)) {
        serde_json::to_writer(&mut lines, &*decision)
            .map_err(|error| Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
        lines.push(b'\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}
