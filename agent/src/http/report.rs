//! `GET /v1/report`, which every aggregator asks each second.
//!
//! ```text
//!  GET, let in ──► front ──► answer
//!  all else ─────► router ─► 401, HEAD, 405, or the same answer
//! ```

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::sync::watch;
use usher_common::rt::http_server::Front;
use usher_common::wire::Report;

use super::guard::{Door, admits};
use super::{PACKED_FROM, Routes};
use crate::config::Access;
use crate::export;

/// Room for a report without rooms and for each room, bytes, so that writing one seldom moves it.
const REPORT_ABOUT: usize = 4096;
const ROOM_ABOUT: usize = 128;

/// Answers who may enter before the routes are asked, which cost as much again.
pub fn front(routes: Routes, access: watch::Receiver<Access>) -> Front {
    Arc::new(move |request| {
        let is_asked = request.method() == Method::GET && request.uri().path() == "/v1/report";
        if !is_asked || !admits(&access, Door::Api, request.headers()) {
            return None;
        }
        // After a panic the router tries again, whose layers make an answer of the next one.
        catch_unwind(AssertUnwindSafe(|| packed(answer(&routes, request.headers()), request.headers()))).ok()
    })
}

pub(super) async fn show(State(routes): State<Routes>, headers: HeaderMap) -> Response {
    match answer(&routes, &headers) {
        Answer::Known(tag) => known(tag),
        Answer::New(tag, body) => new(tag, body),
    }
}

/// What is answered.
enum Answer {
    /// The reader has it: its tag.
    Known(HeaderValue),
    /// Its tag and its text.
    New(HeaderValue, Vec<u8>),
}

fn answer(routes: &Routes, headers: &HeaderMap) -> Answer {
    let snapshot = routes.node.latest();
    let operator = routes.node.operator.now();
    let report = export::report::report(&routes.node, snapshot.as_deref(), operator, Instant::now());
    // A reader that has this sample needs no second copy, unless readiness or the operator's
    // wish changed since: they are part of the tag.
    let tag = format!("\"{}-{}-{:x}\"", report.boot_id, report.seq, standing(&report));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let is_known =
        known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag));
    let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
    if is_known {
        return Answer::Known(tag);
    }
    let rooms = report.rooms.as_ref().map_or(0, Vec::len);
    let mut text = Vec::with_capacity(REPORT_ABOUT + rooms * ROOM_ABOUT);
    serde_json::to_writer(&mut text, &report).expect("a report is plain data");
    Answer::New(tag, text)
}

/// A number that differs when readiness, operator state or reservations differ.
fn standing(report: &Report) -> u64 {
    let mut hasher = DefaultHasher::new();
    report.not_ready.hash(&mut hasher);
    report.operator.mode.hash(&mut hasher);
    report.operator.since_unix_ms.hash(&mut hasher);
    for reservation in &report.reservations {
        reservation.id.hash(&mut hasher);
    }
    hasher.finish()
}

fn known(tag: HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()
}

fn new(tag: HeaderValue, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// As the router's layer packs: when it is worth it and the reader can read it.
fn packed(answer: Answer, headers: &HeaderMap) -> Response {
    let (tag, body) = match answer {
        Answer::Known(tag) => return known(tag),
        Answer::New(tag, body) => (tag, body),
    };
    if body.len() < usize::from(PACKED_FROM) || !reads_gzip(headers) {
        return new(tag, body);
    }
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let Ok(smaller) = packer.write_all(&body).and_then(|()| packer.finish()) else { return new(tag, body) };
    let mut response = new(tag, smaller);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// Whether gzip is named, with a quality above 0 if with any.
fn reads_gzip(headers: &HeaderMap) -> bool {
    let all = headers.get_all(header::ACCEPT_ENCODING);
    all.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let quality = |part: &str| part.strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"))
            && parts.filter_map(quality).all(|quality| quality > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_read_by_whoever_names_it_unless_with_quality_nought() {
        let reads = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accept));
            reads_gzip(&headers)
        };
        assert!(reads("gzip") && reads("br, GZIP;q=0.5") && reads("deflate,gzip ; q=1"));
        assert!(!reads("gzip;q=0") && !reads("br") && !reads("") && !reads("gzip;q=0.0"));
    }
}
