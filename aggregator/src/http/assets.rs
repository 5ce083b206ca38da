//! The two files the pages need; served by ourselves, so that the pages work offline.

use axum::response::{IntoResponse as _, Response};
use http::header;

const CACHE: &str = "public, max-age=300";

/// `GET /style.css`.
pub(super) async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, CACHE)];
    (headers, include_str!("../page/style.css")).into_response()
}

/// `GET /icon.svg`.
pub(super) async fn icon() -> Response {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, CACHE)];
    (headers, include_str!("../page/icon.svg")).into_response()
}
