//! What is asked of the fleet, and what it answers: plain values.

use serde::{Deserialize, Serialize};
use usher_common::wire::{NodeId, PublicUrl, RoomKey};

/// Somebody wants a server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlaceRequest {
    /// For this room; `None` for "a server, whatever the room".
    pub room: Option<RoomKey>,
    /// In this region.
    pub region: Option<String>,
    /// People expected; `None` when nobody said.
    pub expected: Option<f64>,
}

/// Why a room is where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It was placed just now.
    Placed,
    /// Its node reports people in it.
    Live,
    /// The store of claims says so.
    Claimed,
    /// Its node reports that it was promised.
    Promised,
    /// It was sent there before.
    Remembered,
}

impl How {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Placed, Self::Live, Self::Claimed, Self::Promised, Self::Remembered];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Live => "live",
            Self::Claimed => "claimed",
            Self::Promised => "promised",
            Self::Remembered => "remembered",
        }
    }
}

/// Where to go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// The node.
    pub node: NodeId,
    /// Its server.
    pub url: PublicUrl,
    /// Its region.
    pub region: Option<String>,
    /// Why there.
    pub how: How,
}

/// No node may take the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPlace {
    /// Each node, by name or `host:port`, with the closed word of its reason.
    pub reasons: Vec<(String, &'static str)>,
    /// When to ask again, milliseconds.
    pub retry_after_ms: u64,
}

impl NoPlace {
    /// What stands against most nodes, as a closed word.
    #[must_use]
    pub fn main_reason(&self) -> &'static str {
        let count = |word: &str| self.reasons.iter().filter(|(_, reason)| *reason == word).count();
        let most =
            self.reasons.iter().map(|(_, reason)| *reason).max_by_key(|reason| (count(reason), *reason));
        most.unwrap_or("no_nodes")
    }
}
