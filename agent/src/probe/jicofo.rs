//! What jicofo says: statistics, series; its health and version are read as the bridge's.
//!
//! Its figures are the best there are for "is this node empty?": it counts the first person of
//! a meeting, whom the bridge does not see before the second comes, and it leaves out its own
//! health-check rooms. Its series are refreshed every 30 s only, its statistics when asked.

use super::json::{count, object, text};
use super::reading::{Answered, Failed, Reading};
use super::series::Series;

/// Jicofo's figures. `None` is "not known".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Focus {
    /// People in meetings.
    pub participants: Option<u64>,
    /// Meetings, those of one person too.
    pub conferences: Option<u64>,
    /// People in the largest meeting.
    pub largest_conference: Option<u64>,
    /// People who joined since jicofo started.
    pub joins_total: Option<u64>,
    /// Bridges that can take a conference.
    pub operational_bridges: Option<u64>,
    /// Its version.
    pub version: Option<String>,
}

/// Reads `/stats`, of present and former versions.
pub fn stats(answered: &Answered<'_>) -> Result<Reading, Failed> {
    if answered.status != 200 {
        return Err(Failed::of_status(answered.status));
    }
    let map = object(answered.body)?;
    let selector = map.get("bridge_selector").and_then(serde_json::Value::as_object);
    let focus = Focus {
        participants: count(&map, "participants"),
        conferences: count(&map, "conferences"),
        largest_conference: count(&map, "largest_conference"),
        joins_total: count(&map, "total_participants"),
        operational_bridges: selector.and_then(|selector| count(selector, "operational_bridge_count")),
        version: text(&map, "version"),
    };
    if focus == (Focus { version: focus.version.clone(), ..Focus::default() }) {
        return Err(Failed::malformed("a JSON object without any figure of jicofo's statistics"));
    }
    Ok(Reading::Focus(focus))
}

/// Reads `/metrics`, to pass it on.
pub fn metrics(answered: &Answered<'_>) -> Result<Reading, Failed> {
    let (series, []) = Series::read(answered, "jitsi_jicofo_", [])?;
    Ok(Reading::Series(series))
}

#[cfg(test)]
mod tests;
