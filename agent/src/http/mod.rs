//! The routes. Thin: each looks at the newest snapshot and turns it into bytes.
//!
//! | route | token |
//! |---|---|
//! | `/-/healthy`, `/-/ready`, `/`, `/{room}` | never |
//! | `/metrics` | off loopback, unless the settings open it |
//! | `/v1/…` | whenever one is configured (off loopback: always) |

mod guard;
mod metrics;
mod page;
mod report;
mod reservations;
mod stack;
mod state;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use http::{StatusCode, header};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _, SizeAbove};
use usher_common::wire::REPORT_SCHEMA;

use guard::Door;
use tokio::sync::watch;

use crate::config::Access;
use crate::node::Node;

pub use metrics::HostMetrics;
pub use report::front;

/// Largest request body that is read, bytes.
const BODY_MAX: usize = 64 << 10;

/// Shorter answers are not packed, bytes: they fit what a TCP connection sends before it waits
/// for the first acknowledgement (ten segments, RFC 6928), so that packing them, each second for
/// each aggregator, costs both sides more than it saves.
const PACKED_FROM: u16 = 14_000;

/// What the routes answer from.
#[derive(Debug, Clone)]
pub struct Routes {
    /// The running agent.
    pub node: Arc<Node>,
    /// The host's metric families.
    pub host: Arc<HostMetrics>,
}

/// The router.
pub fn router(routes: Routes, access: &watch::Receiver<Access>) -> Router {
    let guarded = |door| middleware::from_fn_with_state((access.clone(), door), guard::guard);
    let v1 = Router::new()
        .route("/v1/report", get(report::show))
        .route("/v1/report/schema", get(schema))
        .route("/v1/state", get(state::show).put(state::set))
        .route("/v1/reservations", post(reservations::reserve))
        .route("/v1/reservations/{id}", delete(reservations::release))
        .route("/v1/stack", get(stack::overview))
        .route("/v1/stack/plan", get(stack::plan))
        .route("/v1/stack/deploy", post(stack::deploy))
        .route("/v1/stack/deploy/{id}", get(stack::follow))
        .route("/v1/stack/rollback", post(stack::rollback))
        .route_layer(guarded(Door::Api));
    let scrape = Router::new().route("/metrics", get(metrics::metrics)).route_layer(guarded(Door::Metrics));
    let open = Router::new()
        .route("/", get(page::landing))
        .route("/{room}", get(page::room))
        .route("/-/healthy", get(|| async { "healthy\n" }))
        .route("/-/ready", get(ready));
    open.merge(v1)
        .merge(scrape)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(DefaultPredicate::new().and(SizeAbove::new(PACKED_FROM))),
        )
        .layer(CatchPanicLayer::new())
        .with_state(routes)
}

async fn schema() -> Response {
    ([(header::CONTENT_TYPE, "application/schema+json")], REPORT_SCHEMA).into_response()
}

async fn ready(State(routes): State<Routes>) -> Response {
    let snapshot = routes.node.latest();
    let reasons = routes.node.not_ready(snapshot.as_deref(), Instant::now());
    if reasons.is_empty() {
        return "ready\n".into_response();
    }
    let words: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
    (StatusCode::SERVICE_UNAVAILABLE, Body::from(format!("not ready: {}\n", words.join(", "))))
        .into_response()
}
