//! `GET /api/v1/openapi.json`: the public contract, made from the handlers themselves.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use utoipa::OpenApi;

use super::public;
use super::respond::ErrorBody;

#[derive(OpenApi)]
#[openapi(
    info(title = "Usher", description = "Finds the video server with the most room for a meeting."),
    paths(public::server, public::rooms),
    components(schemas(public::Server, public::RoomRequest, public::RoomAnswer, ErrorBody))
)]
struct Contract;

pub(super) async fn document() -> Response {
    Json(Contract::openapi()).into_response()
}
