//! The public API: thin; what it does is `placing`'s.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::placing::{Wanted, place_any, place_room, was_known};
use super::respond::{ErrorBody, Failed, prefers};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ServerQuery {
    /// Preferably a server of this region; another where none there is comfortable, unless the
    /// operators forbid it.
    region: Option<String>,
    /// People expected.
    expected_participants: Option<f64>,
}

/// A video server.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Server {
    /// Where it is; ends in `/`, a room's name may be appended.
    url: String,
    /// Its name.
    server: String,
    /// Its region, if it has one.
    region: Option<String>,
}

/// The best server for a new meeting. Each call is a placement: whoever asks is taken to send a
/// meeting there, and the server keeps room for it for a while. Do not poll it; for a look without
/// consequences operators have `/api/v1/explain`.
#[utoipa::path(
    get, path = "/api/v1/server", params(ServerQuery),
    responses(
        (status = 200, description = "The best server; with `Accept: text/plain` just its URL", content(
            (Server = "application/json"), (String = "text/plain"))),
        (status = 400, description = "A parameter is unknown or malformed", body = ErrorBody),
        (status = 422, description = "A parameter's value is not possible", body = ErrorBody),
        (status = 503, description = "No server can take a meeting; see Retry-After", body = ErrorBody),
    )
)]
pub(super) async fn server(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<ServerQuery>, QueryRejection>,
) -> Response {
    let plain = prefers(&headers, "text/plain", "application/json");
    let outcome = match query {
        Ok(Query(query)) => {
            place_any(&app, Wanted { region: query.region, expected: query.expected_participants }).await
        }
        Err(error) => Err(bad_request(&error.body_text())),
    };
    match outcome {
        Ok(placed) if plain => format!("{}\n", placed.url).into_response(),
        Ok(placed) => {
            let server = placed.node.to_string();
            Json(Server { url: placed.url.to_string(), server, region: placed.region }).into_response()
        }
        Err(failed) if plain => failed.into_text(),
        Err(failed) => failed.into_response(),
    }
}

/// A room that is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomRequest {
    /// Its name; without one, a strong readable one is made. Upper and lower case are the same.
    name: Option<String>,
    /// People expected, from 1.
    expected_participants: Option<f64>,
    /// Preferably a server of this region, if the room is nowhere yet.
    region: Option<String>,
}

/// Where a room is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoomAnswer {
    /// Its name, blanks turned to `-`.
    room: String,
    /// Where to go.
    url: String,
    /// The server it is on.
    server: String,
    /// The server's region, if it has one.
    region: Option<String>,
}

/// Places a room, or finds it where it is live or promised.
#[utoipa::path(
    post, path = "/api/v1/rooms", request_body = RoomRequest,
    responses(
        (status = 201, description = "Placed", body = RoomAnswer),
        (status = 200, description = "It is live or promised already: there", body = RoomAnswer),
        (status = 400, description = "The body is not the JSON that is expected", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 422, description = "A value is not possible, such as a room name with a '?'", body = ErrorBody),
        (status = 503, description = "No server can take a meeting; see Retry-After", body = ErrorBody),
    )
)]
pub(super) async fn rooms(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<RoomAnswer>), Failed> {
    let body = body.map_err(|error| Failed::new(error.status(), "bad_request", error.body_text()))?;
    // No body at all asks for a room without a name.
    let request = if body.is_empty() {
        RoomRequest::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| bad_request(&error.to_string()))?
    };
    let wanted = Wanted { region: request.region, expected: request.expected_participants };
    let (name, placed) = place_room(&app, request.name.as_deref(), wanted).await?;
    let answer = RoomAnswer {
        url: placed.url.room(name.as_str()).into(),
        room: name.to_string(),
        server: placed.node.to_string(),
        region: placed.region.clone(),
    };
    let status = if was_known(&placed) { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(answer)))
}

fn bad_request(what: &str) -> Failed {
    Failed::new(StatusCode::BAD_REQUEST, "bad_request", what)
}
