//! The web server: its page, and `stub_status`, which no stock stack has switched on.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::routing::get;

use super::Shared;

pub(super) fn routes(world: Shared) -> Router {
    let config = || async {
        (
            [(header::CONTENT_TYPE, "application/javascript"), (header::CACHE_CONTROL, "no-cache")],
            "var config = {};\n",
        )
            .into_response()
    };
    let status = || async {
        "Active connections: 3 \nserver accepts handled requests\n 120 119 430 \nReading: 0 Writing: 1 Waiting: 2 \n"
    };
    Router::new()
        .route("/", get(|| async { "<!DOCTYPE html><title>Jitsi Meet</title>\n" }))
        .route("/config.js", get(config))
        .route("/nginx_status", get(status))
        .with_state(world)
}
