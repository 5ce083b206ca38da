//! One placement at a time for each room: the second to ask waits until it is known where the
//! first was sent, and goes there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Queue, OwnedMutexGuard};
use usher_common::wire::RoomKey;

/// The rooms that are just being placed.
#[derive(Debug, Default)]
pub(super) struct Turns {
    rooms: Mutex<HashMap<RoomKey, Arc<Queue<()>>>>,
}

/// The right to place a room, or the wait for it; given up when dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    turns: &'a Turns,
    room: RoomKey,
    queue: Option<Arc<Queue<()>>>,
    held: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for the room's turn.
    pub(super) async fn take(&self, room: &RoomKey) -> Turn<'_> {
        let queue = self.lock().entry(room.clone()).or_default().clone();
        // Made before the wait, so that who stops waiting is counted out too.
        let mut turn = Turn { turns: self, room: room.clone(), queue: Some(queue.clone()), held: None };
        turn.held = Some(queue.lock_owned().await);
        turn
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomKey, Arc<Queue<()>>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.held = None;
        self.queue = None;
        let mut rooms = self.turns.lock();
        if rooms.get(&self.room).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            rooms.remove(&self.room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_other_rooms_do_not() {
        let (room, other) = (RoomKey::of(b"s", "", "a"), RoomKey::of(b"s", "", "b"));
        let turns = Turns::default();
        let first = turns.take(&room).await;
        let mut second = Box::pin(turns.take(&room));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(turns.take(&other).await);
        drop(first);
        drop(second.await);
        assert!(turns.lock().is_empty(), "nothing is kept of rooms that are placed");
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_behind() {
        let room = RoomKey::of(b"s", "", "a");
        let turns = Turns::default();
        let first = turns.take(&room).await;
        let mut second = Box::pin(turns.take(&room));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        drop(second);
        assert!(turns.lock().is_empty());
    }
}
