//! What happens next: events by time, those of one moment in the order they were put in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::vm::Figures;

/// Something that will happen.
#[derive(Debug, Clone)]
pub enum Event {
    /// A person asks the aggregator.
    Ask { room: u32, entry: u32 },
    /// A person arrives in the conference, or tries to open the room's URL.
    Join { room: u32, entry: u32 },
    /// A person leaves.
    Leave { room: u32, entry: u32 },
    /// A replica asks a group of agents.
    Scrape { replica: usize, group: usize },
    /// Their answers arrive; `None` is a failure.
    Reports { replica: usize, reports: Vec<(usize, Option<Figures>)> },
    /// The sinkhole of the world opens, or closes again.
    Sinkhole { open: bool },
    /// A replica goes through its slow estimators.
    Learn { replica: usize },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
    count: u64,
}

impl Queue {
    pub(super) fn put(&mut self, at_ms: u64, event: Event) {
        self.count += 1;
        self.heap.push(Reverse(Entry { at_ms, number: self.count, event }));
    }

    /// When the next event is due.
    pub(super) fn next_at_ms(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.0.at_ms)
    }

    pub(super) fn take(&mut self) -> Option<Event> {
        self.heap.pop().map(|entry| entry.0.event)
    }
}

#[derive(Debug, Clone)]
struct Entry {
    at_ms: u64,
    number: u64,
    event: Event,
}

impl Entry {
    fn place(&self) -> (u64, u64) {
        (self.at_ms, self.number)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}
