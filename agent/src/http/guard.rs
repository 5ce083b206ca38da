//! Who may enter, asked anew at each request: the tokens may be replaced while we serve.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
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

/// Lets the request in, or answers 401.
pub(super) async fn guard(
    State((access, door)): State<(watch::Receiver<Access>, Door)>,
    request: Request,
    next: Next,
) -> Response {
    let refusal = {
        let access = access.borrow();
        let open = match door {
            Door::Api => access.tokens.is_empty(),
            Door::Metrics => access.open_metrics,
        };
        if open { None } else { access.tokens.refuse(&request) }
    };
    match refusal {
        Some(refusal) => refusal,
        None => next.run(request).await,
    }
}
