//! The agent's own page. Where no Jitsi is configured, it is what the public URL of the
//! node points at, and says so: nobody is sent to a promise that nothing keeps.

use std::time::Instant;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::Routes;
use crate::node::{Node, UrlSource};

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}\
                     :root{color-scheme:light dark}";

pub(super) async fn landing(State(routes): State<Routes>) -> Response {
    page(&routes.node, None)
}

/// A room's URL on a node without Jitsi leads here; on any other it is not ours.
pub(super) async fn room(State(routes): State<Routes>, Path(room): Path<String>) -> Response {
    if routes.node.identity.url_source != UrlSource::OwnPage {
        return (StatusCode::NOT_FOUND, "no such page; see / for what there is\n").into_response();
    }
    page(&routes.node, Some(&room))
}

fn page(node: &Node, room: Option<&str>) -> Response {
    let snapshot = node.latest();
    let reasons: Vec<&str> =
        node.not_ready(snapshot.as_deref(), Instant::now()).iter().map(|reason| reason.as_str()).collect();
    let name = node.identity.node.as_str();
    let url = node.identity.public_url.to_string();
    let body: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { "Usher agent on " (name) }
                style { (STYLE) }
            }
            body {
                h1 { "Usher agent on " (name) }
                @if let Some(room) = room {
                    p { "You were sent here for the meeting " strong { (room) } "." }
                }
                @match node.identity.url_source {
                    UrlSource::OwnPage => p {
                        "No Jitsi is configured on this machine, so the address handed out for it is this page. "
                        "Set " code { "public_url" } " (or " code { "stack.directory" } ") in the agent's settings, "
                        "and meetings open there."
                    },
                    UrlSource::Settings | UrlSource::StackEnvironment => p {
                        "Meetings on this node open at " a href=(url) { (url) } "."
                    },
                }
                p {
                    @if reasons.is_empty() { "The node takes new rooms." }
                    @else { "The node takes no new rooms: " (reasons.join(", ")) "." }
                }
                ul {
                    li { a href="/metrics" { "/metrics" } " for Prometheus" }
                    li { a href="/v1/report" { "/v1/report" } " for the aggregator" }
                    li { a href="/-/healthy" { "/-/healthy" } ", " a href="/-/ready" { "/-/ready" } }
                }
            }
        }
    };
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, body).into_response()
}
