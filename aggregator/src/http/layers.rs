//! What every answer of a listener goes through: counting, a deadline, a bound on bodies,
//! compression, and the headers that keep answers out of caches and frames.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use super::App;
use super::respond::Failed;
use crate::stats::Stats;

/// Largest request body, bytes: the largest we know is a form with a room's name.
const BODY_MAX: usize = 16 * 1024;
/// Deadline of an answer: none of ours waits for more than one agent.
const DEADLINE: Duration = Duration::from_secs(10);

/// Puts the layers around a listener's routes; the first named is the innermost.
pub(super) fn around(routes: Router<Arc<App>>, listener: &'static str, app: &Arc<App>) -> Router<Arc<App>> {
    let counting = Counting { stats: app.stats.clone(), listener };
    routes
        .fallback(|| async { Failed::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here") })
        .method_not_allowed_fallback(|| async {
            Failed::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this cannot be done here")
        })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, DEADLINE))
        .layer(map_response(finish))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(counting, count))
}

#[derive(Clone)]
struct Counting {
    stats: Arc<Stats>,
    listener: &'static str,
}

async fn count(State(counting): State<Counting>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    // The pattern, not the path: room names are personal data and have no bound.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = matched.as_ref().map_or("other", MatchedPath::as_str);
    let Counting { stats, listener } = counting;
    stats.requests.with_label_values(&[listener, route, response.status().as_str()]).inc();
    stats.request_seconds.with_label_values(&[listener, route]).observe(started.elapsed().as_secs_f64());
    response
}

async fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set = |name, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    response
}

#[expect(clippy::needless_pass_by_value, reason = "the layer wants a function of this type")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = words.unwrap_or("?"), "a request's handler panicked");
    Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong here").into_response()
}
