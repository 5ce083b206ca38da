//! How long people take to come to a meeting, from how meetings grew: the time from the first sight
//! of a room to 63 % of its fullest (1 − 1/e, so that it can stand in for an age constant).
//!
//! Only meetings that were seen from their beginning teach. One figure for the fleet: a room's own
//! few meetings say too little.

use std::collections::HashMap;

use usher_common::wire::RoomKey;

use super::Sighting;

/// A room first seen with more people than this has begun before we looked.
const BEGINNING_MAX: u64 = 2;
/// Meetings of fewer people say nothing of growth.
const PEAK_MIN: u64 = 4;
/// Meetings below which nothing is said.
const MEETINGS_MIN: u64 = 30;
/// Weight of the newest meeting once there are many.
const NEWEST: f64 = 0.01;
/// Meetings followed at once, at most.
const ROOMS_MAX: usize = 20_000;
/// Steps of growth kept of one meeting: each is a twentieth more people than the one before.
const STEPS_MAX: usize = 80;

/// The learned time. `Default` has learned nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JoinTime {
    growing: HashMap<RoomKey, Growth>,
    swept_at_ms: u64,
    meetings: u64,
    mean_ms: f64,
}

#[derive(Debug, Clone, PartialEq)]
struct Growth {
    began_at_ms: u64,
    seen_at_ms: u64,
    /// Since the beginning, ms, with the most people until then.
    steps: Vec<(u64, u64)>,
}

impl JoinTime {
    /// A room is live at `now_ms`; one not seen for `gap_ms` has ended.
    pub fn observe(&mut self, sighting: Sighting<'_>, gap_ms: u64, now_ms: u64) {
        if now_ms.saturating_sub(self.swept_at_ms) > gap_ms {
            self.sweep(gap_ms, now_ms);
        }
        let Sighting { room, participants } = sighting;
        if let Some(growth) = self.growing.get_mut(room) {
            growth.grow(participants, now_ms);
        } else if (1..=BEGINNING_MAX).contains(&participants) && self.growing.len() < ROOMS_MAX {
            let steps = vec![(0, participants)];
            self.growing.insert(room.clone(), Growth { began_at_ms: now_ms, seen_at_ms: now_ms, steps });
        }
    }

    /// The time, ms; `None` before [`MEETINGS_MIN`] meetings.
    #[must_use]
    pub fn estimate_ms(&self) -> Option<f64> {
        (self.meetings >= MEETINGS_MIN).then_some(self.mean_ms)
    }

    fn sweep(&mut self, gap_ms: u64, now_ms: u64) {
        self.swept_at_ms = now_ms;
        let (meetings, mean_ms) = (&mut self.meetings, &mut self.mean_ms);
        self.growing.retain(|_, growth| {
            if now_ms.saturating_sub(growth.seen_at_ms) <= gap_ms {
                return true;
            }
            if let Some(lesson) = growth.time_to_come() {
                *meetings += 1;
                *mean_ms += (lesson - *mean_ms) * (1.0 / *meetings as f64).max(NEWEST);
            }
            false
        });
    }
}

impl Growth {
    fn grow(&mut self, participants: u64, now_ms: u64) {
        self.seen_at_ms = now_ms;
        let most = self.steps.last().map_or(0, |(_, people)| *people);
        if participants > most + most / 20 && self.steps.len() < STEPS_MAX {
            self.steps.push((now_ms.saturating_sub(self.began_at_ms), participants));
        }
    }

    fn time_to_come(&self) -> Option<f64> {
        let peak = self.steps.last().map(|(_, people)| *people).filter(|peak| *peak >= PEAK_MIN)?;
        let most = peak as f64 * (1.0 - (-1.0f64).exp());
        self.steps.iter().find(|(_, people)| *people as f64 >= most).map(|(ms, _)| *ms as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP_MS: u64 = 600_000;

    /// Meetings one after the other, whose people come with an age constant.
    fn taught(meetings: u64, constant_ms: f64, first: u64) -> JoinTime {
        let mut time = JoinTime::default();
        for meeting in 0..meetings {
            let room = RoomKey::of(b"s", "", &meeting.to_string());
            let began = meeting * 1_000_000;
            for step in 0..120u64 {
                let came = 40.0 * (1.0 - (-(step as f64) * 5000.0 / constant_ms).exp());
                let participants = (came.round() as u64).max(first);
                time.observe(Sighting { room: &room, participants }, GAP_MS, began + step * 5000);
            }
        }
        let room = RoomKey::of(b"s", "", "last");
        time.observe(Sighting { room: &room, participants: 1 }, GAP_MS, meetings * 1_000_000 + GAP_MS);
        time
    }

    #[test]
    fn the_age_constant_with_which_people_come_is_found_from_enough_meetings() {
        let found = taught(30, 120_000.0, 1).estimate_ms().unwrap();
        assert!(
            (110_000.0..=135_000.0).contains(&found),
            "within the steps of the census and of growth: {found}"
        );
        assert_eq!(taught(29, 120_000.0, 1).estimate_ms(), None);
    }

    #[test]
    fn meetings_that_had_begun_or_stayed_small_teach_nothing_and_nothing_is_kept_of_them() {
        let begun = taught(60, 60_000.0, 3);
        assert_eq!((begun.estimate_ms(), begun.growing.len()), (None, 1));
        let mut small = JoinTime::default();
        for meeting in 0..60 {
            let room = RoomKey::of(b"s", "", &meeting.to_string());
            small.observe(Sighting { room: &room, participants: 2 }, GAP_MS, meeting * 1_000_000);
        }
        assert_eq!(small.estimate_ms(), None);
        assert!(small.growing.len() <= 2);
    }
}
