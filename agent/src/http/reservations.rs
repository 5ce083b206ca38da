//! `POST /v1/reservations` and `DELETE /v1/reservations/{id}`: promises of load.

use std::time::Instant;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use usher_common::wire::{ReservationAnswer, ReservationRequest, Reserved};

use super::Routes;
use crate::reservations::{Granted, Standing};
use crate::snapshot::Snapshot;

/// Longest id that is taken, bytes.
const ID_MAX: usize = 128;

/// CPU share at which a bridge calls itself full: its stress is in units of this.
const STRESS_UNIT: f64 = 0.9;

pub(super) async fn reserve(
    State(routes): State<Routes>,
    request: Result<Json<ReservationRequest>, JsonRejection>,
) -> Response {
    let bad = |error: String| {
        (StatusCode::BAD_REQUEST, Json(serde_json::json!({ "error": error }))).into_response()
    };
    let request = match request {
        Ok(Json(request)) => request,
        Err(rejection) => return bad(rejection.body_text()),
    };
    if request.id.is_empty() || request.id.len() > ID_MAX {
        return bad(format!("id must have 1 to {ID_MAX} bytes"));
    }
    if !request.expected.is_finite() || request.expected < 0.0 {
        return bad("expected must be a number from 0".to_owned());
    }
    let node = &routes.node;
    let snapshot = node.latest();
    let not_ready = node.not_ready(snapshot.as_deref(), Instant::now());
    let cpu = snapshot.as_deref().and_then(cpu);
    let stress = snapshot
        .as_deref()
        .and_then(|snapshot| snapshot.jitsi.as_ref()?.stress)
        .map(|stress| stress * STRESS_UNIT);
    let load = match (cpu, stress) {
        (Some(cpu), Some(stress)) => Some(cpu.max(stress)),
        (one, other) => one.or(other),
    };
    let answer = node.reservations.reserve(&request, Standing { not_ready: &not_ready, load });
    match answer {
        Ok(granted) => {
            let status = if granted == Granted::New { StatusCode::CREATED } else { StatusCode::OK };
            let body = Reserved {
                id: request.id,
                cpu_busy: cpu,
                pending: node.reservations.pending(),
                seq: snapshot.map_or(0, |snapshot| snapshot.seq),
            };
            (status, Json(ReservationAnswer::Reserved(body))).into_response()
        }
        Err(refused) => (StatusCode::CONFLICT, Json(ReservationAnswer::Refused { refused })).into_response(),
    }
}

pub(super) async fn release(State(routes): State<Routes>, Path(id): Path<String>) -> StatusCode {
    if routes.node.reservations.release(&id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

fn cpu(snapshot: &Snapshot) -> Option<f64> {
    let cpu = snapshot.host.cpu.as_ref()?;
    cpu.busy_smooth.or(cpu.busy)
}
