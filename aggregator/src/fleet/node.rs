//! One node's life, told by what its reads gave.
//!
//! ```text
//!          good                        1 bad              `fall` bad in a row
//!   new ─────────► up ◄───────────────────► suspect ─────────► down
//!    └── `fall` bad in a row ──────────────────────────────────►│
//!                  ▲──────────── `rise` good in a row ──────────┘
//! ```
//!
//! A new node is up with its first good read: nothing speaks against it. A read is good
//! when it brings a report whose sample is young and newer than the last one seen, or
//! not yet overdue. Whether a node that is up may take rooms is `standing`'s to say.

use std::sync::Arc;

use usher_common::wire::{NodeId, OperatorMode, Report, RoomKey};

use super::splits::Rooms;
use super::{Misfortune, Pledges, Pupil, Traffic, Trouble};
use crate::clock::Millis;
use crate::config::Health;
use crate::placement::Params;
use crate::target::{Target, TargetId};

/// Where a node is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Never read.
    New,
    /// Its last read was good.
    Up,
    /// It was up, and missed fewer reads than take it down.
    Suspect,
    /// It missed enough.
    Down,
}

impl Life {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::New, Self::Up, Self::Suspect, Self::Down];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Up => "up",
            Self::Suspect => "suspect",
            Self::Down => "down",
        }
    }
}

/// The last report, with its times.
#[derive(Debug, Clone)]
pub struct Latest {
    /// What it says.
    pub report: Arc<Report>,
    /// When it came.
    pub received: Millis,
    /// When it was read, or confirmed as unchanged.
    pub read: Millis,
    /// When its sample was taken, by our clock: reading time less the age it gave.
    pub sampled: Millis,
    /// When `seq` was last seen to change.
    pub progressed: Millis,
}

/// How a room is on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// People are in it.
    Live {
        /// How many.
        participants: u64,
        /// Since when the room exists, by our clock; may lie before its start. `None` when the node
        /// does not say.
        since: Option<i64>,
    },
    /// It was promised.
    Promised {
        /// When, by our clock; may lie before its start.
        made: i64,
    },
}

/// A target and all that is known of the node behind it.
#[derive(Debug, Clone)]
pub struct Node {
    /// Whom we ask.
    pub target: Target,
    /// See [`Life`].
    pub life: Life,
    /// When `life` last changed.
    pub since: Millis,
    /// What is wrong; `None` after a good read.
    pub misfortune: Option<Misfortune>,
    /// Whether its page was served when it was last looked at, because reads fail; `None` while they do
    /// not, and before the first look.
    pub page: Option<bool>,
    /// The last report; `None` before the first.
    pub latest: Option<Latest>,
    /// Promises of ours.
    pub pledges: Pledges,
    /// Who comes to it.
    pub traffic: Traffic,
    /// What it taught of the cost of a person.
    pub pupil: Pupil,
    /// Since when it has been in the rotation, where it came new or came back: for its slow start.
    /// `None` while it is out, and for nodes that were there when we started.
    pub in_rotation_since: Option<Millis>,
    /// Who has this node's name, when it is not this target.
    pub shadowed_by: Option<TargetId>,
    /// Whether a read of any outcome was ever made.
    pub tried: bool,
    rooms: Rooms,
    bad: u32,
    good: u32,
    page_missed: u32,
}

impl Node {
    /// A target just discovered.
    #[must_use]
    pub fn new(target: Target, pupil: Pupil, now: Millis) -> Self {
        Self {
            target,
            life: Life::New,
            since: now,
            misfortune: None,
            page: None,
            latest: None,
            pledges: Pledges::default(),
            traffic: Traffic::default(),
            pupil,
            in_rotation_since: None,
            shadowed_by: None,
            tried: false,
            rooms: Rooms::new(),
            bad: 0,
            good: 0,
            page_missed: 0,
        }
    }

    /// Its name, once it said one.
    #[must_use]
    pub fn name(&self) -> Option<&NodeId> {
        self.latest.as_ref().map(|latest| &latest.report.node)
    }

    /// Failures in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.bad
    }

    /// Whether and how a room is here, by the last report.
    #[must_use]
    pub fn presence(&self, room: &RoomKey) -> Option<Presence> {
        self.rooms.get(room).copied()
    }

    /// The rooms here, by the last report.
    pub(super) fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// A report came; gives the rooms of the one before.
    pub(super) fn reported(&mut self, report: Report, rules: &Health, now: Millis) -> Rooms {
        let mut sampled = now.saturating_sub(report.sample_age_ms);
        let mut progressed = now;
        if let Some(last) = self.latest.as_ref().filter(|last| last.report.boot_id == report.boot_id)
            && report.seq <= last.report.seq
        {
            // The same sample cannot be younger than it was, whatever the report claims.
            sampled = sampled.min(last.sampled);
            progressed = last.progressed;
        }
        let (sample_age, stood_still) = (now.saturating_sub(sampled), now.saturating_sub(progressed));
        let rooms = std::mem::replace(&mut self.rooms, index_rooms(&report, now));
        self.latest =
            Some(Latest { report: Arc::new(report), received: now, read: now, sampled, progressed });
        if stood_still > rules.max_age_ms {
            self.bad(Trouble::Frozen, format!("its seq has stood still for {stood_still} ms"), rules, now);
        } else if sample_age > rules.max_age_ms {
            self.bad(Trouble::Stale, format!("its sample is {sample_age} ms old"), rules, now);
        } else {
            self.good(rules, now);
        }
        rooms
    }

    /// The answer was that nothing changed.
    pub fn unchanged(&mut self, rules: &Health, now: Millis) {
        let Some(latest) = &mut self.latest else {
            // We only ask so of a node that has reported; it must have been replaced since.
            let reason = Trouble::Fetch(usher_common::wire::ProbeFailure::Malformed);
            return self.bad(reason, "unchanged since a report we never had".to_owned(), rules, now);
        };
        latest.read = now;
        let stood_still = now.saturating_sub(latest.progressed);
        if stood_still > rules.max_age_ms {
            self.bad(Trouble::Frozen, format!("its seq has stood still for {stood_still} ms"), rules, now);
        } else {
            self.good(rules, now);
        }
    }

    /// There was no report.
    pub fn failed(&mut self, reason: Trouble, detail: String, rules: &Health, now: Millis) {
        self.bad(reason, detail, rules, now);
    }

    /// It did not answer a question between two reads: at once suspect, and no more than that.
    pub fn silent(&mut self, reason: Trouble, detail: String, rules: &Health, now: Millis) {
        if self.life == Life::Up {
            self.bad(reason, detail, rules, now);
        }
    }

    /// Its page was looked at; tells whether that is news. One that was served is gone when it is missed as
    /// often in a row as reads are before a node is down. What comes after a good read is too late.
    pub fn looked(&mut self, served: bool, rules: &Health) -> bool {
        self.page_missed = if served { 0 } else { self.page_missed.saturating_add(1) };
        let is_doubted = self.page == Some(true) && self.page_missed < rules.fall;
        let is_news = self.misfortune.is_some() && self.page != Some(served) && !is_doubted;
        if is_news {
            self.page = Some(served);
        }
        is_news
    }

    /// Takes note of who came, by the report just taken in. Tells whether the node is left out
    /// from now on because rooms sent there stay empty.
    pub fn observe_traffic(&mut self, params: &Params, now: Millis) -> bool {
        let Some(latest) = &self.latest else { return false };
        self.traffic.reported(&latest.report, latest.sampled, params, now)
    }

    /// Whether rooms are sent here, as far as its life and its operator go.
    #[must_use]
    pub fn is_in_rotation(&self) -> bool {
        let mode = self.latest.as_ref().map(|latest| latest.report.operator.mode);
        matches!(self.life, Life::Up | Life::Suspect) && mode == Some(OperatorMode::Ready)
    }

    fn good(&mut self, rules: &Health, now: Millis) {
        self.tried = true;
        self.misfortune = None;
        self.page = None;
        self.page_missed = 0;
        self.bad = 0;
        self.good = self.good.saturating_add(1);
        if self.life != Life::Down || self.good >= rules.rise {
            self.turn(Life::Up, now);
        }
    }

    fn bad(&mut self, reason: Trouble, detail: String, rules: &Health, now: Millis) {
        self.tried = true;
        let since = self.misfortune.as_ref().map_or(now, |misfortune| misfortune.since);
        self.misfortune = Some(Misfortune { reason, detail, since });
        self.good = 0;
        self.bad = self.bad.saturating_add(1);
        if self.bad >= rules.fall {
            self.turn(Life::Down, now);
        } else if self.life == Life::Up {
            self.turn(Life::Suspect, now);
        }
    }

    fn turn(&mut self, life: Life, now: Millis) {
        if self.life != life {
            self.life = life;
            self.since = now;
        }
    }
}

fn index_rooms(report: &Report, now: Millis) -> Rooms {
    let ago = |ms: u64| now.cast_signed().saturating_sub(i64::try_from(ms).unwrap_or(i64::MAX));
    let mut rooms = Rooms::new();
    for reservation in &report.reservations {
        if let Some(key) = &reservation.room_key {
            let made = ago(reservation.age_ms);
            // Of several promises for one room the earliest counts.
            let earliest = match rooms.get(key) {
                Some(Presence::Promised { made: other }) => made.min(*other),
                _ => made,
            };
            rooms.insert(key.clone(), Presence::Promised { made: earliest });
        }
    }
    for room in report.rooms.iter().flatten() {
        let since = room.age_s.map(|age_s| ago(age_s.saturating_mul(1000)));
        rooms.insert(room.key.clone(), Presence::Live { participants: room.participants, since });
    }
    rooms
}

#[cfg(test)]
mod tests;
