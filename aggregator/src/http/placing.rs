//! From what somebody asked for to where they are sent; shared by the API and the pages.

use std::time::Instant;

use usher_common::wire::RoomKey;

use super::App;
use super::respond::Failed;
use crate::fleet::{How, PlaceRequest, Placed};
use crate::rooms::{RoomName, generated};

/// Most people one may announce: the largest meetings known have a few thousand.
const EXPECTED_MAX: f64 = 10_000.0;
/// Longest region, bytes.
const REGION_MAX: usize = 100;

/// A wish as it came in, unchecked.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) region: Option<String>,
    pub(super) expected: Option<f64>,
}

impl Wanted {
    fn checked(self) -> Result<PlaceRequest, Failed> {
        let invalid =
            |error, reason: String| Err(Failed::new(http::StatusCode::UNPROCESSABLE_ENTITY, error, reason));
        let region = self.region.map(|region| region.trim().to_owned()).filter(|region| !region.is_empty());
        if region.as_ref().is_some_and(|region| region.len() > REGION_MAX) {
            return invalid("bad_region", format!("a region has at most {REGION_MAX} bytes"));
        }
        if let Some(expected) = self.expected.filter(|n| !(1.0..=EXPECTED_MAX).contains(n)) {
            let reason = format!("expected_participants must be from 1 to {EXPECTED_MAX}, but is {expected}");
            return invalid("bad_expected_participants", reason);
        }
        Ok(PlaceRequest { room: None, region, expected: self.expected })
    }
}

/// A server for a meeting that we know nothing of.
pub(super) async fn place_any(app: &App, wanted: Wanted) -> Result<Placed, Failed> {
    place(app, &wanted.checked()?).await
}

/// The server of a room, by its name or by one made up.
pub(super) async fn place_room(
    app: &App,
    name: Option<&str>,
    wanted: Wanted,
) -> Result<(RoomName, Placed), Failed> {
    let (mut request, name) = wish(app, name, wanted)?;
    let name = name.unwrap_or_else(|| generated(rand::random()));
    request.room = Some(RoomKey::of(&app.room_secret, "", name.as_str()));
    let placed = place(app, &request).await?;
    Ok((name, placed))
}

/// What is asked, checked, and the room's name if it was given one.
pub(super) fn wish(
    app: &App,
    name: Option<&str>,
    wanted: Wanted,
) -> Result<(PlaceRequest, Option<RoomName>), Failed> {
    let name = name.map(RoomName::parse).transpose().map_err(|bad| {
        let mut failed =
            Failed::new(http::StatusCode::UNPROCESSABLE_ENTITY, "bad_room_name", bad.to_string());
        failed.body.detail = Some(bad.as_str());
        failed
    })?;
    let mut request = wanted.checked()?;
    request.room = name.as_ref().map(|name| RoomKey::of(&app.room_secret, "", name.as_str()));
    Ok((request, name))
}

async fn place(app: &App, request: &PlaceRequest) -> Result<Placed, Failed> {
    let started = Instant::now();
    let outcome = app.placer.place(request, app.readiness().ready).await;
    app.stats.placement_seconds.observe(started.elapsed().as_secs_f64());
    let word = outcome.as_ref().map_or("none", |placed| placed.how.as_str());
    app.stats.placements.with_label_values(&[word]).inc();
    outcome.map_err(|none| {
        app.stats.refusals.with_label_values(&[none.main_reason()]).inc();
        Failed::no_server(&none)
    })
}

/// Whether the room was there before it was asked for.
pub(super) fn was_known(placed: &Placed) -> bool {
    placed.how != How::Placed
}
