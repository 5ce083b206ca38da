//! `GET /metrics`: the host's families and the snapshot's, as text.

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, header};
use usher_common::metric::{Families, Format, encode};

use super::Routes;
use crate::export;

/// Placeholder until the host probes land.
#[derive(Debug)]
pub struct HostMetrics;

pub(super) async fn metrics(State(routes): State<Routes>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let format = Format::negotiate(accept);
    let now = Instant::now();
    let mut families = Families::new();
    let snapshot = routes.node.latest();
    export::metrics::add(&routes.node, snapshot.as_deref(), now, &mut families);
    ([(header::CONTENT_TYPE, format.content_type())], encode(format, families.as_slice())).into_response()
}
