//! Where rooms were sent, for those that no report shows: nobody is in them now, but
//! the name still leads everyone to one place.

use std::collections::HashMap;

use usher_common::wire::{NodeId, RoomKey};

use crate::clock::Millis;

/// Most rooms remembered: about 20 MB. Beyond it those asked for longest ago are forgotten.
const MOST: usize = 100_000;

/// Room to node, each forgotten a while after it was last asked for.
#[derive(Debug, Clone)]
pub struct Memory {
    keep_ms: u64,
    agreed_ms: u64,
    most: usize,
    rooms: HashMap<RoomKey, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    node: NodeId,
    asked: Millis,
    /// When the replicas were last found to agree on it.
    agreed: Option<Millis>,
}

impl Memory {
    /// An empty memory that keeps a room for `keep_ms` after it was last asked for, and passes on what
    /// the replicas agreed on for `agreed_ms`.
    #[must_use]
    pub fn new(keep_ms: u64, agreed_ms: u64) -> Self {
        Self { keep_ms, agreed_ms, most: MOST, rooms: HashMap::new() }
    }

    /// Where a room was sent.
    #[must_use]
    pub fn find(&self, room: &RoomKey, now: Millis) -> Option<&NodeId> {
        let entry = self.rooms.get(room)?;
        (now.saturating_sub(entry.asked) <= self.keep_ms).then_some(&entry.node)
    }

    /// Where a room is by what the replicas agreed on just now.
    #[must_use]
    pub fn agreed(&self, room: &RoomKey, now: Millis) -> Option<&NodeId> {
        let entry = self.rooms.get(room)?;
        (now.saturating_sub(entry.agreed?) <= self.agreed_ms).then_some(&entry.node)
    }

    /// Somebody was sent to a room that the replicas agreed on.
    pub fn agree(&mut self, room: &RoomKey, node: NodeId, now: Millis) {
        self.remember(room.clone(), node, now);
        if let Some(entry) = self.rooms.get_mut(room) {
            entry.agreed = Some(now);
        }
    }

    /// Somebody was sent to a room.
    pub fn remember(&mut self, room: RoomKey, node: NodeId, now: Millis) {
        if self.rooms.len() >= self.most && !self.rooms.contains_key(&room) {
            self.make_space(now);
        }
        let agreed = self.rooms.get(&room).filter(|entry| entry.node == node).and_then(|entry| entry.agreed);
        self.rooms.insert(room, Entry { node, asked: now, agreed });
    }

    /// Rooms remembered, lapsed ones included until they are swept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// Drops what has lapsed; where that is too little, the older half.
    fn make_space(&mut self, now: Millis) {
        self.rooms.retain(|_, entry| now.saturating_sub(entry.asked) <= self.keep_ms);
        if self.rooms.len() >= self.most {
            let mut times: Vec<Millis> = self.rooms.values().map(|entry| entry.asked).collect();
            let (_, median, _) = times.select_nth_unstable(self.most / 2);
            let median = *median;
            self.rooms.retain(|_, entry| entry.asked > median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREED_MS: u64 = 1000;

    fn key(index: usize) -> RoomKey {
        RoomKey::of(b"s", "", &index.to_string())
    }

    #[test]
    fn asking_again_keeps_a_room_and_silence_forgets_it() {
        let mut memory = Memory::new(100, AGREED_MS);
        let node = NodeId::parse("vm1").unwrap();
        memory.remember(key(1), node.clone(), 0);
        assert_eq!(memory.find(&key(1), 100), Some(&node));
        assert_eq!(memory.find(&key(1), 101), None);
        memory.remember(key(1), node.clone(), 90);
        assert_eq!(memory.find(&key(1), 190), Some(&node));
        assert_eq!(memory.find(&key(2), 0), None);
    }

    #[test]
    fn what_was_agreed_holds_for_a_moment_however_often_it_is_asked_for() {
        let mut memory = Memory::new(u64::MAX, AGREED_MS);
        let [one, two] = ["vm1", "vm2"].map(|name| NodeId::parse(name).unwrap());
        memory.remember(key(1), one.clone(), 0);
        assert_eq!(memory.agreed(&key(1), 0), None);
        memory.agree(&key(1), one.clone(), 0);
        memory.remember(key(1), one.clone(), 900);
        assert_eq!(memory.agreed(&key(1), AGREED_MS), Some(&one));
        assert_eq!(memory.agreed(&key(1), AGREED_MS + 1), None);
        memory.agree(&key(1), one, 2000);
        memory.remember(key(1), two, 2000);
        assert_eq!(memory.agreed(&key(1), 2000), None, "it was sent elsewhere since");
    }

    #[test]
    fn it_never_grows_beyond_its_bound_and_forgets_the_oldest() {
        let mut memory = Memory { most: 100, ..Memory::new(u64::MAX, AGREED_MS) };
        let node = NodeId::parse("vm1").unwrap();
        for index in 0..=100 {
            memory.remember(key(index), node.clone(), index as u64);
        }
        assert!(memory.len() <= 100);
        assert_eq!(memory.find(&key(0), 100), None);
        assert_eq!(memory.find(&key(100), 100), Some(&node));
    }
}
