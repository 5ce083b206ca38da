//! What the operator wants of a node. Kept by the agent, on disk.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::schema::open_words;
use crate::words;

/// The three states an operator can put a node in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(transform = open_words)]
pub enum OperatorMode {
    /// Takes new rooms.
    #[default]
    Ready,
    /// Takes no new rooms; rooms that run here go on and can be joined.
    Drain,
    /// Out of service: neither new rooms nor joins.
    Maint,
}

words!(OperatorMode { Ready => "ready", Drain => "drain", Maint => "maint" });

/// A mode, and who set it, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OperatorState {
    /// What is wanted of the node. A word of a newer version reads as `drain`: what is not
    /// understood is no leave to send rooms there.
    #[serde(deserialize_with = "mode_of_any_version")]
    pub mode: OperatorMode,
    /// Who asked for it; `None` when nobody ever did (a new node is ready).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Why, in the operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When it was set, milliseconds since the Unix epoch, on the node's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_unix_ms: Option<u64>,
    /// Until when the drain should be done, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_unix_ms: Option<u64>,
}

fn mode_of_any_version<'de, D: Deserializer<'de>>(source: D) -> Result<OperatorMode, D::Error> {
    let word = String::deserialize(source)?;
    Ok(OperatorMode::ALL.iter().copied().find(|mode| mode.as_str() == word).unwrap_or(OperatorMode::Drain))
}
