//! A promise of load, made by an aggregator and kept by the agent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RoomKey;
use crate::words;

/// Asks a node to keep room for a meeting. Idempotent by `id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReservationRequest {
    /// Chosen by the aggregator, unique: the same id asked twice is one reservation.
    pub id: String,
    /// The room it is for; `None` for "a server, whatever the room".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_key: Option<RoomKey>,
    /// People expected to come, at least 0; may be a fraction (a mean).
    pub expected: f64,
    /// How long it holds if nobody comes, seconds.
    pub ttl_s: u64,
    /// The `seq` of the report that the choice was made on; `None` when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_seq: Option<u64>,
}

/// A reservation as the node holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reservation {
    /// The aggregator's id for it.
    pub id: String,
    /// The room it is for, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_key: Option<RoomKey>,
    /// People still expected.
    pub expected: f64,
    /// How long ago it was made, milliseconds.
    pub age_ms: u64,
    /// When it lapses if nobody comes, milliseconds from now.
    pub expires_in_ms: u64,
}

/// Why a node refuses a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The operator set the node to drain.
    Draining,
    /// The operator set the node to maintenance.
    Maint,
    /// Load and promises reach what the node can carry.
    Full,
    /// The node is not ready for another reason; its report says which.
    NotReady,
    /// A word of a newer version.
    #[serde(other)]
    Unknown,
}

words!(Refusal {
    Draining => "draining", Maint => "maint", Full => "full", NotReady => "not_ready", Unknown => "unknown",
});

/// The body of a 201 (or of a 200, when the id was known already).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reserved {
    /// The id of the reservation.
    pub id: String,
    /// CPU busy fraction of the node now, 0..=1; `None` when unknown.
    pub cpu_busy: Option<f64>,
    /// People promised to this node and not yet arrived, this reservation included.
    pub pending: f64,
    /// The node's newest `seq`.
    pub seq: u64,
}

/// What a node says to a reservation request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ReservationAnswer {
    /// 201 or 200.
    Reserved(Reserved),
    /// 409.
    Refused {
        /// Why.
        refused: Refusal,
    },
}
