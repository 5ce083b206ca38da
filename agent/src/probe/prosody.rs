//! What prosody says: health, whether it answers, series, and the census of rooms.
//!
//! Room names end here: they become keyed hashes and are dropped. No error, log line or
//! `Debug` output of this file can hold one.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use usher_common::wire::{ProbeFailure, Room, RoomKey};

use super::json::{count, object, whole};
use super::jvb::is_page;
use super::reading::{Answered, Failed, Reading};
use super::series::Series;

/// Jicofo's health check makes a room of this name every 10 s. Present census modules leave
/// it out, former ones did not.
const HEALTH_CHECK_ROOM: &str = "__jicofo-health-check";

/// Times at or above this are milliseconds: as seconds it is the year 5138, as milliseconds 1973.
const MILLISECONDS_FROM: f64 = 1e11;

/// The rooms of one prosody.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Census {
    /// The rooms by their keys; `None` without the fleet's secret.
    pub rooms: Option<Vec<Room>>,
    /// People in all rooms, jicofo not counted.
    pub participants: u64,
    /// Rooms with somebody in them.
    pub conferences: u64,
    /// People in the largest room.
    pub largest_conference: u64,
    /// Rooms whose people are all gone without leaving; not in any other figure.
    pub leaked: u64,
    /// Entries that could not be understood; not in any other figure.
    pub skipped: u64,
}

/// Reads `/health` of mod_http_health. It answers 403 to whoever is not on its list, which
/// in a stock stack is everybody outside the container.
pub fn health(answered: &Answered<'_>) -> Result<Reading, Failed> {
    match answered.status {
        200 if is_page(answered.body) => Err(Failed::malformed("a page, no health check")),
        200 => Ok(Reading::Well),
        500 => Err(Failed::new(ProbeFailure::Unhealthy, "HTTP 500: a module of prosody has an error")),
        status => Err(Failed::of_status(status)),
    }
}

/// Reads the page that `GET /http-bind` answers.
pub fn bosh(answered: &Answered<'_>) -> Result<Reading, Failed> {
    if answered.status == 200 { Ok(Reading::Well) } else { Err(Failed::of_status(answered.status)) }
}

/// Reads `/metrics`, to pass it on.
pub fn metrics(answered: &Answered<'_>) -> Result<Reading, Failed> {
    let (series, []) = Series::read(answered, "prosody_", [])?;
    Ok(Reading::Series(series))
}

/// Reads `/room-census`: a list of rooms, or `{}` from versions whose JSON library takes an
/// empty table for an object.
pub fn census(answered: &Answered<'_>) -> Result<Reading, Failed> {
    if answered.status != 200 {
        return Err(Failed::of_status(answered.status));
    }
    let map = object(answered.body)?;
    let entries = match map.get("room_census") {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(Value::Object(none)) if none.is_empty() => &[],
        _ => return Err(Failed::malformed("no list named room_census in it")),
    };
    let mut census = Census { rooms: answered.room_secret.map(|_| Vec::new()), ..Census::default() };
    for entry in entries {
        add(&mut census, entry, answered);
    }
    if census.skipped > 0 && census.skipped == entries.len() as u64 {
        return Err(Failed::malformed("a census without a single room that can be understood"));
    }
    Ok(Reading::Census(census))
}

fn add(census: &mut Census, entry: &Value, answered: &Answered<'_>) {
    let room = entry.as_object().and_then(|entry| {
        let address = entry.get("room_name")?.as_str()?;
        Some((address, people(entry)?, entry))
    });
    let Some((address, participants, entry)) = room else {
        census.skipped += 1;
        return;
    };
    let (tenant, name) = tenant_and_name(address);
    if name.starts_with(HEALTH_CHECK_ROOM) {
        return;
    }
    if entry.get("leaked").and_then(Value::as_bool) == Some(true) {
        census.leaked += 1;
        return;
    }
    census.participants += participants;
    census.conferences += u64::from(participants > 0);
    census.largest_conference = census.largest_conference.max(participants);
    if let (Some(rooms), Some(secret)) = (&mut census.rooms, answered.room_secret) {
        let key = RoomKey::of(secret, &tenant, &name);
        rooms.push(Room { key, participants, age_s: age(entry, answered.now_unix_s) });
    }
}

/// The census subtracts jicofo from the occupants, which gives -1 before it has joined.
fn people(entry: &Map<String, Value>) -> Option<u64> {
    match entry.get("participants")?.as_f64()? {
        below if below < 0.0 => Some(0),
        _ => count(entry, "participants"),
    }
}

/// `[tenant]room@muc.example.org` to tenant (or "") and room, both percent-decoded: clients
/// encode what is not ASCII before they join.
fn tenant_and_name(address: &str) -> (String, String) {
    let local = address.split_once('@').map_or(address, |(local, _)| local);
    let (tenant, name) = local.strip_prefix('[').and_then(|rest| rest.split_once(']')).unwrap_or(("", local));
    let decode = |text: &str| {
        percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
    };
    (decode(tenant), decode(name))
}

/// Seconds since the room was made; prosody writes milliseconds, as a number or as a text.
fn age(entry: &Map<String, Value>, now_unix_s: u64) -> Option<u64> {
    let created = entry.get("created_time")?;
    let created = created.as_f64().or_else(|| created.as_str()?.trim().parse().ok())?;
    let seconds = if created >= MILLISECONDS_FROM { created / 1000.0 } else { created };
    let made = whole(seconds).filter(|made| *made > 0)?;
    Some(now_unix_s.saturating_sub(made))
}

#[cfg(test)]
mod tests;
