//! Who may enter, asked anew at each request: the tokens may be replaced while we serve.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use tokio::sync::watch;

use crate::config::Access;

/// A group of routes with one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// `/v1`: a token, whenever one is configured. Off loopback one always is.
    Api,
    /// `/metrics`: a token, unless it is opened (as it is on loopback).
    Metrics,
}

/// Whether a request with these headers is let in.
pub(super) fn admits(access: &watch::Receiver<Access>, door: Door, headers: &HeaderMap) -> bool {
    let access = access.borrow();
    is_open(&access, door) || access.tokens.admit(headers)
}

fn is_open(access: &Access, door: Door) -> bool {
    match door {
        Door::Api => access.tokens.is_empty(),
        Door::Metrics => access.open_metrics,
    }
}

/// Lets the request in, or answers 401.
pub(super) async fn guard(
    State((access, door)): State<(watch::Receiver<Access>, Door)>,
    request: Request,
    next: Next,
) -> Response {
    let refusal = {
        let access = access.borrow();
        if is_open(&access, door) { None } else { access.tokens.refuse(&request) }
    };
    match refusal {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}
