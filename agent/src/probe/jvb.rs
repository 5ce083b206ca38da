//! What the bridge (jitsi-videobridge) says: series, statistics, health, version.
//!
//! `/metrics` is on in a stock stack and holds every figure; `/colibri/stats` must be switched
//! on and gives bit rates in kbit/s where the series give bit/s. The bridge refreshes its gauges
//! every 5 s and its stress every 10 s, so that asking faster shows nothing new but its death.
//! Its health check does not look at its link to prosody; [`Bridge::linked`] does.

use serde_json::{Map, Value};
use usher_common::wire::ProbeFailure;

use super::json::{count, flag, number, object, short, text, whole};
use super::reading::{Answered, Failed, Reading};
use super::series::Series;

/// The bridge's figures. `None` is "not known", also when the bridge said nonsense.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bridge {
    /// 0 is idle, 1 is full, may exceed 1. The JVM says -1 or NaN when it does not know.
    pub stress: Option<f64>,
    /// People connected to this very bridge.
    pub local_endpoints: Option<u64>,
    /// Conferences with media here.
    pub conferences: Option<u64>,
    /// Endpoints of the largest conference.
    pub largest_conference: Option<u64>,
    /// Endpoints since the bridge started.
    pub joins_total: Option<u64>,
    /// Media in, bits per second.
    pub receive_bits_per_s: Option<f64>,
    /// Media out, bits per second.
    pub transmit_bits_per_s: Option<f64>,
    /// The result of its last internal check.
    pub healthy: Option<bool>,
    /// Whether it is joined to prosody's rooms of bridges; without it jicofo does not see it.
    pub linked: Option<bool>,
    /// Refuses new conferences and ends when empty.
    pub graceful_shutdown: Option<bool>,
    /// Is ending now.
    pub shutting_down: Option<bool>,
    /// Asks jicofo to prefer others.
    pub draining: Option<bool>,
    /// Its version.
    pub version: Option<String>,
    /// Its own series; empty when read from the statistics.
    pub series: Series,
}

/// Reads `/metrics`.
pub fn metrics(answered: &Answered<'_>) -> Result<Reading, Failed> {
    let names = [
        "stress",
        "local_endpoints",
        "current_endpoints",
        "conferences",
        "largest_conference",
        "endpoints_total",
        "incoming_bitrate",
        "outgoing_bitrate",
        "healthy",
        "muc_clients_configured",
        "muc_clients_connected",
        "mucs_joined",
        "graceful_shutdown",
        "shutting_down",
        "drain_mode",
    ];
    let (series, found) = Series::read(answered, "jitsi_jvb_", names)?;
    let [stress, local, current, conferences, largest, joins, incoming, outgoing, rest @ ..] =
        found.map(|value| value.filter(|value| value.is_finite()));
    let [healthy, configured, connected, joined, graceful_shutdown, shutting_down, draining] = rest;
    let whole_of = |value: Option<f64>| value.and_then(whole);
    let rate_of = |value: Option<f64>| value.filter(|rate| *rate >= 0.0);
    let flag_of = |value| match value {
        Some(0.0) => Some(false),
        Some(1.0) => Some(true),
        _ => None,
    };
    let bridge = Bridge {
        stress: rate_of(stress),
        local_endpoints: whole_of(local).or_else(|| whole_of(current)),
        conferences: whole_of(conferences),
        largest_conference: whole_of(largest),
        joins_total: whole_of(joins),
        receive_bits_per_s: rate_of(incoming),
        transmit_bits_per_s: rate_of(outgoing),
        healthy: flag_of(healthy),
        linked: linked(whole_of(configured), whole_of(connected), whole_of(joined)),
        graceful_shutdown: flag_of(graceful_shutdown),
        shutting_down: flag_of(shutting_down),
        draining: flag_of(draining),
        version: None,
        series,
    };
    Ok(Reading::Bridge(Box::new(bridge)))
}

/// Reads `/colibri/stats`, of present and former versions.
pub fn stats(answered: &Answered<'_>) -> Result<Reading, Failed> {
    if answered.status != 200 {
        return Err(Failed::of_status(answered.status));
    }
    let map = object(answered.body)?;
    let bridge = Bridge {
        stress: number(&map, "stress_level").filter(|stress| *stress >= 0.0),
        local_endpoints: count(&map, "local_endpoints").or_else(|| endpoints_here(&map)),
        conferences: count(&map, "conferences"),
        largest_conference: count(&map, "largest_conference"),
        joins_total: count(&map, "total_participants"),
        receive_bits_per_s: kilobits(&map, "bit_rate_download"),
        transmit_bits_per_s: kilobits(&map, "bit_rate_upload"),
        healthy: flag(&map, "healthy"),
        linked: linked(
            count(&map, "muc_clients_configured"),
            count(&map, "muc_clients_connected"),
            count(&map, "mucs_joined"),
        ),
        graceful_shutdown: flag(&map, "graceful_shutdown"),
        shutting_down: flag(&map, "shutting_down"),
        draining: flag(&map, "drain"),
        version: text(&map, "version"),
        series: Series::default(),
    };
    // Any text can be a version: alone it is no sign of a bridge.
    if bridge == (Bridge { version: bridge.version.clone(), ..Bridge::default() }) {
        return Err(Failed::malformed("a JSON object without any figure of the bridge's statistics"));
    }
    Ok(Reading::Bridge(Box::new(bridge)))
}

/// Reads `/about/health`, which JVB and jicofo answer alike: 200 or the check's own status,
/// 500 when it will not pass by itself, 503 when it may.
pub fn health(answered: &Answered<'_>) -> Result<Reading, Failed> {
    match answered.status {
        200 if is_page(answered.body) => Err(Failed::malformed("a page, no health check")),
        200 => Ok(Reading::Well),
        status @ 500..=599 if status != 501 => Err(Failed {
            reason: ProbeFailure::Unhealthy,
            soft: status == 503,
            detail: complaint(status, answered.body),
        }),
        status => Err(Failed::of_status(status)),
    }
}

/// Whether a body is HTML or XML, as another server's error page or front page.
pub(super) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// Reads `/about/version`.
pub fn version(answered: &Answered<'_>) -> Result<Reading, Failed> {
    if answered.status != 200 {
        return Err(Failed::of_status(answered.status));
    }
    let version = text(&object(answered.body)?, "version");
    version.map(Reading::Version).ok_or_else(|| Failed::malformed("no version in it"))
}

/// Broken as soon as one figure says so; known to be well when the joined rooms are known.
fn linked(configured: Option<u64>, connected: Option<u64>, joined: Option<u64>) -> Option<bool> {
    let lost = configured.zip(connected).is_some_and(|(configured, connected)| connected < configured);
    if lost { Some(false) } else { joined.map(|joined| joined >= 1) }
}

/// Former versions: all endpoints less those that other bridges serve.
fn endpoints_here(map: &Map<String, Value>) -> Option<u64> {
    let all = count(map, "endpoints").or_else(|| count(map, "participants"))?;
    Some(all.saturating_sub(count(map, "octo_endpoints").unwrap_or(0)))
}

fn kilobits(map: &Map<String, Value>, key: &str) -> Option<f64> {
    number(map, key).filter(|rate| *rate >= 0.0).map(|rate| rate * 1000.0)
}

/// The service's own words, unless they name an address: rooms are addresses.
fn complaint(status: u16, body: &[u8]) -> String {
    match short(&String::from_utf8_lossy(&body[..body.len().min(400)])) {
        Some(words) if !words.contains('@') => format!("HTTP {status}: {words}"),
        _ => format!("HTTP {status}"),
    }
}

#[cfg(test)]
mod tests;
