//! How many people come to a room of this name, from the meetings it had before.
//!
//! Fed with every sight of a live room (the census that agents report: keyed hashes and sizes,
//! never names). A meeting ends when the room was not seen for a while; its peak is one lesson.
//! Peaks are averaged as logarithms, because sizes are heavy-tailed and one assembly in a room of
//! five must not make it a room of fifty.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use usher_common::wire::RoomKey;

/// A room that was not seen for this long has ended, ms, where nobody says otherwise.
pub const MEETING_GAP_MS: u64 = 600_000;
/// Rooms with fewer meetings than this have no history to speak of, where nobody says otherwise.
pub const MEETINGS_MIN: u32 = 2;
/// Meetings of any rooms below which nothing is said of an ordinary one.
const ORDINARY_MIN: u64 = 30;
/// Weight of the newest meeting in what an ordinary one is.
const ORDINARY_NEWEST: f64 = 0.005;
/// What an ordinary meeting may be taken to be, within the range in which the study found the policy good.
/// Not below its own figure: with the trace's mean of 5 flash crowds bunch (replay, 56 traces: 16.5 rooms on
/// one node within 30 s, with 8 14.0), and nothing is gained.
const ORDINARY_RANGE: (f64, f64) = (8.0, 30.0);
/// Weight of the newest meeting once there are many.
const NEWEST: f64 = 0.3;
/// Rooms that are remembered at most; those not seen for longest go first.
const ROOMS_MAX: usize = 20_000;
/// A size that is learned, not given: bounds.
const SIZE_RANGE: (f64, f64) = (1.0, 300.0);

/// A live room somewhere in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// Which room.
    pub room: &'a RoomKey,
    /// People in it; of a split room, one part.
    pub participants: u64,
}

/// The sizes of rooms that meet again and again. `Default` knows none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomSizes {
    gap_ms: u64,
    meetings_min: u32,
    rooms: HashMap<RoomKey, History>,
    /// Meetings that ended, of all rooms.
    meetings: u64,
    /// Mean of their peaks, the newest weighing more.
    mean: f64,
    /// When it was last looked for meetings that ended.
    swept_at_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct History {
    /// Meetings that ended.
    meetings: u32,
    /// Mean logarithm of their peaks; without meaning while there are none.
    mean_ln: f64,
    /// Most people in the meeting that goes on, or was last seen.
    peak: u64,
    seen_at_ms: u64,
}

impl Default for RoomSizes {
    fn default() -> Self {
        Self::new(MEETING_GAP_MS, MEETINGS_MIN)
    }
}

impl RoomSizes {
    /// No room known yet; one not seen for `gap_ms` has ended, and fewer than `meetings_min`
    /// meetings say nothing.
    #[must_use]
    pub fn new(gap_ms: u64, meetings_min: u32) -> Self {
        let rooms = HashMap::new();
        Self { gap_ms, meetings_min: meetings_min.max(1), rooms, meetings: 0, mean: 0.0, swept_at_ms: 0 }
    }

    /// A room is live at `now_ms`.
    pub fn observe(&mut self, sighting: Sighting<'_>, now_ms: u64) {
        if sighting.participants == 0 {
            return;
        }
        if now_ms.saturating_sub(self.swept_at_ms) > self.gap_ms {
            self.sweep(now_ms);
        }
        if let Some(history) = self.rooms.get_mut(sighting.room) {
            if let Some(ended) = history.ended(self.gap_ms, now_ms) {
                count(&mut self.meetings, &mut self.mean, history.peak);
                *history = ended;
            }
            history.peak = history.peak.max(sighting.participants);
            history.seen_at_ms = now_ms;
            return;
        }
        if self.rooms.len() >= ROOMS_MAX {
            self.forget_oldest_half();
        }
        let first = History { meetings: 0, mean_ln: 0.0, peak: sighting.participants, seen_at_ms: now_ms };
        self.rooms.insert(sighting.room.clone(), first);
    }

    /// People to expect; `None` for a room without enough history.
    #[must_use]
    pub fn estimate(&self, room: &RoomKey, now_ms: u64) -> Option<f64> {
        let history = self.rooms.get(room)?;
        let ended = history.ended(self.gap_ms, now_ms);
        let history = ended.as_ref().unwrap_or(history);
        (history.meetings >= self.meetings_min)
            .then(|| history.mean_ln.exp().clamp(SIZE_RANGE.0, SIZE_RANGE.1))
    }

    /// People of an ordinary meeting of this fleet; `None` before [`ORDINARY_MIN`] were seen to end.
    #[must_use]
    pub fn ordinary(&self) -> Option<f64> {
        (self.meetings >= ORDINARY_MIN).then(|| self.mean.clamp(ORDINARY_RANGE.0, ORDINARY_RANGE.1))
    }

    /// Meetings that were seen to end.
    #[must_use]
    pub fn meetings(&self) -> u64 {
        self.meetings
    }

    /// Rooms with enough history.
    #[must_use]
    pub fn known(&self) -> usize {
        self.rooms.values().filter(|history| history.meetings >= self.meetings_min).count()
    }

    /// Ends the meetings that are over; most rooms never meet again.
    fn sweep(&mut self, now_ms: u64) {
        self.swept_at_ms = now_ms;
        for history in self.rooms.values_mut() {
            if let Some(ended) = history.ended(self.gap_ms, now_ms) {
                count(&mut self.meetings, &mut self.mean, history.peak);
                *history = ended;
            }
        }
    }

    fn forget_oldest_half(&mut self) {
        let mut times: Vec<u64> = self.rooms.values().map(|history| history.seen_at_ms).collect();
        let middle = times.len() / 2;
        let (_, &mut median, _) = times.select_nth_unstable(middle);
        let mut spare = self.rooms.len() - middle;
        self.rooms.retain(|_, history| {
            let goes = spare > 0 && history.seen_at_ms <= median;
            spare -= usize::from(goes);
            !goes
        });
    }
}

/// A meeting ended.
fn count(meetings: &mut u64, mean: &mut f64, peak: u64) {
    *meetings += 1;
    *mean += (peak as f64 - *mean) * (1.0 / *meetings as f64).max(ORDINARY_NEWEST);
}

impl History {
    /// The history after its present meeting, if that is over at `now_ms`: not seen for long.
    fn ended(&self, gap_ms: u64, now_ms: u64) -> Option<Self> {
        if self.peak == 0 || now_ms.saturating_sub(self.seen_at_ms) <= gap_ms {
            return None;
        }
        let lesson = (self.peak as f64).ln();
        let weight = (1.0 / f64::from(self.meetings + 1)).max(NEWEST);
        Some(Self {
            meetings: self.meetings.saturating_add(1),
            mean_ln: self.mean_ln + (lesson - self.mean_ln) * weight,
            peak: 0,
            seen_at_ms: self.seen_at_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn key(name: &str) -> RoomKey {
        RoomKey::of(b"secret", "", name)
    }

    fn meet(sizes: &mut RoomSizes, name: &str, day: u64, peak: u64) {
        for (minute, participants) in [(0, 1), (5, peak), (12, peak), (20, peak / 2)] {
            let room = key(name);
            sizes.observe(Sighting { room: &room, participants }, day * DAY_MS + minute * 60_000);
        }
    }

    #[test]
    fn a_room_that_met_twice_is_expected_at_its_usual_size() {
        let mut sizes = RoomSizes::default();
        meet(&mut sizes, "daily", 1, 12);
        assert_eq!(sizes.estimate(&key("daily"), 2 * DAY_MS), None, "one meeting is no habit");
        meet(&mut sizes, "daily", 2, 12);
        assert_eq!(sizes.estimate(&key("daily"), 2 * DAY_MS + 60_000), None, "the second still goes on");
        let expected = sizes.estimate(&key("daily"), 3 * DAY_MS).unwrap();
        assert!((expected - 12.0).abs() < 0.01, "{expected}");
        assert_eq!(sizes.estimate(&key("other"), 3 * DAY_MS), None);
    }

    #[test]
    fn one_assembly_does_not_make_a_small_room_large_and_a_new_habit_is_learned() {
        let mut sizes = RoomSizes::default();
        (1..=10).for_each(|day| meet(&mut sizes, "team", day, 5));
        meet(&mut sizes, "team", 11, 200);
        assert!(sizes.estimate(&key("team"), 12 * DAY_MS).unwrap() < 20.0);
        (12..=22).for_each(|day| meet(&mut sizes, "team", day, 30));
        assert!((25.0..35.0).contains(&sizes.estimate(&key("team"), 23 * DAY_MS).unwrap()));
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_the_newest() {
        let mut sizes = RoomSizes::default();
        let rooms = ROOMS_MAX as u64 + 5;
        for i in 0..rooms {
            let room = key(&i.to_string());
            sizes.observe(Sighting { room: &room, participants: 3 }, i);
        }
        assert!(sizes.rooms.len() <= ROOMS_MAX);
        assert!(sizes.rooms.contains_key(&key(&(rooms - 1).to_string())));
        assert!(!sizes.rooms.contains_key(&key("0")));
    }
}
