//! The bridge's private HTTP server.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::world::{Dialect, Health, World};
use super::{GAUGES_EVERY, STRESS_EVERY, Shared};

const STATS: &str = include_str!("../../fixtures/jvb/stats-2.3.299.json");
const STATS_FORMER: &str = include_str!("../../fixtures/jvb/stats-2.1.376.json");
const METRICS: &str = include_str!("../../fixtures/jvb/metrics-2.3.299.txt");

#[derive(Clone)]
struct Bridge {
    world: Shared,
    shown: Arc<Mutex<Shown>>,
}

/// What the bridge showed last, and when it looked.
struct Shown {
    gauges: (Instant, World),
    stress: (Instant, f64),
}

pub(super) fn routes(world: Shared) -> Router {
    let now = Instant::now();
    let first = world.borrow().clone();
    let shown = Shown { stress: (now, first.stress), gauges: (now, first) };
    Router::new()
        .route("/about/health", get(health))
        .route("/about/version", get(version))
        .route("/metrics", get(metrics))
        .route("/colibri/stats", get(stats))
        .route("/colibri/drain", get(drain))
        .route("/colibri/drain/enable", post(|bridge| set_drain(bridge, true)))
        .route("/colibri/drain/disable", post(|bridge| set_drain(bridge, false)))
        .route("/colibri/shutdown", post(shutdown))
        .with_state(Bridge { world, shown: Arc::new(Mutex::new(shown)) })
}

impl Bridge {
    /// The world as the bridge shows it now.
    fn look(&self) -> World {
        let world = self.world.borrow().clone();
        if !world.refreshes {
            return world;
        }
        let mut shown = self.shown.lock().expect("no holder panics");
        let now = Instant::now();
        if now - shown.gauges.0 >= GAUGES_EVERY {
            shown.gauges = (now, world.clone());
        }
        if now - shown.stress.0 >= STRESS_EVERY {
            shown.stress = (now, world.stress);
        }
        World {
            stress: shown.stress.1,
            rooms: shown.gauges.1.rooms.clone(),
            joins: shown.gauges.1.joins,
            ..world
        }
    }
}

async fn health(State(bridge): State<Bridge>) -> Response {
    match bridge.world.borrow().jvb_health {
        Health::Well => StatusCode::OK.into_response(),
        Health::Hard => (StatusCode::INTERNAL_SERVER_ERROR, "Failed to bind single-port").into_response(),
        Health::Soft => (StatusCode::SERVICE_UNAVAILABLE, "Valid address not found yet").into_response(),
    }
}

async fn version(State(bridge): State<Bridge>) -> Json<Value> {
    let version = match bridge.world.borrow().dialect {
        Dialect::Present => "2.3.299-ga29d97d13",
        Dialect::Former => "2.1.376-g9f12bfe2",
    };
    Json(json!({"name": "JVB", "version": version, "os": "Linux"}))
}

async fn metrics(State(bridge): State<Bridge>, headers: HeaderMap) -> Response {
    if bridge.world.borrow().dialect == Dialect::Former {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !headers.contains_key(header::ACCEPT) {
        // The bridge splits the header without looking whether there is one.
        return (StatusCode::INTERNAL_SERVER_ERROR, "java.lang.NullPointerException").into_response();
    }
    let world = bridge.look();
    let values: Vec<(String, f64)> = figures(&world)
        .into_iter()
        .map(|(series, _, value)| (format!("jitsi_jvb_{series}"), value))
        .collect();
    let text: String = METRICS.lines().map(|line| with_value(line, &values) + "\n").collect();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn stats(State(bridge): State<Bridge>) -> Response {
    if !bridge.world.borrow().colibri_rest {
        return StatusCode::NOT_FOUND.into_response();
    }
    let world = bridge.look();
    let sample = if world.dialect == Dialect::Present { STATS } else { STATS_FORMER };
    let mut map: serde_json::Map<String, Value> = serde_json::from_str(sample).expect("a fixture of ours");
    for (_, key, value) in figures(&world) {
        // A former version has no key for what it does not know.
        if let Some(slot) = map.get_mut(key) {
            *slot = match slot {
                Value::Bool(_) => json!(value == 1.0),
                Value::Number(number) if number.is_f64() => json!(value),
                _ => json!(value as i64),
            };
        }
    }
    for (key, bits) in
        [("bit_rate_download", world.incoming_bits_per_s), ("bit_rate_upload", world.outgoing_bits_per_s)]
    {
        map.insert(key.to_owned(), json!(bits / 1000)); // kilobits, by integer division
    }
    if let Some(elsewhere) = map.get_mut("octo_endpoints") {
        *elsewhere = json!(0);
    }
    Json(map).into_response()
}

async fn drain(State(bridge): State<Bridge>) -> Json<Value> {
    Json(json!({"drain": bridge.world.borrow().drain}))
}

async fn set_drain(State(bridge): State<Bridge>, drain: bool) {
    bridge.world.send_modify(|world| world.drain = drain);
}

async fn shutdown(State(bridge): State<Bridge>, body: String) -> StatusCode {
    let open = { bridge.world.borrow().shutdown_rest && bridge.world.borrow().colibri_rest };
    if !open {
        return StatusCode::NOT_FOUND;
    }
    let Ok(Value::Object(wish)) = serde_json::from_str(&body) else { return StatusCode::BAD_REQUEST };
    // The bridge's own script sends a text.
    let graceful = wish.get("graceful-shutdown").is_some_and(|wish| *wish == true || *wish == "true");
    bridge.world.send_modify(|world| world.graceful_shutdown |= graceful);
    StatusCode::OK
}

/// The driven figures: series, key of the statistics, value.
fn figures(world: &World) -> Vec<(&'static str, &'static str, f64)> {
    let flag = |on: bool| f64::from(u8::from(on));
    let people: u64 = world.bridged().map(|room| room.people).sum();
    let largest = world.bridged().map(|room| room.people).max().unwrap_or(0);
    vec![
        ("stress", "stress_level", world.stress),
        ("healthy", "healthy", flag(world.jvb_health == Health::Well)),
        ("graceful_shutdown", "graceful_shutdown", flag(world.graceful_shutdown)),
        ("drain_mode", "drain", flag(world.drain)),
        ("conferences", "conferences", world.bridged().count() as f64),
        ("local_endpoints", "local_endpoints", people as f64),
        ("current_endpoints", "endpoints", people as f64),
        ("current_endpoints", "participants", people as f64),
        ("largest_conference", "largest_conference", largest as f64),
        ("incoming_bitrate", "", world.incoming_bits_per_s as f64),
        ("outgoing_bitrate", "", world.outgoing_bits_per_s as f64),
        ("endpoints_total", "total_participants", world.joins as f64),
        ("muc_clients_connected", "muc_clients_connected", flag(world.linked)),
        ("mucs_joined", "mucs_joined", flag(world.linked)),
    ]
}

/// A line of the sample with the driven value, as Java writes it.
pub(super) fn with_value(line: &str, values: &[(String, f64)]) -> String {
    let found = line.rsplit_once(' ').and_then(|(series, _)| values.iter().find(|(name, _)| name == series));
    found.map_or_else(|| line.to_owned(), |(name, value)| format!("{name} {value:?}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_bridge_that_refreshes_shows_people_after_5_s_and_stress_after_10_s() {
        let world = Shared::new(World { refreshes: true, stress: 0.1, ..World::default() });
        let now = Instant::now();
        let first = world.borrow().clone();
        let shown = Arc::new(Mutex::new(Shown { stress: (now, 0.1), gauges: (now, first) }));
        let bridge = Bridge { world, shown };
        bridge.world.send_modify(|world| {
            world.seat("a@muc.meet.jitsi", 3, 0);
            world.stress = 0.5;
        });
        let look = || (bridge.look().rooms.len(), bridge.look().stress);
        assert_eq!(look(), (0, 0.1));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(look(), (1, 0.1));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(look(), (1, 0.5));
    }
}
