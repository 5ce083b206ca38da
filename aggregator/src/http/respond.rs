//! The shapes of answers: errors for programs, pages for people.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use maud::Markup;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fleet::NoPlace;
use crate::placement::Removal;

/// Any answer that is not the one asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// A closed word for programs: `no_server`, `bad_room_name`, `bad_request`, ...
    pub(super) error: &'static str,
    /// One sentence for people.
    pub(super) reason: String,
    /// For `bad_room_name`: `empty`, `too_long`, `forbidden_character` or `reserved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<&'static str>,
    /// For `no_server`: how many nodes cannot take rooms, by why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) nodes: BTreeMap<&'static str, usize>,
    /// For `no_server`: when to ask again, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_s: Option<u32>,
}

/// An error with its status.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) status: StatusCode,
    pub(super) body: ErrorBody,
}

impl Failed {
    pub(super) fn new(status: StatusCode, error: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let body = ErrorBody { error, reason, detail: None, nodes: BTreeMap::new(), retry_after_s: None };
        Self { status, body }
    }

    /// No node may take the room. Names of nodes are the operators' business, numbers are not.
    pub(super) fn no_server(none: &NoPlace) -> Self {
        let mut nodes: BTreeMap<&'static str, usize> = BTreeMap::new();
        for (_, why) in &none.reasons {
            *nodes.entry(why).or_default() += 1;
        }
        let all = |reason: &str| nodes.len() == 1 && nodes.contains_key(reason);
        let reason = if nodes.is_empty() {
            "no video server is known yet"
        } else if all(Removal::Full.as_str()) {
            "all video servers are full"
        } else if all(Removal::WrongRegion.as_str()) {
            "there is no video server in that region"
        } else {
            "no video server can take a new meeting at the moment"
        };
        let mut failed = Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_server", reason);
        failed.body.nodes = nodes;
        failed.body.retry_after_s =
            Some(u32::try_from(none.retry_after_ms.div_ceil(1000).max(1)).unwrap_or(u32::MAX));
        failed
    }

    /// As one line of text.
    pub(super) fn into_text(self) -> Response {
        let nodes: Vec<String> =
            self.body.nodes.iter().map(|(why, count)| format!("{count} {why}")).collect();
        let nodes = if nodes.is_empty() { String::new() } else { format!(" ({})", nodes.join(", ")) };
        let line = format!("{}{nodes}\n", self.body.reason);
        retry_later(self.body.retry_after_s, (self.status, line).into_response())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        retry_later(self.body.retry_after_s, (self.status, Json(self.body)).into_response())
    }
}

/// Adds `Retry-After`.
pub(super) fn retry_later(seconds: Option<u32>, mut response: Response) -> Response {
    if let Some(seconds) = seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A page. Nothing may be loaded but our own style and icon, no script runs, nobody may
/// frame it. `form-action` must allow more than ourselves: browsers apply it to the
/// redirects that follow a form too, and ours lead to the video servers, whose hosts
/// change while a page stays open.
pub(super) fn page(status: StatusCode, markup: Markup) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
                          form-action 'self' https: http:; base-uri 'none'; frame-ancestors 'none'";
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (status, headers, Html(markup.into_string())).into_response()
}

/// 303: go there, with GET.
pub(super) fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => {
            let mut response = StatusCode::SEE_OTHER.into_response();
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        // A parsed URL is ASCII; this cannot be reached by any report.
        Err(_) => Failed::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server's URL is unusable")
            .into_response(),
    }
}

/// Whether the client would rather have `media` than `other`.
pub(super) fn prefers(headers: &HeaderMap, media: &str, other: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let quality = |wanted: &str| {
        let parts = accept.split(',').filter_map(|part| {
            let mut fields = part.split(';').map(str::trim);
            let named = fields.next()?.eq_ignore_ascii_case(wanted);
            let q = fields.find_map(|field| field.strip_prefix("q=")?.parse::<f64>().ok());
            named.then_some(q.unwrap_or(1.0))
        });
        parts.fold(0.0, f64::max)
    };
    let wanted = quality(media);
    wanted > 0.0 && wanted >= quality(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_given_unless_something_else_is_named() {
        let text = |accept: &str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            prefers(&headers, "text/plain", "application/json")
        };
        assert!(text("text/plain") && text("text/plain;q=0.5, */*;q=0.1"));
        assert!(!text("*/*") && !text("application/json") && !text("text/plain;q=0.5, application/json"));
        assert!(!prefers(&HeaderMap::new(), "text/plain", "application/json"));
    }
}
