//! The reservations as a value. Pure: `now_ms` is handed in, milliseconds since the Unix epoch.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use usher_common::wire::{NotReady, Refusal, Reservation, ReservationRequest, Room, RoomKey};

/// Bounds of what is promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Load (share of the processors, or JVB's stress times 0.9) from which on nothing more
    /// is promised.
    pub full: f64,
    /// Most reservations held at once: a lost aggregator must not fill the memory.
    pub most: usize,
    /// Longest time one may hold, seconds.
    pub ttl_max_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { full: 0.95, most: 10_000, ttl_max_s: 3600 }
    }
}

/// What is promised, by id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    #[serde(default)]
    room_key: Option<RoomKey>,
    expected: f64,
    made_unix_ms: u64,
    ends_unix_ms: u64,
}

/// The node's state as far as a promise depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Why the node takes no new rooms; empty when it does.
    pub not_ready: &'a [NotReady],
    /// Its load, as in [`Limits::full`]; `None` when unknown.
    pub load: Option<f64>,
}

/// A reservation that was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granted {
    /// It is new.
    New,
    /// The same id holds already; nothing changed.
    Known,
}

impl Book {
    /// Grants a reservation, or says why not. The same id asked twice is one reservation,
    /// even after the node stopped taking rooms: its answer was lost, not its promise.
    pub fn reserve(
        &mut self,
        request: &ReservationRequest,
        standing: Standing<'_>,
        limits: Limits,
        now_ms: u64,
    ) -> Result<Granted, Refusal> {
        self.lapse(now_ms);
        if self.entries.contains_key(&request.id) {
            return Ok(Granted::Known);
        }
        if let Some(refusal) = refusal(standing, limits) {
            return Err(refusal);
        }
        if self.entries.len() >= limits.most {
            return Err(Refusal::Full);
        }
        let ttl_ms = request.ttl_s.min(limits.ttl_max_s).saturating_mul(1000);
        let entry = Entry {
            room_key: request.room_key.clone(),
            expected: request.expected.max(0.0),
            made_unix_ms: now_ms,
            ends_unix_ms: now_ms.saturating_add(ttl_ms),
        };
        self.entries.insert(request.id.clone(), entry);
        Ok(Granted::New)
    }

    /// Takes a reservation back; whether it was there.
    pub fn release(&mut self, id: &str) -> bool {
        self.entries.remove(id).is_some()
    }

    /// Ends the reservations of rooms that are live now: their people are counted there.
    pub fn arrived(&mut self, rooms: &[Room]) -> bool {
        let live = |key: &RoomKey| rooms.iter().any(|room| room.participants > 0 && room.key == *key);
        let before = self.entries.len();
        self.entries.retain(|_, entry| !entry.room_key.as_ref().is_some_and(live));
        self.entries.len() != before
    }

    /// Ends what is over.
    pub fn lapse(&mut self, now_ms: u64) {
        // A clock that was set back must not keep a promise for ever.
        self.entries.retain(|_, entry| entry.ends_unix_ms > now_ms && entry.made_unix_ms <= now_ms);
    }

    /// People promised and not arrived.
    #[must_use]
    pub fn pending(&self, now_ms: u64) -> f64 {
        self.list(now_ms).iter().fold(0.0, |sum, reservation| sum + reservation.expected)
    }

    /// What holds at `now_ms`, oldest first.
    #[must_use]
    pub fn list(&self, now_ms: u64) -> Vec<Reservation> {
        let mut held: Vec<_> = self.entries.iter().filter(|(_, entry)| entry.ends_unix_ms > now_ms).collect();
        held.sort_by(|a, b| (a.1.made_unix_ms, a.0).cmp(&(b.1.made_unix_ms, b.0)));
        held.into_iter()
            .map(|(id, entry)| Reservation {
                id: id.clone(),
                room_key: entry.room_key.clone(),
                expected: entry.expected,
                age_ms: now_ms.saturating_sub(entry.made_unix_ms),
                expires_in_ms: entry.ends_unix_ms - now_ms,
            })
            .collect()
    }
}

fn refusal(standing: Standing<'_>, limits: Limits) -> Option<Refusal> {
    if standing.not_ready.contains(&NotReady::Maintenance) {
        return Some(Refusal::Maint);
    }
    if standing.not_ready.contains(&NotReady::Draining) {
        return Some(Refusal::Draining);
    }
    if !standing.not_ready.is_empty() {
        return Some(Refusal::NotReady);
    }
    standing.load.filter(|load| *load >= limits.full).map(|_| Refusal::Full)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READY: Standing<'_> = Standing { not_ready: &[], load: Some(0.3) };

    fn request(id: &str, room: Option<&str>, ttl_s: u64) -> ReservationRequest {
        let room_key = room.map(|name| RoomKey::of(b"s", "", name));
        ReservationRequest { id: id.to_owned(), room_key, expected: 8.0, ttl_s, seen_seq: None }
    }

    #[test]
    fn the_same_id_is_one_reservation_and_holds_for_its_time() {
        let mut book = Book::default();
        let ask = |book: &mut Book, now| book.reserve(&request("a", None, 60), READY, Limits::default(), now);
        assert_eq!(ask(&mut book, 1000), Ok(Granted::New));
        assert_eq!(ask(&mut book, 2000), Ok(Granted::Known));
        assert_eq!(book.list(2000)[0].age_ms, 1000);
        assert!((book.pending(60_999) - 8.0).abs() < 1e-9);
        assert_eq!(book.list(61_000), []);
        assert_eq!(ask(&mut book, 61_000), Ok(Granted::New));
        assert!(book.release("a") && !book.release("a"));
    }

    #[test]
    fn a_room_that_shows_up_ends_its_reservation_and_no_other() {
        let mut book = Book::default();
        for (id, room) in [("a", Some("x")), ("b", Some("y")), ("c", None)] {
            book.reserve(&request(id, room, 60), READY, Limits::default(), 0).unwrap();
        }
        let live = |participants| [Room { key: RoomKey::of(b"s", "", "x"), participants, age_s: None }];
        assert!(!book.arrived(&live(0)));
        assert!(book.arrived(&live(1)));
        let ids: Vec<_> = book.list(0).into_iter().map(|reservation| reservation.id).collect();
        assert_eq!(ids, ["b", "c"]);
    }

    #[test]
    fn a_node_that_takes_no_rooms_refuses_with_its_reason_but_keeps_what_it_promised() {
        let ask = |not_ready: &[NotReady], load| {
            Book::default().reserve(
                &request("a", None, 60),
                Standing { not_ready, load },
                Limits::default(),
                0,
            )
        };
        assert_eq!(ask(&[NotReady::Draining], Some(0.1)), Err(Refusal::Draining));
        assert_eq!(ask(&[NotReady::Maintenance, NotReady::ContainerDown], None), Err(Refusal::Maint));
        assert_eq!(ask(&[NotReady::JitsiUnhealthy], None), Err(Refusal::NotReady));
        assert_eq!(ask(&[], Some(0.95)), Err(Refusal::Full));
        assert_eq!(ask(&[], None), Ok(Granted::New));
        let mut book = Book::default();
        book.reserve(&request("a", None, 60), READY, Limits::default(), 0).unwrap();
        let draining = Standing { not_ready: &[NotReady::Draining], load: None };
        assert_eq!(book.reserve(&request("a", None, 60), draining, Limits::default(), 1), Ok(Granted::Known));
    }

    proptest! {
        #[test]
        fn the_book_is_bounded_and_nothing_outlives_its_time(
            asks in proptest::collection::vec((0u32..50, 0u64..5000, 0u64..100_000), 0..200)
        ) {
            let limits = Limits { most: 20, ttl_max_s: 60, ..Limits::default() };
            let mut book = Book::default();
            let mut now = 0;
            for (id, ttl_s, step) in asks {
                now += step;
                let answer = book.reserve(&request(&id.to_string(), None, ttl_s), READY, limits, now);
                prop_assert!(answer.is_ok() || answer == Err(Refusal::Full));
                let held = book.list(now);
                prop_assert!(held.len() <= 20);
                prop_assert!(held.iter().all(|one| one.expires_in_ms <= 60_000 && one.expires_in_ms > 0));
            }
        }
    }
}
