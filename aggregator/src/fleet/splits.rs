//! Rooms that more than one node reports: half of the people would wait for the other half.
//!
//! An index over all nodes' rooms, kept up to date by the difference of each report, so that a
//! split is seen in the moment in which the second node tells of it. What is done about it is
//! `whereabouts`: all replicas lead newcomers to the earlier one. Nodes that are down count for nothing.

use std::collections::HashMap;

use serde::Serialize;
use usher_common::wire::RoomKey;

use super::node::Presence;
use crate::target::TargetId;

/// The rooms of one node.
pub(super) type Rooms = HashMap<RoomKey, Presence>;

/// Splits seen since the start, and those that last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SplitCounts {
    /// Rooms found with people on two nodes.
    pub live_total: u64,
    /// Rooms found promised to two nodes, or to one while people were on another.
    pub promised_total: u64,
    /// Of the first kind, now.
    pub live: usize,
    /// Of the second kind, now.
    pub promised: usize,
}

/// The index.
#[derive(Debug, Clone, Default)]
pub(super) struct Splits {
    places: HashMap<RoomKey, Vec<(TargetId, bool)>>,
    counts: SplitCounts,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Whole,
    Promised,
    Live,
}

impl Splits {
    /// What was seen so far.
    pub(super) fn counts(&self) -> SplitCounts {
        self.counts
    }

    /// The rooms of a node were `before` and are `after`. Tells how many came to be live on two nodes.
    pub(super) fn moved(&mut self, target: &TargetId, before: &Rooms, after: &Rooms) -> u64 {
        let live_before = self.counts.live_total;
        for room in before.keys().filter(|room| !after.contains_key(*room)) {
            self.set(room, target, None);
        }
        for (room, presence) in after {
            self.set(room, target, Some(matches!(presence, Presence::Live { .. })));
        }
        self.counts.live_total - live_before
    }

    /// A room is on a node, live or promised, or (`None`) no longer.
    fn set(&mut self, room: &RoomKey, target: &TargetId, live: Option<bool>) {
        if live.is_none() && !self.places.contains_key(room) {
            return;
        }
        let places = self.places.entry(room.clone()).or_default();
        let before = level(places);
        match (places.iter_mut().find(|(place, _)| place == target), live) {
            (Some((_, is_live)), Some(live)) => *is_live = live,
            (None, Some(live)) => places.push((target.clone(), live)),
            (_, None) => places.retain(|(place, _)| place != target),
        }
        let after = level(places);
        if places.is_empty() {
            self.places.remove(room);
        }
        if before != after {
            self.count(before, after);
        }
    }

    fn count(&mut self, before: Level, after: Level) {
        match before {
            Level::Whole => {}
            Level::Promised => self.counts.promised -= 1,
            Level::Live => self.counts.live -= 1,
        }
        match after {
            Level::Whole => {}
            Level::Promised => self.counts.promised += 1,
            Level::Live => self.counts.live += 1,
        }
        match after {
            Level::Live => self.counts.live_total += 1,
            Level::Promised if before == Level::Whole => self.counts.promised_total += 1,
            Level::Promised | Level::Whole => {}
        }
    }
}

fn level(places: &[(TargetId, bool)]) -> Level {
    match (places.len(), places.iter().filter(|(_, live)| *live).count()) {
        (_, 2..) => Level::Live,
        (2.., _) => Level::Promised,
        _ => Level::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    fn rooms(list: &[(&str, bool)]) -> Rooms {
        let live = Presence::Live { participants: 1, since: None };
        let presence = |is_live: &bool| if *is_live { live } else { Presence::Promised { made: 0 } };
        list.iter().map(|(name, is_live)| (RoomKey::of(b"s", "", name), presence(is_live))).collect()
    }

    #[test]
    fn a_split_is_counted_once_when_it_comes_and_lasts_until_one_side_is_gone() {
        let [one, two] = ["a", "b"].map(|host| Target::parse(host).unwrap().id);
        let mut splits = Splits::default();
        let none = Rooms::new();
        let (promised, live) = (rooms(&[("r", false)]), rooms(&[("r", true), ("other", true)]));
        assert_eq!(splits.moved(&one, &none, &promised), 0);
        assert_eq!(splits.counts(), SplitCounts::default());
        splits.moved(&two, &none, &promised);
        let counts = |live_total, promised_total, live, promised| SplitCounts {
            live_total,
            promised_total,
            live,
            promised,
        };
        assert_eq!(splits.counts(), counts(0, 1, 0, 1));
        splits.moved(&one, &promised, &live);
        assert_eq!(splits.counts(), counts(0, 1, 0, 1), "live here, promised there");
        assert_eq!(splits.moved(&two, &promised, &live), 2, "both rooms");
        assert_eq!(splits.counts(), counts(2, 1, 2, 0));
        assert_eq!(splits.moved(&two, &live, &live), 0, "told once");
        splits.moved(&two, &live, &none);
        assert_eq!(splits.counts(), counts(2, 1, 0, 0));
        splits.moved(&one, &live, &none);
        assert!(splits.places.is_empty(), "nothing is kept of rooms that ended");
    }
}
