//! For load balancers and service managers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::App;

/// `GET /-/healthy`: the process lives. Never depends on anybody else.
pub(super) async fn healthy() -> &'static str {
    "healthy\n"
}

/// `GET /-/ready`: 200 when requests should be sent here, 503 with the reasons otherwise;
/// always 503 once the process was told to stop, though it still answers for a while.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let readiness = app.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}
