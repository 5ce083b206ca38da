//! The pages and redirects for people. Everything works without JavaScript.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::{FormRejection, PathRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::App;
use super::placing::{Wanted, place_room};
use super::respond::{Failed, page, prefers, retry_later, see_other};
use crate::page::front::{Front, Sorry, front as front_page, sorry};

/// What the form sends; everything may be empty.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Meeting {
    #[serde(default)]
    name: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    people: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct JoinQuery {
    region: Option<String>,
}

/// `GET /`: the front page.
pub(super) async fn front(State(app): State<Arc<App>>) -> Response {
    let regions = app.fleet.regions();
    page(StatusCode::OK, front_page(&Front { regions: &regions, ..Front::default() }))
}

/// `GET /meet`: a reload of the form's address leads back to the form.
pub(super) async fn to_front() -> Response {
    see_other("/")
}

/// `POST /meet`: the form's answer, a redirect to the room.
pub(super) async fn meet(
    State(app): State<Arc<App>>,
    form: Result<Form<Meeting>, FormRejection>,
) -> Response {
    let meeting = match form {
        Ok(Form(meeting)) => meeting,
        Err(error) => return again(&app, error.status(), &Meeting::default(), "The form could not be read."),
    };
    let people = meeting.people.trim();
    let Ok(expected) = (!people.is_empty()).then(|| people.parse::<f64>()).transpose() else {
        return again(
            &app,
            StatusCode::UNPROCESSABLE_ENTITY,
            &meeting,
            "Please give the number of people in digits.",
        );
    };
    let name = Some(meeting.name.as_str()).filter(|name| !name.trim().is_empty());
    let wanted = Wanted { region: Some(meeting.region.clone()), expected };
    match place_room(&app, name, wanted).await {
        Ok((name, placed)) => see_other(placed.url.room(name.as_str()).as_str()),
        Err(failed) if failed.body.error == "no_server" => no_server(&failed, None),
        Err(failed) => again(&app, failed.status, &meeting, &failed.body.reason),
    }
}

/// `GET /join/{room}`: a redirect to the room, wherever it is.
pub(super) async fn join(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    room: Result<Path<String>, PathRejection>,
    Query(query): Query<JoinQuery>,
) -> Response {
    let placed = match &room {
        Ok(Path(room)) => place_room(&app, Some(room), Wanted { region: query.region, expected: None }).await,
        Err(error) => Err(Failed::new(error.status(), "bad_room_name", error.body_text())),
    };
    match placed {
        Ok((name, placed)) => see_other(placed.url.room(name.as_str()).as_str()),
        Err(failed) if prefers(&headers, "application/json", "text/html") => failed.into_response(),
        Err(failed) if failed.body.error == "no_server" => {
            no_server(&failed, room.as_ref().ok().map(|Path(room)| room.as_str()))
        }
        Err(failed) => {
            let meeting = Meeting {
                name: room.map_or_else(|_| String::new(), |Path(room)| room),
                ..Meeting::default()
            };
            again(&app, failed.status, &meeting, &failed.body.reason)
        }
    }
}

/// The form once more, with what was entered and what is wrong with it.
fn again(app: &App, status: StatusCode, meeting: &Meeting, error: &str) -> Response {
    let regions = app.fleet.regions();
    let front = Front {
        regions: &regions,
        name: &meeting.name,
        region: &meeting.region,
        people: &meeting.people,
        error: Some(error),
    };
    page(status, front_page(&front))
}

fn no_server(failed: &Failed, room: Option<&str>) -> Response {
    let markup =
        sorry(&Sorry { reason: &failed.body.reason, retry_after_s: failed.body.retry_after_s, room });
    retry_later(failed.body.retry_after_s, page(failed.status, markup))
}
